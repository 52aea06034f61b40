"""Dataclass fields whose default is an instance that Python 3.11 refuses as one.

The rule of CPython 3.11 (dataclasses, ``_get_field``): a default whose class has no hash is
refused, so instances of frozen or otherwise hashable classes stay allowed.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import FrozenSet, Iterator, List, Optional, Tuple

from dartenv.source.module import Module
from dartenv.source.names import Named, Names
from dartenv.source.site import NEEDED, REPAIRED, UNSURE, Site
from dartenv.source.tree import SourceTree

FAULT = "source.dataclass-defaults"
# A field with a default that begins with a name: after its annotation, whose brackets may hold
# anything, or which a bracket or a backslash at the end of the line carries on. Each part has its
# limit, or lines of data that are very long would be read from each of their colons to their end.
_FIELD = re.compile(
    rb"(?:^|[;:])[ \t\f]{0,99}[\w\x80-\xff]{1,99}[ \t]{0,99}:"
    rb"(?:(?:[^=\r\n\[(#]|\[[^\]]{0,999}\]|\([^)]{0,999}\)){0,199}="
    rb"(?:[\s\\(=]|#[^\r\n]{0,999}){0,999}(?!(?:None|True|False)\b)[A-Za-z_\x80-\xff]"
    rb"|[^\r\n]{0,199}(?:\\|[\[(][^\])\r\n]{0,999})\r?$)",
    re.MULTILINE,
)
DATACLASS = "dataclasses.dataclass"
FIELD = "dataclasses.field"


@dataclass(frozen=True)
class DefaultSite(Site):
    """``node`` is the annotated assignment, ``decorator`` what makes its class a dataclass.

    ``value`` is the default: a call or a name. ``keyword`` is set where it stands in
    ``field(default=value)``, ``call`` then being that call.
    """

    value: Optional[ast.expr] = None
    keyword: Optional[ast.keyword] = None
    call: Optional[ast.Call] = None
    decorator: Optional[ast.expr] = None


def accepts(data: bytes) -> bool:
    """Whether ``data`` may hold a dataclass with such a field."""
    return b"dataclass" in data and _FIELD.search(data) is not None


def find(module: Module, tree: Optional[SourceTree] = None) -> List[DefaultSite]:
    """Every such field of ``module``, and every one repaired with ``default_factory``."""
    finder = _Finder(module, tree)
    found: List[DefaultSite] = []
    for node in module.nodes(ast.ClassDef):
        if not node.decorator_list or not any(_may_be_site(part) for part in node.body):
            continue
        decorator = finder.decorator(module, node)
        if decorator is not None:
            found.extend(finder.fields(node, decorator))
    return sorted(found, key=lambda site: site.line)


def _may_be_site(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.value, (ast.Call, ast.Name))


class _Finder:
    def __init__(self, module: Module, tree: Optional[SourceTree]) -> None:
        self.module = module
        self.tree = tree
        self.names = Names(module, tree)
        future = [n for n in module.nodes(ast.ImportFrom) if n.module == "__future__"]
        self.quoted = any(alias.name == "annotations" for n in future for alias in n.names)

    def decorator(self, module: Module, node: ast.ClassDef) -> Optional[ast.expr]:
        """The decorator of ``node`` that is ``dataclass``, with or without arguments."""
        names = self.names if module is self.module else Names(module, self.tree)
        for decorator in node.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            named = names.of(function)
            if named is not None and named.dotted == DATACLASS:
                return decorator
        return None

    def fields(self, node: ast.ClassDef, decorator: ast.expr) -> Iterator[DefaultSite]:
        for statement in node.body:
            if not (isinstance(statement, ast.AnnAssign) and statement.value is not None):
                continue
            if not isinstance(statement.target, ast.Name) or self._is_no_field(statement):
                continue
            symbol = f"{node.name}.{statement.target.id}"
            site = self._site(statement, statement.value, symbol, decorator)
            if site is not None:
                yield site

    def _site(
        self, statement: ast.AnnAssign, value: ast.expr, symbol: str, decorator: ast.expr
    ) -> Optional[DefaultSite]:
        keyword: Optional[ast.keyword] = None
        call: Optional[ast.Call] = None
        state = NEEDED
        if isinstance(value, ast.Call) and self._named(value.func, FIELD):
            call = value
            for keyword in value.keywords:
                if keyword.arg == "default":
                    value = keyword.value
                    break
                if keyword.arg == "default_factory":
                    value = _made_by(keyword.value)
                    state = REPAIRED
                    break
            else:
                return None
        instance = self._instance(value)
        if instance is None:
            return None
        hashed = self._hashable(instance, frozenset())
        if hashed is True:
            return None
        note = ""
        if state == NEEDED and hashed is None:
            state, note = UNSURE, f"whether {instance.dotted} has a hash is decided at run time"
        elif state == NEEDED and not instance.sure:
            state, note = UNSURE, f"the name is bound to more than {instance.dotted}"
        return DefaultSite(
            self.module, statement, symbol, state, note, value, keyword, call, decorator
        )

    def _named(self, node: ast.AST, dotted: str) -> bool:
        named = self.names.of(node)
        return named is not None and named.dotted == dotted

    def _is_no_field(self, statement: ast.AnnAssign) -> bool:
        """``ClassVar`` is no field, and ``InitVar`` is not looked at by the rule."""
        annotation = statement.annotation
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            if self.quoted:
                return False  # the rule sees the quotes, too, and takes it for a field
            return re.match(r"\s*(\w+\.)*(ClassVar|InitVar)\b", annotation.value) is not None
        head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        named = self.names.of(head)
        last = named.dotted if named is not None else ""
        return last in ("typing.ClassVar", "typing_extensions.ClassVar", "dataclasses.InitVar")

    def _instance(self, value: ast.expr) -> Optional[Named]:
        """The class of the tree that ``value`` is an instance of."""
        if isinstance(value, ast.Name):
            bindings = self.module.scope_of(value).find(value.id) or []
            if len(bindings) != 1 or not isinstance(bindings[0].value, ast.Call):
                return None
            return self._instance(bindings[0].value)
        if not isinstance(value, ast.Call):
            return None
        named = self.names.of(value.func)
        return named if named is not None and isinstance(named.node, ast.ClassDef) else None

    def _hashable(self, named: Named, seen: FrozenSet[int]) -> Optional[bool]:
        """Whether instances have a hash; ``None`` where that cannot be told."""
        node, module = named.node, named.module
        if not isinstance(node, ast.ClassDef) or module is None or id(node) in seen:
            return True
        explicit = _explicit_hash(node)
        decorator = self.decorator(module, node)
        if decorator is None:
            return explicit if explicit is not None else self._inherited(node, module, seen)
        options = _options(decorator)
        if options is None:
            return None
        equal, frozen, unsafe = options
        if unsafe:
            return True
        if explicit is True:
            return True
        if equal:
            return frozen
        return explicit if explicit is not None else self._inherited(node, module, seen)

    def _inherited(
        self, node: ast.ClassDef, module: Module, seen: FrozenSet[int]
    ) -> Optional[bool]:
        names = Names(module, self.tree)
        for base in node.bases:
            named = names.of(base)
            if named is not None and named.node is not None:
                return self._hashable(named, seen | {id(node)})
        return True


def _explicit_hash(node: ast.ClassDef) -> Optional[bool]:
    """What the class body says: it has a hash, it has none, or nothing."""
    equal = False
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            if statement.name == "__hash__":
                return True
            equal = equal or statement.name == "__eq__"
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name) and target.id == "__hash__":
                    value = statement.value
                    return not (isinstance(value, ast.Constant) and value.value is None)
    return False if equal else None


def _options(decorator: ast.expr) -> Optional[Tuple[bool, bool, bool]]:
    """``eq``, ``frozen`` and ``unsafe_hash``; ``None`` where one is not a constant."""
    values = {"eq": True, "frozen": False, "unsafe_hash": False}
    if isinstance(decorator, ast.Call):
        for keyword in decorator.keywords:
            if keyword.arg is None:
                return None
            if keyword.arg in values:
                if not isinstance(keyword.value, ast.Constant):
                    return None
                values[keyword.arg] = bool(keyword.value.value)
    return values["eq"], values["frozen"], values["unsafe_hash"]


def _made_by(factory: ast.expr) -> ast.expr:
    """What a default factory makes, as the expression that would make it."""
    if isinstance(factory, ast.Lambda):
        return factory.body
    call = ast.Call(func=factory, args=[], keywords=[])
    return ast.copy_location(call, factory)
