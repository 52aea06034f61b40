"""source.dataclass-defaults: instances as defaults, which Python 3.11 refuses."""

from __future__ import annotations

import ast
import re
from typing import List, Optional, Sequence, Tuple

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.insert import insert_import, significant_tokens
from dartenv.fixes.patches.result import CannotPatchError, PatchResult, Splice
from dartenv.source import defaults
from dartenv.source.defaults import FIELD, DefaultSite
from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.scopes import Binding, Scope

SIMPLE = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.UnaryOp,
    ast.BinOp,
    ast.Call,
    ast.Starred,
    ast.keyword,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
)
LAMBDA = "lambda: "
_DEFAULT = re.compile(r"\bdefault(?=\s*=[\s(]*$)")


class DataclassDefaultsPatch(Patch[DefaultSite]):
    """``x: X = X()`` becomes ``x: X = field(default_factory=X)``."""

    id = defaults.FAULT
    reason = "make dataclass defaults for each instance, as Python 3.11 asks"

    def accepts(self, data: bytes) -> bool:
        return defaults.accepts(data)

    def find(self, module: Module, context: PatchContext) -> Sequence[DefaultSite]:
        return defaults.find(module, context.tree)

    def edit(self, site: DefaultSite, context: PatchContext) -> List[Splice]:
        module, value = site.module, site.value
        assert value is not None
        factory = _factory(module, value, Names(module, context.tree))
        start, end = module.span(value)
        if site.call is not None:
            opened = module.span(site.call.func)[1]
            word = _DEFAULT.search(module.source.text[opened:start])
            if word is None:
                raise CannotPatchError("the word default cannot be told apart from its value")
            return [
                Splice(opened + word.start(), opened + word.end(), "default_factory", site.symbol),
                Splice(start, end, factory),
            ]
        name, _ = _field_name(site)
        if factory.startswith(LAMBDA):
            before = f"{name}(default_factory={LAMBDA}"
            return [Splice(start, start, before, site.symbol), Splice(end, end, ")")]
        return [Splice(start, end, f"{name}(default_factory={factory})", site.symbol)]

    def once(self, module: Module, sites: Sequence[DefaultSite]) -> List[Splice]:
        splices: List[Splice] = []
        seen: List[Tuple[str, Optional[ast.AST]]] = []
        for site in sites:
            name, missing = _field_name(site)
            if site.call is not None or missing is None:
                continue
            statement = missing if isinstance(missing, ast.ImportFrom) else None
            if (name, statement) in seen:
                continue
            seen.append((name, statement))
            imported = "field" if name == "field" else f"field as {name}"
            if statement is None:
                splices.extend(insert_import(module, f"from dataclasses import {imported}"))
            else:
                splices.append(_extend(module, statement, imported))
        return splices


def _factory(module: Module, value: ast.expr, names: Names) -> str:
    """What ``default_factory`` is to be, for a default written as ``value``."""
    text = module.segment(value)
    if isinstance(value, ast.Call) and not value.args and not value.keywords:
        return module.segment(value.func)
    scope = module.scope_of(value)
    for node in ast.walk(value):
        if not isinstance(node, SIMPLE):
            raise CannotPatchError(f"its arguments hold a {type(node).__name__}")
        if isinstance(node, ast.Name):
            _checked_name(node, scope)
        elif isinstance(node, ast.Call) and node is not value:
            named = names.of(node.func)
            if named is None or not (
                isinstance(named.node, ast.ClassDef) or named.dotted.startswith("builtins.")
            ):
                called = module.segment(node.func)
                raise CannotPatchError(f"{called}() would run for each instance instead of once")
    return LAMBDA + text


def _checked_name(node: ast.Name, scope: Scope) -> None:
    """A lambda looks a name up later, and not in the class body: both must make no difference."""
    if scope.kind == "class" and node.id in scope.names:
        raise CannotPatchError(f"{node.id} belongs to the class body, which a function cannot see")
    bindings = scope.find(node.id)
    if bindings is not None and len(bindings) > 1:
        raise CannotPatchError(f"{node.id} is set more than once")


def _field_name(site: DefaultSite) -> Tuple[str, Optional[ast.AST]]:
    """How to call ``dataclasses.field`` at a place, and what to extend so that one can.

    The second is ``None`` where the name is there already, the import that brings ``dataclass``
    where that is one of ``dataclasses``, else the module.
    """
    module, decorator = site.module, site.decorator
    scope = module.scope_of(site.node)
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(function, ast.Attribute):
        return f"{module.segment(function.value)}.field", None
    known = _bound_to_field(scope)
    if known is not None:
        return known, None
    statement: ast.AST = module.tree
    if isinstance(function, ast.Name):
        for binding in module.scope_of(function).find(function.id) or ():
            if isinstance(binding.node, ast.ImportFrom) and _from_dataclasses(binding):
                statement = binding.node
    if any(source == "dataclasses" for source, _ in module.scope.stars):
        return "field", None
    return ("field" if scope.find("field") is None else "dataclass_field"), statement


def _bound_to_field(scope: Scope) -> Optional[str]:
    current: Optional[Scope] = scope
    while current is not None:
        for name, bindings in current.names.items():
            if all(b.kind == "import" and b.dotted == FIELD for b in bindings):
                found = scope.find(name)
                if found is bindings:
                    return name
        current = current.parent
    return None


def _from_dataclasses(binding: Binding) -> bool:
    return binding.dotted.startswith("dataclasses.")


def _extend(module: Module, statement: ast.ImportFrom, imported: str) -> Splice:
    """``imported`` put behind the last name of ``statement``, before a trailing comma."""
    start, end = module.span(statement)
    tokens = significant_tokens(module.source.text[start:end])
    last = next(t for t in reversed(tokens) if t.text not in (",", ")", ";"))
    at = start + last.end
    return Splice(at, at, f", {imported}", f"import of {imported}")


PATCH = DataclassDefaultsPatch()


def patch(source: bytes, context: PatchContext) -> PatchResult:
    """Give every such field of ``source`` a factory; see :class:`DataclassDefaultsPatch`."""
    return PATCH.run(source, context)
