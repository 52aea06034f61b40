"""Reading progress out of what a program prints: tqdm's bars, carriage returns and all."""

from __future__ import annotations

import re
from typing import Callable, Optional

import msgspec

# 45%|####5     | 9/20 [00:03<00:04,  2.58it/s]   also "s/it", and "?" before the first step
_BAR = re.compile(
    r"(?P<done>\d+)/(?P<total>\d+)\s+\[(?P<elapsed>[\d:]+)<[\d:?]+,\s*"
    r"(?P<rate>[\d.]+|\?)\s*(?P<unit>it/s|s/it)[^\]]*\]"
)
_TAIL_LIMIT = 4096


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come; ``rate`` in steps per second, over the whole loop so far."""

    done: int
    total: int
    rate: Optional[float] = None

    @property
    def seconds(self) -> Optional[float]:
        """Time the loop has taken, from its own rate."""
        return self.done / self.rate if self.rate else None


Progress = Callable[[Step], None]


def read_step(text: str) -> Optional[Step]:
    """The last whole bar in ``text``, or ``None``."""
    bars = list(_BAR.finditer(text))
    if not bars:
        return None
    last = bars[-1]
    return Step(
        done=int(last.group("done")),
        total=int(last.group("total")),
        rate=_rate(last.group("rate"), last.group("unit")),
    )


def _rate(number: str, unit: str) -> Optional[float]:
    try:
        value = float(number)
    except ValueError:
        return None
    if unit == "s/it":
        return 1.0 / value if value > 0 else None
    return value if value > 0 else None


class ProgressReader:
    """Feed it the raw bytes as they come; :attr:`step` is the newest bar."""

    def __init__(self) -> None:
        self.step: Optional[Step] = None
        self._tail = b""

    def feed(self, data: bytes) -> bool:
        """Take more output; answers whether a new step was seen."""
        self._tail = (self._tail + data)[-_TAIL_LIMIT:]
        found = read_step(self._tail.decode("utf-8", errors="replace"))
        if found is None or found == self.step:
            return False
        self.step = found
        return True
