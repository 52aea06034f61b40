"""Writing styled lines to whatever the terminal is.

A line is a list of (text, style) pieces. On a terminal rich colours them; elsewhere the same
text comes plain. Characters the output's encoding lacks are replaced by ASCII look-alikes, so
that a cp1252 or GBK console never ends a run with UnicodeEncodeError.
"""

from __future__ import annotations

import sys
from typing import Iterable, List, Sequence, TextIO, Tuple

Piece = Tuple[str, str]
Line = Sequence[Piece]

_LOOKALIKES = {
    "—": "-",
    "–": "-",
    "·": "-",
    "…": "...",
    "✓": "ok",
    "━": "=",
    "→": "->",
    "×": "x",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "│": "|",
}


def encodable(text: str, encoding: str) -> str:
    """``text`` with every character that ``encoding`` lacks replaced, look-alikes first."""
    try:
        text.encode(encoding)
        return text
    except (UnicodeEncodeError, LookupError):
        pass
    out: List[str] = []
    for character in text:
        candidate = character
        try:
            candidate.encode(encoding)
        except UnicodeEncodeError:
            candidate = _LOOKALIKES.get(character, "?")
        except LookupError:
            candidate = character if ord(character) < 128 else _LOOKALIKES.get(character, "?")
        out.append(candidate)
    return "".join(out)


def plain(lines: Iterable[Line]) -> str:
    """The lines without their styles."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


def write(lines: Iterable[Line], stream: TextIO) -> None:
    """Write the lines to ``stream``, coloured where it is a terminal."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if not _is_terminal(stream):
        stream.write(encodable(plain(lines), encoding))
        stream.flush()
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in lines:
        text = Text()
        for piece, style in line:
            text.append(encodable(piece, encoding), style=style or None)
        console.print(text)


def say(text: str, stream: TextIO) -> None:
    """One plain line of talk."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(encodable(text.rstrip("\n") + "\n", encoding))
    stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False


def stdout() -> TextIO:
    """Standard output; a function so that a test can replace ``sys.stdout``."""
    return sys.stdout


def stderr() -> TextIO:
    """Standard error, for the same reason."""
    return sys.stderr
