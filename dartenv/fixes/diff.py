"""A unified diff of two byte contents, for eyes: never fails, whatever the bytes are."""

from __future__ import annotations

import codecs
import difflib
import re
from typing import List, Tuple

CONTEXT = 3
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def unified_diff(path: str, old: bytes, new: bytes) -> str:
    """``old`` against ``new`` as a unified diff with three lines of context; "" when equal.

    The text is decoded as the file declares (byte order mark, then coding line), else as UTF-8;
    bytes that do not decode, control characters and differing line ends are shown as escapes.
    """
    if old == new:
        return ""
    encoding = declared_encoding(old or new)
    before, after = _lines(old, encoding), _lines(new, encoding)
    ended = [line for line in before + after if line.endswith("\n")]
    if all(line.endswith("\\r\n") for line in ended):
        # The same line ends throughout say nothing in a diff.
        before, after = _without_cr(before), _without_cr(after)
    skip, before, after = _trim(before, after)
    text: List[str] = []
    for line in difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", n=CONTEXT):
        if line.startswith("@@"):
            line = _shift(line, skip)
        text.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(text)


def declared_encoding(data: bytes) -> str:
    """The encoding a Python source declares; "utf-8" where it declares none that exists."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    for line in data.split(b"\n", 2)[:2]:
        found = _CODING.match(line)
        if found:
            try:
                return codecs.lookup(found.group(1).decode("ascii")).name
            except (LookupError, UnicodeDecodeError):
                return "utf-8"
    return "utf-8"


def _lines(data: bytes, encoding: str) -> List[str]:
    try:
        text = data.decode(encoding, errors="backslashreplace")
    except (LookupError, ValueError, TypeError):  # a codec that is not one of text
        text = data.decode("utf-8", errors="backslashreplace")
    shown = _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)
    lines = shown.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _without_cr(lines: List[str]) -> List[str]:
    return [line[:-3] + "\n" if line.endswith("\\r\n") else line for line in lines]


def _trim(old: List[str], new: List[str]) -> Tuple[int, List[str], List[str]]:
    """Drop what both begin and end with, but for the context: long files stay quick."""
    short = min(len(old), len(new))
    head = 0
    while head < short and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < short - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    head, tail = max(0, head - CONTEXT), max(0, tail - CONTEXT)
    return head, old[head : len(old) - tail], new[head : len(new) - tail]


def _shift(header: str, by: int) -> str:
    def moved(found: re.Match[str]) -> str:
        return f"{found.group(1)}{int(found.group(2)) + by}"

    return re.sub(r"([-+])(\d+)", moved, header)
