"""Whether a metric got worse than its own past, and since when.

Each value is held against two references of earlier good values of the same machine, profile
and context: the last ``RECENT`` ones, which catch a jump, and the first ``RECENT`` ones at this
level, which catch a creep. Centre is the median, spread is 1.4826 times the median absolute
deviation (the standard deviation where the values are normal, and untouched by a few outliers;
Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", 1993). A value is bad when
it is worse than a reference's centre by more than ``SIGMAS`` spreads, by the metric's own
``min_change`` and by its ``floor``, all three. Bad values never become reference, until
``ACCEPTED`` of them in a row have made the new level the usual one.

One bad value is a suspicion, from ``CONFIRMED`` in a row on it is a regression.
"""

from __future__ import annotations

import statistics
from typing import List, NamedTuple, Optional, Sequence, Tuple

from dartenv.history.model import Point
from dartenv.report.model import Metric, Regression

RECENT = 20
ENOUGH = 5  # good values before anything is judged
SIGMAS = 4.0
CONFIRMED = 2
ACCEPTED = 14

_TO_SIGMA = 1.4826


class Reference(NamedTuple):
    """What is usual: the centre and the spread of earlier good values."""

    centre: float
    spread: float


def reference(values: Sequence[float]) -> Reference:
    """Median and robust spread of ``values``."""
    centre = statistics.median(values)
    deviations = [abs(value - centre) for value in values]
    return Reference(centre, _TO_SIGMA * statistics.median(deviations))


def worse_than(value: float, usual: Reference, metric: Metric) -> bool:
    """Whether ``value`` is worse than ``usual`` by all three margins."""
    step = usual.centre - value if metric.better == "higher" else value - usual.centre
    margin = max(SIGMAS * usual.spread, metric.min_change * abs(usual.centre), metric.floor)
    return step > margin


class Judgement(NamedTuple):
    """The state of a series after its last value."""

    usual: Optional[Reference]
    bad: Tuple[int, ...]  # indices of the bad values at its end
    last_good: Optional[int]


def judge(values: Sequence[float], metric: Metric) -> Judgement:
    """Walk through ``values``, the oldest first."""
    level: List[float] = []  # good values since the last accepted level
    bad: List[int] = []
    last_good: Optional[int] = None
    usual: Optional[Reference] = None
    for index, value in enumerate(values):
        broken = _broken(value, level, metric)
        if broken is None:
            level.append(value)
            bad, last_good, usual = [], index, None
            continue
        bad.append(index)
        usual = broken
        if len(bad) >= ACCEPTED:
            level = [values[i] for i in bad]
            bad, last_good, usual = [], index, None
    return Judgement(usual, tuple(bad), last_good)


def _broken(value: float, level: Sequence[float], metric: Metric) -> Optional[Reference]:
    """The reference that ``value`` is worse than, the recent one first."""
    if len(level) < ENOUGH:
        return None
    for values in (level[-RECENT:], level[:RECENT]):
        usual = reference(values)
        if worse_than(value, usual, metric):
            return usual
    return None


class Found(NamedTuple):
    """A regression, and the runs between which it came."""

    regression: Regression
    last_good: Optional[str]
    first_bad: str


def regression(points: Sequence[Point], metric: Metric) -> Optional[Found]:
    """The regression that the last of ``points`` (the oldest first) shows, if any."""
    values = [point.value for point in points]
    state = judge(values, metric)
    if not state.bad or state.usual is None:
        return None
    first = points[state.bad[0]]
    good = points[state.last_good].run if state.last_good is not None else None
    return Found(
        Regression(
            metric=metric.name,
            value=values[-1],
            usual=state.usual.centre,
            spread=state.usual.spread,
            unit=metric.unit,
            better=metric.better,
            context=metric.context,
            confirmed=len(state.bad) >= CONFIRMED,
            since_run=first.run,
            since=first.started_at,
            runs=len(state.bad),
        ),
        good,
        first.run,
    )
