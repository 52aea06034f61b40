"""A file on its way: the bytes so far, and what the server called the version they are of."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import IO, Callable, Optional

import msgspec

from dartenv.longpath import CHUNK, native
from dartenv.typed import from_json

Opener = Callable[[Path, str], IO[bytes]]


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which version of the remote file a part is of, by the server's own words."""

    address: str  # without query, which may change from one visit to the next
    etag: str = ""
    modified: str = ""
    total: Optional[int] = None

    @property
    def validator(self) -> str:
        """What If-Range takes; weak tags promise nothing about bytes."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def _open(path: Path, mode: str) -> IO[bytes]:
    return path.open(mode)


class Part:
    """``<name>.part`` with ``<name>.part.json`` beside it, and the running hashes of its bytes."""

    def __init__(self, final: Path, md5: bool = False, opener: Optional[Opener] = None) -> None:
        self.final = final
        self._wants_md5 = md5
        self.path = native(str(final.with_name(final.name + ".part")))
        self._record = native(str(final.with_name(final.name + ".part.json")))
        self._open = opener or _open
        self._stream: Optional[IO[bytes]] = None
        self._reset()

    def resume(self) -> None:
        """Take up what is there: its bytes are read once, for the hashes. Raises OSError."""
        self.close()
        self._reset()
        try:
            with self.path.open("rb") as stream:
                for chunk in iter(lambda: stream.read(CHUNK), b""):
                    self._take(chunk)
        except FileNotFoundError:
            pass

    def settle(self) -> None:
        """After a failure: what is on the disk counts, whatever was written. Raises OSError."""
        self.close()
        try:
            there = self.path.stat().st_size
        except FileNotFoundError:
            there = 0
        if there != self.size:
            self.resume()

    @property
    def version(self) -> Optional[Version]:
        """The version that the bytes are of, where it was recorded."""
        try:
            return from_json(self._record.read_bytes(), Version)
        except (OSError, msgspec.DecodeError):
            return None

    def restart(self) -> None:
        """Forget every byte. Raises OSError."""
        self.close()
        self._reset()
        for path in (self.path, self._record):
            try:
                path.unlink()
            except FileNotFoundError:
                pass

    def begin(self, version: Version) -> None:
        """Bytes of ``version`` follow. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.version != version:
            self._record.write_bytes(msgspec.json.encode(version))
        if self._stream is None:
            self._stream = self._open(self.path, "ab")

    def write(self, chunk: bytes) -> None:
        """Append. Raises OSError; a full disk may have taken a piece of the chunk."""
        assert self._stream is not None
        self._stream.write(chunk)
        self._take(chunk)

    def sync(self) -> None:
        """On the disk when it returns. Raises OSError."""
        if self._stream is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self.close()

    def close(self) -> None:
        """Let go of the file. Never raises: what did not reach the disk is fetched again."""
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.close()
            except OSError:
                pass

    def finish(self) -> None:
        """Give the file its name, at one stroke. Raises OSError."""
        self.path.replace(native(str(self.final)))
        try:
            self._record.unlink()
        except OSError:
            pass

    @property
    def sha256(self) -> str:
        """Of all bytes so far, in hex."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Of all bytes so far, in hex; empty where it was not asked for."""
        return self._md5.hexdigest() if self._md5 is not None else ""

    def _take(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        if self._md5 is not None:
            self._md5.update(chunk)
        self.size += len(chunk)

    def _reset(self) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = _md5() if self._wants_md5 else None
        self.size = 0


def seed(part_of: Path, existing: str) -> int:
    """Begin the part of ``part_of`` with the bytes of ``existing``, a stopped download elsewhere.

    Only where no part is there yet. Returns how many bytes; Raises OSError.
    """
    part = Part(part_of)
    if part.path.exists() or native(str(part_of)).exists():
        return 0
    part.path.parent.mkdir(parents=True, exist_ok=True)
    temp = part.path.with_name(part.path.name + ".seed")
    shutil.copyfile(str(native(existing)), str(temp))
    temp.replace(part.path)
    return part.path.stat().st_size


def _md5() -> hashlib._Hash:
    try:
        # A check against damage only; some systems forbid MD5 for anything else.
        return hashlib.new("md5", usedforsecurity=False)
    except TypeError:  # Python 3.8
        return hashlib.md5()
