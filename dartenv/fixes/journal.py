"""The journal of one run: JSON lines, each on the disk before what it announces is done.

A last line that a crash tore is not an entry; anything else that cannot be read is damage, which
is named and never guessed around.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import List, Optional, Tuple, Union

import msgspec

from dartenv.errors import UsageFault
from dartenv.fixes.changes import AnyChange
from dartenv.fixes.durable import Durable

JOURNAL_SCHEMA = 1


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", omit_defaults=True):
    """One line. ``at`` is seconds since the epoch."""

    at: float = msgspec.field(default_factory=time.time)


class RunStarted(Record, frozen=True, kw_only=True, tag="run-started", omit_defaults=True):
    """The first record of every run."""

    schema: int = JOURNAL_SCHEMA
    run: str
    command: str
    pid: int
    dartenv: str
    root: Optional[str] = None


class GroupStarted(Record, frozen=True, kw_only=True, tag="group-started", omit_defaults=True):
    """Fixes that stand or fall together are about to be done, by plan number ``plan``."""

    group: int
    plan: int
    fixes: Tuple[str, ...]


class Intended(Record, frozen=True, kw_only=True, tag="intended", omit_defaults=True):
    """Change ``n`` of the run is about to be made; what undoes it is on the disk."""

    n: int
    group: int
    step: str
    change: AnyChange


class Done(Record, frozen=True, kw_only=True, tag="done", omit_defaults=True):
    """Change ``n`` has been made (or made again, when an undo was given up)."""

    n: int
    mode: Optional[int] = None
    mtime_ns: Optional[int] = None


class Restoring(Record, frozen=True, kw_only=True, tag="restoring", omit_defaults=True):
    """The command of change ``n`` is about to be taken back: from here on, where it stands

    cannot be told by looking.
    """

    n: int


class Restored(Record, frozen=True, kw_only=True, tag="restored", omit_defaults=True):
    """Change ``n`` has been taken back."""

    n: int


class Left(Record, frozen=True, kw_only=True, tag="left", omit_defaults=True):
    """Change ``n`` was to be taken back but was left as it is, for the reason given."""

    n: int
    why: str


class Overwriting(Record, frozen=True, kw_only=True, tag="overwriting", omit_defaults=True):
    """Change ``n`` is taken back by writing in place: until it is restored, a content that is

    neither of the two known ones is a torn write of ours.
    """

    n: int


class GroupDone(Record, frozen=True, kw_only=True, tag="group-done", omit_defaults=True):
    """Every change of the group has been made."""

    group: int


class GroupFailed(Record, frozen=True, kw_only=True, tag="group-failed", omit_defaults=True):
    """The group is about to be rolled back."""

    group: int
    why: str


class GroupRolledBack(Record, frozen=True, kw_only=True, tag="group-back", omit_defaults=True):
    """The group has been rolled back."""

    group: int


class Verified(Record, frozen=True, kw_only=True, tag="verified", omit_defaults=True):
    """What the check said on a fresh probe; ``passed`` is ``None`` where it could not tell."""

    fix: str
    passed: Optional[bool]
    why: str = ""


class Closed(Record, frozen=True, kw_only=True, tag="closed", omit_defaults=True):
    """The run is over. ``interrupted`` when a later command had to close it."""

    interrupted: bool = False


class UndoStarted(Record, frozen=True, kw_only=True, tag="undo-started", omit_defaults=True):
    """The whole run is about to be taken back; everything was seen to allow it."""

    command: str = ""


class UndoFailed(Record, frozen=True, kw_only=True, tag="undo-failed", omit_defaults=True):
    """Undo met an obstacle: what it took back is about to be made again."""

    why: str


class UndoAbandoned(Record, frozen=True, kw_only=True, tag="undo-abandoned", omit_defaults=True):
    """Everything is as before the undo."""


class UndoDone(Record, frozen=True, kw_only=True, tag="undo-done", omit_defaults=True):
    """The run has been taken back."""


AnyRecord = Union[
    RunStarted,
    GroupStarted,
    Intended,
    Done,
    Restoring,
    Restored,
    Left,
    Overwriting,
    GroupDone,
    GroupFailed,
    GroupRolledBack,
    Verified,
    Closed,
    UndoStarted,
    UndoFailed,
    UndoAbandoned,
    UndoDone,
]

_DECODER = msgspec.json.Decoder(AnyRecord)


class Journal:
    """Appends records, each forced to the disk before :meth:`write` returns."""

    def __init__(self, path: Path, size: int, durable: Durable) -> None:
        self._path = path
        self._size = size
        self._durable = durable

    def write(self, record: AnyRecord) -> None:
        """Append one record. Raises OSError; then the record does not stand."""
        line = msgspec.json.encode(record) + b"\n"
        self._size = self._durable.append(self._path, line, self._size)


def read_journal(path: Path) -> Tuple[List[AnyRecord], int]:
    """All records of a journal and the number of good bytes; empty where there is none.

    Raises UsageFault where a line before the last cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    records: List[AnyRecord] = []
    good = 0
    while good < len(data):
        end = data.find(b"\n", good)
        if end < 0:
            break  # torn
        try:
            records.append(_DECODER.decode(data[good:end]))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not data[end + 1 :].strip(b"\0\n"):
                break  # torn, with the line end on the disk before the rest of the line
            raise damaged(path, len(records) + 1, str(error)) from None
        good = end + 1
    return records, good


def damaged(path: Path, line: int, why: str) -> UsageFault:
    """The error for a journal that cannot be relied on."""
    return UsageFault(
        f"{path}: line {line} cannot be read: {why}",
        "a journal as this dartenv writes it",
        f"move {path.parent} away; its backups folder holds every original",
    )
