"""A failed system call as one line that names the file and, where it can be told, who is at fault."""

from __future__ import annotations

import errno
import os
from typing import Optional

from dartenv.fixes.holders import holders_of

_SHARING = (5, 32, 33)  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION

_WORDS = {
    errno.ENOSPC: "no space left on its drive",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "its drive is mounted read-only",
    errno.ENAMETOOLONG: "the path is too long for this system",
    errno.ENOENT: "it is not there (any more)",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "part of its path is a file",
    errno.EEXIST: "something of that name is there already",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.EXDEV: "it would have to move to another drive; copy it there by hand",
    errno.EIO: "the drive reports an input/output error",
}


class StepFault(Exception):
    """A step that cannot be done or taken back, in one line."""


def explain(error: OSError, path: Optional[str]) -> str:
    """``error`` as one line; ``path`` is what the step was about."""
    shown = path or error.filename or "a file"
    winerror = getattr(error, "winerror", None)
    if winerror in _SHARING:
        holders = holders_of(path) if path else ()
        if holders:
            return f"{shown}: open in {', '.join(holders)}; close it there and run again"
        return f"{shown}: open in another program, or not yours to write (WinError {winerror})"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{shown}: permission denied"
    words = _WORDS.get(error.errno or 0)
    if words is None:
        words = error.strerror or os.strerror(error.errno or 0)
    return f"{shown}: {words}"
