"""What an expression names, followed through imports, aliases and star imports of the tree."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Tuple

from dartenv.source.module import Module
from dartenv.source.scopes import Binding
from dartenv.source.tree import SourceTree

BUILTINS = frozenset(dir(builtins))
# What a star import of these brings, as far as the faults ask for it.
STARRED = {
    "dataclasses": frozenset(("dataclass", "field", "InitVar")),
    "pathlib": frozenset(
        ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
    ),
    "torch": frozenset(("load",)),
    "typing": frozenset(("ClassVar",)),
    "yaml": frozenset(("load", "full_load", "unsafe_load", "Loader", "FullLoader", "UnsafeLoader")),
}
_Seen = FrozenSet[Tuple[str, str]]


@dataclass(frozen=True)
class Named:
    """What a name stands for.

    ``dotted`` is the full name (``numpy.float``, ``mld.train_mvae.TrainArgs``,
    ``builtins.float``); ``sure`` is false where the name is also bound to something else;
    ``node`` is the class or function in ``module`` that it names, where that is in the tree.
    """

    dotted: str
    sure: bool = True
    module: Optional[Module] = None
    node: Optional[ast.AST] = None

    def attribute(self, name: str) -> Named:
        """What ``.name`` of it is."""
        return Named(f"{self.dotted}.{name}", self.sure)


class Names:
    """Resolves the names of one module; ``tree`` is where its imports are looked up."""

    def __init__(self, module: Module, tree: Optional[SourceTree] = None) -> None:
        self.module = module
        self.tree = tree

    def of(self, expression: ast.AST) -> Optional[Named]:
        """What ``expression``, a name or a chain of attributes, stands for; ``None`` if neither."""
        return self._of(self.module, expression, frozenset())

    def starred(self, name: str) -> Optional[Named]:
        """What ``name`` stands for if a star import of this module brings it."""
        return self._star(self.module, name, frozenset())

    def _of(self, module: Module, expression: ast.AST, seen: _Seen) -> Optional[Named]:
        if isinstance(expression, ast.Name):
            bindings = module.scope_of(expression).find(expression.id)
            return self._name(module, expression.id, bindings, seen)
        if isinstance(expression, ast.Attribute):
            base = self._of(module, expression.value, seen)
            if base is None or base.node is not None:
                return None
            return self._canonical(base.attribute(expression.attr), module, seen)
        return None

    def _name(
        self, module: Module, name: str, bindings: Optional[List[Binding]], seen: _Seen
    ) -> Optional[Named]:
        if (module.path, name) in seen:
            return None
        seen = seen | {(module.path, name)}
        if bindings is None:
            starred = self._star(module, name, seen)
            if starred is not None:
                return starred
            return Named(f"builtins.{name}") if name in BUILTINS else None
        found: List[Named] = []
        others = 0
        for binding in bindings:
            named = self._binding(module, name, binding, seen)
            if named is not None:
                found.append(named)
            elif not _is_none(binding):
                others += 1
        if not found:
            return None
        first = found[0]
        sure = not others and all(f.sure and f.dotted == first.dotted for f in found)
        return Named(first.dotted, sure, first.module, first.node)

    def _binding(self, module: Module, name: str, binding: Binding, seen: _Seen) -> Optional[Named]:
        if binding.kind == "import":
            return self._canonical(Named(binding.dotted), module, seen)
        if binding.kind in ("def", "class"):
            dotted = f"{module.name}.{name}" if module.name else name
            return Named(dotted, True, module, binding.node)
        if binding.kind == "value" and isinstance(binding.value, (ast.Name, ast.Attribute)):
            return self._of(module, binding.value, seen)
        return None

    def _star(self, module: Module, name: str, seen: _Seen) -> Optional[Named]:
        """The last ``from ... import *`` of the module that brings ``name``."""
        if name.startswith("_"):
            return None
        for source, _ in reversed(module.scope.stars):
            path = self.tree.near(source, module.path) if self.tree is not None else None
            other = self.tree.module(path) if self.tree is not None and path is not None else None
            if other is None:
                if name in STARRED.get(source, ()):
                    return Named(f"{source}.{name}")
            else:
                bindings = other.scope.names.get(name)
                if bindings is None and not other.scope.stars:
                    continue
                found = self._name(other, name, bindings, seen)
                if found is not None and found.dotted != f"builtins.{name}":
                    return found
        return None

    def _canonical(self, named: Named, module: Module, seen: _Seen) -> Optional[Named]:
        """``named`` followed into the tree, where its first parts are a module of the tree."""
        if self.tree is None:
            return named
        parts = named.dotted.split(".")
        for length in range(len(parts) - 1, 0, -1):
            path = self.tree.near(".".join(parts[:length]), module.path)
            if path is None:
                continue
            if self.tree.near(".".join(parts[: length + 1]), module.path) is not None:
                return named  # a submodule, whatever the package binds to its name
            other = self.tree.module(path)
            if other is None or other.path == module.path:
                return named
            found = self._name(other, parts[length], other.scope.names.get(parts[length]), seen)
            if found is None or found.dotted == f"builtins.{parts[length]}":
                return named
            for attribute in parts[length + 1 :]:
                if found.node is not None:
                    return named
                found = found.attribute(attribute)
            return Named(found.dotted, found.sure and named.sure, found.module, found.node)
        return named


def _is_none(binding: Binding) -> bool:
    """``name = None``: the place of a module that could not be imported."""
    value = binding.value
    return isinstance(value, ast.Constant) and value.value is None
