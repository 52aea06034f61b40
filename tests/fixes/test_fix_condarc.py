"""Python indexes taken out of .condarc files, every other byte kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Tuple, Union

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.checks import all_checks
from dartenv.checks.finding import Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.conda import read_condarc
from dartenv.facts.model import CondaFacts, CondarcFacts, Facts, TargetFacts
from dartenv.fixes.apply import apply
from dartenv.fixes.condarc import TooOdd, plan_channels, without_channels
from dartenv.fixes.plan import Refusal, new_plan
from dartenv.fixes.steps import AnyStep, EditFile
from dartenv.fixes.undo import undo
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()
BAD = "https://mirrors.example.cn/pypi/web/simple"


def bad(channel: str) -> bool:
    return channel.rstrip("/").endswith("/simple")


def facts_of(*paths: Path) -> Facts:
    rcs = tuple(read_condarc(str(path), 1_000_000) for path in paths)
    return Facts(conda=CondaFacts(condarcs=rcs), target=TargetFacts(profile="windows-cu118"))


def planned(facts: Facts) -> Tuple[List[AnyStep], List[Refusal]]:
    found: List[Union[AnyStep, Refusal]] = list(plan_channels(facts, MANIFESTS, facts.target))
    steps = [item for item in found if not isinstance(item, Refusal)]
    return steps, [item for item in found if isinstance(item, Refusal)]


def status(facts: Facts) -> Status:
    all_checks()
    context = Context(facts, MANIFESTS.profile("windows-cu118"), MANIFESTS)
    (one,) = run_checks(context, REGISTRY.select(["conda.channels"]))
    return one.status


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"# mine\nchannels:\n  - {BAD}/  # fast\n  - defaults\nshow_channel_urls: true\n",
            "# mine\nchannels:\n  - defaults\nshow_channel_urls: true\n",
        ),
        (  # not indented, quoted, twice, no line end at the end
            f"channels:\n- defaults\n- '{BAD}'\n# kept\n- \"{BAD}/\"",
            "channels:\n- defaults\n# kept\n",
        ),
        (  # the list would be empty: so the key goes, the comments stay
            f"a: 1\nchannels: # which\n  # why\n  - {BAD}\n  # end\nb: 2\n",
            "a: 1\n  # why\n  # end\nb: 2\n",
        ),
        (f"channels:\n  - {BAD}\n", ""),
        (f"channels: [{BAD}, defaults]\n", "channels: [defaults]\n"),
        (  # a channel twice: its first place stays, in each list by itself
            "channels:\n  - a # one\n  - b\n  - a/ # two\n  - 'a'\ndefault_channels: [b, a, b]\n",
            "channels:\n  - a # one\n  - b\ndefault_channels: [b, a]\n",
        ),
        (f"channels: [a, {BAD}, a]\n", "channels: [a]\n"),
        (f"channels: [ defaults ,  {BAD} ]  # x\n", "channels: [ defaults ]  # x\n"),
        (f"channels: [a, '{BAD}', b, {BAD}/, c]\n", "channels: [a, b, c]\n"),
        (f"channels: [{BAD}]\nx: 1\n", "x: 1\n"),
        (f"channels: {BAD}\nx: 1\n", "x: 1\n"),
        (f"x: 1\nchannels: '{BAD}' # y", "x: 1\n"),
        (
            f"channels: [\n  a, # first\n  {BAD}, # second\n  b\n]\n",
            "channels: [\n  a, # first\n  b\n]\n",
        ),
        (
            f"channels: [\n  a, # first\n  {BAD} # second\n]\n",
            "channels: [\n  a, # first\n]\n",
        ),
        (f"channels: [a, # first\n  {BAD}]\n", "channels: [a, # first\n  ]\n"),
        (f"channels: [{BAD}, # first\n  a]\n", "channels: [# first\n  a]\n"),
        (
            f"default_channels:\n  - {BAD}\n  - b\nchannels:\n  - {BAD}\n",
            "default_channels:\n  - b\n",
        ),
        (
            f"custom_channels:\n  x: {BAD}\nchannels:\n  - {BAD}\n  - x\n",
            f"custom_channels:\n  x: {BAD}\nchannels:\n  - x\n",
        ),
        (f"{{channels: [a, {BAD}], b: 1}}\n", "{channels: [a], b: 1}\n"),
        (f"---\nchannels:\n  -   {BAD}\n  -   a\n", "---\nchannels:\n  -   a\n"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_only_the_index_goes(before: str, after: str, ends: str) -> None:
    new, removed = without_channels(before.replace("\n", ends), bad)
    assert new == after.replace("\n", ends)
    assert removed
    assert without_channels(new, bad) == (new, [])


@pytest.mark.parametrize(
    "text",
    [
        f"a: &all [{BAD}, b]\nchannels: *all\n",
        f"{{channels: [{BAD}]}}\n",
        f"channels: &x\n  - {BAD}\nother: *x\n",
        f"? channels\n: - {BAD}\n  - b\n",
        f"channels: [a # why\n  , {BAD}]\n",
        "channels: [\n",
    ],
)
def test_what_would_be_guessed_is_refused(text: str) -> None:
    try:
        new, _ = without_channels(text, bad)
    except TooOdd:
        return
    # Where it is not refused, it must be right.
    assert BAD not in str(yaml.safe_load(new).get("channels"))


def test_aliases_without_end_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    text = "\n".join([*lines, f"channels: [{BAD}]", "<<: [*a9, *a9]"])
    with pytest.raises(TooOdd, match="aliases"):
        without_channels(text, bad)


def test_a_file_is_edited_seen_right_and_taken_back(tmp_path: Path) -> None:
    home = tmp_path / "李 明"
    home.mkdir()
    rc, other = home / ".condarc", home / "other.yml"
    # GBK comments and CRLF, as Notepad saves them on a Chinese Windows.
    text = f"# 清华镜像\r\nchannels:\r\n  - {BAD}\r\n  - defaults  # 默认\r\n"
    rc.write_bytes(text.encode("gbk"))
    other.write_bytes(b"channels: [conda-forge]\n")
    old = rc.read_bytes()
    facts = facts_of(rc, other)
    assert status(facts) is Status.FAIL
    steps, refusals = planned(facts)
    assert refusals == []
    assert [type(step) for step in steps] == [EditFile]
    state = tmp_path / "state"
    report = apply(new_plan(facts.target, steps), [step.id for step in steps], state=state)
    assert report.exit_code == 0
    assert rc.read_bytes() == old.replace(f"  - {BAD}\r\n".encode("ascii"), b"")
    again = facts_of(rc, other)
    assert status(again) is Status.OK
    assert planned(again) == ([], [])
    undo(state)
    assert rc.read_bytes() == old


def test_a_file_with_a_byte_order_mark_keeps_it(tmp_path: Path) -> None:
    rc = tmp_path / ".condarc"
    rc.write_bytes(b"\xef\xbb\xbfchannels:\n  - " + BAD.encode() + b"\nx: 1\n")
    (step,), refusals = planned(facts_of(rc))
    assert refusals == []
    assert isinstance(step, EditFile)
    assert step.content == b"\xef\xbb\xbfx: 1\n"


def test_the_same_file_under_two_names_is_edited_once(tmp_path: Path) -> None:
    rc = tmp_path / ".condarc"
    rc.write_text(f"channels: [{BAD}, a]\n", encoding="utf-8")
    steps, _ = planned(facts_of(rc, tmp_path / "." / ".condarc"))
    assert len(steps) == 1


def test_read_only_broken_and_foreign_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    closed, broken, bytes_ = (tmp_path / name for name in ("closed", "broken", "bytes"))
    closed.write_text(f"channels: [{BAD}]\n", encoding="utf-8")
    closed.chmod(0o444)
    broken.write_text(f"channels: [{BAD}\n", encoding="utf-8")
    bytes_.write_bytes(b"channels: [" + BAD.encode() + b"]\n# \xff\xff\n")
    rcs = (
        *(read_condarc(str(path), 1_000_000) for path in (closed, broken)),
        CondarcFacts(path=str(bytes_), channels=(BAD,)),
    )
    steps, refusals = planned(Facts(conda=CondaFacts(condarcs=rcs)))
    closed.chmod(0o644)
    assert steps == []
    reasons = {Path(refusal.path or "").name: refusal.reason for refusal in refusals}
    assert "read-only" in reasons["closed"]
    assert "not YAML" in reasons["broken"]
    assert "neither UTF-8 nor GBK" in reasons["bytes"]


def test_a_link_keeps_being_one(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("links need rights on Windows")
    real = tmp_path / "dotfiles"
    real.write_text(f"channels: [{BAD}, a]\n", encoding="utf-8")
    link = tmp_path / ".condarc"
    link.symlink_to(real)
    facts = facts_of(link)
    steps, _ = planned(facts)
    apply(new_plan(facts.target, steps), [s.id for s in steps], state=tmp_path / "state")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "channels: [a]\n"


ITEMS = st.sampled_from(["defaults", "conda-forge", BAD, f'"{BAD}/"', "'a b'", f"{BAD}  # 注"])
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def condarcs(draw: st.DrawFn) -> str:
    end = draw(ENDS)
    lines: List[str] = draw(
        st.lists(st.sampled_from(["# 说明", "ssl_verify: true", ""]), max_size=2)
    )
    lines = list(dict.fromkeys(lines))
    for name in draw(st.lists(st.sampled_from(["channels", "default_channels"]), unique=True)):
        items = draw(st.lists(ITEMS, min_size=1, max_size=4))
        if draw(st.booleans()):
            lines.append(f"{name}: [" + ", ".join(i.split("  #")[0] for i in items) + "]")
        else:
            indent = draw(st.sampled_from(["", "  "]))
            lines.append(f"{name}:")
            lines += [f"{indent}- {item}" for item in items]
    lines.append(draw(st.sampled_from(["always_yes: false", "# end"])))
    return end.join(lines) + draw(st.sampled_from(["", end]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(condarcs())
def test_whatever_the_style_the_rest_is_kept(text: str) -> None:
    old = yaml.safe_load(text) or {}
    new, removed = without_channels(text, bad)
    again = yaml.safe_load(new) or {}
    for name in ("channels", "default_channels"):
        good = [c for c in old.get(name, []) if not bad(c)]
        left = list(dict.fromkeys(good))
        assert again.get(name, []) == left
        assert name not in again or again[name]
    assert {k: v for k, v in again.items() if "channels" not in k} == {
        k: v for k, v in old.items() if "channels" not in k
    }
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in new.splitlines() if line.startswith("#")
    ]
    lists = [old[name] for name in old if "channels" in name]
    assert len(removed) == sum(len(a) for a in lists) - sum(
        len({c for c in listed if not bad(c)}) for listed in lists
    )
