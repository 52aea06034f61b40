"""Steps: what a fix would do, as data that can be printed, sent, refused or applied.

A step never acts by itself; :mod:`dartenv.fixes.acts` does what it says. Every path is absolute.
``bytes`` are base64 in JSON.
"""

from __future__ import annotations

import enum
from typing import Dict, Optional, Tuple, Union

import msgspec

from dartenv.fetch.remote import Remote, megabytes


class Safety(str, enum.Enum):
    """How a step may be consented to."""

    SAFE = "safe"  # all safe steps are consented to together, or by --yes
    UNSAFE = "unsafe"  # one by one, or by name with --unsafe
    DISPLAY_ONLY = "display-only"  # shown, never run


class Need(str, enum.Enum):
    """What a step wants of the user besides consent."""

    ADMIN = "admin"
    RESTART = "restart"
    NEW_SHELL = "new-shell"


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every step carries.

    ``fixes`` are the ids it serves: one file edited for two fixes is one step. All fixes that
    share a step stand or fall together. In JSON every field stands, also where it says nothing
    out of the ordinary: a plan is read by others than dartenv.
    """

    id: str  # unique in its plan, "source.posixpath:mld/rollout_mld.py"
    fixes: Tuple[str, ...]
    reason: str
    safety: Safety = Safety.SAFE
    needs: Tuple[Need, ...] = ()
    undoable: bool = True
    download_bytes: int = 0


class EditFile(Step, frozen=True, kw_only=True, tag="edit-file"):
    """Give an existing file new content; its mode stays."""

    path: str
    old_sha256: str
    content: bytes
    diff: str = ""  # unified, for eyes only


class WriteFile(Step, frozen=True, kw_only=True, tag="write-file"):
    """Write a file that must be absent (``old_sha256`` is ``None``) or be exactly that content.

    Missing parent folders are made, and taken away again by undo where they are empty.
    """

    path: str
    content: bytes
    old_sha256: Optional[str] = None
    mode: Optional[int] = None  # of a new file, POSIX bits
    diff: str = ""


class RemoveFile(Step, frozen=True, kw_only=True, tag="remove-file"):
    """Remove one file; its content is kept in the journal."""

    path: str
    old_sha256: str


class MovePath(Step, frozen=True, kw_only=True, tag="move-path"):
    """Rename a file or a whole folder on its own drive; the destination must be absent."""

    path: str
    destination: str


class FetchFile(Step, frozen=True, kw_only=True, tag="fetch-file"):
    """Download a file, whole and verified, and put it in its place.

    What was there is kept in the journal; where it is a stopped download of the same file
    (``resume``), its bytes are the beginning.
    """

    path: str
    remote: Remote
    old_sha256: Optional[str] = None
    resume: bool = False


class ExtractFile(Step, frozen=True, kw_only=True, tag="extract-file"):
    """Take one file out of an archive or folder; with an empty ``member`` the archive itself.

    ``member`` is the path within, or its last parts where just one member has them. ``sha256`` is
    that of the file, where the archive was read already; ``remote`` is where the archive comes
    from where none is here.
    """

    path: str
    member: str
    archive: str = ""
    sha256: Optional[str] = None
    old_sha256: Optional[str] = None
    remote: Optional[Remote] = None


class MergeHands(Step, frozen=True, kw_only=True, tag="merge-hands"):
    """Make an SMPL-H model of a body (``.npz``) and the hands of MANO (left and right pickle)."""

    path: str
    body: Tuple[str, str]  # archive, member
    left: Tuple[str, str]
    right: Tuple[str, str]
    arrays: Tuple[str, ...]
    old_sha256: Optional[str] = None


class RunCommand(Step, frozen=True, kw_only=True, tag="run-command"):
    """Run a program without a shell, ``argv[0]`` absolute, for at most ``timeout`` seconds.

    ``undo_argv`` takes it back and must also work when the command did only half of its work:
    it is what runs after a failure or a crash in the middle. Without it the step cannot be undone.
    Both may run a second time, where a crash or a full disk kept their end from being recorded.
    ``shown`` is the command as a person would type it, where ``argv`` runs it through another.
    """

    argv: Tuple[str, ...]
    undo_argv: Optional[Tuple[str, ...]] = None
    timeout: float = 600.0
    cwd: Optional[str] = None
    env: Dict[str, str] = {}
    shown: str = ""


class RegistryValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One Windows registry value: ``type`` is the ``REG_*`` number, one of the rest is set."""

    type: int
    number: Optional[int] = None
    text: Optional[str] = None
    texts: Optional[Tuple[str, ...]] = None
    raw: Optional[bytes] = None

    def shown(self) -> str:
        """The value for eyes."""
        for value in (self.number, self.text, self.texts, self.raw):
            if value is not None:
                return repr(value)
        return "(empty)"


