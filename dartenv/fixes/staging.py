"""Large files that no plan holds: made ready beside everything, then put in place at one stroke.

A file is fetched, taken out of an archive or merged into the download folder or the run's own
folder. Only a whole and verified one is ever moved to where it belongs; taking it back moves it
to where it was made ready, so that making it again costs no second download.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, Iterator

from dartenv.archive.judge import BOUNDS, judge
from dartenv.archive.members import Archive, Member
from dartenv.archive.opening import open_archive
from dartenv.errors import DartenvError
from dartenv.fixes.changes import FileChange, Side
from dartenv.fixes.durable import Durable
from dartenv.fixes.faults import StepFault
from dartenv.fixes.paths import file_sha256
from dartenv.fixes.steps import ExtractFile, FetchFile, MergeHands, StagedStep
from dartenv.longpath import CHUNK, native

if TYPE_CHECKING:
    from dartenv.fetch.fetcher import Fetcher

_OTHER_DRIVE = 17  # ERROR_NOT_SAME_DEVICE


@dataclass(frozen=True)
class Staged:
    """A whole file, ready to be put in place."""

    path: Path
    sha256: str
    size: int


def stage(step: StagedStep, mine: Path, fetcher: Fetcher) -> Staged:
    """Make the content of ``step`` ready; ``mine`` is a name for it in the run's own folder.

    Raises StepFault, or OSError of writing.
    """
    try:
        if isinstance(step, FetchFile):
            begun = step.path if step.resume else None
            fetched = fetcher.get(step.remote, begun)
            return Staged(fetched.path, fetched.sha256, fetched.size)
        if isinstance(step, MergeHands):
            return _merged(step, mine)
        return _extracted(step, mine, fetcher)
    except DartenvError as fault:
        raise StepFault(str(fault)) from None


def _extracted(step: ExtractFile, mine: Path, fetcher: Fetcher) -> Staged:
    path = step.archive
    if step.remote is not None:
        path = str(fetcher.get(step.remote).path)
    if not step.member:
        made = _written(mine, _file_chunks(path))
    else:
        with judged(path) as archive:
            made = _written(mine, archive.chunks(one_member(archive, step.member)))
    if step.sha256 is not None and made.sha256 != step.sha256:
        mine.unlink()
        raise StepFault(f"{path}: changed since the plan was made; plan again")
    return made


def _merged(step: MergeHands, mine: Path) -> Staged:
    from dartenv.assets.mano import merged

    parts = []
    for path, member in (step.body, step.left, step.right):
        with judged(path) as archive:
            parts.append(b"".join(archive.chunks(one_member(archive, member))))
    return _written(mine, merged(parts[0], parts[1], parts[2], step.arrays))


def judged(path: str) -> Archive:
    """The archive at ``path``, seen to be safe. Raises UsageFault."""
    archive = open_archive(path, BOUNDS.total, BOUNDS.members)
    try:
        judge(archive)
    except BaseException:
        archive.__exit__()
        raise
    return archive


def one_member(archive: Archive, wanted: str) -> Member:
    """The file with that path, or the only one whose path ends so. Raises StepFault."""
    from dartenv.archive.sort import ends

    exact = [member for member in archive.files if member.path == wanted]
    found = exact or [member for member in archive.files if ends(member, wanted)]
    if len(found) != 1:
        problem = "more than once" if found else "not"
        raise StepFault(f"{archive.path}: {wanted} is {problem} in it")
    return found[0]


def _file_chunks(path: str) -> Iterator[bytes]:
    with native(path).open("rb") as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")


def _written(path: Path, chunks: Iterable[bytes]) -> Staged:
    """A new file of these bytes, on the disk when this returns; none of it where that fails."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as stream:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        try:
            path.unlink()
        except OSError:
            pass
        raise
    return Staged(path, digest.hexdigest(), size)


def place(change: FileChange, seen: Side, durable: Durable, look_again: Callable[[], Side]) -> None:
    """Put what is staged in its place. Raises StepFault, OSError."""
    staged, path = native(str(change.staged)), native(change.path)
    assert change.after is not None
    if not staged.exists():
        raise StepFault(f"{change.shown}: what was made ready for it is gone; fix again")
    if look_again() is not seen:
        raise StepFault(f"{change.shown}: changed by something else just now")
    try:
        durable.replace(staged, path)
        return
    except OSError as error:
        if not _other_drive(error):
            raise
    temp = native(change.temp)
    found, _ = durable.copy(staged, temp, mode=0o666)
    try:
        if found != change.after.sha256:
            raise StepFault(f"{change.shown}: changed while it was copied")
        if look_again() is not seen:
            raise StepFault(f"{change.shown}: changed by something else just now")
        durable.replace(temp, path)
    except (OSError, StepFault):
        durable.unlink(temp)
        raise
    durable.unlink(staged)


def take_away(change: FileChange, backups: Path, durable: Durable) -> None:
    """Bring back what was in its place, or its absence. Raises StepFault, OSError.

    What was put there is kept where it was made ready, as far as there is room for it.
    """
    staged, path, before = native(str(change.staged)), native(change.path), change.before
    if before is None:
        try:
            durable.replace(path, staged)
        except OSError as error:
            if not _other_drive(error) and not isinstance(error, FileNotFoundError):
                raise
            _keep(path, staged, durable)
            durable.unlink(path)
        return
    blob, temp = check_kept(change, backups), native(change.temp)
    _keep(path, staged, durable)
    durable.copy(blob, temp, before.meta)
    try:
        durable.replace(temp, path)
    except OSError:
        durable.unlink(temp)
        raise


def check_kept(change: FileChange, backups: Path) -> Path:
    """The copy of what was there before. Raises StepFault where it is damaged, OSError."""
    assert change.before is not None
    blob = backups / str(change.before.blob)
    if file_sha256(str(blob)) != change.before.sha256:
        raise StepFault(f"{blob}: the copy kept of {change.shown} is damaged")
    return blob


def _keep(path: Path, staged: Path, durable: Durable) -> None:
    if staged.exists():
        return
    try:
        durable.copy(path, staged)
    except OSError:
        pass  # it can be made again


def forget(changes: Iterable[object], within: Path) -> None:
    """Remove what is staged in ``within`` and needed no more. Never raises."""
    for change in changes:
        staged = getattr(change, "staged", None)
        if staged is not None and within in Path(staged).parents:
            try:
                native(staged).unlink()
            except OSError:
                pass


def described(sha256: str, size: int) -> bytes:
    """A version of a large file in words, where small ones are shown whole."""
    return f"({size} bytes, SHA-256 {sha256})".encode("ascii")


def _other_drive(error: OSError) -> bool:
    return error.errno == errno.EXDEV or getattr(error, "winerror", None) == _OTHER_DRIVE
