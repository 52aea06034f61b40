"""Small vector arithmetic on nested lists, so that measuring needs neither numpy nor torch.

A vector is a list of floats, a matrix a list of rows. Python 3.6 syntax.
"""

import math
from typing import Any, List, Sequence, Tuple

Vector = Sequence[float]
Matrix = Sequence[Vector]


def plain(value: Any) -> Any:
    """A tensor or array as nested lists; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def shape(value: Any) -> List[int]:
    """The shape of nested lists, by their first elements."""
    found: List[int] = []
    while isinstance(value, (list, tuple)):
        found.append(len(value))
        if not value:
            break
        value = value[0]
    return found


def flatten(value: Any) -> List[float]:
    """Every number of nested lists, in order."""
    if not isinstance(value, (list, tuple)):
        return [float(value)]
    found: List[float] = []
    for part in value:
        if isinstance(part, (list, tuple)):
            found.extend(flatten(part))
        else:
            found.append(float(part))
    return found


def groups(numbers: Sequence[float], size: int) -> List[List[float]]:
    """``numbers`` cut into lists of ``size``."""
    return [list(numbers[i : i + size]) for i in range(0, len(numbers), size)]


def distance(a: Vector, b: Vector) -> float:
    """Euclidean distance of two points."""
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))


def mean(values: Sequence[float]) -> float:
    """The mean, 0 for nothing."""
    return math.fsum(values) / len(values) if values else 0.0


def rotation_error(m: Sequence[float]) -> Tuple[float, float]:
    """(largest entry of R R^T - I, |det R - 1|) of a 3 x 3 matrix given as nine numbers."""
    rows = (m[0:3], m[3:6], m[6:9])
    orthogonal = 0.0
    for i in range(3):
        for j in range(i, 3):
            dot = sum(a * b for a, b in zip(rows[i], rows[j]))
            orthogonal = worst(orthogonal, abs(dot - (1.0 if i == j else 0.0)))
    determinant = (
        m[0] * (m[4] * m[8] - m[5] * m[7])
        - m[1] * (m[3] * m[8] - m[5] * m[6])
        + m[2] * (m[3] * m[7] - m[4] * m[6])
    )
    return orthogonal, abs(determinant - 1.0)


def worst(a: float, b: float) -> float:
    """The larger one, where NaN is larger than everything (``max`` would lose it)."""
    if math.isnan(a) or math.isnan(b):
        return float("nan")
    return max(a, b)
