"""Which files of a tree the patches change, and into what. Plans only: nothing is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from dartenv.errors import UsageFault
from dartenv.fixes.patches import (
    body_model_dir,
    dataclass_defaults,
    numpy_aliases,
    posixpath,
    prompt_filenames,
    torch_load,
)
from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.result import Edit, Refusal
from dartenv.source import aliases, torchload
from dartenv.source import posixpath as loaders
from dartenv.source.collector import collector_paused
from dartenv.source.module import Module
from dartenv.source.prefilter import Filter
from dartenv.source.recognise import recognise
from dartenv.source.spec import SourceSpec
from dartenv.source.tree import Problem, SourceTree, read_tree

# In this order where one file needs several.
PATCHES: Tuple[Patch[Any], ...] = (
    numpy_aliases.PATCH,
    dataclass_defaults.PATCH,
    posixpath.PATCH,
    prompt_filenames.PATCH,
    torch_load.PATCH,
    body_model_dir.PATCH,
)
IDS = tuple(patch.id for patch in PATCHES)
REASONS = {patch.id: patch.reason for patch in PATCHES}


@dataclass(frozen=True)
class FileEdit:
    """One file's change. ``path`` is relative to the root, with ``/``; ``patches`` in order."""

    path: str
    old: bytes
    new: bytes
    old_sha256: str
    edits: Tuple[Edit, ...]
    refusals: Tuple[Refusal, ...]
    patches: Tuple[str, ...]


@dataclass(frozen=True)
class PatchPlan:
    """Files to change, in order of path; places left alone, in all files; unreadable files."""

    files: Tuple[FileEdit, ...] = ()
    refusals: Tuple[Refusal, ...] = ()
    problems: Tuple[Problem, ...] = ()


def plan_patches(
    root: str,
    patch_ids: Sequence[str],
    spec: SourceSpec,
    *,
    body_model_folder: Optional[str] = None,
    only: Optional[Sequence[str]] = None,
    tree: Optional[SourceTree] = None,
) -> PatchPlan:
    """Plan the patches ``patch_ids`` on the tree at ``root``.

    ``body_model_folder`` is what ``source.body-model-dir`` writes, relative to the root or
    absolute; without it that patch does nothing. ``only`` limits the plan to these paths;
    ``tree`` may be given where it was read already. Raises UsageFault for an unknown patch.
    """
    with collector_paused():
        return _plan(root, patch_ids, spec, body_model_folder, only, tree)


def _plan(
    root: str,
    patch_ids: Sequence[str],
    spec: SourceSpec,
    body_model_folder: Optional[str],
    only: Optional[Sequence[str]],
    tree: Optional[SourceTree],
) -> PatchPlan:
    unknown = [patch_id for patch_id in patch_ids if patch_id not in IDS]
    if unknown:
        raise UsageFault(f"no source patch {unknown[0]!r}", "one of: " + ", ".join(IDS))
    known = recognise(root, spec.trees)
    skip = known.tree.skip_dirs if known.tree is not None else ()
    tree = tree if tree is not None else read_tree(root, spec, skip)
    context = PatchContext(spec, "", tree, root, body_model_folder)
    planner = _Planner(tree, context, only)
    for patch in PATCHES:
        if patch.id in patch_ids:
            planner.run(patch)
    return planner.plan()


class _Planner:
    def __init__(
        self, tree: SourceTree, context: PatchContext, only: Optional[Sequence[str]]
    ) -> None:
        self.tree = tree
        self.context = context
        self.paths = sorted(tree.files if only is None else set(only) & set(tree.files))
        self.current: Dict[str, bytes] = {}
        self.modules: Dict[str, Module] = {}  # what current holds, parsed
        self.edits: Dict[str, List[Edit]] = {}
        self.refusals: Dict[str, List[Refusal]] = {}
        self.applied: Dict[str, List[str]] = {}

    def run(self, patch: Patch[Any]) -> None:
        accepts = self._filter(patch.id) or patch.accepts
        for path in self._candidates(patch.id):
            data = self.current.get(path, self.tree.files[path])
            if accepts(data):
                self._one(patch, path, data)

    def _one(self, patch: Patch[Any], path: str, data: bytes) -> None:
        module = self.modules.get(path) or self.tree.module(path)
        if module is None:
            return  # it is among the tree's problems
        result = patch.run(data, replace(self.context, path=path), module)
        self.refusals.setdefault(path, []).extend(
            replace(refusal, path=path, patch=patch.id) for refusal in result.refusals
        )
        if result.data != data:
            self.current[path] = result.data
            if result.module is not None:
                self.modules[path] = result.module
            self.edits.setdefault(path, []).extend(result.edits)
            self.applied.setdefault(path, []).append(patch.id)

    def _filter(self, patch_id: str) -> Optional[Filter]:
        if patch_id == numpy_aliases.PATCH.id:
            return aliases.accepts(self.tree, self.context.spec.aliases)
        if patch_id == torch_load.PATCH.id:
            return torchload.accepts(self.tree)
        if patch_id == posixpath.PATCH.id:
            return loaders.accepts(self.tree)
        return None

    def _candidates(self, patch_id: str) -> Sequence[str]:
        if patch_id != body_model_dir.PATCH.id:
            return self.paths
        if self.context.body_model_dir is None:
            return ()
        named = {tree.data_paths for tree in self.context.spec.trees}
        return [path for path in self.paths if path in named]

    def plan(self) -> PatchPlan:
        files = tuple(
            FileEdit(
                path,
                self.tree.files[path],
                self.current[path],
                hashlib.sha256(self.tree.files[path]).hexdigest(),
                tuple(self.edits[path]),
                tuple(self.refusals.get(path, ())),
                tuple(self.applied[path]),
            )
            for path in sorted(self.current)
        )
        refusals = tuple(r for path in sorted(self.refusals) for r in self.refusals[path])
        return PatchPlan(files, refusals, tuple(self.tree.problems))
