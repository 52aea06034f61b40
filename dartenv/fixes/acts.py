"""Bringing the machine to one side of a change; the only module that acts on the machine.

:mod:`dartenv.fixes.prepare` turns a step into a change (and makes the backups), :func:`look` says
where the machine stands, :func:`bring` takes it to a side. Nothing here writes the journal: the callers do,
before and after.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Tuple

from dartenv.facts.exits import exit_name
from dartenv.fixes.changes import (
    AnyChange,
    CommandChange,
    FileChange,
    FileState,
    MoveChange,
    RegistryChange,
    Side,
    subject,
)
from dartenv.fixes.durable import Durable, Meta, meta_of
from dartenv.fixes.faults import StepFault
from dartenv.fixes.journal import Overwriting
from dartenv.fixes.paths import file_sha256, lexists
from dartenv.fixes.runs import Entry, Run
from dartenv.fixes.staging import place, take_away
from dartenv.fixes.winreg_api import Registry, default_registry
from dartenv.longpath import native

if TYPE_CHECKING:
    from dartenv.facts.runner import Runner
    from dartenv.fetch.fetcher import Fetcher


def _default_fetcher(state: Path) -> Fetcher:
    from dartenv.fetch.fetcher import Fetcher

    return Fetcher(state / "downloads")


def _default_runner() -> Runner:
    from dartenv.facts.runner import SubprocessRunner

    return SubprocessRunner()


@dataclass(frozen=True)
class Hands:
    """What the engine acts with; tests put their own in."""

    durable: Durable = field(default_factory=Durable)
    runner: Callable[[], Runner] = _default_runner
    registry: Optional[Registry] = field(default_factory=default_registry)
    fetcher: Callable[[Path], Fetcher] = _default_fetcher  # of a state folder


def look(change: AnyChange, hands: Hands) -> Side:
    """Where the machine stands. Raises OSError where it cannot be read."""
    if isinstance(change, FileChange):
        found = file_sha256(change.path)
        if found == (change.before.sha256 if change.before else None):
            return Side.BEFORE
        return (
            Side.AFTER if found == (change.after.sha256 if change.after else None) else Side.OTHER
        )
    if isinstance(change, MoveChange):
        here, there = lexists(change.path), lexists(change.destination)
        if here and not there:
            return Side.BEFORE
        return Side.AFTER if there and not here else Side.OTHER
    if isinstance(change, RegistryChange):
        value = registry_of(hands).get(change.hive, change.key, change.name)
        if value == change.before:
            return Side.BEFORE
        return Side.AFTER if value == change.after else Side.OTHER
    return Side.UNKNOWN


def bring(run: Run, entry: Entry, side: Side, hands: Hands) -> Meta:
    """Take the machine to ``side``; where it stands there already, only tidy up.

    Returns mode and modification time of the file as it lies there now. Raises StepFault where
    somebody else has been there since or the act cannot be done, and OSError.
    """
    change = entry.change
    if isinstance(change, CommandChange):
        _run(change, side, hands)
        return Meta()
    seen = look(change, hands)
    if seen is Side.OTHER and not (side is Side.BEFORE and entry.overwriting):
        raise StepFault(f"{subject(change)}: changed by something else since")
    if isinstance(change, FileChange):
        if change.staged is not None:
            _bring_staged(run, change, seen, side, hands)
        else:
            _bring_file(run, entry, change, seen, side, hands)
        try:
            return meta_of(os.lstat(str(native(change.path))))
        except FileNotFoundError:
            return Meta()
    if isinstance(change, MoveChange):
        _bring_move(change, seen, side, hands)
    else:
        _bring_registry(change, seen, side, hands)
    return Meta()


def _bring_file(
    run: Run, entry: Entry, change: FileChange, seen: Side, side: Side, hands: Hands
) -> None:
    durable = hands.durable
    state = change.before if side is Side.BEFORE else change.after
    if lexists(change.temp):
        durable.unlink(native(change.temp))
    # A torn write in place may have the old bytes already, and not yet the old time.
    if seen is not side or (side is Side.BEFORE and entry.overwriting):
        if state is None:
            durable.unlink(native(change.path))
        else:
            if side is Side.AFTER:
                _make_dirs(change.made_dirs, durable)
            _put(run, entry, change, state, seen, side, hands)
    if side is Side.BEFORE:
        _remove_dirs(change.made_dirs, durable)


def _bring_staged(run: Run, change: FileChange, seen: Side, side: Side, hands: Hands) -> None:
    durable = hands.durable
    if lexists(change.temp):
        durable.unlink(native(change.temp))
    if seen is not side and side is Side.AFTER:
        _make_dirs(change.made_dirs, durable)
        place(change, seen, durable, look_again=lambda: look(change, hands))
    elif seen is not side:
        take_away(change, run.backups, durable)
    if side is Side.BEFORE:
        _remove_dirs(change.made_dirs, durable)


def _put(
    run: Run,
    entry: Entry,
    change: FileChange,
    state: FileState,
    seen: Side,
    side: Side,
    hands: Hands,
) -> None:
    data, meta = run.content(entry, state), state.meta
    if side is Side.AFTER and entry.meta.mtime_ns is not None:  # it was there once before
        meta = Meta(entry.meta.mode, entry.meta.mtime_ns, meta.uid, meta.gid)
    path, temp = native(change.path), native(change.temp)
    try:
        hands.durable.write(temp, data, meta)
        if look(change, hands) is not seen:
            raise StepFault(f"{change.shown}: changed by something else just now")
        hands.durable.replace(temp, path)
    except (OSError, StepFault) as error:
        _unlink_quietly(change.temp)
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if not (full and side is Side.BEFORE and lexists(change.path)):
            raise
        # Going back must work on a full disk too: the old bytes take the new ones' room. Without
        # the record a write torn half way would pass for somebody's edit, so no record, no write.
        run.write(Overwriting(n=entry.n))
        hands.durable.overwrite(path, data, meta)


def _bring_move(change: MoveChange, seen: Side, side: Side, hands: Hands) -> None:
    here, there = native(change.path), native(change.destination)
    if seen is not side:
        if side is Side.AFTER:
            _make_dirs(change.made_dirs, hands.durable)
            hands.durable.rename(here, there)
        else:
            hands.durable.rename(there, here)
    if side is Side.BEFORE:
        _remove_dirs(change.made_dirs, hands.durable)


def _bring_registry(change: RegistryChange, seen: Side, side: Side, hands: Hands) -> None:
    registry = registry_of(hands)
    value = change.before if side is Side.BEFORE else change.after
    hands.durable.point(f"registry {change.name}")
    if seen is not side:
        if value is None:
            registry.delete(change.hive, change.key, change.name)
        else:
            registry.set(change.hive, change.key, change.name, value)
    if side is Side.BEFORE:
        for made in reversed(change.made_keys):
            registry.delete_empty_key(change.hive, made)
    hands.durable.point(f"registry {change.name} done")


def _run(change: CommandChange, side: Side, hands: Hands) -> None:
    argv = change.argv if side is Side.AFTER else change.undo_argv
    if argv is None:
        raise StepFault(f"cannot be taken back: {' '.join(change.argv)}")
    env = {**os.environ, **change.env} if change.env else None
    hands.durable.point(f"run {argv[0]}")
    done = hands.runner().run(argv, change.timeout, env=env, cwd=change.cwd)
    hands.durable.point(f"ran {argv[0]}")
    if done.failure == "timeout":
        raise StepFault(f"{argv[0]}: stopped after its limit of {change.timeout:g} s")
    if done.failure is not None:
        raise StepFault(f"{argv[0]}: {done.failure}")
    if done.rc != 0:
        said = [line for line in (done.error_text() or done.text()).splitlines() if line.strip()]
        last = f": {said[-1].strip()}" if said else ""
        if change.shown and said:  # what ran it has said the whole in one line
            raise StepFault(said[-1].strip())
        raise StepFault(f"{argv[0]}: {exit_name(done.rc)}{last}")


def registry_of(hands: Hands) -> Registry:
    """The registry. Raises StepFault where there is none."""
    if hands.registry is None:
        raise StepFault("there is no registry on this system")
    return hands.registry


def _make_dirs(paths: Tuple[str, ...], durable: Durable) -> None:
    for path in paths:
        if not lexists(path):
            durable.mkdir(native(path))


def _remove_dirs(paths: Tuple[str, ...], durable: Durable) -> None:
    for path in reversed(paths):
        folder = native(path)
        try:
            found = os.lstat(str(folder))
            if not stat.S_ISDIR(found.st_mode) or any(folder.iterdir()):
                return
        except FileNotFoundError:
            continue
        durable.rmdir(folder)


def _unlink_quietly(path: str) -> None:
    try:
        native(path).unlink()
    except OSError:
        pass
