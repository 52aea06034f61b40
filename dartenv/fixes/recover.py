"""After a crash: every interrupted run is brought to an end before anything new begins.

The rule: a fix whose steps were all done stays (it is recorded and can be undone), a fix in the
middle goes back to exactly what was there before, an undo in the middle goes on to its end.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import msgspec

from dartenv.errors import FixFault
from dartenv.fixes.acts import Hands, bring
from dartenv.fixes.changes import CommandChange, Side, subject
from dartenv.fixes.faults import StepFault, explain
from dartenv.fixes.journal import Closed, Done, Left, UndoAbandoned, UndoDone
from dartenv.fixes.lock import hold
from dartenv.fixes.rollback import TakenBack, roll_back, take_back
from dartenv.fixes.runs import Run, load_runs
from dartenv.fixes.staging import forget


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """One interrupted run and what was done about it.

    ``stuck`` is what could not be taken back yet, each in one line; the run then stays open.
    """

    run: str
    command: str
    folder: str  # plan, journal and backups
    rolled_back: Tuple[str, ...] = ()  # fixes
    kept: Tuple[str, ...] = ()  # fixes
    restored: Tuple[str, ...] = ()  # files
    left: Tuple[str, ...] = ()  # files edited since, each in one line
    stuck: Tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole in one line."""
        parts = [f"run {self.run} (`{self.command}`) was interrupted"]
        if self.rolled_back:
            parts.append(f"rolled back {', '.join(self.rolled_back)}")
        if self.kept:
            parts.append(f"kept {', '.join(self.kept)}")
        parts += [f"left as it is: {why}" for why in self.left]
        parts += [f"not restored yet: {why}" for why in self.stuck]
        return "; ".join(parts)


def recover(
    state: Path,
    *,
    hands: Optional[Hands] = None,
    command: str = "dartenv fix",
    lock_wait: float = 5.0,
) -> Tuple[Recovered, ...]:
    """Bring every interrupted run to an end; empty when there is none.

    Safe to be killed itself, and to be called again. Raises Locked while another dartenv is at
    work, UsageFault on a damaged journal.
    """
    if not (state / "runs").is_dir():
        return ()
    with hold(state, command, lock_wait):
        hands = hands or Hands()
        found = []
        for run in load_runs(state, hands.durable):
            if run.started is None:
                _discard(run, hands)
            elif run.open:
                found.append(_finish(run, run.started.command, hands))
        return tuple(found)


def recover_or_fail(state: Path, hands: Hands, command: str) -> Tuple[Recovered, ...]:
    """Recover, and raise FixFault where something is still stuck: nothing new may begin on it."""
    found = recover(state, hands=hands, command=command)
    for one in found:
        if one.stuck:
            raise FixFault(
                one.text,
                help="remove the obstacle and run again, or move "
                f"{one.folder} away to leave things as they are",
            )
    return found


def _finish(run: Run, command: str, hands: Hands) -> Recovered:
    if run.undo:
        return _finish_undo(run, command, hands)
    total = TakenBack()
    back: List[str] = []
    for group in list(run.groups.values())[::-1]:
        if group.state in ("open", "failed"):
            total.add(roll_back(run, group, group.why or "interrupted", hands))
            back += group.fixes
    if not total.stuck:
        run.note(Closed(interrupted=True))
    kept = [fix for group in run.groups.values() if group.state == "done" for fix in group.fixes]
    return _report(run, command, total, back, kept)


def _finish_undo(run: Run, command: str, hands: Hands) -> Recovered:
    if run.undo == "failed":
        stuck = redo(run, hands)
        total = TakenBack(stuck=stuck)
        if not stuck:
            run.note(UndoAbandoned())
        return _report(run, command, total, (), _fixes(run))
    fixes = _fixes(run)
    total = take_back(run, run.kept, hands)
    if not total.stuck:
        run.note(UndoDone())
        forget((entry.change for entry in run.entries.values()), run.folder.parents[1])
    return _report(run, command, total, fixes, ())


def redo(run: Run, hands: Hands) -> List[Tuple[str, str]]:
    """Make again what a failed undo took back, in the order it was first done.

    Returns what could not be, with the reason; empty when everything stands again.
    """
    stuck = []
    for entry in run.entries.values():
        if run.groups[entry.group].state != "done" or entry.status == "left":
            continue
        if entry.status == "done" and isinstance(entry.change, CommandChange):
            continue  # of others, looking tells whether they stand; a command would run twice
        name = subject(entry.change)
        try:
            meta = bring(run, entry, Side.AFTER, hands)
        except StepFault as fault:
            run.note(Left(n=entry.n, why=str(fault)))
        except OSError as error:
            stuck.append((name, explain(error, name)))
        else:
            run.note(Done(n=entry.n, mode=meta.mode, mtime_ns=meta.mtime_ns))
    return stuck


def _fixes(run: Run) -> List[str]:
    return [fix for group in run.groups.values() if group.state == "done" for fix in group.fixes]


def _report(
    run: Run, command: str, total: TakenBack, back: Sequence[str], kept: Sequence[str]
) -> Recovered:
    return Recovered(
        run=run.id,
        command=command,
        folder=str(run.folder),
        rolled_back=tuple(back),
        kept=tuple(kept),
        restored=tuple(total.restored),
        left=tuple(why for _, why in total.left),
        stuck=tuple(why for _, why in total.stuck),
    )


def _discard(run: Run, hands: Hands) -> None:
    """Remove the folder of a run that died before its first record: nothing had begun."""
    try:
        for path in sorted(run.folder.rglob("*"), reverse=True):
            if path.is_dir():
                hands.durable.rmdir(path)
            else:
                hands.durable.unlink(path)
        hands.durable.rmdir(run.folder)
    except OSError:
        pass  # it says nothing and stops nothing
