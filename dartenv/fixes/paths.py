"""Paths as system calls want them, where links lead, and what a file's content hashes to."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import List, Optional

from dartenv.longpath import CHUNK, EXTENDED, native

_NO_SUCH_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_NO_SUCH_NAME = (123, 206)  # ERROR_INVALID_NAME, ERROR_FILENAME_EXCED_RANGE


def real(path: str) -> str:
    """``path`` with every link and junction on the way followed."""
    found = os.path.realpath(str(native(path)))
    if found.startswith(EXTENDED + "UNC\\"):
        return "\\" + found[len(EXTENDED) + 3 :]
    if found.startswith(EXTENDED):
        return found[len(EXTENDED) :]
    return found


def key(path: str) -> str:
    """``path`` for comparison on this system."""
    return os.path.normcase(os.path.normpath(path))


def inside(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies in it, by spelling alone."""
    inner, outer = key(path), key(folder)
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)


def overlap(one: str, other: str) -> bool:
    """Whether a change of one path is a change of the other."""
    return inside(one, other) or inside(other, one)


def lexists(path: str) -> bool:
    """Whether anything, a dangling link too, has this name."""
    return os.path.lexists(str(native(path)))


def is_link(path: str) -> bool:
    """Whether the last part of ``path`` is itself a link or junction."""
    try:
        found = os.lstat(str(native(path)))
    except OSError:
        return False
    if stat.S_ISLNK(found.st_mode):
        return True
    attributes = int(getattr(found, "st_file_attributes", 0))
    return bool(attributes & int(getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0)))


def missing_parents(path: str) -> List[str]:
    """The folders that must be made before ``path`` can be, outermost first."""
    missing: List[str] = []
    for parent in Path(path).parents:
        if lexists(str(parent)):
            break
        missing.append(str(parent))
    return missing[::-1]


def sha256(data: bytes) -> str:
    """SHA-256 of ``data`` in hex."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: str) -> Optional[str]:
    """SHA-256 of a regular file, ``None`` where nothing has, or can have, that name.

    Raises OSError.
    """
    digest = hashlib.sha256()
    try:
        with native(path).open("rb") as stream:
            for chunk in iter(lambda: stream.read(CHUNK), b""):
                digest.update(chunk)
    except OSError as error:
        if error.errno in _NO_SUCH_FILE or getattr(error, "winerror", None) in _NO_SUCH_NAME:
            return None
        raise
    return digest.hexdigest()


def encodable(path: str) -> bool:
    """Whether ``path`` is Unicode, so that plan and journal can hold it."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
