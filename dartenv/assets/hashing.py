"""Hashes of large files: in parallel, and not twice for a file that has not changed.

A file counts as unchanged while its size, times, drive and file id are those that were recorded,
and were not of the very moment of hashing, when a later write might not show.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import time
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Union

import msgspec

from dartenv.assets.sniff import os_reason
from dartenv.longpath import native
from dartenv.typed import from_json

_BLOCK = 4 << 20
_FRESH_NS = 2_000_000_000  # coarser than the clock of any file system (FAT's is 2 s)
SCHEMA = 1


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """What tells a file from an earlier state of itself. Times in nanoseconds."""

    size: int
    modified: int
    changed: int
    drive: int
    file: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """The stamp of a file that was looked at."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino)


class Hashed(msgspec.Struct, frozen=True):
    """One file's hash and what it was of."""

    stamp: Stamp
    sha256: str


class _Store(msgspec.Struct):
    schema: int = SCHEMA
    files: Dict[str, Hashed] = {}


class HashCache:
    """Hashes by absolute path, in one file; without it everything is hashed anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: Dict[str, Hashed] = {}
        self._dirty = False
        try:
            store = from_json(path.read_bytes(), _Store)
            if store.schema == SCHEMA:
                self._files = store.files
        except (OSError, msgspec.DecodeError):
            pass

    def get(self, path: str, stamp: Stamp) -> Optional[str]:
        """The hash of the file in this very state."""
        known = self._files.get(path)
        return known.sha256 if known is not None and known.stamp == stamp else None

    def put(self, path: str, stamp: Stamp, sha256: str) -> None:
        """Record a hash."""
        self._files[path] = Hashed(stamp, sha256)
        self._dirty = True

    def save(self) -> None:
        """Write the file, at one stroke. Never raises: then the next run hashes again."""
        if not self._dirty:
            return
        temp = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temp.write_bytes(msgspec.json.encode(_Store(files=self._files)))
            temp.replace(self.path)
            self._dirty = False
        except OSError:
            try:
                temp.unlink()
            except OSError:
                pass


class Unhashed(msgspec.Struct, frozen=True):
    """A file that could not be hashed, in one line."""

    reason: str


def hash_files(
    paths: Sequence[str],
    cache: HashCache,
    on_bytes: Optional[Callable[[int], None]] = None,
    workers: Optional[int] = None,
) -> Dict[str, Union[str, Unhashed]]:
    """SHA-256 of every file, by path. ``on_bytes`` hears of bytes read, from several threads."""
    found: Dict[str, Union[str, Unhashed]] = {}
    todo: List[str] = []
    for path in dict.fromkeys(paths):
        try:
            known = cache.get(path, Stamp.of(native(path).stat()))
        except OSError as error:
            found[path] = Unhashed(os_reason(error))
            continue
        if known is not None:
            found[path] = known
        else:
            todo.append(path)
    # Hashing lets go of the interpreter's lock: as many at once as there are processors.
    several = workers or min(8, (os.cpu_count() or 1))
    if todo:
        with concurrent.futures.ThreadPoolExecutor(several, "dartenv-hash") as pool:
            results = pool.map(lambda path: _hash(path, cache, on_bytes), todo)
            found.update(zip(todo, results))
        cache.save()
    return found


def _hash(
    path: str, cache: HashCache, on_bytes: Optional[Callable[[int], None]]
) -> Union[str, Unhashed]:
    digest = hashlib.sha256()
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    try:
        with native(path).open("rb", buffering=0) as stream:
            before = Stamp.of(os.fstat(stream.fileno()))
            while True:
                count = stream.readinto(buffer)
                if not count:
                    break
                digest.update(view[:count])
                if on_bytes is not None:
                    on_bytes(count)
        # By path and after closing: on Windows the times of an open file come late.
        after = Stamp.of(native(path).stat())
    except OSError as error:
        return Unhashed(os_reason(error))
    if (after.size, after.modified) != (before.size, before.modified):
        return Unhashed("changed while it was read")
    if time.time_ns() - after.modified > _FRESH_NS:
        cache.put(path, after, digest.hexdigest())
    return digest.hexdigest()


class FirstSeen(msgspec.Struct, frozen=True):
    """The hash that an asset had when dartenv first saw it whole. ``at`` is ISO 8601, UTC."""

    sha256: str
    size: int
    at: str


class FirstSeenStore:
    """First-seen hashes of assets whose publishers give none: trust on first use, said so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: Dict[str, FirstSeen] = {}
        try:
            self._seen = from_json(path.read_bytes(), Dict[str, FirstSeen])
        except (OSError, msgspec.DecodeError):
            pass

    def get(self, asset_id: str) -> Optional[FirstSeen]:
        """What was recorded."""
        return self._seen.get(asset_id)

    def record(self, new: Mapping[str, FirstSeen]) -> None:
        """Record hashes of assets that have none yet. Never raises."""
        fresh = {key: value for key, value in new.items() if key not in self._seen}
        if not fresh:
            return
        self._seen.update(fresh)
        temp = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temp.write_bytes(msgspec.json.format(msgspec.json.encode(self._seen), indent=1))
            temp.replace(self.path)
        except OSError:
            pass
