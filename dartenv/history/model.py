"""The values that the history holds: runs, their metrics and their key facts."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import msgspec

from dartenv.report.model import Metric

RUNNING = "running"
DONE = "done"
KILLED = "killed"  # its process went away without a word
FAILED = "failed"  # a fault of our own ended it


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One nightly run. Times are ISO 8601, UTC."""

    id: str
    machine: str
    profile: str
    started_at: str
    state: str = RUNNING
    ended_at: Optional[str] = None
    exit_code: Optional[int] = None
    dartenv: str = ""


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of a run, without its evidence."""

    check: str
    status: str
    summary: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A run with all that was kept of it."""

    run: Run
    findings: Tuple[FindingRow, ...] = ()
    metrics: Tuple[Metric, ...] = ()
    facts: Dict[str, str] = {}
    report: Optional[bytes] = None  # the report as JSON


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one metric over time."""

    run: str
    started_at: str
    value: float
