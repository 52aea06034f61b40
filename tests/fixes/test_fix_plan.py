from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, HostFacts, InterpreterFacts, TargetFacts
from dartenv.fixes.paths import sha256
from dartenv.fixes.plan import Refusal, from_json, groups, new_plan, to_json, versions_of
from dartenv.fixes.preconditions import check_preconditions
from dartenv.fixes.steps import (
    DisplayOnly,
    EditFile,
    MovePath,
    Need,
    RegistryValue,
    RemoveFile,
    RunCommand,
    Safety,
    SetRegistryValue,
    WriteFile,
)


def common(number, *fixes, **more):
    return {"id": f"s{number}", "fixes": fixes or ("f",), "reason": "because", **more}


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200), text=st.text(max_size=30), number=st.integers(0, 2**32))
def test_every_kind_of_step_survives_json(content, text, number):
    steps = [
        EditFile(**common(1), path="/a b/主.py", old_sha256="00", content=content, diff="+x"),
        WriteFile(**common(2), path="/new", content=content, mode=0o755),
        RemoveFile(**common(3), path="/gone", old_sha256="11"),
        MovePath(**common(4), path="/from", destination="/to"),
        RunCommand(**common(5), argv=("/bin/x", text), undo_argv=("/bin/y",), env={"A": "b"}),
        SetRegistryValue(
            **common(6, safety=Safety.UNSAFE, needs=(Need.ADMIN, Need.RESTART)),
            hive="HKEY_LOCAL_MACHINE",
            key="a\\b",
            name="n",
            value=RegistryValue(type=4, number=number),
        ),
        DisplayOnly(**common(7, safety=Safety.DISPLAY_ONLY), text=text, commands=("do it",)),
    ]
    plan = new_plan(
        TargetFacts(dart_root="/dart"), steps, [Refusal(fix="g", reason="no")], {"numpy": "1.24"}
    )
    assert from_json(to_json(plan)) == plan


def test_a_plan_of_a_newer_schema_is_refused_with_the_schemas_named():
    data = json.loads(to_json(new_plan(TargetFacts(), [])))
    data["schema"] = 99
    with pytest.raises(UsageFault, match=r"schema 99.*schema 1"):
        from_json(json.dumps(data).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"schema": 1}', b"\xff\xfe", b'{"schema": 1, "run": 5}', b"null"],
)
def test_what_is_no_plan_is_refused_in_one_line(data):
    with pytest.raises(UsageFault) as caught:
        from_json(data, "plan.json")
    assert "plan.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_steps_with_one_id_are_refused_when_made_and_when_read():
    twin = DisplayOnly(**common(1), text="x")
    with pytest.raises(ValueError, match="s1"):
        new_plan(TargetFacts(), [twin, twin])
    data = json.loads(to_json(new_plan(TargetFacts(), [twin])))
    data["steps"] *= 2
    with pytest.raises(UsageFault, match="s1"):
        from_json(json.dumps(data).encode())


def test_fixes_that_share_a_step_are_one_group_and_display_only_is_in_none():
    def step(number, *fixes):
        return MovePath(**common(number, *fixes), path="/x", destination="/y")

    steps = [
        step(1, "a"),
        step(2, "b", "c"),
        step(3, "c", "a"),
        step(4, "d"),
        DisplayOnly(**common(5, "d", "a"), text="by hand"),
    ]
    found = groups(steps)
    assert [(set(group.fixes), [step.id for step in group.steps]) for group in found] == [
        ({"a", "b", "c"}, ["s1", "s2", "s3"]),
        ({"d"}, ["s4"]),
    ]


def test_versions_come_from_the_facts_and_a_difference_breaks_the_whole_plan(bench):
    host = HostFacts(system="windows", release="10", version="10.0", machine="amd64", bits=64)
    facts = Facts(host=host, interpreter=InterpreterFacts(executable="py", version="3.8.8"))
    versions = versions_of(facts)
    assert versions["system"] == "windows"
    assert versions["python"] == "3.8.8"
    plan = new_plan(TargetFacts(), [], versions=versions)
    assert check_preconditions(plan, versions) == []
    (broken,) = check_preconditions(plan, {**versions, "python": "3.11.9"})
    assert broken.fixes == ()
    assert "3.8.8" in broken.why
    assert "3.11.9" in broken.why


def test_each_broken_precondition_is_one_line_with_the_fix_it_stops(bench, tmp_path: Path):
    changed = bench.put("changed.py", b"old")
    steps = [
        bench.edit(changed, b"new", "changed"),
        EditFile(
            **common(2, "gone"), path=str(bench.root / "gone.py"), old_sha256="0", content=b""
        ),
        WriteFile(**common(3, "there"), path=str(bench.put("there", b"")), content=b"x"),
        EditFile(**common(4, "folder"), path=str(bench.root), old_sha256="0", content=b""),
        MovePath(
            **common(5, "onto"),
            path=str(bench.put("m", b"")),
            destination=str(bench.root / "there"),
        ),
        MovePath(
            **common(6, "into"), path=str(bench.root), destination=str(bench.root / "a" / "b")
        ),
        EditFile(**common(7, "relative"), path="here.py", old_sha256="0", content=b""),
        RunCommand(**common(8, "program"), argv=("pip", "install")),
        WriteFile(**common(9, "under-a-file"), path=str(changed / "below"), content=b""),
        bench.edit(bench.put("fine.py", b"1"), b"2", "fine"),
    ]
    changed.write_bytes(b"edited")
    broken = check_preconditions(bench.plan(*steps))
    assert [b.fixes[0] for b in broken] == [step.fixes[0] for step in steps[:-1]]
    assert all("\n" not in b.why for b in broken)
    whys = {b.fixes[0]: b.why for b in broken}
    assert "changed since the plan was made" in whys["changed"]
    assert "not there" in whys["gone"]
    assert "there already" in whys["there"]
    assert "not a regular file" in whys["folder"]
    assert "absolute" in whys["relative"]
    assert "absolute" in whys["program"]
    assert "lies inside" in whys["into"]


def test_content_is_hashed_as_it_is():
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
