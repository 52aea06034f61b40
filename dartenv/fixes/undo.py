"""Taking back a whole run: all of it or nothing, and never over somebody's later work."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import msgspec

from dartenv.errors import EXIT_FIX_FAILED, FixFault, UsageFault
from dartenv.fixes.acts import Hands, bring, look
from dartenv.fixes.changes import (
    AnyChange,
    CommandChange,
    FileChange,
    FileState,
    RegistryChange,
    Side,
    subject,
    subjects,
    undoable,
)
from dartenv.fixes.events import Event, EventKind, OnEvent, tell
from dartenv.fixes.faults import StepFault, explain
from dartenv.fixes.journal import (
    Left,
    Restored,
    Restoring,
    UndoAbandoned,
    UndoDone,
    UndoFailed,
    UndoStarted,
)
from dartenv.fixes.lock import hold
from dartenv.fixes.paths import file_sha256, overlap
from dartenv.fixes.recover import Recovered, recover_or_fail, redo
from dartenv.fixes.runs import Entry, Run, load_runs
from dartenv.fixes.staging import check_kept, described, forget
from dartenv.longpath import native


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A file (or registry value) that is no longer what dartenv made it: three versions.

    Each is its bytes, or ``None`` where it was absent; a registry value is its text in UTF-8.
    """

    path: str
    before: Optional[bytes]
    wrote: Optional[bytes]
    now: Optional[bytes]


class UndoRefused(FixFault):
    """Undo would have destroyed later work: nothing at all was changed."""

    exit_code = EXIT_FIX_FAILED

    def __init__(self, found: str, help: str, conflicts: Sequence[Conflict] = ()) -> None:
        super().__init__(found, help=help)
        self.conflicts = tuple(conflicts)


class UndoReport(msgspec.Struct, frozen=True, kw_only=True):
    """What undo did. ``left`` is what cannot be undone, as was said when it was planned."""

    run: str
    fixes: Tuple[str, ...]
    restored: Tuple[str, ...] = ()
    left: Tuple[str, ...] = ()
    recovered: Tuple[Recovered, ...] = ()


def undo(
    state: Path,
    run: Optional[str] = None,
    *,
    on_event: Optional[OnEvent] = None,
    hands: Optional[Hands] = None,
    command: str = "dartenv fix --undo",
    lock_wait: float = 5.0,
) -> UndoReport:
    """Take back run ``run`` (its id or the beginning of it), or the last one that still stands.

    Files get back content, mode and modification time; folders that the run made go when they
    are empty. Raises UndoRefused where a file was edited since or a later run touched the same
    files, FixFault where the system refuses; in both cases everything is as before the undo.
    UsageFault where there is nothing to undo, Locked while another dartenv is at work.
    """
    with hold(state, command, lock_wait):
        hands = hands or Hands()
        recovered = recover_or_fail(state, hands, command)
        for one in recovered:
            tell(on_event, Event(kind=EventKind.RECOVERED, text=one.text))
        runs = load_runs(state, hands.durable)
        chosen = _choose(runs, run)
        _refuse_later(chosen, runs)
        entries = [entry for entry in chosen.kept if undoable(entry.change)]
        _refuse_edited(chosen, entries, hands)
        restored = _take_back(chosen, entries, hands, on_event, command)
        return UndoReport(
            run=chosen.id,
            fixes=_fixes(chosen),
            restored=tuple(restored),
            left=tuple(_left_over(chosen)),
            recovered=recovered,
        )


def _choose(runs: Sequence[Run], wanted: Optional[str]) -> Run:
    if wanted is None:
        for run in reversed(runs):
            if run.kept and run.undo != "done":
                return run
        raise UsageFault("there is no run to undo", help="dartenv fix --history")
    found = [run for run in runs if run.id.startswith(wanted.lower())]
    if len(found) != 1:
        known = ", ".join(run.id for run in found or runs) or "none"
        problem = "several runs" if found else "no run"
        raise UsageFault(f"{problem} {wanted!r}", f"one of: {known}", "dartenv fix --history")
    run = found[0]
    if not run.kept or run.undo == "done":
        raise UsageFault(f"run {run.id} is {run.state}: nothing of it is left to undo")
    return run


def _refuse_later(chosen: Run, runs: Sequence[Run]) -> None:
    mine = [name for entry in chosen.kept for name in subjects(entry.change)]
    for later in reversed(runs):
        if later.seq <= chosen.seq or later.undo == "done":
            continue
        for entry in later.kept:
            for name in subjects(entry.change):
                if any(overlap(name, own) for own in mine):
                    raise UndoRefused(
                        f"run {later.id} came after {chosen.id} and changed {name} too; "
                        "nothing was changed",
                        f"dartenv fix --undo {later.id}, then dartenv fix --undo {chosen.id}",
                    )


