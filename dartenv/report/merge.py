"""Reports of several machines as one: who is ready, which findings, and who differs from the others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.errors import UsageFault
from dartenv.page.model import Fleet, FleetDifference, FleetMachine
from dartenv.report.model import REPORT_SCHEMA, Report
from dartenv.report.terminal import Line

MOST = 32 << 20  # bytes of one report
ABSENT = "-"
SPLIT = "no majority"
_MARKS = {"ok": "fine", "skip": "skipped", "info": "to know"}
_COLOURS = {"fail": "red", "crash": "red", "warn": "yellow", "ok": "green"}


class _Head(msgspec.Struct):
    schema: int = 0
    findings: object = None
    probe_failures: object = None


def read_report(path: Path) -> Report:
    """The report in ``path``. Raises UsageFault where there is none, or one of a newer dartenv."""
    try:
        if path.stat().st_size > MOST:
            raise UsageFault(f"{path}: {path.stat().st_size} bytes", f"a report of under {MOST}")
        data = path.read_bytes()
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None
    wanted = "JSON written by dartenv doctor --format json or dartenv nightly"
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageFault(f"{path}: not a report: {error}", wanted) from None
    if head.findings is None and head.probe_failures is not None:
        raise UsageFault(
            f"{path}: facts of a machine, not a report",
            wanted,
            f"dartenv doctor --from {path} --format json",
        )
    if head.findings is None:
        raise UsageFault(f"{path}: JSON without findings", wanted)
    if head.schema > REPORT_SCHEMA:
        raise UsageFault(
            f"{path}: a report of schema {head.schema}",
            f"schema {REPORT_SCHEMA} or older, which this dartenv reads",
            "pip install --upgrade dartenv",
        )
    try:
        return msgspec.json.decode(data, type=Report)
    except msgspec.ValidationError as error:
        raise UsageFault(f"{path}: not a report of schema {head.schema}: {error}", wanted) from None


def machine_name(path: Path, report: Report) -> str:
    """What the report calls its machine, else the file's name, else its folder's."""
    if report.machine:
        return report.machine
    return path.stem if path.stem != "report" else path.resolve().parent.name


def named(text: str) -> Tuple[Optional[str], Path]:
    """``NAME=FILE`` or ``FILE``; a file that is called so is taken whole."""
    name, equals, rest = text.partition("=")
    if equals and name and rest and not Path(text).exists():
        return name, Path(rest)
    return None, Path(text)


def merge(paths: Sequence[Path], names: Optional[Mapping[Path, str]] = None) -> Fleet:
    """Every report that can be read, the newest of each machine; the others are named.

    ``names`` are machines' names that count before those in the reports. Raises UsageFault where
    none can be read.
    """
    newest: Dict[str, Tuple[str, Report]] = {}
    unread: List[str] = []
    for path in paths:
        try:
            report = read_report(path)
        except UsageFault as fault:
            unread.append(fault.render())
            continue
        name = (names or {}).get(path) or machine_name(path, report)
        if name in newest and newest[name][0] >= report.taken_at:
            unread.append(f"{path}: an older report of {name}; the newer one is taken")
            continue
        if name in newest:
            unread.append(f"{name}: an older report of {newest[name][0]} was left out")
        newest[name] = (report.taken_at, report)
    if not newest:
        raise UsageFault("; ".join(unread) or "no report was given", "at least one report")
    reports = {name: newest[name][1] for name in sorted(newest)}
    return Fleet(
        machines=tuple(_machine(name, report) for name, report in reports.items()),
        differs=tuple(_differences(reports)),
        unread=tuple(unread),
    )


def _machine(name: str, report: Report) -> FleetMachine:
    return FleetMachine(
        name=name,
        profile=report.target.profile or "",
        system=report.facts.get("system", ""),
        verdict="healthy" if report.exit_code == 0 else "not ready",
        when=report.taken_at,
        exit_code=report.exit_code,
        sandbox=report.sandbox,
        stand_ins=len(report.stand_ins),
        statuses=_statuses(report),
    )


def _statuses(report: Report) -> Dict[str, str]:
    """The gravest status of each check: one may have several findings."""
    found: Dict[str, str] = {}
    for one in sorted(report.findings, key=lambda item: item.status.gravity):
        found[one.check] = one.status.value
    return found


def _differences(reports: Mapping[str, Report]) -> List[FleetDifference]:
    """Facts, then checks, that are not the same everywhere."""
    if len(reports) < 2:
        return []
    facts = {
        name: {"profile": r.target.profile or ABSENT, **r.facts} for name, r in reports.items()
    }
    known = {name for name, r in reports.items() if r.facts}
    found: List[FleetDifference] = []
    for key in sorted({key for values in facts.values() for key in values}, key=str.lower):
        # A report without facts says nothing about them.
        asked = [name for name in reports if key == "profile" or name in known]
        found += _differing(key, {name: facts[name].get(key, ABSENT) for name in asked})
    statuses = {name: _statuses(report) for name, report in reports.items()}
    for check in sorted({check for values in statuses.values() for check in values}):
        found += _differing(
            check, {name: values.get(check, ABSENT) for name, values in statuses.items()}
        )
    return found


def _differing(what: str, values: Mapping[str, str]) -> List[FleetDifference]:
    if len(set(values.values())) < 2:
        return []
    ((value, count),) = Counter(values.values()).most_common(1)
    if 2 * count <= len(values):
        return [FleetDifference(what=what, common=SPLIT, others=dict(values))]
    others = {name: own for name, own in values.items() if own != value}
    return [FleetDifference(what=what, common=value, others=others)]


def render_fleet(fleet: Fleet) -> List[Line]:
    """For a person: a line a machine, then what it has to repair, then who differs."""
    ready = sum(machine.exit_code == 0 for machine in fleet.machines)
    lines: List[Line] = [[(f"{len(fleet.machines)} machines, {ready} healthy", "bold")], []]
    width = max(len(machine.name) for machine in fleet.machines)
    for machine in fleet.machines:
        colour = "green" if machine.exit_code == 0 else "red"
        label = "  sandbox" if machine.sandbox else ""
        label += f"  {machine.stand_ins} stand-ins" if machine.stand_ins else ""
        lines.append(
            [
                (f"{machine.name:<{width}}  ", "bold"),
                (f"{machine.verdict:<9}  ", colour),
                (f"{machine.profile}  {machine.when[:16]}{label}", ""),
            ]
        )
        for check, status in machine.statuses.items():
            if status in ("fail", "crash", "warn"):
                text = f"{'':<{width}}  {status.upper():<9}  "
                lines.append([(text, _COLOURS[status]), (check, "")])
    if fleet.differs:
        lines += [[], [("Who differs", "bold")]]
        for one in fleet.differs:
            common = one.common if one.common == SPLIT else f"most have {_word(one.common)}"
            lines.append([(one.what, "bold"), (f"  {common}", "dim")])
            lines += [
                [(f"   {name:<{width}}  ", ""), (_word(value), "")]
                for name, value in one.others.items()
            ]
    if fleet.unread:
        lines += [[], [("Left out", "bold")]]
        lines += [[(f"   {line}", "")] for line in fleet.unread]
    return lines


def _word(value: str) -> str:
    return _MARKS.get(value, value)
