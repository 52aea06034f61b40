"""The nightly run: doctor, smoke, comparison with the past, reports.

The start is written into the history before anything else, so that a run that is killed is named
by the next one. A history that cannot be written (a full disk) ends no run: the report says so.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import time
import uuid
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import msgspec

import dartenv
from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.examine import Examined, Request, examine
from dartenv.facts.redact import redact
from dartenv.fixes.lock import hold
from dartenv.history.keyfacts import changes, key_facts
from dartenv.history.model import DONE, FAILED, FindingRow, Point, Recorded, Run
from dartenv.history.regress import regression
from dartenv.history.store import History, HistoryFault, birth, default_path, living
from dartenv.prove import SmokeOptions, hindered, run_smokes, smoke_names, with_results
from dartenv.report.json import render_json
from dartenv.report.model import Metric, Regression, Report, apply_ignores, exit_code
from dartenv.smoke.api import load_scenario
from dartenv.smoke.result import SmokeResult
from dartenv.target import NightlyConfig

CHECK = "nightly.regression"
LEAST = 30.0  # seconds of the limit that a scenario must find left to be started

Say = Callable[[str], None]


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """What one nightly run leaves."""

    run: Run
    report: Report
    examined: Examined
    smokes: Tuple[SmokeResult, ...] = ()
    facts: Dict[str, str] = {}
    killed: Tuple[Run, ...] = ()  # earlier runs that were found dead


def nightly(request: Request, config: NightlyConfig, state: Path, say: Say) -> Night:
    """Run everything and record it. Raises Locked where another nightly is at work here."""
    with hold(state / "nightly", "dartenv nightly"), contextlib.ExitStack() as stack:
        notes: List[str] = []
        history = _open(state, notes, stack)
        killed = _bury(history, notes)
        now = datetime.datetime.now(datetime.timezone.utc)
        run = Run(
            id=f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}",
            machine=config.name or platform.node() or "unnamed",
            profile=request.target.profile or "",
            started_at=now.isoformat(timespec="microseconds"),
            dartenv=dartenv.__version__,
        )
        with _noted(notes):
            if history is not None:
                history.begin(run, os.getpid(), birth())
        try:
            night = _night(request, config, run, history, say)
        except BaseException:
            with _noted(notes):
                if history is not None:
                    history.finish(
                        Recorded(run=msgspec.structs.replace(run, state=FAILED, ended_at=_now()))
                    )
            raise
        notes.extend(f"run {one.id} of {one.started_at} was killed" for one in killed)
        report = msgspec.structs.replace(
            night.report,
            notes=(*night.report.notes, *notes),
            machine=run.machine,
            facts=night.facts,
        )
        run = msgspec.structs.replace(
            night.run, state=DONE, ended_at=_now(), exit_code=report.exit_code
        )
        late: List[str] = []
        with _noted(late):
            if history is not None:
                history.finish(_recorded(run, report, night.facts))
                history.prune((now - datetime.timedelta(days=config.keep_days)).isoformat())
        report = msgspec.structs.replace(report, notes=(*report.notes, *late))
        return msgspec.structs.replace(night, run=run, report=report, killed=killed)


def _night(
    request: Request, config: NightlyConfig, run: Run, history: Optional[History], say: Say
) -> Night:
    until = time.monotonic() + config.minutes * 60
    started = time.monotonic()
    say("doctor")
    examined = examine(request)
    run = msgspec.structs.replace(run, profile=examined.profile.id)
    report = msgspec.structs.replace(examined.report, command="nightly")
    facts = key_facts(redact(examined.facts))
    smokes, skipped = _smokes(request, config, examined, until, say)
    report = with_results(report, smokes, request.ignores)
    seconds = time.monotonic() - started
    metrics = (
        *metrics_of(smokes, request),
        Metric(
            name="doctor.seconds",
            value=examined.report.seconds or 0.0,
            unit="s",
            min_change=0.5,
            floor=2.0,
        ),
    )
    regressions: Tuple[Regression, ...] = ()
    notes: List[str] = []
    if history is not None:
        with _noted(notes):
            regressions = compare(history, run, metrics, facts)
    added = [*skipped, *regression_findings(regressions)]
    kept, ignored = apply_ignores(added, dict(request.ignores))
    findings = (*report.findings, *kept)
    report = msgspec.structs.replace(
        report,
        findings=findings,
        ignored=(*report.ignored, *ignored),
        metrics=metrics,
        regressions=regressions,
        notes=tuple(notes),
        seconds=seconds,
        exit_code=exit_code(findings, request.fail_level),
    )
    return Night(run=run, report=report, examined=examined, smokes=tuple(smokes), facts=facts)


def _smokes(
    request: Request, config: NightlyConfig, examined: Examined, until: float, say: Say
) -> Tuple[List[SmokeResult], List[Finding]]:
    """Every scenario within the time left, and a finding for each that was not run."""
    gpu = examined.facts.gpu
    size = config.size or ("full" if gpu is not None and gpu.devices else "quick")
    options = SmokeOptions(
        names=config.scenarios,
        size=size,
        device=config.device,
        seed=config.seed,
        stand_ins=config.stand_ins,
    )
    results: List[SmokeResult] = []
    skipped: List[Finding] = []
    target = request.target
    names = smoke_names(request, options)
    hindrance = hindered(examined.report)
    for name in names:
        if target.dart_root is None or target.python is None:
            lacking = "source.root" if target.dart_root is None else "python.version"
            skipped.append(_not_run(name, f"{lacking} comes first", lacking))
            continue
        if hindrance is not None:
            skipped.append(_not_run(name, f"{hindrance.check} comes first", hindrance.check))
            continue
        left = until - time.monotonic()
        if left < LEAST:
            skipped.append(_not_run(name, f"the limit of {config.minutes:g} minutes was reached"))
            continue
        say(f"smoke {name}, {size}")
        one = msgspec.structs.replace(options, names=(name,), time_limit=left)
        results.extend(run_smokes(request, one, facts=examined.facts))
    return results, skipped


def _not_run(name: str, reason: str, cause: Optional[str] = None) -> Finding:
    check = f"smoke.{name}"
    return Finding(
        check=check,
        status=Status.SKIP,
        summary=f"not run: {reason}",
        cause=cause,
        doc=f"dartenv explain {check}",
    )


def metrics_of(results: Sequence[SmokeResult], request: Request) -> List[Metric]:
    """The metrics that the scenarios follow. A failed run has none: it is no measurement."""
    found: List[Metric] = []
    for result in results:
        if not result.passed:
            continue
        context = " ".join(part for part in (result.size, result.ran_on, result.kind) if part)
        for trend in load_scenario(result.scenario, request.manifests).trends:
            value = result.metrics.get(trend.metric)
            if value is not None:
                found.append(
                    Metric(
                        name=f"smoke.{result.scenario}.{trend.metric}",
                        value=value,
                        unit=trend.unit,
                        better=trend.better,
                        context=context,
                        min_change=trend.min_change,
                        floor=trend.floor,
                    )
                )
    return found


def compare(
    history: History, run: Run, metrics: Sequence[Metric], facts: Dict[str, str]
) -> Tuple[Regression, ...]:
    """What of ``metrics`` is worse than before on this machine, and what changed meanwhile."""
    found: List[Regression] = []
    for metric in metrics:
        points = history.series(metric.name, metric.context, run.machine, run.profile)
        today = Point(run=run.id, started_at=run.started_at, value=metric.value)
        shown = regression([*points, today], metric)
        if shown is None:
            continue
        before = history.recorded(shown.last_good).facts if shown.last_good else {}
        bad = facts if shown.first_bad == run.id else history.recorded(shown.first_bad).facts
        changed = changes(before, bad) if before else ()
        found.append(msgspec.structs.replace(shown.regression, changed=changed))
    return tuple(found)


def regression_findings(regressions: Sequence[Regression]) -> List[Finding]:
    """A regression as a finding: confirmed ones fail, suspected ones warn."""
    return [
        Finding(
            check=CHECK,
            status=Status.FAIL if one.confirmed else Status.WARN,
            summary=_sentence(one),
            found=f"{one.value:.4g} {one.unit}".rstrip(),
            wanted=f"about {one.usual:.4g} {one.unit}".rstrip()
            + f", give or take {one.spread:.2g}",
            evidence=tuple(f"changed: {c.name} {c.before} -> {c.after}" for c in one.changed)
            or ("no fact that dartenv records changed with it",),
            why="it was better before on this very machine, with this profile",
            remedy=Remedy(
                text="Look at what changed between the last good run and the first bad one.",
                commands=(f"dartenv history --metric {one.metric}",),
            ),
            source="the median of this machine's own earlier runs",
            doc=f"dartenv explain {CHECK}",
        )
        for one in regressions
    ]


def _sentence(one: Regression) -> str:
    word = "is" if one.confirmed else "may be"
    since = f"since run {one.since_run} of {one.since[:10]}"
    runs = f", {one.runs} runs so far" if one.runs > 1 else ", this run only"
    return f"{one.metric} {word} worse: {one.change:+.0%} {since}{runs}"


def _recorded(run: Run, report: Report, facts: Dict[str, str]) -> Recorded:
    return Recorded(
        run=run,
        findings=tuple(
            FindingRow(check=item.check, status=item.status.value, summary=item.summary)
            for item in report.findings
        ),
        metrics=report.metrics,
        facts=facts,
        report=render_json(report).encode("utf-8"),
    )


def _open(state: Path, notes: List[str], stack: contextlib.ExitStack) -> Optional[History]:
    opened: Optional[History] = None
    with _noted(notes):
        opened = stack.enter_context(History(default_path(state)))
    return opened


def _bury(history: Optional[History], notes: List[str]) -> Tuple[Run, ...]:
    buried: List[Run] = []
    with _noted(notes):
        if history is not None:
            buried = history.bury(living())
    return tuple(buried)


@contextlib.contextmanager
def _noted(notes: List[str]) -> Iterator[None]:
    """A history that fails is a note in the report, not the end of the run."""
    try:
        yield
    except HistoryFault as fault:
        notes.append(f"history not written or read: {fault.render()}")


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
