"""Taking changes back: the one way that a failed step, a failed check and a crash share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, List, Tuple

from dartenv.errors import UsageFault
from dartenv.fixes.acts import Hands, bring
from dartenv.fixes.changes import FileChange, Side, subject
from dartenv.fixes.faults import StepFault, explain
from dartenv.fixes.journal import GroupFailed, GroupRolledBack, Left, Restored
from dartenv.fixes.runs import Entry, GroupLog, Run
from dartenv.fixes.staging import forget


@dataclass
class TakenBack:
    """What became of the changes: each by what it is about, with the reason where there is one."""

    restored: List[str] = field(default_factory=list)
    left: List[Tuple[str, str]] = field(default_factory=list)  # somebody else's now
    stuck: List[Tuple[str, str]] = field(default_factory=list)  # could not be, will be tried again

    @property
    def text(self) -> str:
        """What was restored and what was not, in one line."""
        parts = []
        if self.restored:
            parts.append("restored " + ", ".join(self.restored))
        parts += [f"left as it is: {why}" for _, why in self.left]
        parts += [f"not restored yet: {why}" for _, why in self.stuck]
        return "; ".join(parts) or "nothing had been changed"

    def add(self, other: TakenBack) -> None:
        """Take in what another group had."""
        self.restored += other.restored
        self.left += other.left
        self.stuck += other.stuck


def roll_back(run: Run, group: GroupLog, why: str, hands: Hands) -> TakenBack:
    """Take back whatever ``group`` did, last change first, and close it.

    A file that somebody changed since is left, with its original kept in the backups; all others
    go back. What the system refuses (a file open elsewhere) leaves the group open: the next
    recovery tries again. Never raises for a change it cannot take back.
    """
    if group.state == "done":
        # Half a rollback of a finished group must never look like a finished group.
        try:
            run.write(GroupFailed(group=group.number, why=why))
        except OSError as error:
            names = ", ".join(subject(entry.change) for entry in group.entries)
            text = f"{names} stays as it is: {explain(error, str(run.folder))}"
            return TakenBack(stuck=[(names, text)])
    elif group.state == "open":
        run.note(GroupFailed(group=group.number, why=why))
    result = take_back(run, group.entries, hands)
    if not result.stuck:
        run.note(GroupRolledBack(group=group.number))
        # What was downloaded stays for the next try; what came out of an archive can again.
        forget((entry.change for entry in group.entries), run.folder)
    return result


def take_back(run: Run, entries: Iterable[Entry], hands: Hands) -> TakenBack:
    """Bring each of ``entries`` to its state before, in reverse order."""
    result = TakenBack()
    for entry in reversed(list(entries)):
        if entry.status not in ("intended", "done", "restoring"):
            continue
        name = subject(entry.change)
        try:
            bring(run, entry, Side.BEFORE, hands)
        except (StepFault, UsageFault) as fault:
            text = _with_backup(run, entry, str(fault))
            run.note(Left(n=entry.n, why=text))
            result.left.append((name, text))
        except OSError as error:
            text = _with_backup(run, entry, explain(error, name))
            result.stuck.append((name, text))
        else:
            run.note(Restored(n=entry.n))
            result.restored.append(name)
    return result


def _with_backup(run: Run, entry: Entry, text: str) -> str:
    change = entry.change
    if isinstance(change, FileChange) and change.before and change.before.blob:
        return f"{text} (its original is {run.backups / change.before.blob})"
    return text
