"""A row of values as one line of text."""

from __future__ import annotations

from typing import Sequence

BARS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-=*#"  # for output encodings without block characters


def sparkline(values: Sequence[float], width: int = 30, bars: str = BARS) -> str:
    """The last ``width`` of ``values`` as bars between their least and greatest.

    Values that are all the same become a row of the middle bar: there is no change to show.
    """
    shown = list(values)[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if high == low:
        return bars[len(bars) // 2] * len(shown)
    top = len(bars) - 1
    return "".join(bars[round((value - low) / (high - low) * top)] for value in shown)


def bars_for(encoding: str) -> str:
    """The bars that ``encoding`` can show."""
    try:
        BARS.encode(encoding)
        return BARS
    except (UnicodeEncodeError, LookupError):
        return PLAIN
