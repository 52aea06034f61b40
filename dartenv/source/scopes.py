"""Python's scoping rules: which names a scope binds, and to what."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Binding:
    """One place that binds a name.

    ``kind`` is ``import``, ``def``, ``class``, ``param``, ``value`` (``name = expression``) or
    ``other``; ``dotted`` is what an import binds the name to.
    """

    kind: str
    node: ast.AST
    dotted: str = ""
    value: Optional[ast.expr] = None


class Scope:
    """Names bound in a module, class, function, lambda or comprehension."""

    def __init__(self, kind: str, node: ast.AST, parent: Optional[Scope]) -> None:
        self.kind = kind
        self.node = node
        self.parent = parent
        self.names: Dict[str, List[Binding]] = {}
        self.stars: List[Tuple[str, ast.ImportFrom]] = []
        self.redirected: Dict[str, str] = {}  # global and nonlocal declarations

    @property
    def module(self) -> Scope:
        """The module's scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def bind(self, name: str, binding: Binding) -> None:
        """Record that ``name`` is bound here, or where a declaration sends it."""
        target: Optional[Scope] = self
        if self.redirected.get(name) == "global":
            target = self.module
        elif self.redirected.get(name) == "nonlocal":
            target = self.parent
            while target is not None and (target.kind == "class" or name not in target.names):
                target = target.parent
        (target or self).names.setdefault(name, []).append(binding)

    def find(self, name: str) -> Optional[List[Binding]]:
        """What ``name`` read here is bound to; ``None`` if no scope of this module binds it."""
        scope: Optional[Scope] = self
        if self.redirected.get(name) == "global":
            scope = self.module
        first = True
        while scope is not None:
            # A class body's names are not seen from the functions inside it.
            if (first or scope.kind != "class") and name in scope.names:
                return scope.names[name]
            first = False
            scope = scope.parent
        return None


