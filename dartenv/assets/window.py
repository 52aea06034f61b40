"""A bounded view of a binary file: every read is checked against what is there."""

from __future__ import annotations

from typing import BinaryIO, Optional, Tuple


class CutOff(Exception):
    """The file ends before what it announces; ``at`` is the offset it stopped at.

    ``foreign`` is as in :class:`~dartenv.assets.pickle_machine.PickleFault`.
    """

    foreign: Tuple[str, ...] = ()

    def __init__(self, at: int, wanted: int, what: str = "") -> None:
        self.at = at
        self.wanted = wanted
        super().__init__(what or f"cut off at byte {at}: {wanted} more bytes were announced")


class Window:
    """``size`` bytes of ``stream`` from ``start`` on, read with an own position.

    ``stream`` must be seekable. Nothing is read that lies outside, so an announced length can
    never make a large buffer.
    """

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream = stream
        self.start = start
        self.size = size
        self.pos = 0
        self._sought: Optional[int] = None

    @property
    def left(self) -> int:
        """Bytes from the position to the end."""
        return self.size - self.pos

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. Raises CutOff when fewer are left."""
        if not 0 <= count <= self.left:
            raise CutOff(self.pos, count)
        absolute = self.start + self.pos
        if self._sought != absolute:
            self._stream.seek(absolute)
        data = self._stream.read(count)
        if len(data) != count:
            raise CutOff(self.pos + len(data), count - len(data))
        self.pos += count
        self._sought = absolute + count
        return data

    def skip(self, count: int) -> int:
        """Pass over ``count`` bytes and return where they began. Raises CutOff."""
        if not 0 <= count <= self.left:
            raise CutOff(self.pos, count)
        begin = self.pos
        self.pos += count
        return begin

    def line(self, limit: int) -> bytes:
        """The next line without its newline, at most ``limit`` bytes. Raises CutOff."""
        begin = self.pos
        data = b""
        while len(data) <= limit:
            chunk = self.take(min(256, self.left)) if self.left else b""
            if not chunk:
                break
            data += chunk
            end = data.find(b"\n")
            if end >= 0:
                self.pos = begin + end + 1
                return data[:end]
        raise CutOff(begin, 1, f"no end of line within {limit} bytes of byte {begin}")

    def at(self, offset: int, count: int) -> bytes:
        """``count`` bytes at ``offset``, leaving the position alone. Raises CutOff."""
        kept = self.pos
        self.pos = offset
        try:
            return self.take(count)
        finally:
            self.pos = kept

    def rest(self) -> Window:
        """What is left, as a window of its own."""
        return Window(self._stream, self.start + self.pos, self.left)
