"""A month of nightly runs on three machines, made up, with two injected regressions; and its page.

    python scripts/demo_month.py OUT_DIR

Writes a history, the page of the last night of each machine (report.html), the other report
formats beside it, and month.html with all three machines. Numbers are made by a seeded generator:
nothing here was measured, and the page says so.
"""

from __future__ import annotations

import argparse
import datetime
import math
import random
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import msgspec

from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.facts.model import TargetFacts
from dartenv.history.model import DONE, FindingRow, Recorded, Run
from dartenv.history.store import History
from dartenv.motion.skeleton import PARENTS_22
from dartenv.nightly import compare, regression_findings
from dartenv.page.build import packed, page_of, trends_of
from dartenv.page.model import Page, Scene
from dartenv.page.render import render
from dartenv.report.files import write_reports
from dartenv.report.model import Metric, Report
from dartenv.smoke.pictures import Motion

NIGHTS = 30
FIRST = datetime.datetime(2026, 10, 29, 3, 15, tzinfo=datetime.timezone.utc)
NOTE = "made up by scripts/demo_month.py: no machine was measured"


class Machine(NamedTuple):
    """One machine: usual values, and what gets worse on which night with which fact."""

    name: str
    profile: str
    fps: float
    parity: float
    memory: float
    facts: Dict[str, str]
    breaks: Optional[Tuple[int, str, float, str, str]] = None  # night, metric, factor, fact, value


MACHINES = (
    Machine(
        "gpu-win-4090", "windows-cu118", 310.0, 4.1e-6, 2.9e9,
        {"GPU": "NVIDIA GeForce RTX 4090", "driver": "572.16", "package torch": "2.4.1+cu118"},
        (19, "smoke.rollout.fps", 0.71, "driver", "581.29"),
    ),
    Machine(
        "gpu-linux-a6000", "linux-cu118", 262.0, 3.7e-6, 2.7e9,
        {"GPU": "NVIDIA RTX A6000", "driver": "550.54", "package onnxruntime-gpu": "1.18.1"},
    ),
    Machine(
        "gpu-win-5070", "windows-cu128", 288.0, 4.4e-6, 3.1e9,
        {"GPU": "NVIDIA GeForce RTX 5070", "driver": "576.02", "package onnxruntime-gpu": "1.23.2"},
        (26, "smoke.ort.parity", 9.0, "package onnxruntime-gpu", "1.24.0"),
    ),
)  # fmt: skip


def metrics(machine: Machine, night: int, noise: random.Random) -> Tuple[Metric, ...]:
    """One night's numbers."""
    worse = {}
    if machine.breaks is not None and night >= machine.breaks[0]:
        worse[machine.breaks[1]] = machine.breaks[2]

    def about(name: str, value: float, spread: float) -> float:
        return value * worse.get(name, 1.0) * math.exp(noise.gauss(0.0, spread))

    context = "full cuda genuine"
    rows = (
        ("smoke.rollout.fps", machine.fps, 0.02, "frames/s", "higher", 0.1, 0.0),
        ("smoke.ort.parity", machine.parity, 0.05, "m", "lower", 0.5, 1e-6),
        ("smoke.rollout.gpu_memory", machine.memory, 0.004, "bytes", "lower", 0.1, 5e7),
        ("doctor.seconds", 3.1, 0.06, "s", "lower", 0.5, 2.0),
    )
    return tuple(
        Metric(
            name=name, value=about(name, value, spread), unit=unit, better=better,
            context=context if name.startswith("smoke") else "", min_change=change, floor=floor,
        )
        for name, value, spread, unit, better, change, floor in rows
    )  # fmt: skip


def findings(machine: Machine) -> Tuple[Finding, ...]:
    """A few checks as such a machine would show them."""
    fine = ("host.memory", "gpu.driver", "packages.torch", "source.posixpath", "assets.clip")
    found = [Finding(check=check, status=Status.OK, summary="fine") for check in fine]
    found.append(
        Finding(
            check="cuda.env", status=Status.WARN,
            summary="CUDA_PATH and CUDA_HOME name different toolkits",
            found="CUDA_PATH v12.4, CUDA_HOME v11.8", wanted="one toolkit, 11.8",
            why="torch takes CUDA_HOME, others CUDA_PATH",
            evidence=("CUDA_PATH=C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v12.4",),
            remedy=Remedy(text="Set both to the profile's toolkit.", commands=("dartenv fix cuda.env",)),
        )
        if "win" in machine.name
        else Finding(check="cuda.env", status=Status.OK, summary="CUDA 11.8")
    )  # fmt: skip
    return tuple(found)


