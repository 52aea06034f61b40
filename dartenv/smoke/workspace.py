"""The shadow workspace: a tree that looks like the user's DART root and may be written to.

DART writes beside its checkpoints and into folders of its root, so every folder here is a real
folder of ours; only large files may be links. The user's own tree is only read, and whether it
stayed as it was is checked afterwards.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from dartenv.errors import UsageFault
from dartenv.smoke.placing import place
from dartenv.smoke.scenario import Mirror

# A folder that holds one of these is an environment, whatever its name.
_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")
_LINKS = ("symlink", "hardlink")
_NAME_LENGTH = 11  # of the workspace's folder, with its separators
_WINDOWS_LIMIT = 260

State = Tuple[int, int]  # size in bytes, time of change in nanoseconds


class Workspace:
    """One shadow of ``dart_root``. Use :func:`make_workspace`, and :meth:`remove` at the end."""

    def __init__(self, root: Path, dart_root: Path, mirror: Mirror) -> None:
        self.root = root
        self.dart_root = dart_root
        self.mirror = mirror
        self.ways: Dict[str, str] = {}  # relative path -> how it was placed
        self._before: Dict[Path, State] = {}
        self._modes: Dict[Path, int] = {}

    def mirror_source(self) -> int:
        """Take over the source files; answers how many."""
        count = 0
        for source in _source_files(self.dart_root, self.mirror):
            relative = source.relative_to(self.dart_root)
            self.add(source, PurePosixPath(*relative.parts))
            count += 1
        return count

    def add(self, source: Path, relative: PurePosixPath) -> str:
        """Place ``source`` at ``relative``; answers how. Raises OSError."""
        before = source.stat()
        target = self.path(relative)
        way = place(source, target, self.mirror.copy_limit)
        self._before[source] = (before.st_size, before.st_mtime_ns)
        if way == "hardlink":
            self._modes[source] = stat.S_IMODE(before.st_mode)
        self.ways[str(relative)] = way
        return way

    def path(self, relative: PurePosixPath) -> Path:
        """Where ``relative`` lies in the workspace; UsageFault if it would lie outside."""
        if not inside(relative):
            raise UsageFault(f"{relative} leads out of the DART root")
        return self.root.joinpath(*relative.parts)

    def changed(self) -> Tuple[str, ...]:
        """What changed in the user's files since they were placed, in words."""
        found: List[str] = []
        for source, (size, time) in sorted(self._before.items()):
            try:
                now = source.stat()
            except OSError:
                found.append(f"{source}: gone")
                continue
            if now.st_size != size:
                found.append(f"{source}: {size} bytes before, {now.st_size} after")
            elif now.st_mtime_ns != time:
                found.append(f"{source}: written to")
        return tuple(found)

    def links(self) -> Tuple[str, ...]:
        """The relative paths that lead to the user's own files."""
        return tuple(sorted(path for path, way in self.ways.items() if way in _LINKS))

    def remove(self) -> Optional[str]:
        """Delete the workspace; what could not be deleted is told, not raised."""
        stuck: List[str] = []
        remove_tree(self.root, stuck)
        # A read-only hard link has to be made writable to be deleted, and so does the original.
        for source, mode in self._modes.items():
            try:
                if stat.S_IMODE(source.stat().st_mode) != mode:
                    source.chmod(mode)
            except OSError:
                continue
        return f"{len(stuck)} files could not be deleted: {stuck[0]}" if stuck else None


def make_workspace(dart_root: Path, mirror: Mirror, parents: Sequence[Path]) -> Workspace:
    """A new workspace under the first of ``parents`` where the program's paths fit.

    DART writes paths of some 200 characters below its root, and Windows usually ends at 260: a
    shadow that lies deeper than the tree itself must not make a good run fail.
    """
    fitting = [parent for parent in parents if _fits(parent, mirror)]
    parent = fitting[0] if fitting else min(parents, key=lambda path: len(str(path)))
    parent.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="w", dir=str(parent)))
    return Workspace(root, dart_root, mirror)


def _fits(parent: Path, mirror: Mirror) -> bool:
    if os.name != "nt":
        return True
    return len(str(parent)) + _NAME_LENGTH + mirror.longest < _WINDOWS_LIMIT


def inside(relative: PurePosixPath) -> bool:
    """Whether ``relative`` stays below the root it is relative to, on any system."""
    if relative.is_absolute() or not relative.parts:
        return False
    depth = 0
    for part in relative.parts:
        if ":" in part or "\\" in part:
            return False
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True


def remove_tree(root: Path, stuck: List[str]) -> None:
    """Delete ``root``; read-only files are made writable, locked ones listed in ``stuck``."""

    def again(function: Callable[[str], Any], path: str, info: object) -> None:
        # Never through a link: on POSIX the folder decides, on Windows the file's own mark.
        unlocked = Path(path) if os.name == "nt" else Path(path).parent
        try:
            unlocked.chmod(stat.S_IRWXU)
            function(path)
        except OSError:
            stuck.append(path)

    if root.exists():
        shutil.rmtree(str(root), onerror=again)


def _source_files(dart_root: Path, mirror: Mirror) -> Iterator[Path]:
    """The files of the tree that belong to its source, in a stable order."""
    skipped = {name.lower() for name in mirror.skip_dirs}
    data = {name.lower() for name in mirror.data_dirs}
    suffixes = set(mirror.suffixes)
    seen: Set[str] = set()
    waiting = [dart_root]
    while waiting:
        folder = waiting.pop()
        # The tree may link into itself; a folder is taken once.
        real = os.path.normcase(os.path.realpath(str(folder)))
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(str(folder)), key=lambda entry: entry.name)
        except OSError:
            continue
        names = {entry.name for entry in entries}
        if folder != dart_root and any(mark in names for mark in _ENVIRONMENT_MARKS):
            continue
        for entry in entries:
            name = entry.name.lower()
            if entry.is_dir():
                at_root = folder == dart_root
                if name not in skipped and not (at_root and name in data):
                    waiting.append(Path(entry.path))
            elif name in skipped:  # a worktree's .git is a file
                continue
            elif entry.is_file() and Path(entry.name).suffix.lower() in suffixes:
                yield Path(entry.path)
