"""What a smoke test found, and how it is said in a report.

A result made with any stand-in is called *plumbing*: code and environment work, but no licensed
or downloaded asset was tested. Only one of DART itself without any is called *genuine*.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import msgspec

from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.smoke.judges import Judged
from dartenv.smoke.mine import Cause
from dartenv.smoke.runner import Outcome
from dartenv.smoke.standins import StandIn

RESULT_SCHEMA = 1


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the program, one per variant."""

    variant: str
    command: Tuple[str, ...]
    log: str
    outcome: Outcome
    judged: Tuple[Judged, ...] = ()
    metrics: Dict[str, float] = {}
    digests: Tuple[str, ...] = ()
    motions: Tuple[str, ...] = ()  # files of joints, one a sample, for pictures
    pictures: Tuple[str, ...] = ()
    repeated: Optional[Outcome] = None  # the same seed again, where the scenario asks for it
    cause: Optional[Cause] = None

    @property
    def passed(self) -> bool:
        """It ended well, and every judge that judged is content."""
        return (
            self.cause is None
            and self.outcome.ok
            and all(j.passed is not False for j in self.judged)
        )


class SmokeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one scenario. ``cause`` is set when it failed before or beside its runs.

    ``metrics`` keys: ``fps`` (frames of motion per second of its loop, one sequence),
    ``primitives_per_second`` or ``steps_per_second``, ``loop_seconds``, ``wall_seconds``,
    ``first_output_seconds``, ``first_step_seconds``, ``peak_memory`` and ``gpu_memory`` (bytes; the
    latter only where a driver tells it).
    """

    scenario: str
    size: str
    device: str  # as asked for: "auto", "cpu", "cuda"
    ran_on: str  # "cpu", "cuda", or "" if unknown
    seed: int
    passed: bool
    skipped: Optional[str] = None  # why it was not run
    stand_ins: Tuple[StandIn, ...] = ()
    runs: Tuple[RunRecord, ...] = ()
    cause: Optional[Cause] = None
    tree_changes: Tuple[str, ...] = ()
    extra_python_path: Tuple[str, ...] = ()
    versions: Dict[str, str] = {}
    dart_root: str = ""
    python: str = ""
    folder: str = ""
    workspace: Optional[str] = None  # where it was kept, if it was
    started_at: str = ""  # ISO 8601, UTC
    notes: Tuple[str, ...] = ()
    why: str = ""
    tree_kind: str = "dart"  # or "sandbox": our own small project
    dartenv: str = ""
    facts_hash: Optional[str] = None  # of the facts in facts.json beside the record
    schema: int = RESULT_SCHEMA

    @property
    def kind(self) -> str:
        """``plumbing``, ``sandbox`` or ``genuine``."""
        if self.stand_ins:
            return "plumbing"
        return "genuine" if self.tree_kind == "dart" else self.tree_kind

    @property
    def verdict(self) -> str:
        """As it is shown: ``PASS``, ``PLUMBING PASS``, ``SANDBOX PASS`` or ``FAIL``."""
        if self.skipped is not None:
            return "SKIPPED"
        if not self.passed:
            return "FAIL"
        return "PASS" if self.kind == "genuine" else f"{self.kind.upper()} PASS"

    @property
    def failure(self) -> Optional[Cause]:
        """The first cause of the failure."""
        return self.cause or next((run.cause for run in self.runs if run.cause), None)

    @property
    def judged(self) -> Tuple[Judged, ...]:
        """The verdicts of all runs."""
        return tuple(judged for run in self.runs for judged in run.judged)

    @property
    def metrics(self) -> Dict[str, float]:
        """The metrics of the first run that has any; memory is the most of all runs."""
        found = dict(next((run.metrics for run in self.runs if run.metrics), {}))
        peaks = [run.outcome.peak_memory for run in self.runs]
        if peaks:
            found["peak_memory"] = float(max(peaks))
        on_gpu = [r.outcome.gpu_memory for r in self.runs if r.outcome.gpu_memory is not None]
        if on_gpu:
            found["gpu_memory"] = float(max(on_gpu))
        return found


def write_result(result: SmokeResult, folder: Path) -> Path:
    """Write ``result.json`` into ``folder``; answers its path."""
    path = folder / "result.json"
    part = folder / "result.json.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    part.replace(path)
    return path


def to_findings(result: SmokeResult) -> Tuple[Finding, ...]:
    """The result as findings of ``smoke.<scenario>``, in the report's language."""
    check = f"smoke.{result.scenario}"
    if result.skipped is not None:
        return (
            Finding(
                check=check,
                status=Status.SKIP,
                summary=f"not run: {result.skipped}",
                why=result.why,
                doc=f"dartenv explain {check}",
            ),
        )
    return (
        Finding(
            check=check,
            status=Status.OK if result.passed else Status.FAIL,
            summary=_summary(result),
            found=_found(result),
            wanted=None if result.passed else "what every judge asks for",
            evidence=_evidence(result),
            why=result.why,
            remedy=None if result.passed else _remedy(_follows_from(result)),
            cause=_follows_from(result),
            doc=f"dartenv explain {check}",
        ),
    )


