"""The way ahead in words, before the environment exists that it could be planned on."""

from __future__ import annotations

from typing import List, Optional, Tuple

from dartenv.bootstrap.environment import standing
from dartenv.bootstrap.proof import SCENARIOS
from dartenv.bootstrap.source import source_steps
from dartenv.bootstrap.stages import STAGES, Stages
from dartenv.facts.lookup import torch_wanted
from dartenv.fixes.steps import what
from dartenv.install.carried import CLIP, PYTORCH3D, nowhere, source_of
from dartenv.install.settings import SAME
from dartenv.manifests.compat import ClipTable, Pytorch3dTable
from dartenv.manifests.locks import lock_of

Row = Tuple[str, str]


def outline(stages: Stages, smoke: bool, without: Tuple[str, ...]) -> List[Row]:
    """A row for each stage. Raises UsageFault where the way cannot be gone at all."""
    python = _python(stages)
    rows: List[Row] = []
    for stage in STAGES:
        if stage.id in without or stages.skips(stage):
            continue
        rows.append((stage.title, _words(stage.id, stages, python)))
    if smoke:
        names = " and ".join(SCENARIOS)
        rows.append(("proof", f"dartenv smoke {names}: motion comes out"))
    return rows


def _python(stages: Stages) -> str:
    found = standing(stages.layout)
    if found is not None:
        return found.version
    backend = stages.backend()
    if all(part.isdigit() for part in backend.python.split(".")):
        return backend.python
    from dartenv.bootstrap.pythons import ask

    base = ask(backend.python)
    return base.version if base is not None else stages.profile.python[0]


def _words(stage: str, stages: Stages, python: str) -> str:
    layout, install, profile = stages.layout, stages.settings.install, stages.profile
    minor = ".".join(python.split(".")[:2])
    lock = lock_of(stages.manifests, profile.id, minor)
    torch = torch_wanted(profile, python)
    if stage == "source":
        steps = source_steps(layout, stages.source(), stages.manifests.trees())
        return "; ".join(what(step) for step in steps) or f"there already: {layout.tree}"
    if stage == "environment":
        if standing(layout) is not None:
            return f"there already: Python {python} in {layout.environment}"
        backend = stages.backend()
        return f"Python {python} by {backend.kind}: {' '.join(backend.command(str(layout.environment)))}"
    if stage == "settings":
        return f"{layout.config}, so that later commands need no options"
    if stage == "packages":
        if lock is None:
            return f"{len(profile.requirements)} packages that the profile pins, and what they need"
        count = sum(one.role in ("requirement", "dependency", "build") for one in lock.package)
        return f"{count} packages of the lock {profile.id}-py{minor}{_from(install.index)}"
    if stage == "torch":
        index = install.torch_index or profile.torch_index
        where = "" if index in (None, SAME) else f" from {index} alone"
        if install.no_index:
            where = " from the folders of --find-links"
        return f"torch {torch} and its companions{where}"
    if stage == "clip":
        table = stages.manifests.read("compat", "clip", ClipTable)
        source = source_of(install, install.clip, CLIP, table.archive)
        return f"from {source}" if source else nowhere(CLIP, "--clip")
    if stage == "pytorch3d":
        return _pytorch3d(stages)
    if stage == "onnxruntime":
        return profile.onnxruntime or "none in this profile"
    if stage == "patches":
        return "what this Python, numpy, torch and system refuse, each undoable"
    if stage == "assets":
        return (
            "what can be had without a login; for licensed models, the page and the file are named"
        )
    return "a launch configuration and the interpreter for VS Code"


def _pytorch3d(stages: Stages) -> str:
    install = stages.settings.install
    given = install.pytorch3d
    if stages.profile.pytorch3d == "transforms":
        table = stages.manifests.read("compat", "pytorch3d", Pytorch3dTable)
        source = source_of(install, given, PYTORCH3D, table.pure_archive)
        if source is None:
            return nowhere(PYTORCH3D, "--pytorch3d")
        return f"its transforms, which are all that DART uses, from {source}"
    version = stages.profile.pytorch3d_version or "the wheel for exactly this torch and Python"
    return f"from {given}" if given else str(version)


def _from(index: Optional[str]) -> str:
    return f", from {index}" if index else ""
