"""What the page shows, as data: everything is worked out before any HTML is written."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import msgspec

from dartenv.checks.finding import Finding
from dartenv.report.model import Ignored, Regression


class Motion(msgspec.Struct, frozen=True, kw_only=True):
    """Joints of one sequence. World frame: z up.

    ``data`` is base64 of little-endian int16, frames x joints x 3, whole millimetres relative to
    ``origin`` (millimetres). ``texts`` are the prompts, one for each ``future`` frames after the
    first ``history``.
    """

    label: str
    fps: float
    parents: Tuple[int, ...]
    frames: int
    data: str
    origin: Tuple[int, int, int]
    texts: Tuple[str, ...] = ()
    history: int = 0
    future: int = 0
    goal: Optional[Tuple[int, ...]] = None  # of an in-between, relative to ``origin`` as well


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One judge's verdict; ``passed`` is ``None`` where it only measures."""

    name: str
    passed: Optional[bool]
    value: str
    threshold: str


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One smoke scenario."""

    name: str
    verdict: str  # "PASS", "PLUMBING PASS", "SANDBOX PASS", "FAIL", "SKIPPED"
    ran_on: str
    note: str = ""  # why it failed or was not run
    stand_ins: Tuple[str, ...] = ()
    judged: Tuple[Judged, ...] = ()
    motions: Tuple[Motion, ...] = ()


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """One metric over the nights of one machine and profile; ``times`` in seconds since 1970, UTC."""

    name: str
    unit: str
    context: str
    machine: str
    profile: str
    better: str
    times: Tuple[float, ...]
    values: Tuple[float, ...]
    runs: Tuple[str, ...]
    regression: Optional[Regression] = None


class FleetMachine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a fleet and what its last report says; ``statuses`` by check."""

    name: str
    profile: str
    system: str
    verdict: str
    when: str
    exit_code: int = 0
    sandbox: bool = False
    stand_ins: int = 0
    statuses: Dict[str, str] = {}


class FleetDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What most machines have in common, and those that differ: name -> value."""

    what: str
    common: str
    others: Dict[str, str]


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Several machines side by side."""

    machines: Tuple[FleetMachine, ...]
    differs: Tuple[FleetDifference, ...] = ()
    unread: Tuple[str, ...] = ()  # files that could not be taken, and why


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on one page."""

    command: str
    dartenv: str
    taken_at: str = ""
    machine: str = ""
    profile: str = ""
    profile_title: str = ""
    headline: Tuple[str, ...] = ()
    healthy: bool = True
    exit_code: int = 0
    seconds: Optional[float] = None
    sandbox: bool = False
    stand_ins: Tuple[str, ...] = ()
    findings: Tuple[Finding, ...] = ()
    ignored: Tuple[Ignored, ...] = ()
    notes: Tuple[str, ...] = ()
    scenes: Tuple[Scene, ...] = ()
    regressions: Tuple[Regression, ...] = ()
    trends: Tuple[Trend, ...] = ()
    facts: Tuple[Tuple[str, str], ...] = ()
    fleet: Optional[Fleet] = None
