"""Which files are worth parsing, by their bytes alone. A yes may be wrong, a no may not."""

from __future__ import annotations

import re
from typing import Callable, Iterable, Sequence, Set

from dartenv.source.tree import SourceTree

Filter = Callable[[bytes], bool]

GAP = r"[ \t]*(?:\\\r?\n[ \t]*)?"  # spaces, at most one line continuation


def holds_any(*needles: bytes) -> Filter:
    """Accepts a file that holds one of ``needles``."""
    return lambda data: any(needle in data for needle in needles)


def attribute_filter(tree: SourceTree, top: str, names: Sequence[str]) -> Filter:
    """Accepts a file that may use one of ``top``'s ``names``, under any name the tree gives it.

    A star import can bring such a name from any other file, so the whole tree is asked.
    """
    wanted = "|".join(re.escape(name) for name in names) or "(?!)"
    roots = "|".join(sorted(re.escape(name) for name in _roots(tree.files.values(), top)))
    # Each begins with a constant, which is what makes a search through megabytes quick.
    attribute = re.compile(rf"\.{GAP}(?:{wanted})\b".encode())
    before = re.compile(rf"\b(?:{roots})[ \t)]*{GAP}$".encode())
    imported = re.compile(_from_top(top, wanted).encode())
    direct = any(imported.search(data) for data in tree.files.values())
    anywhere = re.compile(rf"\b(?:{wanted})\b".encode())

    def accepts(data: bytes) -> bool:
        for match in attribute.finditer(data):
            start = match.start()
            if before.search(data[max(0, start - 80) : start]):
                return True
        if direct and b"import" in data and anywhere.search(data):
            return True
        return imported.search(data) is not None

    return accepts


def _from_top(top: str, wanted: str) -> str:
    """A ``from`` import of a wanted name, on one line, continued, or in parentheses."""
    names = r"[ \t]*\([^)]*?|(?:[^\n(]|\\\r?\n)*?"
    return rf"from[ \t]+{top}[ \t]+import\b(?:{names})\b(?:{wanted})\b"


def _roots(files: Iterable[bytes], top: str) -> Set[str]:
    """The names that files of the tree give to the module ``top``."""
    naming = [data for data in files if top.encode() in data]
    roots = {top}
    for _ in range(2):  # a name, and a name for that name
        known = "|".join(sorted(re.escape(root) for root in roots))
        renamed = re.compile(rb" as[ \t]+(\w+)")
        known_before = re.compile(rf"\b(?:{known})[ \t]*$".encode())
        assigned = re.compile(rf"=[ \t]*(?:{known})[ \t\r]*(?:\n|$)".encode())
        target = re.compile(rb"(\w+)[ \t]*$")
        found: Set[bytes] = set()
        for data in naming:
            for match in renamed.finditer(data):
                if known_before.search(data[max(0, match.start() - 80) : match.start()]):
                    found.add(match.group(1))
            for match in assigned.finditer(data):
                name = target.search(data[max(0, match.start() - 80) : match.start()])
                if name is not None:
                    found.add(name.group(1))
        roots.update(name.decode("ascii", "ignore") or top for name in found)
    return roots