def _summary(result: SmokeResult) -> str:
    if result.passed:
        text = f"{result.verdict}: {result.scenario} {_made(result)}"
        if result.stand_ins:
            return (
                f"{text} with stand-ins for {_names(result)}; "
                "code and environment work, motion quality and these assets were not tested"
            )
        if result.kind != "genuine":
            return f"{text}; this is our own small project, DART itself was not tested"
        return text
    failure = result.failure
    if failure is not None:
        text = failure.sentence
    else:
        text = _first_failed(result) or "it did not end well"
    aside = f" (with stand-ins for {_names(result)})" if result.stand_ins else ""
    return f"{result.scenario} failed: {text}{aside}"


def _made(result: SmokeResult) -> str:
    frames = [judged.value for judged in result.judged if judged.name == "frames"]
    shown = sum(int(value) for value in frames if value is not None)
    text = f"wrote {shown} frames" if frames else "agrees with DART's own functions"
    rate = result.metrics.get("fps")
    if rate:
        text += f" at {rate:.1f} frames a second"
    return text + (f" on {result.ran_on}" if result.ran_on else "")


def _names(result: SmokeResult) -> str:
    return ", ".join(dict.fromkeys(stand_in.id for stand_in in result.stand_ins))


def _first_failed(result: SmokeResult) -> Optional[str]:
    failed = [judged for judged in result.judged if judged.passed is False]
    # One that knows whose fault it is says more than one that is merely broken too.
    failed.sort(key=lambda judged: judged.check is None)
    return judge_sentence(failed[0]) if failed else None


def judge_sentence(judged: Judged) -> str:
    """One verdict as a line: name, number, unit, threshold."""
    name = f"{judged.run} {judged.name}" if judged.run else judged.name
    value = "no number" if judged.value is None else f"{judged.value:.4g}"
    unit = f" {judged.unit}" if judged.unit else ""
    mark = {True: "", False: ", not ", None: ", not judged: "}[judged.passed]
    wanted = f" (wanted {judged.threshold})" if judged.passed else f"{mark}{judged.threshold}"
    detail = f": {judged.detail}" if judged.detail and judged.passed is False else ""
    return f"{name} {value}{unit}{wanted}{detail}"


def _found(result: SmokeResult) -> str:
    metrics = result.metrics
    if not result.runs:
        return f"nothing was run, size {result.size}"
    parts = [f"{result.kind} run, size {result.size}"]
    if "peak_memory" in metrics:
        parts.append(f"{metrics['peak_memory'] / 1e9:.2f} GB at most")
    if "wall_seconds" in metrics:
        parts.append(f"{sum(run.outcome.seconds for run in result.runs):.0f} s")
    return ", ".join(parts)


def _evidence(result: SmokeResult) -> Tuple[str, ...]:
    lines: List[str] = [judge_sentence(judged) for judged in result.judged]
    failure = result.failure
    if failure is not None:
        if failure.error:
            lines.append(failure.error)
        if failure.where:
            lines.append(f"at {failure.where}")
    lines.extend(f"stand-in: {s.id} for {s.path} ({s.reason})" for s in result.stand_ins)
    lines.extend(f"changed in the tree: {change}" for change in result.tree_changes)
    if result.extra_python_path:
        lines.append("extra PYTHONPATH: " + ", ".join(result.extra_python_path))
    lines.extend(result.notes)
    lines.extend(f"log: {run.log}" for run in result.runs)
    if result.workspace is not None:
        lines.append(f"kept: {result.workspace}")
    lines.append(f"record: {Path(result.folder) / 'result.json'}")
    return tuple(lines)


def _follows_from(result: SmokeResult) -> Optional[str]:
    """The doctor check that a failure belongs to."""
    if result.passed:
        return None
    if result.failure is not None:
        return result.failure.check
    return next((j.check for j in result.judged if j.passed is False and j.check), None)


def _remedy(check: Optional[str]) -> Remedy:
    if check is not None:
        return Remedy(
            text=f"Look at {check} first.",
            commands=(f"dartenv doctor --select {check}", f"dartenv fix {check}"),
        )
    return Remedy(text="The end of the log says more.")
