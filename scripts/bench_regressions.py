"""How well regressions are found: generated histories with known change points.

    python scripts/bench_regressions.py [--series 400] [--seed 0]

Prints, for each kind of noise and size of change, the share that was found, the delay in runs
until the suspicion and until it counts as confirmed, and the false alarms per 100 nights of a
history without a change.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from typing import Callable, Dict, List, Optional, Tuple

from dartenv.history.regress import CONFIRMED, judge
from dartenv.report.model import Metric

NIGHTS = 60
CHANGE = 30
METRIC = Metric(name="fps", value=0.0, unit="frames/s", better="higher", min_change=0.05)

Noise = Callable[[random.Random], float]


def normal(share: float) -> Noise:
    """Noise of a quiet machine: normal, a share of the value."""
    return lambda rng: rng.gauss(0.0, share)


def spiky(rng: random.Random) -> float:
    """3 % noise, and every tenth night something else ran beside it: up to 40 % slower."""
    return rng.gauss(0.0, 0.03) - (rng.uniform(0.1, 0.4) if rng.random() < 0.1 else 0.0)


NOISES: Dict[str, Noise] = {"1 %": normal(0.01), "3 %": normal(0.03), "spiky": spiky}


def series(noise: Noise, drop: float, rng: random.Random) -> List[float]:
    """A history of ``NIGHTS`` values about 100, lower by the share ``drop`` from ``CHANGE`` on."""
    return [
        100.0 * (1.0 - (drop if night >= CHANGE else 0.0)) * (1.0 + noise(rng))
        for night in range(NIGHTS)
    ]


def first_alarms(values: List[float]) -> Tuple[Optional[int], Optional[int]]:
    """Nights after the change until it is suspected and until it is confirmed."""
    suspected: Optional[int] = None
    for night in range(CHANGE, len(values)):
        bad = judge(values[: night + 1], METRIC).bad
        if bad and suspected is None:
            suspected = night - CHANGE
        if len(bad) >= CONFIRMED:
            return suspected, night - CHANGE
    return suspected, None


def false_alarms(values: List[float]) -> Tuple[int, int]:
    """Nights with a suspicion, and confirmed alarms, in a history without a change."""
    suspected = confirmed = 0
    for night in range(len(values)):
        bad = judge(values[: night + 1], METRIC).bad
        suspected += bool(bad)
        confirmed += len(bad) == CONFIRMED
    return suspected, confirmed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"{'noise':<8}{'change':>8}{'found':>8}{'suspected':>12}{'confirmed':>12}")
    for name, noise in NOISES.items():
        for drop in (0.07, 0.1, 0.2, 0.4):
            delays = [
                first_alarms(series(noise, drop, rng)) for _ in range(max(1, options.series // 4))
            ]
            confirmed = [c for _, c in delays if c is not None]
            suspected = [s for s, _ in delays if s is not None]
            share = len(confirmed) / len(delays)
            print(f"{name:<8}{drop:>8.0%}{share:>8.0%}{_runs(suspected):>12}{_runs(confirmed):>12}")
    for name, noise in NOISES.items():
        counts = [false_alarms(series(noise, 0.0, rng)) for _ in range(max(1, options.series // 4))]
        nights = len(counts) * NIGHTS / 100
        print(
            f"{name:<8} without a change: {sum(s for s, _ in counts) / nights:.2f} suspicions, "
            f"{sum(c for _, c in counts) / nights:.3f} confirmed alarms in 100 nights"
        )
    return 0


def _runs(delays: List[int]) -> str:
    return f"{statistics.median(delays):.0f} nights" if delays else "-"


if __name__ == "__main__":
    sys.exit(main())
