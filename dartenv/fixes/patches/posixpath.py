"""source.posixpath: loaders of args.yaml that cope with PosixPath on Windows."""

from __future__ import annotations

import ast
from typing import List, Sequence

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.insert import insert_helpers
from dartenv.fixes.patches.result import CannotPatchError, PatchResult, Splice, wrap
from dartenv.source import posixpath
from dartenv.source.helpers import POSIXPATH, helper_state
from dartenv.source.module import Module
from dartenv.source.posixpath import LoaderSite


class PosixPathPatch(Patch[LoaderSite]):
    """``from_yaml(...)`` becomes ``_dartenv_any_path(from_yaml)(...)``."""

    id = posixpath.FAULT
    reason = "read PosixPath tags on Windows"

    def find(self, module: Module, context: PatchContext) -> Sequence[LoaderSite]:
        return posixpath.find(module, context.spec.args_file, context.tree)

    def edit(self, site: LoaderSite, context: PatchContext) -> List[Splice]:
        if not isinstance(site.node, ast.Call):
            raise CannotPatchError("it is not a call")
        return wrap(site.module.span(site.node.func), POSIXPATH.name, site.symbol)

    def once(self, module: Module, sites: Sequence[LoaderSite]) -> List[Splice]:
        missing = helper_state(module, POSIXPATH) is None
        return insert_helpers(module, [POSIXPATH] if missing else [])


PATCH = PosixPathPatch()


def patch(source: bytes, context: PatchContext) -> PatchResult:
    """Repair every loader in ``source``; see :class:`PosixPathPatch`."""
    return PATCH.run(source, context)
