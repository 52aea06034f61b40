"""Asking the target's Python, and keeping what came of it: what the ONNX Runtime test's steps share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import msgspec

from dartenv.smoke.judges import Judged
from dartenv.smoke.mine import Cause, mine, read_tail
from dartenv.smoke.prepare import Prepared, Stage
from dartenv.smoke.result import RunRecord
from dartenv.smoke.runner import Limits, Outcome
from dartenv.smoke.scenario import ErrorTable, OrtSpec, Scenario, Size, Value, fill
from dartenv.smoke.target import Interpreter


@dataclass
class OrtRun:
    """Everything the steps share."""

    scenario: Scenario
    spec: OrtSpec
    size: Size
    ready: Prepared
    root: Path  # of the workspace
    interpreter: Interpreter
    errors: ErrorTable
    device: str
    seed: int
    say: Stage

    @property
    def values(self) -> Dict[str, Value]:
        return {**self.ready.values, **self.size.values}

    @property
    def limits(self) -> Limits:
        return Limits(seconds=self.size.time_limit, memory=self.size.memory_limit)

    @property
    def folder(self) -> Path:
        return self.interpreter.folder


class StopError(Exception):
    """A step failed; its record says why."""


class Asking:
    """Records of steps, and what later steps need of earlier ones."""

    def __init__(self, run: OrtRun) -> None:
        self.run = run
        self.records: List[RunRecord] = []
        self.ran_on = ""
        self.versions: Dict[str, str] = {}
        self.reference: Dict[str, Any] = {}
        self.bundle = run.folder / "bundle"

    def cases(self) -> List[Dict[str, Any]]:
        """What is run, each case with the files of its numbers."""
        found = []
        for case in self.run.spec.cases:
            count = int(fill(case.count, self.run.values))
            entry = msgspec.to_builtins(case)
            found.append(
                {
                    **entry,
                    "count": count,
                    "path": str(self.run.folder / f"{case.name}.npz"),
                    "exact": str(self.run.folder / f"{case.name}.exact.npy"),
                }
            )
        return found

    def ask(
        self, program: str, request: Mapping[str, Any], name: str = "", launched: bool = False
    ) -> Tuple[Dict[str, Any], Outcome, str]:
        """An answer of one of our programs in the target; a failure ends the test."""
        self.run.say(f"running {name or program}")
        if launched:
            request = {**request, "launched": time.time()}
        outcome, data, log = self.run.interpreter.ask(program, request, self.run.limits, name)
        if data is None:
            text = read_tail(log)
            cause = mine(text, self.run.errors, self.run.root) or Cause(
                sentence=outcome.reason or f"{name or program} ended with {outcome.end}",
                error=text[-300:].strip(),
            )
            self.record(name or program, outcome, str(log), (), {}, cause)
            raise StopError
        return msgspec.json.decode(data), outcome, str(log)

    def record(
        self,
        name: str,
        outcome: Outcome,
        log: str,
        judged: Tuple[Judged, ...],
        metrics: Dict[str, float],
        cause: Optional[Cause] = None,
    ) -> None:
        judged = tuple(msgspec.structs.replace(line, run=name) for line in judged)
        metrics = {"wall_seconds": outcome.seconds, **metrics} if metrics else metrics
        self.records.append(
            RunRecord(
                variant=name,
                command=(self.run.interpreter.python, name),
                log=log,
                outcome=outcome,
                judged=judged,
                metrics=metrics,
                cause=cause,
            )
        )