class SetRegistryValue(Step, frozen=True, kw_only=True, tag="set-registry-value"):
    """Set one registry value of the 64-bit view; the old one, or its absence, is recorded."""

    hive: str  # "HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"
    key: str
    name: str
    value: RegistryValue


class DisplayOnly(Step, frozen=True, kw_only=True, tag="display-only"):
    """What only the user can do: prose and the commands to run by hand."""

    text: str
    commands: Tuple[str, ...] = ()


AnyStep = Union[
    EditFile,
    WriteFile,
    RemoveFile,
    MovePath,
    FetchFile,
    ExtractFile,
    MergeHands,
    RunCommand,
    SetRegistryValue,
    DisplayOnly,
]
# Steps whose new content is a file that is made ready first, and not part of the plan.
StagedStep = Union[FetchFile, ExtractFile, MergeHands]
STAGED = (FetchFile, ExtractFile, MergeHands)


def registry_key(step: SetRegistryValue) -> str:
    """The name of a registry value as one string, ``HIVE\\key\\name``."""
    return f"{step.hive}\\{step.key}\\{step.name}"


def touched_paths(step: AnyStep) -> Tuple[str, ...]:
    """The file system paths a step changes, as the plan spells them."""
    if isinstance(step, (EditFile, WriteFile, RemoveFile, *STAGED)):
        return (step.path,)
    if isinstance(step, MovePath):
        return (step.path, step.destination)
    return ()


def runnable(step: AnyStep) -> bool:
    """Whether dartenv may ever run this step."""
    return not isinstance(step, DisplayOnly) and step.safety is not Safety.DISPLAY_ONLY


def what(step: AnyStep) -> str:
    """The act in a few words: ``edit C:\\DART\\mld\\rollout_mld.py``."""
    if isinstance(step, EditFile):
        return f"edit {step.path}"
    if isinstance(step, WriteFile):
        return f"{'write' if step.old_sha256 is None else 'overwrite'} {step.path}"
    if isinstance(step, RemoveFile):
        return f"remove {step.path}"
    if isinstance(step, MovePath):
        return f"move {step.path} to {step.destination}"
    if isinstance(step, FetchFile):
        size = f" ({megabytes(step.download_bytes)})" if step.download_bytes else ""
        return f"download {step.remote.name}{size} to {step.path}"
    if isinstance(step, ExtractFile):
        if not step.member:
            return f"copy {step.archive} to {step.path}"
        whence = step.archive
        if step.remote is not None:
            size = f" ({megabytes(step.download_bytes)})" if step.download_bytes else ""
            whence = f"{step.remote.name}, downloaded{size},"
        return f"take {step.member} out of {whence} to {step.path}"
    if isinstance(step, MergeHands):
        return f"merge {step.body[1]} and the hands of MANO to {step.path}"
    if isinstance(step, RunCommand):
        return f"run {step.shown or ' '.join(step.argv)}"
    if isinstance(step, SetRegistryValue):
        return f"set {registry_key(step)} to {step.value.shown()}"
    return step.text
