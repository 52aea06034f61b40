"""The drive that a path lies on: room, kind, and which paths share it.

A network drive that does not answer would hold a thread for minutes, so its kind is told without
touching it and its room is asked in a child process with a limit.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from dartenv.facts import windows
from dartenv.facts.model import DriveFacts
from dartenv.facts.runner import Runner
from dartenv.manifests.compat_gpu import HostTable

LIMIT = 4.0
NO_ANSWER = f"the network drive gave no answer within {LIMIT:.0f} s"

_Room = Tuple[Optional[int], Optional[int], Optional[str]]  # free, total, problem

_ASK_ROOM = """
import json, pathlib, shutil, sys
path = pathlib.Path(sys.argv[1])
while not path.exists() and path != path.parent:
    path = path.parent
usage = shutil.disk_usage(str(path))
print(json.dumps([usage.free, usage.total]))
"""


def _mounts() -> Optional[str]:
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None


def _usage(path: str) -> Tuple[int, int]:
    usage = shutil.disk_usage(path)
    return usage.free, usage.total


@dataclass(frozen=True)
class DriveSources:
    """Where drives are read from; the defaults are this machine."""

    runner: Runner
    drive_kind: Callable[[str], Optional[str]] = windows.drive_kind
    mounts: Callable[[], Optional[str]] = _mounts
    usage: Callable[[str], Tuple[int, int]] = _usage
    executable: Optional[str] = sys.executable
    windows: bool = os.name == "nt"


class Drives:
    """Describes the drives of paths; a network drive is asked once, and none after one hung."""

    def __init__(self, spec: HostTable, sources: DriveSources, wsl: bool = False) -> None:
        self._spec = spec
        self._sources = sources
        self._wsl = wsl
        self._asked: Dict[str, _Room] = {}
        self._hung = False

    def describe(self, role: str, path: str) -> Tuple[DriveFacts, Optional[str]]:
        """The drive of ``path`` and what could not be told of it. Never raises."""
        mount, kind = _place(path, self._spec, self._sources, self._wsl)
        free: Optional[int] = None
        total: Optional[int] = None
        problem: Optional[str] = None
        try:
            if kind == "network":
                free, total, problem = self._network(mount or path, path)
            else:
                free, total = self._sources.usage(str(_nearest(Path(path))))
        except (OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        facts = DriveFacts(path=path, role=role, free=free, total=total, kind=kind, mount=mount)
        return facts, problem

    def _network(self, mount: str, path: str) -> _Room:
        if mount not in self._asked:
            if self._hung:
                return None, None, "not asked, another network drive gave no answer"
            self._asked[mount] = _asked_in_child(path, self._sources)
            self._hung = self._asked[mount][2] == NO_ANSWER
        return self._asked[mount]


def _nearest(path: Path) -> Path:
    """The path itself or its nearest parent that exists."""
    while path != path.parent:
        try:
            if path.exists():
                break
        except OSError:
            pass
        path = path.parent
    return path


def _place(
    path: str, spec: HostTable, sources: DriveSources, wsl: bool
) -> Tuple[Optional[str], Optional[str]]:
    return _windows_place(path, sources) if sources.windows else _mounted(path, spec, sources, wsl)


def _windows_place(path: str, sources: DriveSources) -> Tuple[Optional[str], Optional[str]]:
    plain = path.replace("/", "\\")
    if plain.startswith("\\\\?\\"):
        plain = plain[4:]
        if plain.upper().startswith("UNC\\"):
            plain = "\\\\" + plain[4:]
    if plain.startswith("\\\\"):
        server = plain.lstrip("\\").split("\\")[:2]
        return "\\\\" + "\\".join(server), "network"
    if plain[1:2] != ":":
        return None, None
    root = plain[:2].upper() + "\\"
    try:
        return root, sources.drive_kind(root)
    except OSError:
        return root, None


def _mounted(
    path: str, spec: HostTable, sources: DriveSources, wsl: bool
) -> Tuple[Optional[str], Optional[str]]:
    """The longest mount point above ``path``, by text: no link is followed, nothing touched."""
    table = sources.mounts()
    if table is None:
        return None, None
    best: Optional[Tuple[str, str]] = None
    for point, filesystem in _parsed(table):
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best[0])):
            best = (point, filesystem)
    if best is None:
        return None, None
    point, filesystem = best
    if filesystem in spec.network_filesystems:
        return point, "network"
    if wsl and filesystem in spec.wsl_filesystems:
        return point, "wsl-windows"
    return point, "ram" if filesystem in ("tmpfs", "ramfs") else "fixed"


def _parsed(table: str) -> List[Tuple[str, str]]:
    rows: List[Tuple[str, str]] = []
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3:
            rows.append((_unescaped(fields[1]), fields[2]))
    return rows


def _unescaped(point: str) -> str:
    r"""Spaces, tabs and backslashes stand as ``\040`` in /proc/mounts."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


def _asked_in_child(path: str, sources: DriveSources) -> _Room:
    if not sources.executable:
        return None, None, "a network drive, and no Python to ask it with"
    done = sources.runner.run([sources.executable, "-I", "-S", "-c", _ASK_ROOM, path], LIMIT)
    if done.failure == "timeout":
        return None, None, NO_ANSWER
    try:
        free, total = json.loads(done.text())
        return int(free), int(total), None
    except (ValueError, TypeError):
        last = done.error_text().strip().splitlines()
        return None, None, last[-1] if last else f"no answer ({done.failure or done.rc})"