# Nodes without a place of their own, shared by the whole tree, and fields that are no nodes.
_LEAVES = frozenset(
    (
        *(
            leaf
            for base in (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
            for leaf in (base, *base.__subclasses__())
        ),
        str,
        int,
        type(None),
    )
)
_BARE = frozenset(("attr", "ctx", "id", "op", "ops"))  # fields that hold no node to visit
_CHILDREN: Dict[type, Tuple[str, ...]] = {}  # the other fields of each kind of node
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # what holds statements
_FUNCTIONS = frozenset((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
_COMPREHENSIONS = frozenset((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp))
_BINDING = frozenset(
    ("Import", "ImportFrom", "Name", "ExceptHandler", "MatchAs", "MatchStar", "MatchMapping")
)


class _Builder:
    def __init__(self, package: str) -> None:
        self.package = package
        self.scopes: Dict[int, Scope] = {}
        self.parents: Dict[int, ast.AST] = {}
        self.kinds: Dict[type, List[ast.AST]] = {}

    def note(self, node: ast.AST, scope: Scope, parent: Optional[ast.AST]) -> None:
        """Remember a node's scope, parent and kind."""
        key = id(node)
        self.scopes[key] = scope
        if parent is not None:
            self.parents[key] = parent
        kind = type(node)
        if kind in self.kinds:
            self.kinds[kind].append(node)
        else:
            self.kinds[kind] = [node]

    def visit(self, node: ast.AST, scope: Scope, parent: Optional[ast.AST]) -> None:
        key = id(node)
        self.scopes[key] = scope
        if parent is not None:
            self.parents[key] = parent
        kind = type(node)
        kinds = self.kinds.get(kind)
        if kinds is None:
            self.kinds[kind] = [node]
        else:
            kinds.append(node)
        # Every node of a tree passes here: the most frequent kinds first, and by identity.
        if kind is ast.Name:
            if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]
                self._store(node, scope)  # type: ignore[arg-type]
        elif kind is ast.Constant:
            return
        elif kind in _FUNCTIONS:
            self._function(node, scope)
        elif kind is ast.ClassDef:
            self._class(node, scope)  # type: ignore[arg-type]
        elif kind in _COMPREHENSIONS:
            self._comprehension(node, scope)
        else:
            if kind.__name__ in _BINDING:
                self.bind(node, scope)
            fields = _CHILDREN.get(kind)
            if fields is None:
                fields = tuple(name for name in node._fields if name not in _BARE)
                _CHILDREN[kind] = fields
            for name in fields:
                child = getattr(node, name, None)
                if type(child) is list:
                    for part in child:
                        if type(part) not in _LEAVES and isinstance(part, ast.AST):
                            self.visit(part, scope, node)
                elif type(child) not in _LEAVES and isinstance(child, ast.AST):
                    self.visit(child, scope, node)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        scope.bind(node.name, Binding("class", node))
        self._all([*node.decorator_list, *node.bases, *node.keywords], scope, node)
        self._all(node.body, Scope("class", node, scope), node)

    def surface(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Bind what the statements themselves bind, without looking into functions."""
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                scope.bind(node.name, Binding("def", node))
            elif isinstance(node, ast.ClassDef):
                scope.bind(node.name, Binding("class", node))
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self.bind(node, scope)
            else:
                for name in ("targets", "target", "items"):
                    value = getattr(node, name, None)
                    for target in value if isinstance(value, list) else [value]:
                        if target is not None:
                            self._targets(node, target, scope)
                for name in _BLOCKS:
                    parts = getattr(node, name, None)
                    if isinstance(parts, list):
                        inner = [getattr(part, "body", None) for part in parts]
                        if name in ("handlers", "cases"):
                            parts = [s for statements in inner for s in statements or ()]
                        self.surface(parts, scope)

    def _targets(self, holder: ast.AST, target: ast.AST, scope: Scope) -> None:
        self.parents[id(target)] = holder
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self._store(node, scope)

    def _all(self, nodes: Sequence[ast.AST], scope: Scope, parent: ast.AST) -> None:
        for node in nodes:
            self.visit(node, scope, parent)

    def _function(self, node: ast.AST, scope: Scope) -> None:
        inner = Scope("function", node, scope)
        args: ast.arguments = node.args  # type: ignore[attr-defined]
        self.note(args, scope, node)
        named = [*getattr(args, "posonlyargs", []), *args.args, *args.kwonlyargs]
        named.extend(a for a in (args.vararg, args.kwarg) if a is not None)
        for arg in named:
            inner.bind(arg.arg, Binding("param", arg))
            self.visit(arg, scope, args)
        self._all([d for d in [*args.defaults, *args.kw_defaults] if d is not None], scope, args)
        if isinstance(node, ast.Lambda):
            self.visit(node.body, inner, node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            scope.bind(node.name, Binding("def", node))
            self._all(list(node.decorator_list), scope, node)
            if node.returns is not None:
                self.visit(node.returns, scope, node)
            self._declare(node.body, inner)
            self._all(node.body, inner, node)

    def _declare(self, body: List[ast.stmt], scope: Scope) -> None:
        """``global`` and ``nonlocal`` hold for the whole function, wherever they stand."""
        pending: List[ast.AST] = list(body)
        while pending:
            node = pending.pop()
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                kind = "global" if isinstance(node, ast.Global) else "nonlocal"
                scope.redirected.update((name, kind) for name in node.names)
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for name in _BLOCKS:
                    part = getattr(node, name, None)
                    if part.__class__ is list:  # a lambda's body, too, is called body
                        pending.extend(part)

    def _comprehension(self, node: ast.AST, scope: Scope) -> None:
        inner = Scope("comprehension", node, scope)
        generators: List[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        for position, generator in enumerate(generators):
            self.note(generator, inner, node)
            # The first iterable is evaluated outside the comprehension's own scope.
            self.visit(generator.iter, scope if position == 0 else inner, generator)
            self.visit(generator.target, inner, generator)
            self._all(list(generator.ifs), inner, generator)
        for field in ("elt", "key", "value"):
            part = getattr(node, field, None)
            if part is not None:
                self.visit(part, inner, node)

    def bind(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                dotted = alias.name if alias.asname else bound
                scope.bind(bound, Binding("import", node, dotted))
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node, scope)
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                self._store(node, scope)
        elif isinstance(node, ast.ExceptHandler):
            if node.name:
                scope.bind(node.name, Binding("other", node))
        elif type(node).__name__ in ("MatchAs", "MatchStar", "MatchMapping"):
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if name:
                scope.bind(name, Binding("other", node))

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        source = absolute_name(node, self.package)
        for alias in node.names:
            if alias.name == "*":
                scope.stars.append((source, node))
            else:
                dotted = f"{source}.{alias.name}" if source else alias.name
                scope.bind(alias.asname or alias.name, Binding("import", node, dotted))

    def _store(self, node: ast.Name, scope: Scope) -> None:
        holder = self.parents.get(id(node))
        target = scope
        if type(holder).__name__ == "NamedExpr":
            while target.kind == "comprehension" and target.parent is not None:
                target = target.parent
        value: Optional[ast.expr] = None
        if isinstance(holder, (ast.Assign, ast.AnnAssign)):
            value = holder.value
        kind = "value" if value is not None else "other"
        target.bind(node.id, Binding(kind, node, value=value))


@dataclass(frozen=True)
class Analysis:
    """The module's scope; the scope and the parent of every node by ``id``; nodes by kind."""

    scope: Scope
    scopes: Dict[int, Scope]
    parents: Dict[int, ast.AST]
    kinds: Dict[type, List[ast.AST]]


def build_scopes(tree: ast.Module, package: str) -> Analysis:
    """Walk the whole of ``tree`` once."""
    builder = _Builder(package)
    scope = Scope("module", tree, None)
    builder.visit(tree, scope, None)
    return Analysis(scope, builder.scopes, builder.parents, builder.kinds)


def surface_scope(tree: ast.Module, package: str) -> Scope:
    """The module scope as seen from other modules: quick, and without what functions declare."""
    scope = Scope("module", tree, None)
    _Builder(package).surface(tree.body, scope)
    return scope


def absolute_name(node: ast.ImportFrom, package: str) -> str:
    """The dotted name that a ``from`` import starts from, relative dots resolved."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level > len(parts):
        return "." + (node.module or "")  # beyond the top: an error in Python, and no module here
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])
