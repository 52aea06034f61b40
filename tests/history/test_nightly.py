"""The nightly run, its doctor and its smoke tests replaced by ones that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

from dartenv import nightly as module
from dartenv.checks.finding import Finding, Status
from dartenv.examine import Examined, Request
from dartenv.facts.model import DistributionFacts, Facts, InterpreterFacts
from dartenv.history.model import KILLED, Run
from dartenv.history.store import History, default_path
from dartenv.manifests.loader import default_manifests
from dartenv.nightly import Night, nightly
from dartenv.report.model import Report
from dartenv.smoke.result import RunRecord, SmokeResult
from dartenv.smoke.runner import Outcome
from dartenv.target import NightlyConfig, Target


class World:
    """What doctor and smoke answer tonight."""

    def __init__(self) -> None:
        self.fps = 50.0
        self.torch = "2.4.1"
        self.ran: List[str] = []

    def examine(self, request: Request) -> Examined:
        inside = InterpreterFacts(
            executable="/p",
            version="3.8.8",
            distributions=(DistributionFacts(name="torch", version=self.torch),),
        )
        ok = Finding(check="gpu.driver", status=Status.OK, summary="fine")
        profile = default_manifests().profile("linux-cpu")
        report = Report(findings=(ok,), seconds=1.0)
        return Examined(Facts(interpreter=inside), profile, report)

    def smoke(self, request: Request, options: Any, facts: Facts) -> List[SmokeResult]:
        (name,) = options.names
        self.ran.append(name)
        run = RunRecord(
            variant="",
            command=("python",),
            log="",
            outcome=Outcome(end="exit", rc=0, peak_memory=1000),
            metrics={"fps": self.fps},
        )
        return [
            SmokeResult(
                scenario=name,
                size=options.size,
                device="cpu",
                ran_on="cpu",
                seed=0,
                passed=True,
                runs=(run,),
                folder="/nowhere",
            )
        ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(module, "examine", made.examine)
    monkeypatch.setattr(module, "run_smokes", made.smoke)
    return made


def night(tmp_path: Path, **config: Any) -> Night:
    request = Request(manifests=default_manifests(), target=Target(dart_root="/dart", python="/p"))
    settings = NightlyConfig(name="box", scenarios=("rollout",), **config)
    return nightly(request, settings, tmp_path / "state", lambda text: None)


def test_a_slower_night_is_suspected_then_confirmed_with_what_changed(
    tmp_path: Path, world: World
) -> None:
    for _ in range(6):
        assert night(tmp_path).report.exit_code == 0
    world.fps, world.torch = 30.0, "2.5.0"
    first = night(tmp_path).report
    assert first.exit_code == 0  # a warning
    assert [(f.status, f.check) for f in first.findings[-1:]] == [
        (Status.WARN, "nightly.regression")
    ]
    second = night(tmp_path).report
    assert second.exit_code == 1
    finding = second.findings[-1]
    assert finding.status is Status.FAIL
    assert "smoke.rollout.fps is worse: -40%" in finding.summary
    assert finding.evidence == ("changed: package torch 2.4.1 -> 2.5.0",)
    with History(default_path(tmp_path / "state")) as history:
        assert len(history.runs(machine="box")) == 8


def test_a_killed_run_is_named_by_the_next_one(tmp_path: Path, world: World) -> None:
    state = tmp_path / "state"
    with History(default_path(state)) as history:
        dead = Run(id="x1", machine="box", profile="p", started_at="2026-11-01T02:00:00+00:00")
        history.begin(dead, 2**30, 1.0)
    report = night(tmp_path).report
    assert report.notes == ("run x1 of 2026-11-01T02:00:00+00:00 was killed",)
    with History(default_path(state)) as history:
        assert {r.id: r.state for r in history.runs()}["x1"] == KILLED


def test_without_time_left_a_scenario_is_skipped_and_says_so(tmp_path: Path, world: World) -> None:
    report = night(tmp_path, minutes=0.1).report
    assert world.ran == []
    skipped = [f for f in report.findings if f.check == "smoke.rollout"]
    assert [f.status for f in skipped] == [Status.SKIP]
    assert "limit of 0.1 minutes" in skipped[0].summary


def test_a_history_that_cannot_be_written_ends_no_run(tmp_path: Path, world: World) -> None:
    state = tmp_path / "state"
    state.mkdir()
    default_path(state).write_bytes(b"not a database" * 100)
    made = night(tmp_path)
    assert world.ran == ["rollout"]
    assert any("not written or read" in note for note in made.report.notes)


def test_a_fault_of_our_own_is_recorded_as_failed(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(request: Request) -> Examined:
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "examine", broken)
    with pytest.raises(RuntimeError, match="boom"):
        night(tmp_path)
    with History(default_path(tmp_path / "state")) as history:
        assert [run.state for run in history.runs()] == ["failed"]
