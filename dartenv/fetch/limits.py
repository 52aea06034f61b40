"""Time and patience: every limit of a download, and the clock that tests replace."""

from __future__ import annotations

import email.utils
import random
import threading
import time
from dataclasses import dataclass
from typing import Optional

from dartenv.fetch.remote import Stopped


@dataclass(frozen=True)
class Limits:
    """How patient a download is. Times in seconds.

    ``retries`` counts attempts in a row that brought nothing new; one that did starts the count
    again, so a line that breaks every few minutes still brings a long file. ``attempts`` bounds
    all of them together.
    """

    connect: float = 15.0
    read: float = 30.0  # without any byte
    retries: int = 5
    attempts: int = 60
    redirects: int = 8
    corrupt: int = 2  # whole downloads whose hash was wrong
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_retry_after: float = 600.0
    slow_window: float = 30.0
    slow_rate: float = 2048.0  # bytes a second over that window
    progress_bytes: int = 1 << 20  # what counts as progress, or a fiftieth of the file
    several: int = 4  # at once
    margin: int = 64 << 20  # left free on the drive


class Broken(Exception):
    """The network failed in a way that may pass; ``after`` is when the server wants to be asked."""

    def __init__(self, reason: str, why: str, after: Optional[float] = None) -> None:
        super().__init__(why)
        self.reason = reason
        self.after = after


class Clock:
    """The real one; waiting ends at once when :meth:`stop` is called."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def random(self) -> float:
        """A number in [0, 1), so that many clients do not come back at the same moment."""
        return random.random()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Stopped."""
        if self._stop.wait(seconds):
            raise Stopped

    def stop(self) -> None:
        """End every download that uses this clock."""
        self._stop.set()

    def check(self) -> None:
        """Raises Stopped after :meth:`stop`."""
        if self._stop.is_set():
            raise Stopped


def backoff(limits: Limits, failures: int, jitter: float) -> float:
    """Seconds to wait after ``failures`` in a row: doubling, half of it by chance."""
    whole = min(limits.longest_wait, limits.first_wait * 2.0 ** max(0, failures - 1))
    return whole * (0.5 + 0.5 * jitter)


def retry_after(value: Optional[str], now: float) -> Optional[float]:
    """Seconds that a Retry-After header asks for; ``None`` where it says nothing readable."""
    if not value:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return max(0.0, when.timestamp() - now)


class Speed:
    """Ends an answer that trickles: each window must bring its share."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._since, self._bytes = clock.monotonic(), 0

    def check(self, count: int) -> None:
        """``count`` more bytes came. Raises Broken."""
        self._bytes += count
        passed = self._clock.monotonic() - self._since
        if passed < self._limits.slow_window:
            return
        if self._bytes < self._limits.slow_rate * passed:
            rate = self._bytes / passed
            raise Broken("slow", f"only {rate:.0f} bytes a second came")
        self._since, self._bytes = self._clock.monotonic(), 0
