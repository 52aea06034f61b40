"""What a patch returns, and the one way in which patches change text: splices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

from dartenv.source.module import Module
from dartenv.source.text import SourceText


@dataclass(frozen=True)
class Edit:
    """One change: the line it is on before it, that line before and after, and what it is about.

    ``before`` is empty for inserted lines; ``after`` then shows the first of them. ``lines`` is
    how many of the old lines the change touches.
    """

    line: int
    before: str
    after: str
    symbol: str
    lines: int = 1


@dataclass(frozen=True)
class Refusal:
    """A place left alone, and why. ``path`` and ``patch`` are filled in by the plan."""

    line: int
    reason: str
    symbol: str = ""
    path: str = ""
    patch: str = ""


@dataclass(frozen=True)
class PatchResult:
    """The file's new bytes (the old ones if nothing was to be done), edits and refusals."""

    data: bytes
    edits: Tuple[Edit, ...] = ()
    refusals: Tuple[Refusal, ...] = ()
    module: Optional[Module] = field(default=None, repr=False, compare=False)  # ``data`` parsed


class CannotPatchError(Exception):
    """A place that the patch has to leave alone; the text says why."""


@dataclass(frozen=True)
class Splice:
    """Put ``text`` in the place of ``start`` to ``end`` (equal for an insertion)."""

    start: int
    end: int
    text: str
    symbol: str = ""


def wrap(span: Tuple[int, int], name: str, symbol: str) -> List[Splice]:
    """Splices that turn an expression into ``name(expression)``."""
    start, end = span
    return [Splice(start, start, f"{name}(", symbol), Splice(end, end, ")")]


def apply(source: SourceText, splices: Sequence[Splice]) -> Tuple[str, List[Edit]]:
    """The text with ``splices`` applied, and the edits they amount to.

    Raises CannotPatchError if they overlap.
    """
    # At one index, what closes an earlier expression stands before what opens the next.
    ordered = sorted(
        (_trimmed(source, s) for s in splices), key=lambda s: (s.start, s.end, s.text != ")")
    )
    pieces: List[str] = []
    places: List[Tuple[Splice, int]] = []
    position = length = 0
    for splice in ordered:
        if splice.start < position:
            raise CannotPatchError("two repairs would change the same place")
        kept = source.text[position : splice.start]
        text = splice.text
        before = kept[-1:] or (pieces[-1][-1:] if pieces else "")
        if (
            _is_word(before)
            and _is_word(text[:1])
            and not _is_word(source.text[splice.start :][:1])
        ):
            text = " " + text
        pieces.extend((kept, text))
        places.append((splice, length + len(kept)))
        length += len(kept) + len(text)
        position = splice.end
    pieces.append(source.text[position:])
    new = "".join(pieces)
    return new, _edits(source, new, places)


def _trimmed(source: SourceText, splice: Splice) -> Splice:
    """A splice over several lines without what it leaves as it is at its start and end."""
    old, new = source.text[splice.start : splice.end], splice.text
    if "\n" not in old and "\r" not in old:
        return splice
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    text = new[first : len(new) - last]
    return Splice(splice.start + first, splice.end - last, text, splice.symbol)


def _edits(source: SourceText, new: str, places: Sequence[Tuple[Splice, int]]) -> List[Edit]:
    edits: List[Edit] = []
    symbol = ""
    for splice, at in places:
        line = source.line_of(splice.start)
        if not splice.symbol and edits and line < edits[-1].line + edits[-1].lines:
            continue  # the other end of a change that is told already
        symbol = splice.symbol or symbol
        inserted = splice.start == splice.end and "\n" in splice.text.replace("\r", "\n")
        if inserted:
            shown = [part.strip() for part in splice.text.splitlines() if part.strip()]
            edits.append(Edit(line, "", shown[0], symbol))
            continue
        start = max(new.rfind("\n", 0, at), new.rfind("\r", 0, at)) + 1
        after = new[start:].splitlines()[:1] or [""]
        before = source.line(line).strip()
        touched = max(source.line_of(splice.end) - line, 0) + 1
        edits.append(Edit(line, before, after[0].strip(), symbol, touched))
    return edits


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
