"""Protocol Buffers' wire format, read where it lies: a field at a time, nothing copied.

Our own because it is sixty lines, needs neither protobuf nor onnx, and steps over weights: a model
of 150 MB is described from the few hundred kB that are not numbers.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Tuple, Union


class WireFault(Exception):
    """Bytes that are no message: cut off, or of another kind."""


class Message(NamedTuple):
    """The bytes from ``start`` to ``end`` of ``data``, which is bytes or a memory map."""

    data: bytes
    start: int
    end: int

    def fields(self) -> Iterator[Tuple[int, Union[int, Message]]]:
        """(number, value) of each field: a whole number, or the bytes of a longer one."""
        at = self.start
        while at < self.end:
            key, at = self._varint(at)
            number, kind = key >> 3, key & 7
            if number == 0:
                raise WireFault("a field without a number")
            if kind == 0:
                value, at = self._varint(at)
                yield number, value
                continue
            if kind == 2:
                size, at = self._varint(at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise WireFault(f"a field of the unknown kind {kind}")
            if size > self.end - at:
                raise WireFault(f"a field of {size} bytes where {self.end - at} are left")
            yield number, Message(self.data, at, at + size)
            at += size

    def _varint(self, at: int) -> Tuple[int, int]:
        value = shift = 0
        while at < self.end and shift < 64:
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
        raise WireFault("a number that is cut off")

    def __len__(self) -> int:
        return self.end - self.start

    def raw(self) -> bytes:
        """The bytes themselves."""
        return bytes(self.data[self.start : self.end])

    def text(self) -> str:
        """The bytes as text."""
        return self.raw().decode("utf-8", "replace")

    def numbers(self) -> List[int]:
        """The bytes as numbers packed behind one another."""
        found, at = [], self.start
        while at < self.end:
            value, at = self._varint(at)
            found.append(value)
        return found


def message(value: Union[int, Message]) -> Message:
    """``value`` where it is the bytes of a message. Raises WireFault where it is a number."""
    if isinstance(value, Message):
        return value
    raise WireFault("a number where a message is wanted")


def whole(value: Union[int, Message]) -> int:
    """``value`` as a signed whole number. Raises WireFault where it is not one."""
    if isinstance(value, int):
        return value - (1 << 64) if value >= 1 << 63 else value
    raise WireFault("bytes where a number is wanted")