def _refuse_edited(run: Run, entries: Sequence[Entry], hands: Hands) -> None:
    """Look at everything before anything is touched: versions, and the copies kept of them."""
    conflicts: List[Conflict] = []
    for entry, change in [(entry, entry.change) for entry in entries]:
        try:
            if look(change, hands) is Side.OTHER:
                conflicts.append(_conflict(run, entry, hands))
            elif isinstance(change, FileChange) and change.before is not None:
                if change.staged is None:
                    run.content(entry, change.before)
                else:
                    check_kept(change, run.backups)
        except OSError as error:
            raise FixFault(explain(error, subject(change)), help="nothing was changed") from None
        except StepFault as fault:
            raise FixFault(f"{fault}; nothing was changed") from None
    if conflicts:
        names = ", ".join(conflict.path for conflict in conflicts)
        raise UndoRefused(
            f"edited since dartenv changed it: {names}; nothing was changed",
            f"keep your version, or put back by hand what is in {run.backups}",
            conflicts,
        )


def _conflict(run: Run, entry: Entry, hands: Hands) -> Conflict:
    change = entry.change
    if isinstance(change, FileChange) and change.staged is not None:
        return _large_conflict(change)
    if isinstance(change, FileChange):
        try:
            now: Optional[bytes] = native(change.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            now = None
        return Conflict(
            path=change.shown,
            before=_version(run, entry, change.before),
            wrote=_version(run, entry, change.after),
            now=now,
        )
    if isinstance(change, RegistryChange) and hands.registry is not None:
        value = hands.registry.get(change.hive, change.key, change.name)
        return Conflict(
            path=subject(change),
            before=change.before.shown().encode() if change.before else None,
            wrote=change.after.shown().encode(),
            now=value.shown().encode() if value else None,
        )
    return Conflict(path=_where(change), before=None, wrote=None, now=None)


def _large_conflict(change: FileChange) -> Conflict:
    found = file_sha256(change.path)
    size = native(change.path).stat().st_size if found is not None else 0
    before, after = change.before, change.after
    return Conflict(
        path=change.shown,
        before=described(before.sha256, before.size) if before is not None else None,
        wrote=described(after.sha256, after.size) if after is not None else None,
        now=described(found, size) if found is not None else None,
    )


def _version(run: Run, entry: Entry, state: Optional[FileState]) -> Optional[bytes]:
    return run.content(entry, state) if state is not None else None


def _where(change: AnyChange) -> str:
    return " -> ".join(subjects(change))


def _take_back(
    run: Run,
    entries: Sequence[Entry],
    hands: Hands,
    on_event: Optional[OnEvent],
    command: str,
) -> List[str]:
    restored: List[str] = []
    try:
        run.write(UndoStarted(command=command))
        for entry in reversed(entries):
            if isinstance(entry.change, CommandChange):
                run.write(Restoring(n=entry.n))
            bring(run, entry, Side.BEFORE, hands)
            run.write(Restored(n=entry.n))
            restored.append(subject(entry.change))
            tell(on_event, Event(kind=EventKind.UNDONE, text=subject(entry.change)))
        for entry in run.kept:  # what cannot be undone
            run.write(Left(n=entry.n, why="cannot be undone"))
        run.write(UndoDone())
        forget((entry.change for entry in entries), run.folder.parents[1])
    except (OSError, StepFault) as error:
        why = explain(error, _at(run, entries)) if isinstance(error, OSError) else str(error)
        raise _given_up(run, why, hands) from None
    return restored


def _given_up(run: Run, why: str, hands: Hands) -> FixFault:
    """Make again what was taken back, so that an undo that fails has changed nothing."""
    if run.undo == "started":
        try:
            run.write(UndoFailed(why=why))
        except OSError:
            # Going back unrecorded could be taken for done: recovery goes on forward instead.
            return FixFault(
                f"{why}; the undo is half done",
                help="make room, then `dartenv fix --undo` finishes it",
            )
        stuck = redo(run, hands)
        if stuck:
            names = "; ".join(text for _, text in stuck)
            return FixFault(f"{why}; and could not be put back: {names}", help="dartenv fix")
        run.note(UndoAbandoned())
    return FixFault(f"{why}; nothing was changed", help="remove the obstacle and undo again")


def _at(run: Run, entries: Sequence[Entry]) -> Optional[str]:
    for entry in reversed(entries):
        if entry.status == "done":
            return subject(entry.change)
    return str(run.folder)


def _fixes(run: Run) -> Tuple[str, ...]:
    done = (group.fixes for group in run.groups.values() if group.state == "done")
    return tuple(dict.fromkeys(fix for fixes in done for fix in fixes))


def _left_over(run: Run) -> List[str]:
    return [subject(entry.change) for entry in run.entries.values() if entry.status == "left"]
