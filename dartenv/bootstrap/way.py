"""The whole way: every stage in turn, each planned on what the one before it left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Protocol, Sequence

import msgspec

from dartenv.bootstrap.outcome import (
    ALREADY,
    DONE,
    FAILED,
    LEFT,
    NOT_RUN,
    ByHand,
    Outcome,
    StageOutcome,
)
from dartenv.bootstrap.proof import SCENARIOS, digest, proof_of, prove, to_run
from dartenv.bootstrap.record import Record, load, save
from dartenv.bootstrap.stages import STAGES, Prepared, Stage, Stages
from dartenv.errors import DartenvError
from dartenv.fetch.fetcher import Fetcher
from dartenv.fixes.acts import Hands
from dartenv.fixes.apply import apply
from dartenv.fixes.events import OnEvent
from dartenv.fixes.lock import hold
from dartenv.fixes.report import ApplyReport
from dartenv.fixes.report import Outcome as FixOutcome
from dartenv.fixes.steps import AnyStep, DisplayOnly, runnable
from dartenv.smoke.ort_needs import ort_hindrance
from dartenv.smoke.result import SmokeResult

COMMAND = "dartenv bootstrap"


class Watcher(Protocol):
    """Is told how far it is; what it shows is its own business."""

    on_event: Optional[OnEvent]

    def begins(self, title: str) -> None:
        """A stage begins."""

    def ended(self, stage: StageOutcome) -> None:
        """A stage ended."""

    def smoked(self, result: SmokeResult) -> None:
        """A smoke test ended."""

    def smoking(self, text: str) -> None:
        """What a smoke test is at."""


Fetched = Callable[[Sequence[AnyStep], Path], Fetcher]


class Way:
    """One bootstrap of one folder."""

    def __init__(
        self,
        stages: Stages,
        state: Path,
        watcher: Watcher,
        fetched: Fetched,
        *,
        smoke: bool = True,
        stand_ins: bool = True,
        without: Sequence[str] = (),
    ) -> None:
        self.stages = stages
        self.state = state
        self.watcher = watcher
        self.fetched = fetched
        self.smoke = smoke
        self.stand_ins = stand_ins
        self.without = tuple(without)
        self._outcomes: List[StageOutcome] = []
        self._by_hand: Dict[str, ByHand] = {}
        self._stand_ins: Dict[str, None] = {}

    def go(self) -> Outcome:
        """Every stage that is not done yet, then the smoke tests. Raises UsageFault and Locked."""
        started = time.monotonic()
        stopped: Optional[str] = None
        with hold(self.state, COMMAND):
            for stage in STAGES:
                if stage.id in self.without or self.stages.skips(stage):
                    continue
                if stopped is not None:
                    self._end(stage.id, stage.title, NOT_RUN, f"{stopped} comes first", 0.0)
                    continue
                if not self._stage(stage) and stage.fatal:
                    stopped = stage.title
        if self.smoke:
            self._prove(stopped)
        layout = self.stages.layout
        return Outcome(
            folder=str(layout.folder),
            dart_root=str(layout.tree),
            python=self.stages.python(),
            profile=self.stages.profile.id,
            stages=tuple(self._outcomes),
            by_hand=tuple(self._by_hand.values()),
            stand_ins=tuple(self._stand_ins),
            seconds=round(time.monotonic() - started, 1),
        )

    def _stage(self, stage: Stage) -> bool:
        self.watcher.begins(stage.title)
        started = time.monotonic()
        prepared = self.stages.prepare(stage)
        report = self._applied(stage, prepared) if prepared.plan is not None else None
        seconds = time.monotonic() - started
        failed = _failed(report)
        if failed:
            self._end(stage.id, stage.title, FAILED, failed, seconds, report)
            return False
        if report is not None and any(result.changed for result in report.results):
            why = self._left(prepared) or _changed(report)
            self._end(stage.id, stage.title, DONE, why, seconds, report)
            return True
        left = self._left(prepared)
        state = LEFT if left else ALREADY
        self._end(stage.id, stage.title, state, left or prepared.why, seconds)
        return True

    def _applied(self, stage: Stage, prepared: Prepared) -> ApplyReport:
        assert prepared.plan is not None
        plan = prepared.plan
        chosen = [step for step in plan.steps if runnable(step)]
        fetcher = self.fetched(chosen, self.state)
        self.stages.changed()
        return apply(
            plan,
            [step.id for step in chosen],
            state=self.state,
            hands=Hands(fetcher=lambda state: fetcher),
            verify=self.stages.verify(stage),
            on_event=self.watcher.on_event,
            command=COMMAND,
        )

    def _left(self, prepared: Prepared) -> str:
        """What of a stage only the user can do; noted, and told in a few words."""
        plan = prepared.plan
        shown = [s for s in plan.steps if isinstance(s, DisplayOnly)] if plan is not None else []
        for step in shown:
            text = f"{step.text} ({step.reason})" if step.reason else step.text
            self._by_hand.setdefault(text, ByHand(what=text, commands=step.commands))
        return f"{len(shown)} left for you" if shown else ""

    def _prove(self, stopped: Optional[str]) -> None:
        folder = self.stages.layout.folder
        if stopped is not None:
            for name in SCENARIOS:
                why = f"{stopped} comes first"
                self._end(f"smoke.{name}", f"smoke {name}", NOT_RUN, why, 0.0)
            return
        request = self.stages.request(())
        on = digest(request)
        wanted = to_run(load(folder).proofs, on)
        for name in SCENARIOS:
            title = f"smoke {name}"
            if name not in wanted:
                proof = load(folder).proofs[name]
                why = f"passed {proof.at}, and nothing it depends on has changed"
                why += f"; {proof.stand_ins} stand-ins" if proof.stand_ins else ""
                self._end(f"smoke.{name}", title, ALREADY, why, 0.0)
                continue
            self._one_proof(name, title, on, folder)

    def _one_proof(self, name: str, title: str, on: str, folder: Path) -> None:
        self.watcher.begins(title)
        started = time.monotonic()
        hindrance = ort_hindrance(self.stages.python()) if name == "ort" else None
        if hindrance is not None:
            self._end(f"smoke.{name}", title, FAILED, hindrance, time.monotonic() - started)
            return
        try:
            request = self.stages.request(())
            result = prove(request, name, self.stand_ins, stage=self.watcher.smoking)
        except DartenvError as error:
            self._end(f"smoke.{name}", title, FAILED, str(error), time.monotonic() - started)
            return
        seconds = time.monotonic() - started
        self.watcher.smoked(result)
        self._stand_ins.update(dict.fromkeys(one.id for one in result.stand_ins))
        if result.skipped is not None or not result.passed:
            why = result.skipped or result.verdict
            self._end(f"smoke.{name}", title, FAILED, why, seconds)
            return
        record = load(folder)
        proofs = {**record.proofs, name: proof_of(result, on, seconds)}
        save(folder, msgspec.structs.replace(record, proofs=proofs))
        self._end(f"smoke.{name}", title, DONE, result.verdict, seconds)

    def _end(
        self,
        stage: str,
        title: str,
        state: str,
        why: str,
        seconds: float,
        report: Optional[ApplyReport] = None,
    ) -> None:
        outcome = StageOutcome(
            id=stage,
            title=title,
            state=state,
            why=why,
            seconds=round(seconds, 1),
            run=report.run if report is not None else None,
        )
        self._outcomes.append(outcome)
        self.watcher.ended(outcome)


def remember(folder: Path, record: Record) -> None:
    """Keep the choices for the next run."""
    if load(folder) != record:
        save(folder, record)


def _failed(report: Optional[ApplyReport]) -> str:
    if report is None:
        return ""
    failed = [one for one in report.results if one.outcome is FixOutcome.FAILED]
    skipped = [one for one in report.results if one.outcome is FixOutcome.SKIPPED]
    changed = [one for one in report.results if one.changed]
    if failed:
        return "; ".join(f"{one.fix}: {one.why}" for one in failed)
    if skipped and not changed and all(one.why != "by hand only" for one in skipped):
        return "; ".join(f"{one.fix}: {one.why}" for one in skipped)
    return ""


def _changed(report: ApplyReport) -> str:
    done = [one for one in report.results if one.changed]
    if len(done) == 1 and done[0].why:
        return done[0].why
    return ", ".join(one.fix for one in done)
