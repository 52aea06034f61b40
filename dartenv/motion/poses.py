"""A motion without its body, and what its numbers have to be like, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Tuple

import numpy as np

from dartenv.errors import UsageFault

# Angles, metres or centimetres, matrices: what lies beyond is damage, and overflows further on.
_MOST = 1e5


@dataclass(frozen=True)
class Poses:
    """A motion without its body: ``rotations`` [T, J, 3, 3] with J 22 or 55, ``translation`` [T, 3]
    in metres, both in a world with ``up`` (None: the file does not say). ``fps`` None likewise."""

    rotations: Any
    translation: Any
    fps: Optional[float]
    up: Optional[str]
    gender: str
    betas: Tuple[float, ...]
    label: str


def check_numbers(path: Path, name: str, values: Any) -> Any:
    """``values`` as float64. Raises UsageFault: no numbers, infinite ones, ones beyond any motion."""
    try:
        values = np.asarray(values)
    except ValueError:  # lists of unequal lengths
        raise UsageFault(f"{path}: {name} is no array", "numbers") from None
    if values.dtype.kind not in "fiu":
        raise UsageFault(f"{path}: {name} is {values.dtype}", "numbers")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise UsageFault(f"{path}: {name} has values that are no numbers", "finite numbers")
    if values.size and np.abs(values).max() > _MOST:
        raise UsageFault(
            f"{path}: {name} goes up to {np.abs(values).max():.3g}",
            f"angles and places, far below {_MOST:g}",
        )
    return values


def check_rate(path: Path, name: str, rate: float) -> float:
    """``rate`` of a file. Raises UsageFault where it is no rate."""
    if not 1 <= rate <= 1000:
        raise UsageFault(f"{path}: {name} {rate:g}", "1 to 1000 frames a second")
    return rate
