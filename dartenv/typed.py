"""Plain data and JSON as typed structs, from any thread.

msgspec works out what a struct holds the first time it is read into, and two threads that do so at
once for the same struct, or for one that both contain, end the whole process (SIGSEGV, seen with
0.22). Probes run side by side and share the manifests' types, so what they read goes through here.
"""

from __future__ import annotations

import threading
from typing import Any, Type, TypeVar, Union

import msgspec

T = TypeVar("T")

_one_at_a_time = threading.RLock()


def convert(data: Any, kind: Type[T]) -> T:
    """``msgspec.convert``. Raises msgspec.ValidationError."""
    with _one_at_a_time:
        return msgspec.convert(data, kind)


def from_json(data: Union[bytes, str], kind: Type[T]) -> T:
    """``msgspec.json.decode``. Raises msgspec.DecodeError."""
    with _one_at_a_time:
        return msgspec.json.decode(data, type=kind)
