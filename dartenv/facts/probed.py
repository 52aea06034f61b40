"""What a probe returns: its facts, and the parts it could not tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Optional, Tuple, TypeVar

from dartenv.facts.model import ProbeFailure

T = TypeVar("T")


@dataclass(frozen=True)
class Probed(Generic[T]):
    """Facts, or ``None``, and why a part of them is missing."""

    value: Optional[T]
    failures: Tuple[ProbeFailure, ...] = ()
