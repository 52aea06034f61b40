"""Which files an entry point imports: when it is imported itself, or only once it runs."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from dartenv.source.module import Module, branches
from dartenv.source.scopes import absolute_name
from dartenv.source.text import UnreadableError
from dartenv.source.tree import Problem, SourceTree

Chain = Tuple[str, ...]


@dataclass
class Closure:
    """What the entry points import.

    ``at_import`` and ``at_call`` map a file's path to the modules that lead to it, from the entry
    point on: files imported as the entry point starts, and files imported by functions only.
    ``counts`` is the number of files each entry point imports, itself left out; an entry point
    that the tree does not have is not in it.
    """

    at_import: Dict[str, Chain] = field(default_factory=dict)
    at_call: Dict[str, Chain] = field(default_factory=dict)
    counts: Dict[str, int] = field(default_factory=dict)
    entries: Set[str] = field(default_factory=set)

    def reaches(self, path: str) -> bool:
        """Whether an entry point imports ``path`` at any time."""
        return path in self.at_import or path in self.at_call

    def chain(self, path: str) -> Chain:
        """The modules that lead to ``path``."""
        return self.at_import.get(path) or self.at_call.get(path, ())


@dataclass(frozen=True)
class _Imports:
    at_import: Tuple[str, ...]
    at_main: Tuple[str, ...]
    at_call: Tuple[str, ...]


def import_closure(tree: SourceTree, entries: Sequence[str]) -> Closure:
    """Walk the imports of ``entries``, dotted module names, as ``python -m`` from the root would.

    Relative imports, packages with and without ``__init__``, star imports and constant
    ``importlib.import_module`` calls are followed; blocks under ``TYPE_CHECKING`` are not.
    """
    walker = _Walker(tree)
    closure = Closure()
    for entry in entries:
        path = tree.path_of(entry)
        if path is None:
            continue
        closure.entries.add(path)
        at_import = walker.reach({path: (entry,), **walker.parents(entry, (entry,))}, path, False)
        everything = walker.reach(dict(at_import), path, True)
        closure.counts[entry] = len(everything) - 1
        for found, chain in at_import.items():
            closure.at_import.setdefault(found, chain)
        for found, chain in everything.items():
            closure.at_call.setdefault(found, chain)
    for found in closure.at_import:
        closure.at_call.pop(found, None)
    return closure


class _Walker:
    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self._imports: Dict[str, _Imports] = {}

    def reach(self, start: Dict[str, Chain], entry: str, calls: bool) -> Dict[str, Chain]:
        """Everything reached from ``start``; what functions import too if ``calls``."""
        found = dict(start)
        pending: Deque[str] = deque(found)
        while pending:
            path = pending.popleft()
            imports = self.imports(path)
            names = [*imports.at_import]
            if path == entry:
                names.extend(imports.at_main)
            if calls:
                names.extend(imports.at_call)
            for name in names:
                for target, chain in self.parents(name, found[path]).items():
                    if target not in found:
                        found[target] = chain
                        pending.append(target)
        return found

    def parents(self, dotted: str, chain: Chain) -> Dict[str, Chain]:
        """The files that importing ``dotted`` executes: its packages first, then itself."""
        parts = dotted.split(".")
        found: Dict[str, Chain] = {}
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[:length])
            path = self.tree.path_of(name)
            if path is not None:
                found[path] = chain if chain[-1] == name else (*chain, name)
        return found

    def imports(self, path: str) -> _Imports:
        """The dotted names that the file at ``path`` imports, by when it does."""
        if path not in self._imports:
            module = self.tree.module(path)
            lists: Dict[str, List[str]] = {"import": [], "main": [], "call": [], "never": []}
            if module is not None:
                try:
                    for name, when in _imported(module, self.tree):
                        lists[when].append(name)
                except (RecursionError, UnreadableError):
                    self.tree.problems.append(Problem(path, "is nested too deeply"))
            self._imports[path] = _Imports(
                tuple(lists["import"]), tuple(lists["main"]), tuple(lists["call"])
            )
        return self._imports[path]


def _imported(module: Module, tree: SourceTree) -> Iterator[Tuple[str, str]]:
    dynamic = "import_module" in module.source.text or "__import__" in module.source.text
    for node, when in _statements(module.tree.body, "import"):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, when
        elif isinstance(node, ast.ImportFrom):
            source = absolute_name(node, module.package)
            if source:
                yield source, when
            for alias in node.names:
                for name in _names(alias.name, source, tree):
                    yield (f"{source}.{name}" if source else name), when
    if dynamic:
        for found in module.nodes(ast.Call):
            named = _dynamic(found)
            if named is not None:
                yield named, module.runs(found)


def _names(name: str, source: str, tree: SourceTree) -> Sequence[str]:
    """The names that may be submodules: the one given, or for ``*`` those in ``__all__``."""
    if name != "*":
        return (name,)
    path = tree.path_of(source)
    package = tree.module(path) if path is not None else None
    if package is None:
        return ()
    for binding in package.scope.names.get("__all__", ()):
        if isinstance(binding.value, (ast.List, ast.Tuple)):
            values = [e.value for e in binding.value.elts if isinstance(e, ast.Constant)]
            return tuple(v for v in values if isinstance(v, str))
    return ()


def _dynamic(node: ast.Call) -> Optional[str]:
    if not node.args:
        return None
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    first = node.args[0]
    if name not in ("import_module", "__import__") or not isinstance(first, ast.Constant):
        return None
    return first.value if isinstance(first.value, str) else None


def _statements(body: Sequence[ast.stmt], when: str) -> Iterator[Tuple[ast.stmt, str]]:
    """Every statement and when it is executed, without building scopes: this runs on every file."""
    for node in body:
        yield node, when
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _statements(node.body, "call" if when != "never" else when)
            continue
        for part, inner in branches(node, when):
            yield from _statements(part, inner)
