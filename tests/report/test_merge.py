"""Reports of several machines read together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict

import msgspec
import pytest
from typer.testing import CliRunner

from dartenv.checks.finding import Finding, Status
from dartenv.cli.app import assemble
from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, TargetFacts
from dartenv.report.json import render_json
from dartenv.report.merge import merge, named
from dartenv.report.model import Report


def written(
    folder: Path,
    name: str,
    statuses: Dict[str, Status],
    *,
    driver: str = "531.79",
    profile: str = "windows-cu118",
    taken: str = "2026-09-26T03:15:00+00:00",
    machine: str = "",
) -> Path:
    bad = any(status is Status.FAIL for status in statuses.values())
    report = Report(
        target=TargetFacts(profile=profile),
        taken_at=taken,
        machine=machine,
        facts={"driver": driver, "system": "Windows 11"} if driver else {},
        findings=tuple(
            Finding(check=check, status=status, summary="it is")
            for check, status in statuses.items()
        ),
        exit_code=1 if bad else 0,
    )
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_json(report), encoding="utf-8")
    return path


@pytest.fixture
def three(tmp_path: Path) -> Dict[str, Path]:
    fine = {"gpu.driver": Status.OK, "packages.torch": Status.OK}
    return {
        "alpha": written(tmp_path, "alpha.json", fine),
        "beta": written(tmp_path, "beta/report.json", {**fine, "packages.torch": Status.FAIL}),
        "gamma": written(tmp_path, "any.json", fine, driver="451.82", machine="gamma"),
    }


def test_who_differs_from_the_others(three: Dict[str, Path]) -> None:
    fleet = merge(list(three.values()))
    assert [machine.name for machine in fleet.machines] == ["alpha", "beta", "gamma"]
    assert [machine.verdict for machine in fleet.machines] == ["healthy", "not ready", "healthy"]
    told = {one.what: (one.common, one.others) for one in fleet.differs}
    assert told == {
        "driver": ("531.79", {"gamma": "451.82"}),
        "packages.torch": ("ok", {"beta": "fail"}),
    }


def test_without_a_majority_everyone_is_named(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, f"{name}.json", {}, driver=driver)
        for name, driver in (("a", "1"), ("b", "2"))
    ]
    (one,) = merge(paths).differs
    assert (one.common, one.others) == ("no majority", {"a": "1", "b": "2"})


def test_a_report_without_facts_says_nothing_about_them(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{name}.json", {}) for name in "ab"]
    paths.append(written(tmp_path, "c.json", {}, driver=""))
    assert merge(paths).differs == ()


def test_the_gravest_finding_of_a_check_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", {"source.posixpath": Status.OK})
    report = msgspec.json.decode(path.read_bytes(), type=Report)
    more = Finding(check="source.posixpath", status=Status.FAIL, summary="also")
    both = msgspec.structs.replace(report, findings=(more, *report.findings))
    path.write_text(render_json(both), encoding="utf-8")
    assert merge([path]).machines[0].statuses == {"source.posixpath": "fail"}


def test_of_two_reports_of_a_machine_the_newer_one_is_taken(tmp_path: Path) -> None:
    old = written(
        tmp_path, "1.json", {"a.b": Status.FAIL}, machine="m", taken="2026-09-25T03:15:00+00:00"
    )
    new = written(tmp_path, "2.json", {"a.b": Status.OK}, machine="m")
    for order in ([old, new], [new, old]):
        fleet = merge(order)
        assert [machine.statuses for machine in fleet.machines] == [{"a.b": "ok"}]
        assert len(fleet.unread) == 1


def test_a_name_that_is_given_counts_before_the_reports_own(
    three: Dict[str, Path], tmp_path: Path
) -> None:
    same = [written(tmp_path, f"{n}.json", {}, machine="localhost") for n in (1, 2)]
    assert len(merge(same).machines) == 1
    arguments = [f"one={same[0]}", f"two={same[1]}"]
    given = [named(text) for text in arguments]
    names = {path: name for name, path in given if name is not None}
    fleet = merge([path for _, path in given], names)
    assert [machine.name for machine in fleet.machines] == ["one", "two"]
    odd = written(tmp_path, "a=b.json", {})
    assert named(str(odd)) == (None, odd)


def test_one_bad_file_does_not_lose_the_others(three: Dict[str, Path], tmp_path: Path) -> None:
    bad = {
        "not a report": tmp_path / "text.json",
        "facts of a machine": tmp_path / "facts.json",
        "schema 99": tmp_path / "newer.json",
        "without findings": tmp_path / "other.json",
        "cannot be read": tmp_path / "gone.json",
    }
    bad["not a report"].write_bytes(b"\xff\xfe{")
    bad["facts of a machine"].write_bytes(msgspec.json.encode(Facts()))
    bad["schema 99"].write_text('{"schema": 99, "findings": []}', encoding="utf-8")
    bad["without findings"].write_text('{"a": 1}', encoding="utf-8")
    fleet = merge([*three.values(), *bad.values()])
    assert len(fleet.machines) == 3
    for words, line in zip(bad, fleet.unread):
        assert words in line
    with pytest.raises(UsageFault, match="not a report"):
        merge([bad["not a report"]])


def test_the_command_prints_writes_and_answers(three: Dict[str, Path], tmp_path: Path) -> None:
    run = CliRunner()
    paths = [str(path) for path in three.values()]
    page = tmp_path / "舰队.html"
    done = run.invoke(assemble(), ["report", "merge", *paths, "--html", str(page)])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert "3 machines, 2 healthy" in lines
    assert any(line.split() == ["gamma", "451.82"] for line in lines)
    assert "451.82" in page.read_text(encoding="utf-8")
    as_json = run.invoke(assemble(), ["report", "merge", *paths, "--format", "json"])
    assert json.loads(as_json.stdout)["machines"][1]["statuses"]["packages.torch"] == "fail"
    half = run.invoke(assemble(), ["report", "merge", paths[0], str(tmp_path / "gone.json")])
    assert half.exit_code == 2
    assert "alpha" in half.stdout
    assert run.invoke(assemble(), ["report", "merge", paths[0]]).exit_code == 0
