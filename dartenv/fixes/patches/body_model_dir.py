"""source.body-model-dir: data_paths.py made to name the folder where the body models are."""

from __future__ import annotations

import ast
from typing import List, Optional, Sequence

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.result import CannotPatchError, PatchResult, Splice
from dartenv.source import bodymodel
from dartenv.source.bodymodel import (
    PATHS,
    Evaluator,
    FolderSite,
    UnknownValueError,
    base_of,
    inside,
)
from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.site import NEEDED, REPAIRED


class BodyModelDirPatch(Patch[FolderSite]):
    """The expression assigned to the name becomes ``base / 'folder'`` or ``Path('folder')``."""

    id = bodymodel.FAULT
    reason = "look for the body models where they are"

    def find(self, module: Module, context: PatchContext) -> Sequence[FolderSite]:
        names = [tree.body_model_name for tree in context.spec.trees]
        for name in names:
            site = bodymodel.find(module, name, context.root)
            if site is not None:
                return [self._judged(site, context)]
        return []

    def _judged(self, site: FolderSite, context: PatchContext) -> FolderSite:
        """The site as needed where the folder it names is not the one wanted."""
        if site.state != REPAIRED or context.body_model_dir is None or site.value is None:
            return site
        wanted = Evaluator(site.module, context.root).relative(_wanted(context, site))
        if wanted.text == site.value.text:
            return site
        note = f"names {site.value.text}"
        return FolderSite(site.module, site.node, site.symbol, NEEDED, note, site.value)

    def edit(self, site: FolderSite, context: PatchContext) -> List[Splice]:
        module = site.module
        assert isinstance(site.node, (ast.Assign, ast.AnnAssign))
        assert site.node.value is not None
        assert site.value is not None
        folder = Evaluator(module, context.root).relative(_wanted(context, site)).text
        start, end = module.span(site.node.value)
        text = _expression(module, site.node.value, folder, site.value.is_path, context.root)
        return [Splice(start, end, text, site.symbol)]


def _wanted(context: PatchContext, site: FolderSite) -> bodymodel.Value:
    folder = (context.body_model_dir or "").replace("\\", "/")
    return bodymodel.Value(folder, site.value.is_path if site.value is not None else True)


def _expression(module: Module, old: ast.expr, folder: str, is_path: bool, root: str) -> str:
    """An expression for ``folder`` in the manner of ``old``."""
    quoted = _quoted(module.segment(old), folder)
    if not is_path:
        return quoted
    base, _ = base_of(old)
    if base is not None:
        evaluator = Evaluator(module, root)
        try:
            value = evaluator.relative(evaluator.value(base))
        except UnknownValueError:
            value = None
        rest = inside(folder, value.text) if value is not None else None
        if rest is not None:
            return f"{base.id} / {_quoted(module.segment(old), rest)}"
    constructor = _constructor(module)
    if constructor is None:
        raise CannotPatchError("the file has no name for pathlib.Path")
    return f"{constructor}({quoted})"


def _quoted(old: str, text: str) -> str:
    """``text`` as a literal, with the quotation mark of the old expression."""
    quote = '"' if '"' in old and "'" not in old else "'"
    escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return f"{quote}{escaped}{quote}"


def _constructor(module: Module) -> Optional[str]:
    """How the module calls ``pathlib.Path``."""
    names = Names(module)
    for call in module.nodes(ast.Call):
        named = names.of(call.func)
        if named is not None and named.dotted in PATHS:
            return module.segment(call.func)
    for name, bindings in module.scope.names.items():
        if all(b.kind == "import" and b.dotted == "pathlib.Path" for b in bindings):
            return name
        if all(b.kind == "import" and b.dotted == "pathlib" for b in bindings):
            return f"{name}.Path"
    return None


PATCH = BodyModelDirPatch()


def patch(source: bytes, context: PatchContext) -> PatchResult:
    """Make ``source`` name ``context.body_model_dir``; see :class:`BodyModelDirPatch`."""
    return PATCH.run(source, context)
