"""Takes a folder away that a plan made:  python -m dartenv.install.folder --lock F --note F DIR

What somebody put in or changed since stays, and the folders around it; an unfinished one, or one
asked for with --whole, goes entirely.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from dartenv.install.holding import Busy, holding
from dartenv.install.inside import remove

# Its files change with every look that git takes; it goes with the last of the others.
GIT = ".git"


def note_making(note: Path, folder: str) -> None:
    """Say that ``folder`` is being made: until it is whole, all of it is ours."""
    _write(note, {"making": folder})


def note_made(note: Path, folder: str) -> None:
    """List what was made, with sizes and times."""
    found = {name: _stamp(os.path.join(folder, name)) for name in _files(folder)}
    _write(note, {"made": folder, "files": found})


def take_away(note: Path, folder: str, whole: bool = False) -> List[str]:
    """Remove ``folder`` as far as it is ours; returns what stays, relative to it."""
    told = _read(note)
    if not os.path.isdir(folder):
        return []
    if whole or told.get("making") == folder:
        remove(folder)
        return []
    files = told.get("files") if told.get("made") == folder else None
    if not isinstance(files, dict):
        return sorted(_files(folder))
    left = [name for name in _files(folder) if files.get(name) != _stamp(f"{folder}/{name}")]
    for name in files:
        path = os.path.join(folder, name)
        if name not in left and os.path.lexists(path):
            remove(path)
    if not left and os.path.isdir(os.path.join(folder, GIT)):
        remove(os.path.join(folder, GIT))
    for here, _, _ in os.walk(folder, topdown=False):
        if not left and os.path.basename(here) == "__pycache__":
            remove(here)
            continue
        try:
            os.rmdir(here)
        except OSError:
            continue  # something of somebody's is in it
    return left


def _files(folder: str) -> List[str]:
    found = []
    for here, folders, names in os.walk(folder):
        if here == folder and GIT in folders:
            folders.remove(GIT)
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        found += [os.path.relpath(os.path.join(here, name), folder) for name in names]
    return [name.replace(os.sep, "/") for name in found]


def _stamp(path: str) -> List[int]:
    try:
        seen = os.lstat(path)
    except OSError:
        return []
    return [seen.st_size, seen.st_mtime_ns]


def _read(note: Path) -> Dict[str, Any]:
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(note: Path, value: Mapping[str, object]) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    temp = note.with_name(note.name + ".new")
    temp.write_text(json.dumps(value), encoding="utf-8")
    os.replace(temp, note)


def main(argv: Optional[List[str]] = None) -> int:
    """0 also where something stays: it is somebody's, and is named."""
    parser = argparse.ArgumentParser(prog="dartenv.install.folder")
    parser.add_argument("--lock", required=True, type=Path)
    parser.add_argument("--note", required=True, type=Path)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("folder")
    options = parser.parse_args(argv)
    try:
        with holding(options.lock):
            left = take_away(options.note, options.folder, options.whole)
    except Busy as busy:
        print(str(busy), file=sys.stderr)
        return 75
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    if left:
        print(f"left in {options.folder}: {', '.join(left[:5])}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
