"""The operating system: what it is, its memory and drives, and what it lets programs do."""

from __future__ import annotations

import locale
import os
import platform
import re
import socket
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

import psutil

from dartenv.facts import windows
from dartenv.facts.drives import Drives, DriveSources
from dartenv.facts.model import DriveFacts, HostFacts, ProbeFailure
from dartenv.facts.places import lookup
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Runner
from dartenv.manifests.compat_gpu import HostTable

T = TypeVar("T")

_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")
_KERNEL_FILES = ("/proc/sys/kernel/osrelease", "/proc/version")
_TRUE = frozenset(("1",))


def _read_text(path: str) -> Optional[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _modified(path: str) -> Optional[float]:
    try:
        return Path(path).stat().st_mtime
    except (OSError, ValueError):
        return None


def _listed(path: str) -> Sequence[str]:
    try:
        return [str(entry) for entry in Path(path).iterdir()]
    except (OSError, ValueError):
        return ()


def _memory() -> Tuple[Optional[int], Optional[int]]:
    memory = int(psutil.virtual_memory().total)
    on_windows = platform.system() == "Windows"
    return memory, windows.page_file() if on_windows else int(psutil.swap_memory().total)


def _libc() -> Tuple[str, str]:
    return platform.libc_ver()


def _encoding() -> str:
    return locale.getpreferredencoding(False)


@dataclass(frozen=True)
class HostSources:
    """Where the probe reads from; the defaults are this machine."""

    system: Callable[[], str] = platform.system
    release: Callable[[], str] = platform.release
    version: Callable[[], str] = platform.version
    machine: Callable[[], str] = platform.machine
    windows_version: Callable[[], Optional[windows.WindowsVersion]] = windows.windows_version
    wine_version: Callable[[], Optional[str]] = windows.wine_version
    code_page: Callable[[], Optional[int]] = windows.code_page
    registry: windows.Registry = field(default_factory=windows.real_registry)
    read_text: Callable[[str], Optional[str]] = _read_text
    memory: Callable[[], Tuple[Optional[int], Optional[int]]] = _memory
    libc: Callable[[], Tuple[str, str]] = _libc
    encoding: Callable[[], str] = _encoding
    hostname: Callable[[], str] = socket.gethostname
    home: Callable[[], Path] = Path.home
    temp: Callable[[], str] = tempfile.gettempdir
    now: Callable[[], float] = time.time
    modified: Callable[[str], Optional[float]] = _modified
    listed: Callable[[str], Sequence[str]] = _listed
    drives: Optional[DriveSources] = None  # None: this machine's, with the probe's runner


def probe_host(
    env: Mapping[str, str],
    runner: Runner,
    places: Sequence[Tuple[str, str]],
    spec: HostTable,
    sources: Optional[HostSources] = None,
) -> Probed[HostFacts]:
    """The host, and the drives of ``places``: pairs of role and absolute path.

    Roles are those of :class:`DriveFacts`. The home, cache and temporary folders are added.
    """
    probe = _HostProbe(env, runner, spec, sources or HostSources())
    return probe.run(places)


class _HostProbe:
    def __init__(
        self, env: Mapping[str, str], runner: Runner, spec: HostTable, sources: HostSources
    ) -> None:
        self._env = env
        self._spec = spec
        self._sources = sources
        self._drives = sources.drives or DriveSources(runner=runner)
        self._failures: List[ProbeFailure] = []

    def run(self, places: Sequence[Tuple[str, str]]) -> Probed[HostFacts]:
        source = self._sources
        system = self._told("system", source.system, "").lower() or os.name
        on_windows = system == "windows"
        version = self._told("Windows version", source.windows_version, None)
        wsl = self._wsl(system)
        nothing: Tuple[Optional[int], Optional[int]] = (None, None)
        memory, swap = self._told("memory", source.memory, nothing)
        home = self._told("home folder", lambda: str(source.home()), None)
        temp = self._told("temporary folder", source.temp, None)
        machine = self._told("machine", source.machine, "")
        cache = str(Path(home) / ".cache") if home else None
        drives = self._all_drives(places, cache, temp, wsl)
        # A folder on a network drive that is gone would hold this thread.
        local = {drive.path for drive in drives if drive.kind != "network"}
        newest = self._newest([path for _, path in places if path in local])
        facts = HostFacts(
            system=system,
            release=self._told("release", source.release, ""),
            version=_version_text(version) or self._told("version", source.version, ""),
            machine=machine,
            bits=64 if "64" in machine else 32,
            distro=None if on_windows else self._distro(),
            build=version.build if version else None,
            wsl=wsl,
            wine=self._told("Wine", source.wine_version, None) if on_windows else None,
            server=version.server if version else None,
            libc=self._libc() if system == "linux" else None,
            memory_total=memory,
            swap_total=swap,
            drives=drives,
            long_paths=self._long_paths() if on_windows else None,
            code_page=self._told("code page", source.code_page, None),
            utf8_mode=self._utf8_mode(),
            encoding=self._told("encoding", source.encoding, None),
            now=self._told("clock", source.now, None),
            newest_file=newest[0],
            newest_file_path=newest[1],
            user=lookup(self._env, "USERNAME" if on_windows else "USER"),
            home=home,
            hostname=self._told("host name", source.hostname, None),
            temp=temp,
            cache=cache,
        )
        return Probed(facts, tuple(self._failures))

    def _told(self, part: str, function: Callable[[], T], otherwise: T) -> T:
        try:
            return function()
        except Exception as error:
            self._fail(f"{part}: {type(error).__name__}: {error}")
            return otherwise

    def _fail(self, reason: str) -> None:
        self._failures.append(ProbeFailure(probe="host", reason=reason))

    def _wsl(self, system: str) -> Optional[int]:
        """2 or 1 under WSL, 0 elsewhere. Kernels built for WSL say so in their release."""
        if system != "linux":
            return 0
        told = " ".join(self._sources.read_text(path) or "" for path in _KERNEL_FILES).lower()
        if not told.strip():
            return None
        if "microsoft" not in told and "wsl2" not in told:
            return 0
        # WSL 1 shows a made-up "4.4.0-19041-Microsoft"; WSL 2 is a real kernel, "-microsoft-".
        return 2 if "wsl2" in told or "microsoft-standard" in told else 1

    def _distro(self) -> Optional[str]:
        for path in _RELEASE_FILES:
            text = self._sources.read_text(path)
            if text is not None:
                fields = _release_fields(text)
                return fields.get("PRETTY_NAME") or fields.get("NAME") or fields.get("ID")
        return None

    def _libc(self) -> Optional[str]:
        name, version = self._told("C library", self._sources.libc, ("", ""))
        if name:
            return f"{name} {version}".strip()
        names = [Path(path).name for path in self._sources.listed("/lib")]
        return "musl" if any(name.startswith("ld-musl-") for name in names) else None

    def _long_paths(self) -> Optional[bool]:
        spec = self._spec
        answer = self._sources.registry.value(spec.long_paths_key, spec.long_paths_value)
        if answer.problem is not None:
            self._fail(f"{spec.long_paths_value}: {answer.problem}")
            return None
        if answer.value is None:
            return False  # the value is absent on a fresh Windows, and absent means off
        number = answer.number()
        if number is None:
            kind = type(answer.value).__name__
            self._fail(f"{spec.long_paths_value}: a {kind} where a number belongs")
            return None
        return number == 1

    def _utf8_mode(self) -> bool:
        return (lookup(self._env, "PYTHONUTF8") or "") in _TRUE

    def _newest(self, paths: Sequence[str]) -> Tuple[Optional[float], Optional[str]]:
        """The newest time among the given paths and what lies directly in them."""
        newest: Optional[float] = None
        newest_path: Optional[str] = None
        for path in paths:
            for candidate in (path, *self._sources.listed(path)):
                when = self._sources.modified(candidate)
                if when is not None and (newest is None or when > newest):
                    newest, newest_path = when, candidate
        return newest, newest_path

    def _all_drives(
        self,
        places: Sequence[Tuple[str, str]],
        cache: Optional[str],
        temp: Optional[str],
        wsl: Optional[int],
    ) -> Tuple[DriveFacts, ...]:
        wanted: Dict[str, str] = {}
        for role, path in [*places, ("cache", cache), ("temp", temp)]:
            if path:
                wanted.setdefault(role, path)
        reader = Drives(self._spec, self._drives, bool(wsl))
        drives: List[DriveFacts] = []
        for role, path in wanted.items():
            facts, problem = reader.describe(role, path)
            drives.append(facts)
            if problem is not None:
                self._fail(f"drive of {path}: {problem}")
        return tuple(drives)


def _version_text(version: Optional[windows.WindowsVersion]) -> Optional[str]:
    return f"{version.major}.{version.minor}.{version.build}" if version else None


def _release_fields(text: str) -> Dict[str, str]:
    """The ``KEY=value`` lines of an os-release file, quotes removed."""
    fields: Dict[str, str] = {}
    for line in text.splitlines():
        match = re.match(r"\s*([A-Z_]+)=(.*)$", line)
        if match:
            fields[match.group(1)] = match.group(2).strip().strip("'\"")
    return fields
