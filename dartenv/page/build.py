"""From a report, and what else a run left, to the page's data."""

from __future__ import annotations

import base64
import datetime
import struct
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.history.model import DONE
from dartenv.history.regress import regression
from dartenv.history.store import History
from dartenv.page.model import Judged, Motion, Page, Scene, Trend
from dartenv.page.numbers import shown_unit
from dartenv.report.model import Report
from dartenv.smoke.pictures import Motion as Recorded
from dartenv.smoke.pictures import read_motion
from dartenv.smoke.result import SmokeResult

MOST_FRAMES = 900  # of one motion: half a minute at 30 frames a second
MOST_MOTIONS = 4  # of one scenario
MOST_NIGHTS = 120
_REACH = 32767  # millimetres that fit into an int16


def page_of(
    report: Report,
    *,
    machine: str = "",
    facts: Optional[Mapping[str, str]] = None,
    smokes: Sequence[SmokeResult] = (),
    trends: Sequence[Trend] = (),
) -> Page:
    """The page of one report. Motions that cannot be read are left out: the record names them."""
    return Page(
        command=report.command,
        dartenv=report.dartenv,
        taken_at=report.taken_at,
        machine=machine,
        profile=report.target.profile or "",
        profile_title=report.profile_title,
        headline=report.headline,
        healthy=report.exit_code == 0,
        exit_code=report.exit_code,
        seconds=report.seconds,
        sandbox=report.sandbox,
        stand_ins=report.stand_ins,
        findings=report.findings,
        ignored=report.ignored,
        notes=report.notes,
        scenes=tuple(scene_of(result) for result in smokes),
        regressions=report.regressions,
        trends=tuple(trends),
        facts=tuple(sorted((facts or {}).items())),
    )


def scene_of(result: SmokeResult) -> Scene:
    """One scenario with the motions it recorded."""
    judged = [
        Judged(
            name=one.name,
            passed=one.passed,
            value=f"{one.value:.4g} {one.unit or ''}".strip() if one.value is not None else "",
            threshold=one.threshold or "",
        )
        for one in result.judged
    ]
    failure = result.failure
    motions: List[Motion] = []
    for run in result.runs:
        for name in run.motions:
            path = Path(result.folder, name) if result.folder else Path(name)
            found = motion_of(path, f"{result.scenario} {run.variant}".strip())
            if found is not None and len(motions) < MOST_MOTIONS:
                motions.append(found)
    return Scene(
        name=result.scenario,
        verdict=result.verdict,
        ran_on=result.ran_on,
        note=result.skipped or (failure.sentence if failure is not None else ""),
        stand_ins=tuple(dict.fromkeys(one.id for one in result.stand_ins)),
        judged=tuple(judged),
        motions=tuple(motions),
    )


def motion_of(path: Path, label: str) -> Optional[Motion]:
    """A recorded motion as the page plays it; ``None`` where it cannot be read."""
    try:
        recorded = read_motion(path)
    except (OSError, msgspec.DecodeError):
        return None
    return packed(recorded, label)


def packed(recorded: Recorded, label: str) -> Optional[Motion]:
    """The joints as int16 about the first pelvis; long motions are cut."""
    frames = recorded.frames[:MOST_FRAMES]
    width = 3 * len(recorded.parents)
    if not frames or any(len(frame) != width for frame in frames):
        return None
    floor = min(min(frame[2::3]) for frame in frames)
    origin = (frames[0][0], frames[0][1], floor)
    joints = [_about(frame, origin) for frame in frames]
    data = b"".join(struct.pack(f"<{width}h", *frame) for frame in joints)
    goal = recorded.goal if recorded.goal is not None and len(recorded.goal) == width else None
    return Motion(
        label=label,
        fps=recorded.fps,
        parents=recorded.parents,
        frames=len(frames),
        data=base64.b64encode(data).decode("ascii"),
        origin=origin,
        texts=recorded.texts,
        history=recorded.history,
        future=recorded.future,
        goal=tuple(_about(goal, origin)) if goal is not None else None,
    )


def _about(frame: Sequence[int], origin: Tuple[int, int, int]) -> List[int]:
    return [
        max(-_REACH, min(_REACH, value - origin[place % 3])) for place, value in enumerate(frame)
    ]


def trends_of(history: History, machine: Optional[str] = None) -> List[Trend]:
    """Every metric of every machine (or of one) over its last nights."""
    known: List[Trend] = []
    latest = {}
    for run in history.runs(machine):
        if run.state == DONE:
            latest[(run.machine, run.profile)] = run.id
    described = {
        (place, metric.name, metric.context): metric
        for place, run_id in latest.items()
        for metric in history.recorded(run_id).metrics
    }
    for name, context, owner, profile in history.metric_names():
        metric = described.get(((owner, profile), name, context))
        if metric is None or (machine is not None and owner != machine):
            continue  # not measured any more, or another's
        points = history.series(name, context, owner, profile)
        found = regression(points, metric)
        points = points[-MOST_NIGHTS:]
        factor, unit = shown_unit(metric.unit)
        known.append(
            Trend(
                name=name,
                unit=unit,
                context=context,
                machine=owner,
                profile=profile,
                better=metric.better,
                times=tuple(_seconds(point.started_at) for point in points),
                values=tuple(point.value * factor for point in points),
                runs=tuple(point.run for point in points),
                regression=found.regression if found is not None else None,
            )
        )
    return sorted(known, key=lambda one: (one.regression is None, one.machine, one.name))


def _seconds(iso: str) -> float:
    """ISO 8601 with or without an offset (UTC then) as seconds since 1970."""
    moment = datetime.datetime.fromisoformat(iso.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp()
