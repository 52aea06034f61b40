"""A whole tree of Python files, walked and read once, parsed on demand.

Whatever cannot be read or parsed becomes a :class:`Problem`; nothing here raises for it.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Callable, Dict, FrozenSet, Iterator, List, Mapping, Optional, Set, Tuple

from dartenv.source.module import Module
from dartenv.source.spec import ENVIRONMENT_MARKS, FOREIGN_DIRS, SourceSpec
from dartenv.source.text import UnreadableError

MAX_DEPTH = 60
# A name given to another name, by itself: ``old as new``, and ``new = old`` to the end of a line.
_RENAMED = re.compile(rb" as[ \t]+(\w+)")
_ASSIGNED = re.compile(rb"=[ \t]*(\w+)[ \t\r]*(?:\n|$)")
_FIRST_NAME = re.compile(rb"[ \t]*(\w+)")


@dataclass(frozen=True)
class Problem:
    """A file or folder that could not be read or parsed."""

    path: str
    reason: str


class SourceTree:
    """The Python files of a tree, by path relative to its root with ``/``."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files: Dict[str, bytes] = dict(files)
        self.problems: List[Problem] = []
        self.python_files = len(self.files)
        self.longest_path = 0
        self._modules: Dict[str, Optional[Module]] = {}
        self._names: Dict[str, str] = {}
        self._packages: Set[str] = set()
        for path in self.files:
            self._add_name(path)

    def _add_name(self, path: str) -> None:
        dotted = path[: -len(".py")].replace("/", ".")
        if dotted.endswith(".__init__"):
            dotted = dotted[: -len(".__init__")]
            self._names[dotted] = path  # a package hides a module of its name
        else:
            self._names.setdefault(dotted, path)
        for position, letter in enumerate(dotted):
            if letter == ".":
                self._packages.add(dotted[:position])

    def module(self, path: str) -> Optional[Module]:
        """The parsed file at ``path``; ``None``, and a problem, where it cannot be parsed."""
        if path not in self._modules:
            self._modules[path] = None
            data = self.files.get(path)
            if data is not None:
                try:
                    module = Module(path, data)
                    self._modules[path] = module
                except UnreadableError as error:
                    self.problems.append(Problem(path, str(error)))
        return self._modules[path]

    def path_of(self, dotted: str) -> Optional[str]:
        """The file of the module ``dotted``, seen from the root."""
        return self._names.get(dotted)

    def has(self, dotted: str) -> bool:
        """Whether ``dotted`` is a module or a package, with or without ``__init__``."""
        return dotted in self._names or dotted in self._packages

    @cached_property
    def renamings(self) -> FrozenSet[Tuple[bytes, bytes]]:
        """Pairs of names, the old and the new, that any file seems to make the same."""
        found: Set[Tuple[bytes, bytes]] = set()
        for data in self.files.values():
            for match in _RENAMED.finditer(data):
                found.add((_name_before(data, match.start()), match.group(1)))
            for match in _ASSIGNED.finditer(data):
                found.add((match.group(1), _name_before(data, match.start())))
        return frozenset(pair for pair in found if all(pair))

    def near(self, dotted: str, path: str) -> Optional[str]:
        """As :meth:`path_of`, then from the folders above ``path``, the nearest last.

        A script that is run by its path finds its neighbours first; one run with ``-m`` does not.
        """
        found = self.path_of(dotted)
        folder = path.rpartition("/")[0].replace("/", ".")
        while found is None and folder:
            found = self.path_of(f"{folder}.{dotted}")
            folder = folder.rpartition(".")[0]
        return found

    def matching(self, accepts: Callable[[bytes], bool]) -> Iterator[Module]:
        """The parsed files whose bytes ``accepts`` accepts, by path."""
        for path in sorted(self.files):
            if accepts(self.files[path]):
                module = self.module(path)
                if module is not None:
                    yield module


def _name_before(data: bytes, end: int) -> bytes:
    # Read backwards: a search forwards for what ends here takes ten times as long.
    found = _FIRST_NAME.match(data[max(0, end - 80) : end][::-1])
    return found.group(1)[::-1] if found is not None else b""


def read_tree(root: str, spec: SourceSpec, skip: Tuple[str, ...] = ()) -> SourceTree:
    """Walk ``root`` and read its Python files. ``skip`` names folders at the top to leave out."""
    walker = _Walker(root, spec, skip)
    walker.walk()
    tree = SourceTree(walker.files)
    tree.python_files = walker.python_files
    tree.longest_path = walker.longest
    tree.problems.extend(walker.problems)
    return tree


class _Walker:
    def __init__(self, root: str, spec: SourceSpec, skip: Tuple[str, ...]) -> None:
        self.root = root
        self.spec = spec
        self.skip = frozenset(skip)
        self.files: Dict[str, bytes] = {}
        self.problems: List[Problem] = []
        self.python_files = 0
        self.entries = 0
        self.longest = 0
        self.base = len(os.path.abspath(root).rstrip("/\\")) + 1  # noqa: PTH100 (links must stay)

    def walk(self) -> None:
        pending: List[Tuple[str, int]] = [("", 0)]
        while pending:
            relative, depth = pending.pop()
            for entry in self._entries(relative):
                path = f"{relative}/{entry.name}" if relative else entry.name
                self.entries += 1
                shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
                if shown != path:
                    # A name that is no Unicode cannot be written into facts or reports.
                    self.problems.append(Problem(shown, "its name is not Unicode: not read"))
                    continue
                if self.entries > self.spec.max_entries:
                    reason = f"more than {self.spec.max_entries} files: the rest was not looked at"
                    self.problems.append(Problem(relative or ".", reason))
                    return
                self.longest = max(self.longest, self.base + len(path))
                if self._is_folder(entry):
                    if self._wanted(entry.name, relative):
                        if depth < MAX_DEPTH:
                            pending.append((path, depth + 1))
                        else:
                            self.problems.append(Problem(path, "nested too deeply"))
                elif entry.name.endswith(".py"):
                    self.python_files += 1
                    self._read(entry.path, path)

    def _entries(self, relative: str) -> List[os.DirEntry[str]]:
        folder = os.path.join(self.root, *relative.split("/")) if relative else self.root  # noqa: PTH118
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda e: e.name)
        except OSError as error:
            self.problems.append(Problem(relative or ".", _words(error)))
            return []
        if relative and any(entry.name in ENVIRONMENT_MARKS for entry in entries):
            return []
        return entries

    @staticmethod
    def _is_folder(entry: os.DirEntry[str]) -> bool:
        # Linked folders are not followed: they lead to data, out of the tree, or in a circle.
        try:
            return entry.is_dir(follow_symlinks=False)
        except OSError:
            return False

    def _wanted(self, name: str, relative: str) -> bool:
        return name not in FOREIGN_DIRS and not (not relative and name in self.skip)

    def _read(self, full: str, path: str) -> None:
        try:
            status = os.stat(full)  # noqa: PTH116 (a DirEntry path, once a file)
            if not stat.S_ISREG(status.st_mode):
                self.problems.append(Problem(path, "is not a regular file"))
            elif status.st_size > self.spec.max_bytes:
                self.problems.append(Problem(path, f"is {status.st_size} bytes: not read"))
            else:
                self.files[path] = Path(full).read_bytes()
        except OSError as error:
            self.problems.append(Problem(path, _words(error)))


def _words(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
