"""Changes: a step as it met this machine, with the state before and after. The journal holds them.

``before`` and ``after`` make the same act serve applying, rolling back, undoing and redoing: each
only says which side the machine shall be brought to.
"""

from __future__ import annotations

import enum
from typing import Dict, Optional, Tuple, Union

import msgspec

from dartenv.fixes.durable import Meta
from dartenv.fixes.steps import RegistryValue


class Side(str, enum.Enum):
    """Where the machine stands with respect to a change."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"  # somebody else has been there since
    UNKNOWN = "unknown"  # cannot be seen by looking (a command)


class FileState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a file. ``blob`` is its copy in the run's folder, or ``None`` for the

    version that stands in the plan.
    """

    sha256: str
    size: int
    meta: Meta = Meta()
    blob: Optional[str] = None


class Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Base of every change."""


class FileChange(Change, frozen=True, kw_only=True, tag="file", omit_defaults=True):
    """A file written or removed; a side of ``None`` is its absence.

    ``path`` is the real file, behind every link; ``shown`` is the plan's spelling. ``temp`` is the
    one temporary name this change ever uses, beside the file. ``staged`` is where the new content
    lies while it is not in its place: a large file, that no plan holds.
    """

    path: str
    shown: str
    temp: str
    before: Optional[FileState] = None
    after: Optional[FileState] = None
    made_dirs: Tuple[str, ...] = ()
    staged: Optional[str] = None

    @property
    def unchanged(self) -> bool:
        """Whether both sides are the same content."""
        if self.before is None or self.after is None:
            return False
        return self.before.sha256 == self.after.sha256


class MoveChange(Change, frozen=True, kw_only=True, tag="move", omit_defaults=True):
    """A file or folder renamed."""

    path: str
    destination: str
    made_dirs: Tuple[str, ...] = ()


class RegistryChange(Change, frozen=True, kw_only=True, tag="registry", omit_defaults=True):
    """A registry value set; ``made_keys`` did not exist, outermost first."""

    hive: str
    key: str
    name: str
    after: RegistryValue
    before: Optional[RegistryValue] = None
    made_keys: Tuple[str, ...] = ()


class CommandChange(Change, frozen=True, kw_only=True, tag="command", omit_defaults=True):
    """A program run."""

    argv: Tuple[str, ...]
    undo_argv: Optional[Tuple[str, ...]] = None
    timeout: float = 600.0
    cwd: Optional[str] = None
    env: Dict[str, str] = {}
    shown: str = ""  # the program as messages name it, where ``argv`` runs it through another


AnyChange = Union[FileChange, MoveChange, RegistryChange, CommandChange]


def subject(change: AnyChange) -> str:
    """What the change is about, as messages name it."""
    if isinstance(change, FileChange):
        return change.shown
    if isinstance(change, MoveChange):
        return change.path
    if isinstance(change, RegistryChange):
        return f"{change.hive}\\{change.key}\\{change.name}"
    return " ".join(change.argv)


def subjects(change: AnyChange) -> Tuple[str, ...]:
    """Every real path, or the registry value, that the change is about; none for a command."""
    if isinstance(change, FileChange):
        return (change.path,)
    if isinstance(change, MoveChange):
        return (change.path, change.destination)
    if isinstance(change, RegistryChange):
        return (subject(change),)
    return ()


def undoable(change: AnyChange) -> bool:
    """Whether the change can be taken back at all."""
    return not isinstance(change, CommandChange) or change.undo_argv is not None
