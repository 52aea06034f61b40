"""Calls of ``torch.load`` that say nothing about where the tensors go."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import List, Optional, Tuple

from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.prefilter import Filter, attribute_filter, other_names
from dartenv.source.site import NEEDED, REPAIRED, UNSURE, Site, join_notes
from dartenv.source.tree import SourceTree

FAULT = "source.torch-load"


def accepts(tree: SourceTree) -> Filter:
    """Which files may hold such a call."""
    return attribute_filter(tree, "torch", ["load"])


@dataclass(frozen=True)
class LoadSite(Site):
    """``torch`` is how the module calls torch there; empty if it has no name for it."""

    torch: str = ""


def find(module: Module, tree: Optional[SourceTree] = None) -> List[LoadSite]:
    """Every call of ``torch.load`` in ``module``, in order."""
    if b"torch" not in module.source.data and not module.scope.stars:
        return []
    names = Names(module, tree)
    called = other_names(module.source.text, ["load"])
    sites: List[LoadSite] = []
    for node in module.nodes(ast.Call):
        function = node.func
        last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if last not in called:
            continue
        named = names.of(node.func)
        if named is None or named.dotted != "torch.load":
            continue
        state, note = _state(module, node, named.sure)
        sites.append(
            LoadSite(
                module,
                node,
                "torch.load",
                state,
                join_notes(note, _weights_note(node)),
                torch_name(module, node, names),
            )
        )
    return sorted(sites, key=lambda site: site.line)


def _state(module: Module, node: ast.Call, sure: bool) -> Tuple[str, str]:
    keywords = [keyword.arg for keyword in node.keywords]
    if "map_location" in keywords or len(node.args) > 1:
        return REPAIRED, ""
    if _handed_on(module, node):
        return REPAIRED, "its callers say where the tensors go"
    if None in keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
        return UNSURE, "its arguments are unpacked from elsewhere"
    if not node.args and not node.keywords:
        return UNSURE, "it has no arguments"
    if not sure:
        return UNSURE, "the name is bound to more than torch.load here"
    return NEEDED, ""


def _handed_on(module: Module, node: ast.Call) -> bool:
    """Whether the keywords of the function around the call are handed on to it."""
    function = module.function(node)
    kwarg = function.args.kwarg if function is not None else None
    return kwarg is not None and any(
        keyword.arg is None
        and isinstance(keyword.value, ast.Name)
        and keyword.value.id == kwarg.arg
        for keyword in node.keywords
    )


def _weights_note(node: ast.Call) -> str:
    """What torch's change of the default of ``weights_only`` means for this call."""
    for keyword in node.keywords:
        if keyword.arg == "weights_only":
            value = keyword.value
            if isinstance(value, ast.Constant) and value.value is False:
                return "weights_only=False: whatever the file holds is executed"
            return ""
    return "weights_only is not given: newer torch loads tensors and plain containers only"


def torch_name(module: Module, node: ast.AST, names: Names) -> str:
    """An expression for the module torch where ``node`` stands; empty if it has none."""
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(function, ast.Attribute):
        named = names.of(function.value)
        if named is not None and named.dotted == "torch":
            return module.segment(function.value)
    scope = module.scope_of(node)
    bindings = scope.find("torch")
    if bindings is None:
        starred = names.starred("torch")
        return "torch" if starred is not None and starred.dotted == "torch" else ""
    imported = all(b.kind == "import" and b.dotted == "torch" for b in bindings)
    return "torch" if imported else ""
