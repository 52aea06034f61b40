"""Uses of names that numpy removed: ``np.float`` and its like, in any import spelling."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from dartenv.manifests.schema import NumpyAlias
from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.prefilter import Filter, attribute_filter
from dartenv.source.site import NEEDED, REPAIRED, UNSURE, Site, join_notes
from dartenv.source.tree import SourceTree

FAULT = "source.numpy-aliases"
NO_ALIAS = NumpyAlias(name="", removed_in="", replacement="")


@dataclass(frozen=True)
class AliasSite(Site):
    """``node`` is the attribute, or the ``from numpy import`` statement.

    ``bound`` is the name that such a statement gives it.
    """

    alias: NumpyAlias = NO_ALIAS
    bound: str = ""


def accepts(tree: SourceTree, aliases: Sequence[NumpyAlias]) -> Filter:
    """Which files may hold such a use."""
    return attribute_filter(tree, "numpy", [alias.name for alias in aliases])


def find(
    module: Module, aliases: Sequence[NumpyAlias], tree: Optional[SourceTree] = None
) -> List[AliasSite]:
    """Every use in ``module``, in order; strings, comments and other modules' names are none."""
    return sorted(_Finder(module, aliases, tree).sites(), key=lambda site: site.line)


class _Finder:
    def __init__(
        self, module: Module, aliases: Sequence[NumpyAlias], tree: Optional[SourceTree]
    ) -> None:
        self.module = module
        self.names = Names(module, tree)
        self.table = {alias.name: alias for alias in aliases}

    def sites(self) -> Iterator[AliasSite]:
        set_here = self._set_by_module()
        for node in self.module.nodes(ast.Attribute):
            if node.attr in self.table and isinstance(node.ctx, ast.Load):
                base = self.names.of(node.value)
                if base is not None and base.dotted == "numpy":
                    alias = self.table[node.attr]
                    state, note = self._state(node, alias, base.sure, set_here)
                    yield self._site(node, alias, state, note)
        for statement in self.module.nodes(ast.ImportFrom):
            if statement.module == "numpy" and not statement.level:
                for imported in statement.names:
                    if imported.name in self.table:
                        alias = self.table[imported.name]
                        state, note = self._state(statement, alias, True, set_here)
                        bound = imported.asname or alias.name
                        yield self._site(statement, alias, state, note, bound)

    def _site(
        self, node: ast.AST, alias: NumpyAlias, state: str, note: str, bound: str = ""
    ) -> AliasSite:
        removed = f"removed in {alias.removed_in}"
        if alias.returned_in:
            removed += f", back in {alias.returned_in}"
        return AliasSite(
            self.module, node, f"np.{alias.name}", state, join_notes(removed, note), alias, bound
        )

    def _state(
        self, node: ast.AST, alias: NumpyAlias, sure: bool, set_here: Dict[str, int]
    ) -> Tuple[str, str]:
        line = self.module.line(node)
        if alias.name in set_here and (
            self.module.runs(node) == "call" or set_here[alias.name] < line
        ):
            return REPAIRED, f"set by this file at line {set_here[alias.name]}"
        if self._guarded(node, alias.name):
            return REPAIRED, "guarded"
        if not sure:
            return UNSURE, "the name is bound to more than numpy here"
        if not alias.replacement:
            return UNSURE, "nothing replaces it one to one"
        if isinstance(node, ast.Attribute) and not alias.replacement.startswith("np."):
            other = self._shadowed(node, alias.replacement)
            if other:
                return UNSURE, f"{alias.replacement} is bound to something else here"
        return NEEDED, ""

    def _shadowed(self, node: ast.AST, builtin: str) -> bool:
        bindings = self.module.scope_of(node).find(builtin)
        if bindings is None:
            return False
        # What numpy gave under that name was the builtin, and its import is repaired as well.
        same = (f"builtins.{builtin}", f"numpy.{builtin}")
        return not all(isinstance(b.node, ast.ImportFrom) and b.dotted in same for b in bindings)

    def _set_by_module(self) -> Dict[str, int]:
        """Names that the module gives back to numpy as it is imported, and the line."""
        found: Dict[str, int] = {}
        pairs: List[Tuple[ast.AST, ast.AST, str]] = [
            (node, node.value, node.attr)
            for node in self.module.nodes(ast.Attribute)
            if isinstance(node.ctx, ast.Store)
        ]
        for call in self.module.nodes(ast.Call):
            if len(call.args) == 3 and _called(call) == "setattr":
                key = call.args[1]
                if isinstance(key, ast.Constant):
                    pairs.append((call, call.args[0], str(key.value)))
        for place, base, name in pairs:
            if name in self.table and self._is_numpy(base) and self.module.runs(place) == "import":
                found.setdefault(name, self.module.line(place))
        return found

    def _is_numpy(self, node: ast.AST) -> bool:
        named = self.names.of(node)
        return named is not None and named.dotted == "numpy"

    def _guarded(self, node: ast.AST, name: str) -> bool:
        child = node
        for holder in self.module.parents(node):
            if isinstance(holder, (ast.If, ast.IfExp)):
                in_body = _is_part(child, holder.body)
                if (in_body or _is_part(child, holder.orelse)) and self._asks(
                    holder.test, name, in_body
                ):
                    return True
            elif isinstance(holder, ast.BoolOp) and isinstance(holder.op, ast.And):
                before = holder.values[: _position(holder.values, child)]
                if any(self._asks(value, name, True) for value in before):
                    return True
            elif isinstance(holder, ast.Try) and any(child is part for part in holder.body):
                error = "ImportError" if isinstance(node, ast.ImportFrom) else "AttributeError"
                if any(_catches(h, error, len(holder.body)) for h in holder.handlers):
                    return True
            child = holder
        return False

    def _asks(self, test: ast.expr, name: str, in_body: bool) -> bool:
        """Whether ``test`` asks if numpy still has ``name``, or which numpy this is."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._asks(test.operand, name, not in_body)
        for node in ast.walk(test):
            if isinstance(node, ast.Attribute) and node.attr == "__version__":
                if self._is_numpy(node.value):
                    return True
            elif isinstance(node, ast.Call) and _called(node) == "hasattr" and in_body:
                key = node.args[1] if len(node.args) == 2 else None
                if isinstance(key, ast.Constant) and key.value == name:
                    return self._is_numpy(node.args[0])
        return False


def _is_part(child: ast.AST, branch: object) -> bool:
    return any(child is part for part in branch) if isinstance(branch, list) else child is branch


def _position(values: Sequence[ast.expr], child: ast.AST) -> int:
    return next((i for i, value in enumerate(values) if value is child), 0)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _catches(handler: ast.ExceptHandler, error: str, statements: int) -> bool:
    """Whether the handler is for the missing name rather than for anything that goes wrong."""
    if handler.type is None:
        return statements == 1
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = [t.id for t in types if isinstance(t, ast.Name)]
    return error in names or (statements == 1 and "Exception" in names)