def walk(frames: int = 162, fps: float = 30.0) -> Motion:
    """A stick figure that walks a curve: 22 joints, millimetres, z up. Drawn, not generated."""
    rest = [
        (0, 0, 950), (90, 0, 880), (-90, 0, 880), (0, -10, 1060), (100, 0, 480), (-100, 0, 480),
        (0, 0, 1190), (100, -20, 80), (-100, -20, 80), (0, 10, 1250), (105, 110, 20),
        (-105, 110, 20), (0, 0, 1420), (70, 0, 1370), (-70, 0, 1370), (0, 20, 1500),
        (170, 0, 1380), (-170, 0, 1380), (200, 0, 1120), (-200, 0, 1120), (210, 40, 880),
        (-210, 40, 880),
    ]  # fmt: skip
    shown = []
    for frame in range(frames):
        t = frame / fps
        heading = 0.25 * t
        gone = 1.1 * t
        x0, y0 = (
            1000 * math.sin(heading) * gone / (1 + heading),
            1000 * gone / (1 + heading * heading),
        )
        row: List[int] = []
        for joint, place in enumerate(rest):
            x, y, z = map(float, place)
            side = 1 if joint in (1, 4, 7, 10) else -1 if joint in (2, 5, 8, 11) else 0
            arm = -1 if joint in (18, 20) else 1 if joint in (19, 21) else 0
            swing = math.sin(2 * math.pi * 0.95 * t)
            reach = (950 - z) / 950
            y += 330 * swing * side * reach + 240 * swing * arm * (1400 - z) / 520
            z += 90 * max(0.0, math.cos(2 * math.pi * 0.95 * t) * side) * reach
            c, s = math.cos(-heading), math.sin(-heading)
            row += [round(x0 + c * x - s * y), round(y0 + s * x + c * y), round(z)]
        shown.append(tuple(row))
    return Motion(
        fps=fps, parents=PARENTS_22, frames=tuple(shown), texts=("walk forward", "turn right"),
        history=2, future=81,
    )  # fmt: skip


def month(history: History, machine: Machine, seed: int) -> Tuple[Run, Report, Dict[str, str]]:
    """Write every night of one machine; answers the last one."""
    noise = random.Random(seed)
    last: Optional[Tuple[Run, Report, Dict[str, str]]] = None
    for night in range(NIGHTS):
        at = FIRST + datetime.timedelta(days=night)
        run = Run(
            id=f"{at:%Y%m%d-%H%M%S}-{seed:06x}", machine=machine.name, profile=machine.profile,
            started_at=at.isoformat(), dartenv="0.1.0",
        )  # fmt: skip
        facts = dict(machine.facts)
        if machine.breaks is not None and night >= machine.breaks[0]:
            facts[machine.breaks[3]] = machine.breaks[4]
        measured = metrics(machine, night, noise)
        history.begin(run, pid=0, born=0.0)
        worse = compare(history, run, measured, facts)
        shown = (*findings(machine), *regression_findings(worse))
        report = Report(
            command="nightly", taken_at=at.isoformat(),
            target=TargetFacts(profile=machine.profile), headline=(machine.facts["GPU"],),
            findings=shown, metrics=measured, regressions=worse, seconds=412.0, notes=(NOTE,),
            exit_code=1 if any(one.status is Status.FAIL for one in shown) else 0,
        )  # fmt: skip
        done = msgspec.structs.replace(
            run, state=DONE, ended_at=(at + datetime.timedelta(minutes=7)).isoformat(),
            exit_code=report.exit_code,
        )  # fmt: skip
        rows = tuple(
            FindingRow(check=one.check, status=one.status.value, summary=one.summary)
            for one in shown
        )
        history.finish(Recorded(run=done, findings=rows, metrics=measured, facts=facts))
        last = done, report, facts
    assert last is not None
    return last


def make(folder: Path) -> List[Path]:
    """Everything into ``folder``; answers the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "history.sqlite"
    if store.exists():
        store.unlink()
    pages: List[Path] = []
    drawn = packed(walk(), "drawn walk")
    scene = Scene(
        name="rollout", verdict="PASS", ran_on="cuda", note=NOTE,
        motions=(drawn,) if drawn is not None else (),
    )  # fmt: skip
    whole: Optional[Page] = None
    with History(store) as history:
        for seed, machine in enumerate(MACHINES, start=1):
            run, report, facts = month(history, machine, seed)
            page = page_of(
                report, machine=run.machine, facts=facts, trends=trends_of(history, run.machine)
            )
            page = msgspec.structs.replace(page, scenes=(scene,))
            write_reports(report, folder / run.machine, render(page))
            pages.append(folder / run.machine / "report.html")
            if whole is None:
                whole = page
        assert whole is not None
        all_of_them = msgspec.structs.replace(
            whole, machine="", trends=tuple(trends_of(history)), facts=()
        )
    month_page = folder / "month.html"
    month_page.write_text(render(all_of_them), encoding="utf-8")
    return [*pages, month_page]


def main() -> int:
    """0; says where the pages are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    for path in make(parser.parse_args().out):
        print(f"{path}  {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
