"""The acts that must outlive a crash: write, rename, remove, append; each forced to the disk.

Everything the engine changes goes through one :class:`Durable`. Its hook is called before and
after every operation, which is how the crash matrix kills the process at each of them and how
tests make one fail.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Callable, Optional, Tuple

import msgspec

from dartenv.longpath import CHUNK

Hook = Callable[[str], None]

_BINARY = int(getattr(os, "O_BINARY", 0))
_DIRECTORY = int(getattr(os, "O_DIRECTORY", 0))
_NO_DIRECTORY_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF)


class Meta(msgspec.Struct, frozen=True, omit_defaults=True):
    """What belongs to a file besides its bytes; ``None`` leaves it as the system makes it."""

    mode: Optional[int] = None  # permission bits
    mtime_ns: Optional[int] = None
    uid: Optional[int] = None
    gid: Optional[int] = None


def meta_of(found: os.stat_result) -> Meta:
    """Mode, modification time and, on POSIX, owner of a file."""
    mode = stat.S_IMODE(found.st_mode)
    if os.name == "nt":
        return Meta(mode, found.st_mtime_ns)
    return Meta(mode, found.st_mtime_ns, found.st_uid, found.st_gid)


class Durable:
    """File operations that are on the disk when they return."""

    def __init__(self, hook: Optional[Hook] = None) -> None:
        self._hook = hook

    def point(self, label: str) -> None:
        """A place where the process may die or an operation may be made to fail."""
        if self._hook is not None:
            self._hook(label)

    def write(self, path: Path, data: bytes, meta: Optional[Meta] = None) -> None:
        """Make the new file ``path``. A partial one is removed before the OSError goes on."""
        self.point(f"write {path.name}")
        mode = 0o666 if meta is None or meta.mode is None else 0o600
        handle = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        try:
            try:
                self.pour(handle, data)
                if meta is not None:
                    _set_open(handle, meta)
                os.fsync(handle)
            finally:
                os.close(handle)
            if meta is not None and os.name == "nt":
                _set_closed(path, meta)
        except OSError:
            _unlink_quietly(path)
            raise
        self.point(f"wrote {path.name}")

    def pour(self, handle: int, data: bytes) -> None:
        """Write all of ``data``; the crash matrix splits this to tear a record in two."""
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]

    def copy(
        self, source: Path, target: Path, meta: Optional[Meta] = None, mode: int = 0o600
    ) -> Tuple[str, int]:
        """Copy the bytes of ``source`` to the new file ``target``; returns SHA-256 and size."""
        self.point(f"copy {source.name}")
        digest, size = hashlib.sha256(), 0
        handle = os.open(str(target), os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        try:
            try:
                with source.open("rb") as stream:
                    for chunk in iter(lambda: stream.read(CHUNK), b""):
                        digest.update(chunk)
                        size += len(chunk)
                        self.pour(handle, chunk)
                if meta is not None:
                    _set_open(handle, meta)
                os.fsync(handle)
            finally:
                os.close(handle)
            if meta is not None and os.name == "nt":
                _set_closed(target, meta)
        except OSError:
            _unlink_quietly(target)
            raise
        self.sync_directory(target.parent)
        self.point(f"copied {source.name}")
        return digest.hexdigest(), size

    def overwrite(self, path: Path, data: bytes, meta: Meta) -> None:
        """Write ``data`` into the existing file: not atomic, for a disk too full for a copy."""
        self.point(f"overwrite {path.name}")
        handle = os.open(str(path), os.O_WRONLY | _BINARY)
        try:
            self.pour(handle, data)
            os.ftruncate(handle, len(data))
            _set_open(handle, meta)
            os.fsync(handle)
        finally:
            os.close(handle)
        if os.name == "nt":
            _set_closed(path, meta)
        self.point(f"overwrote {path.name}")

    def replace(self, source: Path, target: Path) -> None:
        """Put ``source`` in ``target``'s place at one stroke; a read-only one gives way."""
        self.point(f"replace {target.name}")
        cleared = _clear_read_only(target) if os.name == "nt" else None
        try:
            source.replace(target)
        except OSError:
            if cleared is not None:
                target.chmod(cleared)
            raise
        self.sync_directory(target.parent)
        if source.parent != target.parent:
            self.sync_directory(source.parent)
        self.point(f"replaced {target.name}")

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file or folder; the caller has seen that ``target`` is absent."""
        self.point(f"rename {source.name}")
        source.rename(target)
        self.sync_directory(target.parent)
        if source.parent != target.parent:
            self.sync_directory(source.parent)
        self.point(f"renamed {source.name}")

    def unlink(self, path: Path) -> None:
        """Remove one file."""
        self.point(f"unlink {path.name}")
        cleared = _clear_read_only(path) if os.name == "nt" else None
        try:
            path.unlink()
        except OSError:
            if cleared is not None:
                path.chmod(cleared)
            raise
        self.sync_directory(path.parent)
        self.point(f"unlinked {path.name}")

    def mkdir(self, path: Path) -> None:
        """Make one folder; its parent exists."""
        self.point(f"mkdir {path.name}")
        path.mkdir()
        self.sync_directory(path.parent)
        self.point(f"made {path.name}")

    def rmdir(self, path: Path) -> None:
        """Remove one empty folder."""
        self.point(f"rmdir {path.name}")
        path.rmdir()
        self.sync_directory(path.parent)
        self.point(f"removed {path.name}")

    def append(self, path: Path, line: bytes, size: int) -> int:
        """Append ``line`` to a journal of ``size`` good bytes; returns the new size.

        Anything beyond ``size``, the torn end of an earlier append, is cut off first.
        """
        self.point(f"append {path.name}")
        handle = os.open(str(path), os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
        try:
            if os.fstat(handle).st_size != size:
                os.ftruncate(handle, size)
            os.lseek(handle, size, os.SEEK_SET)
            self.pour(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
        self.point(f"appended {path.name}")
        return size + len(line)

    def sync_directory(self, path: Path) -> None:
        """Force a folder's entries to the disk where the system can."""
        if os.name == "nt":
            return
        handle = os.open(str(path), os.O_RDONLY | _DIRECTORY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_DIRECTORY_SYNC:
                raise
        finally:
            os.close(handle)


def _set_open(handle: int, meta: Meta) -> None:
    if os.name == "nt":
        return
    if meta.uid is not None and meta.gid is not None:
        found = os.fstat(handle)
        if (found.st_uid, found.st_gid) != (meta.uid, meta.gid):
            try:
                os.fchown(handle, meta.uid, meta.gid)
            except OSError:
                pass  # only the administrator may give files away; the content is what counts
    if meta.mode is not None:
        os.fchmod(handle, meta.mode)
    if meta.mtime_ns is not None:
        os.utime(handle, ns=(meta.mtime_ns, meta.mtime_ns))


def _set_closed(path: Path, meta: Meta) -> None:
    if meta.mtime_ns is not None:  # before the mode: a read-only file refuses it
        os.utime(str(path), ns=(meta.mtime_ns, meta.mtime_ns))
    if meta.mode is not None:
        path.chmod(meta.mode)


def _clear_read_only(path: Path) -> Optional[int]:
    """Make ``path`` writable; returns its mode from before if that had to be changed."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if mode & stat.S_IWRITE:
        return None
    path.chmod(mode | stat.S_IWRITE)
    return mode


def _unlink_quietly(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass
