"""The report: one frozen value that every renderer reads.

The JSON form is versioned; its schema is published as ``dartenv/report/report.schema.json``.
A field may be added within a version; removing one, or changing what one means, makes a new one.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import msgspec

from dartenv import __version__
from dartenv.checks.finding import Finding, Status
from dartenv.errors import EXIT_FINDINGS, EXIT_INTERNAL, EXIT_OK, UsageFault
from dartenv.facts.model import ProbeFailure, ProbeTiming, TargetFacts

REPORT_SCHEMA = 1

FAIL_LEVELS = ("info", "warn", "fail", "never")


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A finding the user waived, and why; it stays visible."""

    check: str
    reason: str
    status: Status
    summary: str


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a run that is worth following over time.

    ``context`` says under which conditions it was measured; only values of one context are
    compared. ``better`` is ``higher`` or ``lower``. A change counts from ``min_change`` (a share
    of the usual value) and from ``floor`` (in ``unit``) on.
    """

    name: str
    value: float
    unit: str = ""
    better: str = "lower"
    context: str = ""
    min_change: float = 0.1
    floor: float = 0.0


class FactChange(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that changed between the last good run and the first bad one."""

    name: str
    before: str
    after: str


class Regression(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that got worse than its own past on this machine and profile."""

    metric: str
    value: float
    usual: float  # median of the runs before
    spread: float  # robust standard deviation of the runs before
    unit: str = ""
    better: str = "lower"
    context: str = ""
    confirmed: bool = True  # more than one run shows it
    since_run: str = ""
    since: str = ""  # ISO 8601, UTC
    runs: int = 1  # bad runs so far
    changed: Tuple[FactChange, ...] = ()

    @property
    def change(self) -> float:
        """The change as a share of the usual value; positive is more."""
        return (self.value - self.usual) / abs(self.usual) if self.usual else float("inf")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of doctor or smoke has to say."""

    schema: int = REPORT_SCHEMA
    dartenv: str = __version__
    command: str = "doctor"
    taken_at: str = ""
    target: TargetFacts = TargetFacts()
    profile_title: str = ""
    headline: Tuple[str, ...] = ()  # one line each: GPU, versions
    findings: Tuple[Finding, ...] = ()
    ignored: Tuple[Ignored, ...] = ()
    probe_failures: Tuple[ProbeFailure, ...] = ()
    timings: Tuple[ProbeTiming, ...] = ()
    seconds: Optional[float] = None
    fail_level: str = "fail"
    exit_code: int = 0
    stand_ins: Tuple[str, ...] = ()
    sandbox: bool = False
    metrics: Tuple[Metric, ...] = ()
    regressions: Tuple[Regression, ...] = ()
    notes: Tuple[str, ...] = ()  # what else a reader has to know, a line each
    fixes: Tuple[str, ...] = ()  # ids that `dartenv fix` can do; others are by hand
    machine: str = ""  # what the machine is called, where a run has a name for it
    facts: Dict[str, str] = {}  # the few that explain most, by name; not in every report

    def counts(self) -> Dict[str, int]:
        """How many findings of each status there are."""
        numbers = {status.value: 0 for status in Status}
        for item in self.findings:
            numbers[item.status.value] += 1
        return numbers


def exit_code(findings: Sequence[Finding], fail_level: str) -> int:
    """The exit code of DESIGN's table for these findings; the same in every format."""
    if any(item.status is Status.CRASH for item in findings):
        return EXIT_INTERNAL
    if fail_level == "never":
        return EXIT_OK
    limit = Status(fail_level).gravity
    if any(item.status.gravity >= limit for item in findings):
        return EXIT_FINDINGS
    return EXIT_OK


def parse_ignores(values: Sequence[str], known: Sequence[str]) -> Dict[str, str]:
    """``ID=REASON`` options as a mapping; every id must exist and every reason be given."""
    ignores: Dict[str, str] = {}
    for value in values:
        check_id, separator, reason = value.partition("=")
        if not separator or not reason.strip():
            raise UsageFault(
                f"--ignore {value!r} gives no reason", 'ID=REASON, as in host.disk="a shared disk"'
            )
        if check_id not in known:
            raise UsageFault(
                f"--ignore names {check_id!r}, which is no check", None, "dartenv explain --list"
            )
        ignores[check_id] = reason.strip()
    return ignores


def apply_ignores(
    findings: Sequence[Finding], ignores: Dict[str, str]
) -> Tuple[List[Finding], List[Ignored]]:
    """Take the waived findings out of the verdict, and keep them to be shown."""
    kept: List[Finding] = []
    ignored: List[Ignored] = []
    for item in findings:
        reason = ignores.get(item.check)
        if reason is not None and item.status.gravity >= Status.INFO.gravity:
            ignored.append(
                Ignored(check=item.check, reason=reason, status=item.status, summary=item.summary)
            )
        else:
            kept.append(item)
    return kept, ignored
