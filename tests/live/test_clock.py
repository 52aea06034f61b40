"""Ticks at a fixed rate, on a time that the test makes."""

from __future__ import annotations

import pytest

from dartenv.live.clock import FrameClock, Spread


class Time:
    """Sleeping takes as long as asked and a little more, or less."""

    def __init__(self, over=0.0, part=1.0):
        self.now, self.over, self.part = 100.0, over, part

    def wait(self, seconds):
        self.now += seconds * self.part + self.over


def test_sleeping_too_long_does_not_add_up():
    time = Time(over=0.003)
    clock = FrameClock(30, lambda: time.now, time.wait)
    ticks = [clock.tick() for _ in range(300)]
    assert time.now == pytest.approx(100 + 10 + 0.003, abs=1e-9)
    assert all(t.late == pytest.approx(0.003, abs=1e-9) and t.skipped == 0 for t in ticks)


def test_waking_too_early_sleeps_again():
    time = Time(over=1e-5, part=0.5)
    clock = FrameClock(30, lambda: time.now, time.wait)
    clock.tick()
    assert 100 + 1 / 30 <= time.now < 100 + 1 / 30 + 1e-4


def test_work_between_ticks_is_part_of_the_period():
    time = Time()
    clock = FrameClock(30, lambda: time.now, time.wait)
    for _ in range(30):
        clock.tick()
        time.now += 0.02
    assert time.now == pytest.approx(101 + 0.02, abs=1e-9)


def test_what_was_missed_is_left_out_and_the_beat_is_kept():
    time = Time()
    clock = FrameClock(10, lambda: time.now, time.wait)
    clock.tick()
    time.now += 0.35  # the ticks due at 100.2, 100.3 and 100.4 pass
    late = clock.tick()
    assert late.late == pytest.approx(0.25)
    assert late.skipped == 2
    assert clock.tick().late == pytest.approx(0.0, abs=1e-9)
    assert time.now == pytest.approx(100.5)


def test_it_stops_waiting_when_told():
    time = Time(part=0.0)
    clock = FrameClock(30, lambda: time.now, time.wait)
    asked = iter([False, False, True])
    assert clock.tick(lambda: next(asked)).late == 0


def test_a_spread_knows_its_middle_and_its_end():
    spread = Spread()
    assert spread.milliseconds() == {"p50": 0, "p99": 0, "max": 0}
    for value in range(1, 1001):
        spread.add(value / 1e5)
    assert spread.at(0.5) == pytest.approx(0.005, abs=1.1e-4)
    assert spread.at(0.99) == pytest.approx(0.0099, abs=1.1e-4)
    spread.add(7.5)
    assert spread.milliseconds()["max"] == 7500
