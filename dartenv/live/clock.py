"""A clock that ticks at a fixed rate without drift, and how late its ticks were."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Callable, Dict, Iterator, List, NamedTuple

_BIN = 0.0001  # seconds
_BINS = 10_000  # the last one holds a second and more


class Tick(NamedTuple):
    """One tick: so many seconds after it was due, after so many that were left out."""

    late: float
    skipped: int


class FrameClock:
    """Tick n is due at the start + n periods, whatever the ticks before did.

    A tick that is reached a whole period or more after it was due is taken at once, and the ones
    that fell into that time are left out, not made up for in a burst. ``now`` is a monotonic time in
    seconds, ``wait`` sleeps so many seconds and may return early.
    """

    def __init__(
        self,
        fps: float,
        now: Callable[[], float] = time.perf_counter,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.period = 1.0 / fps
        self._now, self._wait = now, wait
        self.restart()

    def restart(self) -> None:
        """Begin anew: the next tick is due one period from now."""
        self._start = self._now()
        self._count = 0

    def tick(self, stopped: Callable[[], bool] = lambda: False) -> Tick:
        """Wait for the next tick, or until ``stopped``."""
        self._count += 1
        due = self._start + self._count * self.period
        while True:
            left = due - self._now()
            if left <= 0 or stopped():
                break
            self._wait(left)
        late = max(self._now() - due, 0.0)
        skipped = int(late / self.period)
        self._count += skipped
        return Tick(late, skipped)


class Spread:
    """How values of seconds are spread, in bounded memory: exact to a tenth of a millisecond."""

    def __init__(self) -> None:
        self._bins: List[int] = [0] * _BINS
        self._lock = threading.Lock()
        self.count = 0
        self.most = 0.0

    def add(self, seconds: float) -> None:
        """Count one value; less than nothing counts as nothing."""
        place = min(max(int(seconds / _BIN), 0), _BINS - 1)
        with self._lock:
            self._bins[place] += 1
            self.count += 1
            self.most = max(self.most, seconds)

    def at(self, share: float) -> float:
        """The value that ``share`` (0 to 1) of all do not exceed, in seconds; 0 without values."""
        with self._lock:
            wanted, seen = share * self.count, 0
            if not self.count:
                return 0.0
            for place, count in enumerate(self._bins):
                seen += count
                if seen >= wanted and seen:
                    return min((place + 1) * _BIN, self.most)
        return self.most

    def milliseconds(self) -> Dict[str, float]:
        """p50, p99 and the most, in milliseconds."""
        return {
            "p50": round(self.at(0.5) * 1e3, 2),
            "p99": round(self.at(0.99) * 1e3, 2),
            "max": round(self.most * 1e3, 2),
        }


@contextlib.contextmanager
def fine_timer() -> Iterator[None]:
    """Let Windows wake sleepers to the millisecond, not to its usual 15.6; nothing elsewhere.

    Source: learn.microsoft.com, timeBeginPeriod (each call is to be matched by timeEndPeriod).
    """
    if os.name != "nt":
        yield
        return
    import ctypes

    timer = getattr(ctypes, "WinDLL")("winmm")  # noqa: B009 - not there for type checkers
    timer.timeBeginPeriod(1)
    try:
        yield
    finally:
        timer.timeEndPeriod(1)
