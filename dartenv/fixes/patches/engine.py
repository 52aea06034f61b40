"""How every patch runs: find, edit, splice, and check that the result holds what was meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, List, Optional, Sequence, Tuple, TypeVar

from dartenv.fixes.patches.result import (
    CannotPatchError,
    Edit,
    PatchResult,
    Refusal,
    Splice,
    apply,
)
from dartenv.source.module import Module
from dartenv.source.site import NEEDED, REPAIRED, Site
from dartenv.source.spec import SourceSpec
from dartenv.source.text import UnreadableError
from dartenv.source.tree import SourceTree

S = TypeVar("S", bound=Site)


@dataclass(frozen=True)
class PatchContext:
    """What a patch may look at beside the file itself.

    ``path`` is relative to the root; ``tree`` the files that imports are followed into, without
    which only the file itself is looked at; ``body_model_dir`` the folder to write, relative to
    the root or absolute, with ``/``.
    """

    spec: SourceSpec = field(default_factory=SourceSpec)
    path: str = "module.py"
    tree: Optional[SourceTree] = None
    root: str = ""
    body_model_dir: Optional[str] = None


class Patch(Generic[S]):
    """One source fault's repair. Subclasses say where it stands and what to write there."""

    id = ""
    reason = ""  # what the patch is for, in a few words

    def find(self, module: Module, context: PatchContext) -> Sequence[S]:
        """Where the fault stands, repaired places included."""
        raise NotImplementedError

    def accepts(self, data: bytes) -> bool:
        """Whether a file with these bytes may hold the fault; for files without a tree."""
        return True

    def edit(self, site: S, context: PatchContext) -> List[Splice]:
        """The splices that repair ``site``; raises CannotPatchError or UnreadableError."""
        raise NotImplementedError

    def once(self, module: Module, sites: Sequence[S]) -> List[Splice]:
        """What the file needs once for the repaired ``sites``, such as an import."""
        return []

    def run(
        self, source: bytes, context: PatchContext, module: Optional[Module] = None
    ) -> PatchResult:
        """Patch ``source``; ``module`` may be given where it is parsed already.

        Never raises: a file that cannot be read, and a result that does not check, are refusals.
        """
        try:
            module = module or Module(context.path, source)
            sites = self.find(module, context)
            return self._patched(module, sites, context)
        except UnreadableError as error:
            return PatchResult(source, (), (Refusal(1, str(error)),))
        except RecursionError:
            return PatchResult(source, (), (Refusal(1, "is nested too deeply"),))

    def _patched(self, module: Module, sites: Sequence[S], context: PatchContext) -> PatchResult:
        refusals = [
            Refusal(site.line, site.note, site.symbol)
            for site in sites
            if site.state not in (NEEDED, REPAIRED)
        ]
        splices: List[Splice] = []
        done: List[S] = []
        for site in sites:
            if site.state == NEEDED:
                try:
                    splices.extend(self.edit(site, context))
                    done.append(site)
                except (CannotPatchError, UnreadableError) as error:
                    refusals.append(Refusal(site.line, str(error), site.symbol))
        if not done:
            return PatchResult(module.source.data, (), tuple(refusals))
        try:
            splices.extend(self.once(module, done))
            left = sum(site.state == NEEDED for site in sites) - len(done)
            after, edits = self._checked(module, splices, left, context)
        except (CannotPatchError, UnreadableError) as error:
            refusals.append(Refusal(done[0].line, str(error), done[0].symbol))
            return PatchResult(module.source.data, (), tuple(refusals))
        return PatchResult(after.source.data, tuple(edits), tuple(refusals), after)

    def _checked(
        self, module: Module, splices: Sequence[Splice], left: int, context: PatchContext
    ) -> Tuple[Module, List[Edit]]:
        """The patched file, once it parses and what was repaired reads as repaired."""
        text, edits = apply(module.source, splices)
        data = module.source.encode(text)
        try:
            module = Module(context.path, data)
            after = self.find(module, context)
        except UnreadableError as error:
            raise CannotPatchError(f"the result would not parse: {error}") from None
        if sum(site.state == NEEDED for site in after) != left:
            raise CannotPatchError("the result would not read as repaired")
        return module, edits
