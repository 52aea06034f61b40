"""Source fixes as steps: one step a file, carrying every fix that changes it."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import List, Optional, Tuple, Union

from dartenv.facts.model import Facts, TargetFacts
from dartenv.facts.source_spec import source_spec
from dartenv.fixes.diff import unified_diff
from dartenv.fixes.patches.plan import IDS, REASONS, FileEdit, plan_patches
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, joint_fixer
from dartenv.fixes.steps import AnyStep, EditFile
from dartenv.manifests.loader import Manifests

BODY_ROLES = ("smplx", "smplh", "body")


@joint_fixer(*IDS)
def source_steps(
    ids: Tuple[str, ...], facts: Facts, manifests: Manifests, target: TargetFacts
) -> Planned:
    """The patches ``ids`` of the tree that was examined, each file a step."""
    source = facts.source
    if source is None or source.kind is None:
        return [Refusal(fix=fix, reason="there is no DART tree to repair") for fix in ids]
    plan = plan_patches(
        source.root,
        ids,
        source_spec(manifests),
        body_model_folder=_body_model_folder(facts),
    )
    found: List[Union[AnyStep, Refusal]] = [_step(source.root, file) for file in plan.files]
    found += [
        Refusal(fix=refusal.patch, reason=refusal.reason, path=f"{refusal.path}:{refusal.line}")
        for refusal in plan.refusals
    ]
    return found


def _step(root: str, file: FileEdit) -> EditFile:
    lines = sorted({edit.line for edit in file.edits})
    shown = ", ".join(str(line) for line in lines[:6]) + (", ..." if len(lines) > 6 else "")
    plural = "s" if len(lines) != 1 else ""
    return EditFile(
        id=f"source:{file.path}",
        fixes=file.patches,
        reason=f"{'; '.join(REASONS[patch] for patch in file.patches)} (line{plural} {shown})",
        path=os.path.normpath(Path(root, *file.path.split("/"))),
        old_sha256=file.old_sha256,
        content=file.new,
        diff=unified_diff(file.path, file.old, file.new),
    )


def _body_model_folder(facts: Facts) -> Optional[str]:
    """The folder in which the body models were found instead, relative to the root."""
    if facts.assets is None or facts.source is None:
        return None
    for file in facts.assets.files:
        if file.role in BODY_ROLES and not file.exists and file.elsewhere:
            found = file.elsewhere[0].replace("\\", "/")
            root = facts.source.root.replace("\\", "/").rstrip("/")
            # the model is <folder>/<type>/<file>: the library appends the type itself
            folder = posixpath.dirname(posixpath.dirname(found))
            if folder.lower().startswith(root.lower() + "/"):
                return folder[len(root) + 1 :]
            return folder
    return None
