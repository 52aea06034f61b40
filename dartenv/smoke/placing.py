"""Putting a file into the workspace without being able to harm the original, as cheaply as can be.

In this order: a copy-on-write clone, a symbolic link (POSIX), a hard link (Windows), a copy.
Links are only for large files, since a program that opens one for writing reaches the original:
the workspace compares originals before and after for that reason.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

FICLONE = 0x40049409  # ioctl of Linux: share the blocks of another file, copy on write


def place(source: Path, target: Path, copy_limit: int) -> str:
    """Make ``target`` hold what ``source`` holds; answer ``clone``, ``symlink``, ``hardlink``
    or ``copy``.

    Raises OSError when even a copy cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.stat().st_size <= copy_limit:
        shutil.copyfile(source, target)
        return "copy"
    for way, attempt in (("clone", _clone), ("symlink", _symlink), ("hardlink", _hardlink)):
        if attempt(source, target):
            return way
        _discard(target)
    shutil.copyfile(source, target)
    return "copy"


def _clone(source: Path, target: Path) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        with source.open("rb") as read, target.open("wb") as write:
            fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
    except OSError:
        return False
    return True


def _symlink(source: Path, target: Path) -> bool:
    if os.name == "nt":  # needs a privilege there, and Wine says yes and makes nothing
        return False
    try:
        target.symlink_to(source.resolve())
    except OSError:
        return False
    return _same(source, target)


def _hardlink(source: Path, target: Path) -> bool:
    try:
        os.link(str(source), str(target))
    except (OSError, NotImplementedError):
        return False
    return _same(source, target)


def _same(source: Path, target: Path) -> bool:
    """Whether ``target`` really leads to ``source``; some systems only claim to have linked."""
    try:
        return target.samefile(source) and target.stat().st_size == source.stat().st_size
    except OSError:
        return False


def _discard(target: Path) -> None:
    try:
        target.unlink()
    except FileNotFoundError:
        return
