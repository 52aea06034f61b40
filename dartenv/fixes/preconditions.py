"""What must hold before a step may act: checked when a plan is read, and again before each fix."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import List, Mapping, Optional, Tuple, Union

import msgspec

from dartenv.fixes.faults import explain
from dartenv.fixes.paths import file_sha256, inside, is_link, lexists, real
from dartenv.fixes.plan import Plan
from dartenv.fixes.steps import (
    STAGED,
    AnyStep,
    EditFile,
    ExtractFile,
    MergeHands,
    MovePath,
    RemoveFile,
    RunCommand,
    SetRegistryValue,
    StagedStep,
    WriteFile,
    runnable,
    touched_paths,
)
from dartenv.longpath import native


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A precondition that does not hold: which fixes it stops, and one line that says why.

    ``fixes`` is empty where it stops the whole plan.
    """

    why: str
    fixes: Tuple[str, ...] = ()
    step: Optional[str] = None


def check_preconditions(plan: Plan, versions: Optional[Mapping[str, str]] = None) -> List[Broken]:
    """Every precondition of ``plan`` that does not hold on this machine; empty when it fits.

    ``versions`` are those of this machine (:func:`dartenv.fixes.plan.versions_of`); a name that
    either side lacks is not compared.
    """
    broken = []
    for name, planned in sorted(plan.versions.items()):
        found = (versions or {}).get(name, planned)
        if found != planned:
            broken.append(Broken(why=f"made for {name} {planned}, here is {name} {found}"))
    for step in plan.steps:
        why = check_step(step, plan.target.dart_root) if runnable(step) else None
        if why is not None:
            broken.append(Broken(why=why, fixes=step.fixes, step=step.id))
    return broken


def check_step(
    step: AnyStep, root: Optional[str] = None, registry: bool = os.name == "nt"
) -> Optional[str]:
    """Why ``step`` may not act now, in one line; ``None`` when it may.

    ``root`` is the DART root: a file in it that a link or junction leads out of it is refused. ``registry`` says whether
    there is one.
    """
    for path in touched_paths(step):
        if not Path(path).is_absolute():
            return f"{path}: not an absolute path of this system"
        if root is not None and inside(path, root) and not inside(real(path), real(root)):
            return f"{path}: a link leads out of {root}, to {real(path)}"
    try:
        for path in touched_paths(step):
            _refuse_impossible(path)
        if isinstance(step, (EditFile, WriteFile, RemoveFile)):
            return _check_file(step)
        if isinstance(step, STAGED):
            return _check_sources(step) or _check_file(step)
        if isinstance(step, MovePath):
            return _check_move(step)
    except OSError as error:
        return explain(error, touched_paths(step)[0])
    if isinstance(step, RunCommand) and not Path(step.argv[0]).is_absolute():
        return f"{step.argv[0]}: not an absolute path to a program"
    if isinstance(step, SetRegistryValue) and not registry:
        return f"{step.hive}\\{step.key}: there is no registry on this system"
    return None


def _check_sources(step: StagedStep) -> Optional[str]:
    """Why what the file is made of is not there."""
    if isinstance(step, ExtractFile):
        wanted = [step.archive] if step.remote is None else []
    elif isinstance(step, MergeHands):
        wanted = [step.body[0], step.left[0], step.right[0]]
    else:
        wanted = []
    missing = [path for path in wanted if not lexists(path)]
    return f"{missing[0]}: it is not there (any more)" if missing else None


def _check_file(step: Union[EditFile, WriteFile, RemoveFile, StagedStep]) -> Optional[str]:
    if isinstance(step, RemoveFile) and is_link(step.path):
        return f"{step.path}: a link; remove it by hand"
    path = real(step.path)
    if step.old_sha256 is None:
        if lexists(path) or lexists(step.path):
            return f"{step.path}: something of that name is there already"
        return _parent_trouble(path)
    try:
        found = native(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return f"{step.path}: it is not there (any more)"
    if not stat.S_ISREG(found.st_mode):
        return f"{step.path}: not a regular file"
    if file_sha256(path) != step.old_sha256:
        return f"{step.path}: changed since the plan was made; plan again"
    if not found.st_mode & stat.S_IWRITE:
        return f"{step.path}: read-only; make it writable and run again"
    return _parent_trouble(path)


def _refuse_impossible(path: str) -> None:
    """Raise OSError for a name that this system cannot have, or a folder one may not enter."""
    try:
        os.lstat(str(native(path)))
    except (FileNotFoundError, NotADirectoryError):
        pass


def _check_move(step: MovePath) -> Optional[str]:
    if not lexists(step.path):
        return f"{step.path}: it is not there (any more)"
    if is_link(step.path):
        return f"{step.path}: a link; move it by hand"
    if lexists(step.destination):
        return f"{step.destination}: something of that name is there already"
    if inside(step.destination, step.path):
        return f"{step.destination}: lies inside {step.path}"
    here, there = native(step.path).stat(), _existing_parent(step.destination).stat()
    if here.st_dev != there.st_dev:
        return f"{step.destination}: on another drive than {step.path}; copy it there by hand"
    return _parent_trouble(step.path) or _parent_trouble(step.destination)


def _parent_trouble(path: str) -> Optional[str]:
    parent = _existing_parent(path)
    if not parent.is_dir():
        return f"{path}: {parent} is not a folder"
    # Windows has no such bit for folders; there the act itself finds out.
    if os.name != "nt" and not os.access(str(parent), os.W_OK | os.X_OK):
        return f"{path}: its folder is read-only for you"
    return None


def _existing_parent(path: str) -> Path:
    for parent in native(path).parents:
        if lexists(str(parent)):
            return parent
    return native(path).parent
