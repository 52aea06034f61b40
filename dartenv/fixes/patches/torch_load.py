"""source.torch-load: checkpoints saved on a GPU that load where there is none."""

from __future__ import annotations

import ast
from typing import List, Optional, Sequence

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.insert import insert_import, significant_tokens
from dartenv.fixes.patches.result import CannotPatchError, PatchResult, Splice
from dartenv.source import torchload
from dartenv.source.module import Module
from dartenv.source.torchload import LoadSite


class TorchLoadPatch(Patch[LoadSite]):
    """``map_location`` is given: nothing where CUDA is available, the CPU otherwise."""

    id = torchload.FAULT
    reason = "load checkpoints without CUDA too, and on torch 2.6 and newer"

    def find(self, module: Module, context: PatchContext) -> Sequence[LoadSite]:
        return torchload.find(module, context.tree)

    def edit(self, site: LoadSite, context: PatchContext) -> List[Splice]:
        module = site.module
        start, end = module.span(site.node)
        tokens = significant_tokens(module.source.text[start:end])
        if len(tokens) < 2 or tokens[-1].text != ")":
            raise CannotPatchError("the end of its arguments cannot be told")
        before = tokens[-2]
        quote = _quote(module, site.node)
        name = site.torch or "torch"
        if not site.torch and module.scope_of(site.node).find("torch") is not None:
            raise CannotPatchError("the name torch is bound to something else here")
        argument = f"map_location=None if {name}.cuda.is_available() else {quote}cpu{quote}"
        comma = " " if before.text == "," else ", "
        at = start + before.end
        return [Splice(at, at, comma + argument, site.symbol)]

    def once(self, module: Module, sites: Sequence[LoadSite]) -> List[Splice]:
        if all(site.torch for site in sites):
            return []
        return insert_import(module, "import torch")


def _quote(module: Module, node: ast.AST) -> str:
    """The quotation mark to use: inside an f-string not the string's own."""
    outer: Optional[ast.AST] = None
    for holder in module.parents(node):
        if isinstance(holder, ast.JoinedStr):
            if outer is not None:
                raise CannotPatchError("it stands in an f-string inside an f-string")
            outer = holder
    return '"' if outer is not None and "'" in module.segment(outer)[:5] else "'"


PATCH = TorchLoadPatch()


def patch(source: bytes, context: PatchContext) -> PatchResult:
    """Give every ``torch.load`` in ``source`` a ``map_location``; see :class:`TorchLoadPatch`."""
    return PATCH.run(source, context)
