"""source.numpy-aliases: names that numpy removed, replaced by what they stood for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Dict, List, Sequence, Tuple

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.result import CannotPatchError, PatchResult, Splice
from dartenv.source import aliases
from dartenv.source.aliases import AliasSite
from dartenv.source.module import Module
from dartenv.source.site import NEEDED

if TYPE_CHECKING:
    import libcst as cst

NUMPY = "np."  # how a replacement says that the name is still numpy's
OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Subscript, ast.Call, ast.Await)


class NumpyAliasesPatch(Patch[AliasSite]):
    """``np.float`` becomes ``float``, ``from numpy import float`` ``from builtins import float``."""

    id = aliases.FAULT
    reason = "replace names that numpy has removed"

    def find(self, module: Module, context: PatchContext) -> Sequence[AliasSite]:
        return aliases.find(module, context.spec.aliases, context.tree)

    def edit(self, site: AliasSite, context: PatchContext) -> List[Splice]:
        if isinstance(site.node, ast.ImportFrom):
            return self._import(site, site.node, context)
        start, end = site.module.span(site.node)
        text = site.alias.replacement
        if NUMPY in text and isinstance(site.node, ast.Attribute):
            base = site.module.segment(site.node.value)
            text = text.replace(NUMPY, f"{base}.")
        # A replacement such as -np.inf is more than a name: where it is an operand, in brackets.
        parent = site.module.parent(site.node)
        argument = isinstance(parent, ast.Call) and parent.func is not site.node
        if text.startswith("-") and isinstance(parent, OPERATIONS) and not argument:
            text = f"({text})"
        return [Splice(start, end, text, site.symbol)]

    def _import(self, site: AliasSite, node: ast.ImportFrom, context: PatchContext) -> List[Splice]:
        """The statement rewritten, by its first site; the others of it have nothing to add."""
        here = [s for s in self.find(site.module, context) if s.node is node and s.state == NEEDED]
        if here[0].bound != site.bound or here[0].alias.name != site.alias.name:
            return []
        names = {s.alias.name: s.alias.replacement for s in here}
        start, end = site.module.span(node)
        kept, builtin = rewrite_import(site.module.source.text[start:end], names)
        symbol = ", ".join(s.symbol for s in here)
        if not builtin:
            return [Splice(start, end, kept, symbol)]
        added = f"from builtins import {', '.join(builtin)}"
        if not kept:
            return [Splice(start, end, added, symbol)]
        return [Splice(start, end, kept, symbol), _after(site.module, start, end, added)]


def rewrite_import(text: str, names: Dict[str, str]) -> Tuple[str, List[str]]:
    """A ``from numpy import`` without ``names``, and what to import from ``builtins`` instead.

    ``names`` maps a name to its replacement. The statement is empty if nothing of it is left.
    Raises CannotPatchError where a comment would be lost.
    """
    import libcst as cst  # here, because it is slow to import and seldom needed

    tree = cst.parse_module(text)
    if tree.code != text:
        raise CannotPatchError("the import does not survive being read")
    found = cst.ensure_type(tree.body[0], cst.SimpleStatementLine).body[0]
    statement = cst.ensure_type(found, cst.ImportFrom)
    if isinstance(statement.names, cst.ImportStar):
        raise CannotPatchError("it imports everything")
    kept: List[cst.ImportAlias] = []
    builtin: List[str] = []
    for alias in statement.names:
        name = alias.evaluated_name
        replacement = names.get(name)
        if replacement is None:
            kept.append(alias)
            continue
        bound = alias.evaluated_alias or name
        if not replacement.replace(NUMPY, "").isidentifier():
            raise CannotPatchError(f"{replacement} cannot be imported")
        if replacement.startswith(NUMPY):
            kept.append(_renamed(alias, replacement[len(NUMPY) :], bound))
        else:
            builtin.append(replacement if bound == replacement else f"{replacement} as {bound}")
            if "#" in tree.code_for_node(alias):
                raise CannotPatchError("a comment stands beside the name in the import")
    if not kept:
        if "#" in text:
            raise CannotPatchError("a comment stands inside the import")
        return "", builtin
    if statement.lpar is None:
        kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    code = tree.code_for_node(statement.with_changes(names=kept))
    if code.count("#") != text.count("#"):
        raise CannotPatchError("a comment stands beside the name in the import")
    return code, builtin


def _renamed(alias: cst.ImportAlias, name: str, bound: str) -> cst.ImportAlias:
    import libcst as cst

    if name == bound:
        return alias.with_changes(name=cst.Name(name), asname=None)
    asname = alias.asname or cst.AsName(cst.Name(bound))
    return alias.with_changes(name=cst.Name(name), asname=asname)


def _after(module: Module, start: int, end: int, statement: str) -> Splice:
    """``statement`` put after the one from ``start`` to ``end``: on a line of its own if it can."""
    source = module.source
    first, last = source.line_of(start), source.line_of(end)
    indent = source.text[source.line_start(first) : start]
    line_end = source.line_start(last) + len(source.line(last).rstrip("\r\n"))
    rest = source.text[end:line_end].strip()
    if indent.strip() or (rest and not rest.startswith("#")):
        return Splice(end, end, f"; {statement}")
    return Splice(line_end, line_end, f"{source.newline(last)}{indent}{statement}")


PATCH = NumpyAliasesPatch()


def patch(source: bytes, context: PatchContext) -> PatchResult:
    """Replace every removed name in ``source``; see :class:`NumpyAliasesPatch`."""
    return PATCH.run(source, context)
