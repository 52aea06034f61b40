"""Which files are worth parsing, by their bytes alone. A yes may be wrong, a no may not."""

from __future__ import annotations

import re
from typing import Callable, Sequence, Set

from dartenv.source.tree import SourceTree

Filter = Callable[[bytes], bool]

_IS_WORD = re.compile(r"\w")
_AS = re.compile(r"\s+as\s+(\w+)")
_ASSIGNED = re.compile(r"\b(\w+)\s*=\s*(?:[\w.]*\.)?$")
GAP = r"[ \t]*(?:\\\r?\n[ \t]*)?"  # spaces, at most one line continuation


def holds_any(*needles: bytes) -> Filter:
    """Accepts a file that holds one of ``needles``."""
    return lambda data: any(needle in data for needle in needles)


def attribute_filter(tree: SourceTree, top: str, names: Sequence[str]) -> Filter:
    """Accepts a file that may use one of ``top``'s ``names``, under any name the tree gives it.

    A star import can bring such a name from any other file, so the whole tree is asked.
    """
    wanted = "|".join(re.escape(name) for name in names) or "(?!)"
    roots = "|".join(sorted(re.escape(name) for name in _roots(tree, top)))
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


def _roots(tree: SourceTree, top: str) -> Set[str]:
    """The names that files of the tree give to the module ``top``."""
    roots = {top.encode()}
    for _ in range(2):  # a name, and a name for that name
        roots.update(new for old, new in tree.renamings if old in roots)
    return {root.decode("ascii") for root in roots}


def other_names(text: str, functions: Sequence[str]) -> Set[str]:
    """The names that a file may call ``functions`` by, their own among them.

    ``name as other`` and ``other = module.name`` give one.
    """
    names = set(functions)
    for match in re.finditer("|".join(map(re.escape, functions)), text):
        start, end = match.span()
        if _IS_WORD.match(text, end) or (start and _IS_WORD.match(text, start - 1)):
            continue
        found = _AS.match(text, end) or _ASSIGNED.search(text[max(0, start - 200) : start])
        if found is not None:
            names.add(found.group(1))
    return names
