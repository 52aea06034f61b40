"""A place in the source that one of the faults is about."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from dartenv.source.module import Module

NEEDED = "needed"  # the fault stands, and its patch knows what to do
REPAIRED = "repaired"  # it does not stand: by our patch, by hand, or by how the code goes about it
UNSURE = "unsure"  # it may stand; the patch leaves it alone, and the note says why
CONFLICT = "conflict"  # our repair is there and was changed by hand


@dataclass(frozen=True)
class Site:
    """One place. ``node`` is what a patch would act on; ``note`` is for people."""

    module: Module
    node: ast.AST
    symbol: str
    state: str
    note: str = ""

    @property
    def line(self) -> int:
        """The line the place begins on."""
        return self.module.line(self.node)

    @property
    def text(self) -> str:
        """That line, stripped."""
        return self.module.source.line(self.line).strip()


def join_notes(*notes: str) -> str:
    """Notes put together, without the empty ones."""
    return "; ".join(note for note in notes if note)
