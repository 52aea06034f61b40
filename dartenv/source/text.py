"""A source file as bytes and as text, with positions that hold in both.

Only text that turns back into the very same bytes is accepted, so a splice leaves every byte
outside it as it was: newline style, byte order mark, coding line, tabs, missing last newline.
"""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_right
from functools import cached_property
from typing import List

NEWLINE = re.compile(r"\r\n|\r|\n")


def _first_lines(data: bytes) -> io.BytesIO:
    """The lines that may hold a coding line, ended as ``tokenize`` wants them."""
    return io.BytesIO(b"\n".join(re.split(rb"\r\n|\r|\n", data, maxsplit=2)[:2]) + b"\n")


class UnreadableError(Exception):
    """A file that cannot be analysed; the text says why."""


class SourceText:
    """Decoded source; ``text`` is without the byte order mark.

    Raises :class:`UnreadableError` for NUL bytes, an unknown or wrong coding line, and bytes that
    decoding and encoding would not bring back.
    """

    def __init__(self, data: bytes) -> None:
        if b"\0" in data:
            raise UnreadableError("contains NUL bytes")
        try:
            self.encoding = tokenize.detect_encoding(_first_lines(data).readline)[0]
            self.text = data.decode(self.encoding)
        except (SyntaxError, UnicodeError, LookupError) as error:
            raise UnreadableError(f"cannot be decoded: {error}") from None
        if self.encode(self.text) != data:
            raise UnreadableError(f"does not survive decoding as {self.encoding}")
        self.data = data

    @cached_property
    def _starts(self) -> List[int]:
        """Where each line begins; worked out when first asked, as most files are never asked."""
        return [0, *(m.end() for m in NEWLINE.finditer(self.text))]

    def encode(self, text: str) -> bytes:
        """``text`` in this file's encoding, byte order mark included.

        Raises UnreadableError where a character does not exist in it.
        """
        try:
            return text.encode(self.encoding)
        except UnicodeError as error:
            raise UnreadableError(f"cannot be written as {self.encoding}: {error}") from None

    def index(self, line: int, column: int) -> int:
        """The index of what ``ast`` calls line ``line`` (from 1), UTF-8 byte ``column``."""
        start = self._starts[line - 1]
        content = self.line(line)
        if content.isascii():
            return start + column
        return start + len(content.encode("utf-8")[:column].decode("utf-8"))

    def line(self, line: int) -> str:
        """Line ``line``, counted from 1, with its newline."""
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.text[self._starts[line - 1] : end]

    def line_of(self, index: int) -> int:
        """The line, from 1, that holds ``index``."""
        return bisect_right(self._starts, index)

    def line_start(self, line: int) -> int:
        """The index at which line ``line`` begins; the end of the text for the one after it."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.text)

    def newline(self, line: int) -> str:
        """The newline that ends line ``line``, or that of the nearest line above or below."""
        count = len(self._starts)
        for candidate in [*range(min(line, count), 0, -1), *range(line + 1, count + 1)]:
            found = NEWLINE.search(self.line(candidate))
            if found:
                return found.group()
        return "\n"
