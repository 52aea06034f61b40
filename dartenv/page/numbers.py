"""Numbers and units as a person reads them; trends.js writes the numbers of charts by the same rule."""

from __future__ import annotations

from typing import Dict, Tuple

# unit of a metric: (factor, unit on the page)
_SHOWN: Dict[str, Tuple[float, str]] = {"bytes": (1e-9, "GB")}


def shown_unit(unit: str) -> Tuple[float, str]:
    """What values in ``unit`` are multiplied by for the page, and the unit they have then."""
    return _SHOWN.get(unit, (1.0, unit))


def number(value: float) -> str:
    """Four digits that matter, without an exponent where it can be read without."""
    text = f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if "e" not in text:
        return text
    digits, _, exponent = f"{value:.3g}".partition("e")
    return f"{digits}e{int(exponent)}"


def quantity(value: float, unit: str) -> str:
    """``2.9 GB`` of 2.9e9 and ``bytes``."""
    factor, name = shown_unit(unit)
    return f"{number(value * factor)} {name}".strip()
