"""Pages made of literal values."""

from __future__ import annotations

import msgspec
import pytest

from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.facts.model import TargetFacts
from dartenv.page.build import packed
from dartenv.page.model import Fleet, FleetDifference, FleetMachine, Judged, Page, Scene, Trend
from dartenv.report.model import FactChange, Regression, Report
from dartenv.smoke.pictures import Motion

HOSTILE = "</script><script>window.broken = 1</script> <b>李明</b>"
DAY = 86400.0
FIRST = 1790000000.0

REGRESSION = Regression(
    metric="smoke.rollout.fps",
    value=40.0,
    usual=51.0,
    spread=0.7,
    unit="frames/s",
    better="higher",
    since_run="night-3",
    since="2026-09-25T03:15:00+00:00",
    runs=2,
    changed=(FactChange(name="driver", before="531.79", after="537.42"),),
)


def finding(check: str, status: Status, **more: object) -> Finding:
    return msgspec.structs.replace(
        Finding(check=check, status=status, summary=f"{check} says"),
        **more,
    )


FINDINGS = (
    finding("host.disk", Status.OK),
    finding(
        "packages.torch",
        Status.FAIL,
        found="2.4.1+cpu",
        wanted="2.4.1+cu118",
        evidence=(HOSTILE,),
        remedy=Remedy(text="Install it.", commands=("dartenv fix packages.torch",)),
    ),
    finding("cuda.env", Status.WARN, found="v12.4"),
    finding("imports.torch", Status.SKIP, cause="packages.torch"),
)


def recorded(frames: int = 60) -> Motion:
    """Two joints, the second a metre above the first, walking along x by 10 mm a frame."""
    return Motion(
        fps=30.0,
        parents=(-1, 0),
        frames=tuple((1000 + 10 * i, 500, 900, 1000 + 10 * i, 500, 1900) for i in range(frames)),
        texts=("walk", "stand"),
        future=30,
    )


@pytest.fixture
def report() -> Report:
    return Report(
        command="nightly",
        taken_at="2026-09-26T03:15:00+00:00",
        target=TargetFacts(profile="windows-cu118"),
        headline=("RTX 4090",),
        findings=FINDINGS,
        regressions=(REGRESSION,),
        exit_code=1,
    )


@pytest.fixture
def page(report: Report) -> Page:
    from dartenv.page.build import page_of

    motion = packed(recorded(), "rollout history")
    assert motion is not None
    scene = Scene(
        name="rollout",
        verdict="PLUMBING PASS",
        ran_on="cpu",
        stand_ins=("SMPLX_MALE",),
        judged=(Judged(name="bones", passed=True, value="0.4 mm", threshold="at most 1 mm"),),
        motions=(motion,),
    )
    trend = Trend(
        name="smoke.rollout.fps",
        unit="frames/s",
        context="full cuda",
        machine="m",
        profile="windows-cu118",
        better="higher",
        times=tuple(FIRST + i * DAY for i in range(5)),
        values=(51.0, 52.0, 50.5, 41.0, 40.0),
        runs=tuple(f"night-{i}" for i in range(5)),
        regression=REGRESSION,
    )
    fleet = Fleet(
        machines=tuple(
            FleetMachine(
                name=name,
                profile="windows-cu118",
                system="Windows 11",
                verdict="not ready",
                when="2026-09-26T03:15:00+00:00",
                statuses={"packages.torch": status},
            )
            for name, status in (("alpha", "ok"), ("beta", "fail"))
        ),
        differs=(FleetDifference(what="driver", common="531.79", others={"beta": "537.42"}),),
    )
    made = page_of(
        report, machine="m", facts={"driver": "531.79", "GPU": "RTX 4090"}, trends=(trend,)
    )
    return msgspec.structs.replace(made, scenes=(scene,), fleet=fleet)
