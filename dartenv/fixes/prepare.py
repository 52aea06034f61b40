"""From a step to the change that it is on this machine, with the backups that undo it."""

from __future__ import annotations

from typing import Optional, Union

from dartenv.fixes.acts import Hands, registry_of
from dartenv.fixes.changes import (
    AnyChange,
    CommandChange,
    FileChange,
    FileState,
    MoveChange,
    RegistryChange,
)
from dartenv.fixes.durable import Meta, meta_of
from dartenv.fixes.faults import StepFault
from dartenv.fixes.paths import missing_parents, real, sha256
from dartenv.fixes.runs import Run
from dartenv.fixes.staging import stage
from dartenv.fixes.steps import (
    STAGED,
    AnyStep,
    EditFile,
    MovePath,
    RemoveFile,
    RunCommand,
    SetRegistryValue,
    StagedStep,
    WriteFile,
)
from dartenv.longpath import native


def prepare(step: AnyStep, n: int, run: Run, hands: Hands) -> AnyChange:
    """What ``step`` will change here. Changes nothing but the run's own backups folder.

    Raises StepFault, or OSError of the backup.
    """
    if isinstance(step, (EditFile, WriteFile, RemoveFile)):
        return _prepare_file(step, n, run, hands)
    if isinstance(step, STAGED):
        return _prepare_staged(step, n, run, hands)
    if isinstance(step, MovePath):
        made = tuple(missing_parents(step.destination))
        return MoveChange(path=step.path, destination=step.destination, made_dirs=made)
    if isinstance(step, SetRegistryValue):
        registry = registry_of(hands)
        return RegistryChange(
            hive=step.hive,
            key=step.key,
            name=step.name,
            after=step.value,
            before=registry.get(step.hive, step.key, step.name),
            made_keys=registry.missing_keys(step.hive, step.key),
        )
    if isinstance(step, RunCommand):
        return CommandChange(
            argv=step.argv,
            undo_argv=step.undo_argv,
            timeout=step.timeout,
            cwd=step.cwd,
            env=step.env,
            shown=step.shown,
        )
    raise StepFault(f"{step.id}: only shown, never run")


def _prepare_staged(step: StagedStep, n: int, run: Run, hands: Hands) -> FileChange:
    """The new content is made ready first: where that fails, nothing was touched."""
    path = real(step.path)
    staged = stage(step, run.backups / f"{n:04d}.after", hands.fetcher(run.folder.parents[1]))
    return FileChange(
        path=path,
        shown=step.path,
        temp=_temp(path, n, run),
        before=_before(step, path, n, run, hands),
        after=FileState(staged.sha256, staged.size),
        made_dirs=tuple(missing_parents(path)),
        staged=str(staged.path),
    )


def _before(
    step: Union[EditFile, WriteFile, RemoveFile, StagedStep],
    path: str,
    n: int,
    run: Run,
    hands: Hands,
) -> Optional[FileState]:
    """What is there now, copied to the run's backups; ``None`` where nothing is to be."""
    if step.old_sha256 is None:
        return None
    meta = meta_of(native(path).stat())
    blob = f"{n:04d}.before"
    found, size = hands.durable.copy(native(path), run.backups / blob)
    if found != step.old_sha256:
        raise StepFault(f"{step.path}: changed since the plan was made; plan again")
    return FileState(found, size, meta, blob)


def _temp(path: str, n: int, run: Run) -> str:
    return str(native(path).parent / f".dartenv-{run.id}-{n}.tmp")


def _prepare_file(
    step: Union[EditFile, WriteFile, RemoveFile], n: int, run: Run, hands: Hands
) -> FileChange:
    path = real(step.path)
    before = _before(step, path, n, run, hands)
    after: Optional[FileState] = None
    if not isinstance(step, RemoveFile):
        meta = Meta(step.mode) if isinstance(step, WriteFile) else Meta()
        if before is not None:
            meta = Meta(before.meta.mode, None, before.meta.uid, before.meta.gid)
        after = FileState(sha256(step.content), len(step.content), meta)
    return FileChange(
        path=path,
        shown=step.path,
        temp=_temp(path, n, run),
        before=before,
        after=after,
        made_dirs=tuple(missing_parents(path)),
    )
