"""Regressions on histories whose change points are known."""

from __future__ import annotations

import random
from typing import List

import pytest

from dartenv.history.model import Point
from dartenv.history.regress import ACCEPTED, ENOUGH, judge, reference, regression
from dartenv.history.spark import PLAIN, bars_for, sparkline
from dartenv.report.model import Metric

FPS = Metric(name="fps", value=0.0, better="higher", min_change=0.05)
MEMORY = Metric(name="memory", value=0.0, better="lower", min_change=0.1, floor=50.0)


def nights(values: List[float]) -> List[Point]:
    return [
        Point(run=f"r{i}", started_at=f"2026-11-{i + 1:02d}T02:00:00+00:00", value=value)
        for i, value in enumerate(values)
    ]


def quiet(count: int, seed: int = 1) -> List[float]:
    rng = random.Random(seed)
    return [100.0 + rng.gauss(0.0, 1.0) for _ in range(count)]


def test_median_and_spread_withstand_an_outlier() -> None:
    usual = reference([10.0, 11.0, 9.0, 10.0, 1000.0])
    assert usual.centre == 10.0
    assert usual.spread == pytest.approx(1.4826)


def test_one_bad_night_is_a_suspicion_and_two_are_a_regression() -> None:
    past = quiet(20)
    once = regression(nights([*past, 70.0]), FPS)
    assert once is not None
    assert (once.regression.confirmed, once.last_good, once.first_bad) == (False, "r19", "r20")
    twice = regression(nights([*past, 70.0, 71.0]), FPS)
    assert twice is not None
    assert twice.regression.confirmed
    assert (twice.regression.since_run, twice.regression.runs) == ("r20", 2)
    assert twice.regression.usual == pytest.approx(100.0, abs=1.0)
    assert twice.regression.change == pytest.approx(-0.29, abs=0.02)


def test_a_night_that_recovers_ends_it() -> None:
    assert regression(nights([*quiet(20), 70.0, 100.0]), FPS) is None


@pytest.mark.parametrize(("metric", "better"), [(FPS, 140.0), (MEMORY, 40.0)])
def test_a_change_for_the_better_is_none(metric: Metric, better: float) -> None:
    assert regression(nights([*quiet(20), better, better, better]), metric) is None


def test_the_floor_and_the_share_both_have_to_be_passed() -> None:
    steady = [100.0] * 10
    assert regression(nights([*steady, 120.0]), MEMORY) is None  # 20 %, but under the floor of 50
    assert regression(nights([*steady, 151.0]), MEMORY) is not None
    assert regression(nights([*steady, 96.0]), FPS) is None  # no spread at all, but only 4 %
    assert regression(nights([*steady, 94.0]), FPS) is not None


def test_too_few_nights_are_no_judgement() -> None:
    assert regression(nights([100.0] * (ENOUGH - 1) + [10.0]), FPS) is None
    assert regression(nights([100.0] * ENOUGH + [10.0]), FPS) is not None


def test_a_creep_is_seen_against_the_first_nights() -> None:
    creep = [100.0 * (0.996**i) for i in range(50)]
    found = regression(nights(creep), FPS)
    assert found is not None
    assert found.regression.confirmed


def test_a_level_that_stays_becomes_the_usual_one() -> None:
    values = [*quiet(20), *[70.0] * ACCEPTED]
    assert judge(values, FPS).bad == ()
    again = regression(nights([*values, 50.0, 50.0]), FPS)
    assert again is not None
    assert again.regression.usual == 70.0


def test_bars() -> None:
    assert sparkline([1.0, 2.0, 3.0]) == "▁▅█"
    assert sparkline([5.0, 5.0]) == "▅▅"
    assert sparkline([]) == ""
    assert len(sparkline([float(i) for i in range(100)], width=30)) == 30
    assert bars_for("cp1252") == PLAIN
    assert bars_for("utf-8") != PLAIN
