"""What is counted while the motion runs."""

from __future__ import annotations

from typing import Any, Dict, Optional

from dartenv.live.clock import Spread


class Figures:
    """Counts and spreads; ``period`` is the time between two frames in seconds."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._before: Optional[float] = None
        self.frames = 0
        self.late = 0
        self.skipped = 0
        self.restarts = 0
        self.lateness = Spread()
        self.interval = Spread()
        self.primitive = Spread()

    def given(self, late: float, skipped: int, now: float) -> None:
        """A frame was given out at ``now``, ``late`` seconds after it was due."""
        self.frames += 1
        self.skipped += skipped
        self.late += late > self._period / 2
        self.lateness.add(late)
        if self._before is not None:
            self.interval.add(now - self._before)
        self._before = now

    def broken(self) -> None:
        """A pause: the time across it is no interval."""
        self._before = None

    def numbers(self) -> Dict[str, Any]:
        """For the page and the statistics; times in milliseconds."""
        return {
            "frames": self.frames,
            "late": self.late,
            "skipped": self.skipped,
            "restarts": self.restarts,
            "lateness_ms": self.lateness.milliseconds(),
            "interval_ms": self.interval.milliseconds(),
            "primitive_ms": self.primitive.milliseconds(),
        }
