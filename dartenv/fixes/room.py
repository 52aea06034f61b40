"""Whether downloads have room where they belong, not only where they come to lie first."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple

from dartenv.fetch.remote import FetchFault, megabytes
from dartenv.fixes.steps import AnyStep, FetchFile
from dartenv.longpath import native


def _free(folder: str) -> int:
    return shutil.disk_usage(folder).free


def _drive(folder: str) -> int:
    return native(folder).stat().st_dev


def refuse_full_drives(
    steps: Sequence[AnyStep],
    state: Path,
    free: Callable[[str], int] = _free,
    drive: Callable[[str], int] = _drive,
) -> None:
    """Raises FetchFault where a drive other than the state folder's has no room for its files.

    On that one the downloads themselves are counted, and put in place by a rename.
    """
    here = drive(_parent(str(state)))
    wanted: Dict[int, Tuple[str, int]] = {}
    for step in steps:
        if isinstance(step, FetchFile):
            folder = _parent(step.path)
            there = drive(folder)
            if there != here:
                count = wanted.get(there, ("", 0))[1] + step.remote.expected_bytes
                wanted[there] = (folder, count)
    for folder, count in wanted.values():
        left = free(folder)
        if count > left:
            raise FetchFault(
                "disk-full",
                f"{folder}: {megabytes(left)} free on its drive",
                f"{megabytes(count)} for what is to be placed there",
                "make room, then run this again",
            )


def _parent(path: str) -> str:
    """The nearest folder at or above ``path`` that exists."""
    return next(str(p) for p in (Path(path), *Path(path).parents) if native(str(p)).is_dir())
