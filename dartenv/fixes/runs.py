"""One run as it lies in the state folder: plan, journal, backups; and the list of all of them.

``<state>/runs/000007-1a2b3c4d/`` holds ``plan.json`` (``plan-2.json`` where fixes were planned
anew within the run), ``journal.jsonl`` and ``backups/``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

from dartenv import __version__
from dartenv.errors import UsageFault
from dartenv.fixes.changes import AnyChange, FileState
from dartenv.fixes.durable import Durable, Meta
from dartenv.fixes.faults import StepFault
from dartenv.fixes.journal import (
    JOURNAL_SCHEMA,
    AnyRecord,
    Closed,
    Done,
    GroupDone,
    GroupFailed,
    GroupRolledBack,
    GroupStarted,
    Intended,
    Journal,
    Left,
    Overwriting,
    Restored,
    Restoring,
    RunStarted,
    UndoAbandoned,
    UndoFailed,
    UndoStarted,
    Verified,
    damaged,
    read_journal,
)
from dartenv.fixes.paths import sha256
from dartenv.fixes.plan import Plan, from_json, new_run_id, to_json
from dartenv.fixes.steps import EditFile, WriteFile

_FOLDER = re.compile(r"^(\d{6,})-([0-9a-f]+)$")
JOURNAL = "journal.jsonl"


@dataclass
class Entry:
    """One change of the run and what became of it."""

    n: int
    group: int
    step: str
    change: AnyChange
    status: str = "intended"  # then "done", "restoring", "restored" or "left"
    meta: Meta = field(default_factory=Meta)  # of the file as written
    why: str = ""
    overwriting: bool = False  # restored in place: a torn content is our own doing


@dataclass
class GroupLog:
    """One group of fixes and what became of it."""

    number: int
    plan: int
    fixes: Tuple[str, ...]
    state: str = "open"  # then "done", "failed", "back"
    why: str = ""
    entries: List[Entry] = field(default_factory=list)


class Run:
    """A run, folded from its journal and kept in step with it."""

    def __init__(self, folder: Path, seq: int, durable: Durable) -> None:
        self.folder = folder
        self.seq = seq
        self.started: Optional[RunStarted] = None
        self.groups: Dict[int, GroupLog] = {}
        self.entries: Dict[int, Entry] = {}
        self.verified: Dict[str, Verified] = {}
        self.closed: Optional[Closed] = None
        self.undo = ""  # then "started", "failed", "done"
        self._plans: Dict[int, Plan] = {}
        records, size = read_journal(folder / JOURNAL)
        self._journal = Journal(folder / JOURNAL, size, durable)
        for number, record in enumerate(records, 1):
            try:
                self._fold(record)
            except KeyError:
                raise damaged(folder / JOURNAL, number, "it speaks of an unknown change") from None

    @property
    def id(self) -> str:
        """The short id that ``--undo`` takes."""
        return self.folder.name.split("-", 1)[1]

    @property
    def backups(self) -> Path:
        """Where the originals are."""
        return self.folder / "backups"

    @property
    def kept(self) -> List[Entry]:
        """What the run changed and has not taken back, in the order it was done."""
        return [
            entry
            for entry in self.entries.values()
            if entry.status in ("done", "restoring") and self.groups[entry.group].state == "done"
        ]

    @property
    def open(self) -> bool:
        """Whether something was begun that neither ended nor was closed."""
        if self.undo in ("started", "failed"):
            return True
        return self.started is not None and self.closed is None

    @property
    def settled(self) -> bool:
        """Whether every group is wholly done or wholly taken back."""
        return all(group.state in ("done", "back") for group in self.groups.values())

    @property
    def state(self) -> str:
        """``applied``, ``undone``, ``rolled back`` or ``interrupted``."""
        if self.undo == "done":
            return "undone"
        if self.open or self.closed is None:
            return "interrupted"
        if not self.kept:
            return "rolled back"
        return "interrupted" if self.closed.interrupted else "applied"

    def write(self, record: AnyRecord) -> None:
        """Journal one record; OSError when it cannot be made durable."""
        self._journal.write(record)
        self._fold(record)

    def note(self, record: AnyRecord) -> None:
        """Journal one record if it can be: going back must not stop at a full disk.

        Without the record the next recovery only finds again that nothing is left to do.
        """
        try:
            self._journal.write(record)
        except OSError:
            pass
        self._fold(record)

    def plan(self, number: int) -> Plan:
        """The plan ``number`` (from 1) of this run."""
        if number not in self._plans:
            path = self.folder / plan_name(number)
            try:
                self._plans[number] = from_json(path.read_bytes(), str(path))
            except OSError as error:
                raise UsageFault(f"{path}: {error.strerror}") from None
        return self._plans[number]

    def content(self, entry: Entry, state: FileState) -> bytes:
        """The bytes of one version of a file. Raises StepFault where its copy is damaged."""
        data = self._stored(entry, state)
        if sha256(data) != state.sha256:
            raise StepFault(f"{self.folder}: the copy kept of {entry.step} is damaged")
        return data

    def _stored(self, entry: Entry, state: FileState) -> bytes:
        if state.blob is not None:
            try:
                return (self.backups / state.blob).read_bytes()
            except OSError as error:
                raise StepFault(f"{self.backups / state.blob}: {error.strerror}") from None
        for step in self.plan(self.groups[entry.group].plan).steps:
            if step.id == entry.step and isinstance(step, (EditFile, WriteFile)):
                return step.content
        raise StepFault(f"{self.folder}: the plan has no step {entry.step}")

    def _fold(self, record: AnyRecord) -> None:
        if isinstance(record, RunStarted):
            if record.schema > JOURNAL_SCHEMA:
                raise UsageFault(
                    f"{self.folder}: written by dartenv {record.dartenv}",
                    f"a journal of schema {JOURNAL_SCHEMA} (dartenv {__version__})",
                    "pip install --upgrade dartenv",
                )
            self.started = record
        elif isinstance(record, GroupStarted):
            self.groups[record.group] = GroupLog(record.group, record.plan, record.fixes)
        elif isinstance(record, Intended):
            entry = Entry(record.n, record.group, record.step, record.change)
            self.entries[record.n] = entry
            self.groups[record.group].entries.append(entry)
        elif isinstance(record, (Done, Restoring, Restored, Left, Overwriting)):
            self._fold_entry(self.entries[record.n], record)
        elif isinstance(record, (GroupDone, GroupFailed, GroupRolledBack)):
            group = self.groups[record.group]
            if isinstance(record, GroupFailed):
                group.state, group.why = "failed", record.why
            else:
                group.state = "done" if isinstance(record, GroupDone) else "back"
        elif isinstance(record, Verified):
            self.verified[record.fix] = record
        elif isinstance(record, Closed):
            self.closed = record
        elif isinstance(record, UndoStarted):
            self.undo = "started"
        elif isinstance(record, UndoFailed):
            self.undo = "failed"
        elif isinstance(record, UndoAbandoned):
            self.undo = ""
        else:
            self.undo = "done"

    @staticmethod
    def _fold_entry(entry: Entry, record: AnyRecord) -> None:
        if isinstance(record, Done):
            entry.status = "done"
            entry.meta = Meta(record.mode, record.mtime_ns)
        elif isinstance(record, Restored):
            entry.status = "restored"
        elif isinstance(record, Restoring):
            entry.status = "restoring"
        elif isinstance(record, Overwriting):
            entry.overwriting = True
        elif isinstance(record, Left):
            entry.status, entry.why = "left", record.why


def plan_name(number: int) -> str:
    """``plan.json``, then ``plan-2.json``."""
    return "plan.json" if number == 1 else f"plan-{number}.json"


def create_run(state: Path, plan: Plan, command: str, durable: Durable) -> Run:
    """Begin a run: its folder, plan and first record are on the disk when this returns.

    The caller holds the lock. Raises OSError.
    """
    folder = state / "runs"
    taken = _folders(folder)
    seq = 1 + max((number for number, _ in taken), default=0)
    run = plan.run
    while any(path.name.endswith(f"-{run}") for _, path in taken) or not _FOLDER.match(
        f"000000-{run}"
    ):
        run = new_run_id()
    for part in (*_missing(folder), folder / f"{seq:06d}-{run}"):
        durable.mkdir(part)
    here = folder / f"{seq:06d}-{run}"
    durable.mkdir(here / "backups")
    add_plan(here, 1, plan, durable)
    created = Run(here, seq, durable)
    created.write(
        RunStarted(
            run=run,
            command=command,
            pid=os.getpid(),
            dartenv=__version__,
            root=plan.target.dart_root,
        )
    )
    return created


def add_plan(folder: Path, number: int, plan: Plan, durable: Durable) -> None:
    """Put a plan into a run's folder."""
    durable.write(folder / plan_name(number), to_json(plan))
    durable.sync_directory(folder)


def load_runs(state: Path, durable: Durable) -> List[Run]:
    """Every run of the state folder, oldest first. Raises UsageFault on a damaged journal."""
    return [Run(path, seq, durable) for seq, path in _folders(state / "runs")]


def _missing(folder: Path) -> Iterable[Path]:
    return [part for part in (*reversed(folder.parents), folder) if not part.exists()]


def _folders(folder: Path) -> List[Tuple[int, Path]]:
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(_FOLDER.match(name), name) for name in names]
    return sorted((int(match.group(1)), folder / name) for match, name in found if match)
