"""source.prompt-filenames: prompts that become file names Windows takes."""

from __future__ import annotations

import ast
from typing import List, Sequence

from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.insert import insert_helpers
from dartenv.fixes.patches.result import CannotPatchError, PatchResult, Splice, wrap
from dartenv.source import prompts
from dartenv.source.helpers import FILE_NAME, FILE_TEST, helper_state
from dartenv.source.module import Module
from dartenv.source.prompts import NAME, TEST, PromptSite


class PromptFilenamesPatch(Patch[PromptSite]):
    """The prompt's part of a path goes through ``_dartenv_file_name``.

    ``Path(prompt).exists()`` becomes ``_dartenv_file_test(Path(prompt).exists)()``.
    """

    id = prompts.FAULT
    reason = "name files after prompts as Windows allows it"

    def accepts(self, data: bytes) -> bool:
        return prompts.accepts(data)

    def find(self, module: Module, context: PatchContext) -> Sequence[PromptSite]:
        return prompts.find(module, context.tree)

    def edit(self, site: PromptSite, context: PatchContext) -> List[Splice]:
        if site.kind == NAME:
            return wrap(site.module.span(site.node), FILE_NAME.name, site.symbol)
        if not isinstance(site.node, ast.Call):
            raise CannotPatchError("it is not a call")
        return wrap(site.module.span(site.node.func), FILE_TEST.name, site.symbol)

    def once(self, module: Module, sites: Sequence[PromptSite]) -> List[Splice]:
        kinds = {site.kind for site in sites}
        wanted = [h for kind, h in ((NAME, FILE_NAME), (TEST, FILE_TEST)) if kind in kinds]
        return insert_helpers(module, [h for h in wanted if helper_state(module, h) is None])


PATCH = PromptFilenamesPatch()


def patch(source: bytes, context: PatchContext) -> PatchResult:
    """Repair every path built from a prompt in ``source``; see :class:`PromptFilenamesPatch`."""
    return PATCH.run(source, context)
