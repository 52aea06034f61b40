"""Loaders of args.yaml, each of which meets ``pathlib.PosixPath`` on Windows.

``tyro.extras.from_yaml`` executes the tags of what it loads; PyYAML's full and unsafe loaders do
so too. Repairs by hand count where they hold for that very call.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from dartenv.source.helpers import POSIXPATH, calls_helper, helper_state
from dartenv.source.module import FunctionNode, Module
from dartenv.source.names import Names
from dartenv.source.prefilter import Filter, attribute_filter, holds_any, other_names
from dartenv.source.site import CONFLICT, NEEDED, REPAIRED, UNSURE, Site
from dartenv.source.swaps import OFF, ON, Swaps
from dartenv.source.swaps import UNSURE as SWAP_UNSURE
from dartenv.source.tree import SourceTree

FAULT = "source.posixpath"
FROM_YAML = "tyro.extras.from_yaml"
_LOADERS = ("from_yaml", "load", "unsafe_load", "full_load")
FROM_YAML_NAMES = frozenset((FROM_YAML, "tyro.extras._serialization.from_yaml"))
EXECUTING = frozenset(("yaml.unsafe_load", "yaml.full_load"))
EXECUTING_LOADERS = frozenset(
    f"yaml.{name}"
    for name in ("Loader", "CLoader", "FullLoader", "CFullLoader", "UnsafeLoader", "CUnsafeLoader")
)
MAX_CALLERS = 3  # how far up the calls of a loading function are followed


@dataclass(frozen=True)
class LoaderSite(Site):
    """``node`` is the call, or the bare reference to the loader."""


@dataclass
class _Context:
    tree: SourceTree
    swaps: Dict[str, Swaps] = field(default_factory=dict)

    def of(self, module: Module) -> Swaps:
        if module.path not in self.swaps:
            self.swaps[module.path] = Swaps(module, self.tree)
        return self.swaps[module.path]


def accepts(tree: SourceTree) -> Filter:
    """Which files may hold a loader."""
    of_yaml = attribute_filter(tree, "yaml", ["load", "unsafe_load", "full_load"])
    return lambda data: b"from_yaml" in data or of_yaml(data)


def find(
    module: Module, args_file: str = "", tree: Optional[SourceTree] = None
) -> List[LoaderSite]:
    """Every loader in ``module``, in order."""
    finder = _Finder(module, args_file, tree or SourceTree({}))
    return sorted(finder.sites(), key=lambda site: site.line)


class _Finder:
    def __init__(self, module: Module, args_file: str, tree: SourceTree) -> None:
        self.module = module
        self.args_file = args_file
        self.context = _Context(tree)
        self.names = Names(module, tree)
        self.helper = helper_state(module, POSIXPATH)
        self.called = other_names(module.source.text, _LOADERS)

    def sites(self) -> Iterator[LoaderSite]:
        for call in self.module.nodes(ast.Call):
            site = self._call(call)
            if site is not None:
                yield site
        for node in [*self.module.nodes(ast.Name), *self.module.nodes(ast.Attribute)]:
            if self._is_passed_on(node):
                note = "it is handed on here, not called"
                yield LoaderSite(self.module, node, FROM_YAML, UNSURE, note)

    def _call(self, node: ast.Call) -> Optional[LoaderSite]:
        function = node.func
        wrapped = isinstance(function, ast.Call) and calls_helper(function, POSIXPATH)
        if wrapped and isinstance(function, ast.Call) and function.args:
            function = function.args[0]
        named = self.names.of(function) if _last_name(function) in self.called else None
        if named is None:
            return None
        state: Optional[Tuple[str, str]]
        if named.dotted in FROM_YAML_NAMES:
            symbol, state = FROM_YAML, (NEEDED, "")
        elif named.dotted in EXECUTING or named.dotted == "yaml.load":
            symbol, state = named.dotted, self._yaml(node, named.dotted)
            if state is None:
                return None
        else:
            return None
        if wrapped:
            state = self._helped()
        else:
            state = self._by_hand(node) or state
            if state[0] == NEEDED and not named.sure:
                state = UNSURE, f"the name is bound to more than {symbol}"
            if state[0] == NEEDED and self.helper is False:
                state = CONFLICT, f"{POSIXPATH.name} was changed by hand"
        return LoaderSite(self.module, node, symbol, *state)

    def _helped(self) -> Tuple[str, str]:
        if self.helper:
            return REPAIRED, "by dartenv"
        return CONFLICT, f"{POSIXPATH.name} was " + (
            "removed" if self.helper is None else "changed"
        )

    def _is_passed_on(self, node: ast.expr) -> bool:
        if not isinstance(getattr(node, "ctx", None), ast.Load):
            return False
        last = _last_name(node)
        if last not in self.called or last in ("load", "unsafe_load", "full_load"):
            return False
        holder = self.module.parent(node)
        if isinstance(holder, ast.Call) and (
            node is holder.func or calls_helper(holder, POSIXPATH)
        ):
            return False
        if isinstance(holder, (ast.Attribute, ast.Assign, ast.AnnAssign)):
            return False  # part of a longer name, or an alias that names follow
        named = self.names.of(node)
        return named is not None and named.dotted in FROM_YAML_NAMES

    def _yaml(self, node: ast.Call, dotted: str) -> Optional[Tuple[str, str]]:
        """State of a call of PyYAML; ``None`` where it does not execute tags or is elsewhere."""
        if dotted == "yaml.load":
            loader = node.args[1] if len(node.args) > 1 else _keyword(node, "Loader")
            if loader is None:
                return None  # PyYAML 6 refuses it, older versions warn and load as FullLoader
            named = self.names.of(loader)
            if named is None or named.dotted not in EXECUTING_LOADERS:
                return None
        stream = node.args[0] if node.args else _keyword(node, "stream")
        if stream is None:
            return None
        texts = self._texts(stream)
        if not self.args_file or any(self.args_file in text for text in texts):
            return NEEDED, ""
        if any(text.endswith((".yaml", ".yml")) for text in texts):
            return None
        return UNSURE, f"whether it reads {self.args_file} cannot be told"

    def _texts(self, node: ast.AST) -> List[str]:
        """Constant texts that ``node`` is built from, names followed within their scope."""
        found: List[str] = []
        pending: List[ast.AST] = [node]
        seen = set()
        while pending:
            for part in ast.walk(pending.pop()):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found.append(part.value)
                elif isinstance(part, ast.Name) and part.id not in seen:
                    seen.add(part.id)
                    pending.extend(self._origins(part))
        return found

    def _origins(self, name: ast.Name) -> Iterator[ast.AST]:
        for binding in self.module.scope_of(name).find(name.id) or ():
            if binding.value is not None:
                yield binding.value
            holder = self.module.parent(binding.node)
            if isinstance(holder, ast.withitem):
                yield holder.context_expr

    def _by_hand(self, node: ast.Call) -> Optional[Tuple[str, str]]:
        """What a repair by hand makes of the call; ``None`` where there is none."""
        arguments = [*node.args, *(k.value for k in node.keywords)]
        for argument in arguments:
            if any("PosixPath" in text for text in self._texts(argument)):
                return REPAIRED, "the text is changed before it is loaded"
        if self._constructor():
            return REPAIRED, "a constructor of its own reads PosixPath"
        return self._swapped(node)

    def _constructor(self) -> bool:
        """Whether the module tells PyYAML how to read PosixPath."""
        if b"PosixPath" not in self.module.source.data:
            return False
        for node in self.module.nodes(ast.Call):
            if isinstance(node.func, (ast.Attribute, ast.Name)):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                if name in ("add_constructor", "add_multi_constructor") and node.args:
                    tag = node.args[0]
                    if isinstance(tag, ast.Constant) and "PosixPath" in str(tag.value):
                        return True
        return False

    def _swapped(self, node: ast.AST) -> Optional[Tuple[str, str]]:
        effect, line = self.context.of(self.module).at(node)
        if effect == ON:
            return REPAIRED, f"PosixPath is swapped by hand at line {line}"
        if effect == SWAP_UNSURE:
            return UNSURE, f"PosixPath is swapped at line {line} under a condition"
        for path, line in self._imported_swaps():
            return REPAIRED, f"PosixPath is swapped by hand in {path}:{line}"
        function = self.module.function(node)
        if function is None or not self._any_swap():
            return None
        places = list(self._calls(self.module, function, 0))
        bare = [place for place, effect in places if effect == OFF]
        swapped = [place for place, effect in places if effect == ON]
        if swapped and not bare:
            return REPAIRED, f"PosixPath is swapped by hand around the call at {swapped[0]}"
        if swapped:
            note = f"PosixPath is swapped around the call at {swapped[0]}, not at {bare[0]}"
            return NEEDED, note
        return None

    def _any_swap(self) -> bool:
        """Whether any file could swap at all: most trees have none, and looking is not free."""
        datas = (self.module.source.data, *self.context.tree.files.values())
        return any(b"PosixPath" in data for data in datas)

    def _imported_swaps(self) -> Iterator[Tuple[str, int]]:
        """Modules of the tree that this one imports and that leave PosixPath swapped."""
        for bindings in self.module.scope.names.values():
            for binding in bindings:
                if binding.kind == "import":
                    parts = binding.dotted.split(".")
                    for length in range(1, len(parts) + 1):
                        yield from self._lasting(".".join(parts[:length]))
        for source, _ in self.module.scope.stars:
            yield from self._lasting(source)

    def _lasting(self, dotted: str) -> Iterator[Tuple[str, int]]:
        path = self.context.tree.path_of(dotted)
        if path is None or b"PosixPath" not in self.context.tree.files[path]:
            return
        other = self.context.tree.module(path)
        line = self.context.of(other).lasting if other is not None else None
        if line is not None:
            yield path, line

    def _calls(
        self, module: Module, function: FunctionNode, depth: int
    ) -> Iterator[Tuple[str, str]]:
        """Every place that calls ``function``, and whether the swap is in force there."""
        accepts_name = holds_any(function.name.encode())
        modules: Sequence[Module] = [module, *self.context.tree.matching(accepts_name)]
        seen = set()
        for other in modules:
            if other.path in seen:
                continue
            seen.add(other.path)
            names = Names(other, self.context.tree)
            for node in other.nodes(ast.Call):
                if _last_name(node.func) != function.name:
                    continue
                named = names.of(node.func)
                if named is None or not _same(named.node, function, named.module, module):
                    continue
                effect, _ = self.context.of(other).at(node)
                caller = other.function(node)
                above = []
                if effect == OFF and caller is not None and depth < MAX_CALLERS:
                    above = list(self._calls(other, caller, depth + 1))
                if above:
                    yield from above
                else:
                    yield f"{other.path}:{other.line(node)}", effect


def _same(
    node: Optional[ast.AST], function: FunctionNode, module: Optional[Module], own: Module
) -> bool:
    if node is function:
        return True
    # The module at hand may be a newer reading of a file that the tree also holds.
    return (
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and module is not None
        and module.path == own.path
        and node.name == function.name
    )


def _keyword(node: ast.Call, name: str) -> Optional[ast.expr]:
    return next((k.value for k in node.keywords if k.arg == name), None)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
