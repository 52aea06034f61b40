"""Hand repairs of ``pathlib.PosixPath``: where a module puts another class in its place.

Order of lines stands for order of execution within one function body or module: the last change
before a place decides. ``with`` blocks around the place count where what they enter swaps.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.tree import SourceTree

POSIX = "pathlib.PosixPath"
STAND_INS = frozenset(
    f"pathlib.{name}"
    for name in ("WindowsPath", "Path", "PurePath", "PurePosixPath", "PureWindowsPath")
)
SYSTEM_WORDS = re.compile(r"\bos\.name\b|\bplatform\b|\bwin\w*|\bnt\b", re.IGNORECASE)

ON, OFF, UNSURE = "on", "off", "unsure"


@dataclass(frozen=True)
class Change:
    """``pathlib.PosixPath`` set at ``line`` of ``function`` (``None``: the module's own body).

    ``end`` is where in the text the change is done.
    """

    end: int
    line: int
    function: Optional[ast.AST]
    effect: str


class Swaps:
    """The changes one module makes to ``pathlib.PosixPath``."""

    def __init__(self, module: Module, tree: Optional[SourceTree] = None) -> None:
        self.module = module
        self.names = Names(module, tree)
        self.changes: List[Change] = []
        if b"PosixPath" in module.source.data:
            self.changes = sorted(self._changes(), key=lambda change: change.end)

    @property
    def lasting(self) -> Optional[int]:
        """The line of a swap that importing the module leaves in force."""
        last = self._last(None, None)
        return last.line if last is not None and last.effect == ON else None

    def at(self, node: ast.AST) -> Tuple[str, int]:
        """Whether the swap is in force as ``node`` is executed, and the line that says so."""
        place = self.module.span(node)[0]
        function = self.module.function(node)
        while function is not None:
            last = self._last(function, place)
            if last is not None:
                return last.effect, last.line
            entered = self._entered(node)
            if entered is not None:
                return ON, entered
            function = self.module.function(function)
        entered = self._entered(node)
        if entered is not None:
            return ON, entered
        inside = self.module.function(node) is not None
        last = self._last(None, None if inside else place)
        return (last.effect, last.line) if last is not None else (OFF, 0)

    def _last(self, function: Optional[ast.AST], place: Optional[int]) -> Optional[Change]:
        before = [
            change
            for change in self.changes
            if change.function is function and (place is None or change.end <= place)
        ]
        return before[-1] if before else None

    def _changes(self) -> Iterator[Change]:
        for assignment in self.module.nodes(ast.Assign):
            for target, value in _assigned(assignment):
                if self._is_posix(target):
                    yield self._change(assignment, value)
        for node in self.module.nodes(ast.Call):
            if (
                isinstance(node.func, ast.Name)
                and node.func.id == "setattr"
                and len(node.args) == 3
                and _is_text(node.args[1], "PosixPath")
                and self._dotted(node.args[0]) == "pathlib"
            ):
                yield self._change(node, node.args[2])

    def _change(self, node: ast.AST, value: ast.expr) -> Change:
        effect = OFF
        if self._dotted(value) in STAND_INS:
            effect = ON if self._for_windows(node) else UNSURE
        end = self.module.span(node)[1]
        return Change(end, self.module.line(node), self.module.function(node), effect)

    def _for_windows(self, node: ast.AST) -> bool:
        """Whether the conditions around ``node``, if any, ask for the operating system."""
        for holder in self.module.parents(node):
            if isinstance(holder, (ast.If, ast.IfExp)):
                text = self.module.segment(holder.test)
                if not SYSTEM_WORDS.search(text) and "__name__" not in text:
                    return False
        return True

    def _is_posix(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "PosixPath"
            and self._dotted(node.value) == "pathlib"
        )

    def _dotted(self, node: ast.AST) -> str:
        named = self.names.of(node)
        return named.dotted if named is not None else ""

    def _entered(self, node: ast.AST) -> Optional[int]:
        """The line of a ``with`` around ``node`` that swaps, within the same function."""
        child = node
        for holder in self.module.parents(node):
            if isinstance(holder, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                return None
            if isinstance(holder, ast.With) and any(child is part for part in holder.body):
                for item in holder.items:
                    if self._swaps(item.context_expr):
                        return holder.lineno
            child = holder
        return None

    def _swaps(self, entered: ast.expr) -> bool:
        """Whether entering ``entered`` swaps: a patch of mock's, or a generator that does it."""
        if not isinstance(entered, ast.Call):
            return False
        arguments = [*entered.args, *(k.value for k in entered.keywords)]
        if arguments and _is_text(arguments[0], POSIX):
            return any(self._dotted(value) in STAND_INS for value in arguments[1:])
        if len(arguments) > 2 and _is_text(arguments[1], "PosixPath"):
            return self._dotted(arguments[2]) in STAND_INS
        named = self.names.of(entered.func)
        if named is None or named.node is None or named.module is None:
            return False
        if not isinstance(named.node, (ast.FunctionDef, ast.ClassDef)):
            return False
        inside = {id(part) for part in ast.walk(named.node)}
        other = self if named.module is self.module else Swaps(named.module, self.names.tree)
        return any(
            change.effect == ON and id(change.function) in inside for change in other.changes
        )


def _assigned(node: ast.Assign) -> Iterator[Tuple[ast.expr, ast.expr]]:
    """Target and value of each single assignment that ``node`` makes."""
    for target in node.targets:
        if (
            isinstance(target, ast.Tuple)
            and isinstance(node.value, ast.Tuple)
            and len(target.elts) == len(node.value.elts)
        ):
            yield from zip(target.elts, node.value.elts)
        else:
            yield target, node.value


def _is_text(node: ast.AST, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
