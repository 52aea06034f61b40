"""The host compilers that nvcc would use: Visual Studio's toolsets on Windows, gcc on Linux."""

from __future__ import annotations

import json
import locale
import os
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from dartenv.facts import windows
from dartenv.facts.model import MsvcFacts, ProbeFailure, VsInstance
from dartenv.facts.places import (
    decoded,
    expand_all,
    first_on_path,
    is_dir,
    is_file,
    lookup,
    matching,
    real_path,
)
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Runner
from dartenv.manifests.compat_gpu import MsvcTable

_TOOLSET = re.compile(r"\d+\.\d+\.\d+$")
_GCC = re.compile(r"\d+(?:\.\d+)*")
_MAX_TEXT = 64 * 1024


@dataclass(frozen=True)
class MsvcSources:
    """Where the probe reads from; the defaults are this machine."""

    system: str = field(default_factory=platform.system)
    registry: windows.Registry = field(default_factory=windows.real_registry)
    encoding: str = field(default_factory=lambda: locale.getpreferredencoding(False))
    cwd: Optional[str] = None


def probe_msvc(
    env: Mapping[str, str],
    runner: Runner,
    spec: MsvcTable,
    sources: Optional[MsvcSources] = None,
) -> Probed[MsvcFacts]:
    """Every Visual Studio with its toolsets, or the system's gcc. Never raises."""
    return _MsvcProbe(env, runner, spec, sources or MsvcSources()).run()


class _MsvcProbe:
    def __init__(
        self, env: Mapping[str, str], runner: Runner, spec: MsvcTable, sources: MsvcSources
    ) -> None:
        self._env = env
        self._runner = runner
        self._spec = spec
        self._sources = sources
        self._failures: List[ProbeFailure] = []

    def run(self) -> Probed[MsvcFacts]:
        if self._sources.system.lower() == "windows":
            facts = self._on_windows()
        else:
            gcc = next((path for path in self._spec.gcc if is_file(path)), None)
            facts = MsvcFacts(
                env=self._variables(),
                cub_header=self._cub_header(),
                gcc=gcc,
                gcc_version=self._gcc_version(gcc) if gcc else None,
            )
        return Probed(facts, tuple(self._failures))

    def _on_windows(self) -> MsvcFacts:
        vswhere = next((p for p in expand_all(self._spec.vswhere, self._env) if is_file(p)), None)
        instances = self._told_by_vswhere(vswhere) if vswhere else None
        if instances is None:
            instances = self._found_by_place()
        return MsvcFacts(
            vswhere=vswhere,
            instances=tuple(instances),
            cl_on_path=first_on_path("cl.exe", self._env, self._sources.cwd),
            env=self._variables(),
            cub_header=self._cub_header(),
        )

    def _fail(self, reason: str) -> None:
        self._failures.append(ProbeFailure(probe="msvc", reason=reason))

    def _variables(self) -> Dict[str, str]:
        found = {name: lookup(self._env, name) for name in self._spec.variables}
        return {name: value for name, value in found.items() if value is not None}

    def _cub_header(self) -> Optional[bool]:
        home = lookup(self._env, self._spec.cub_variable)
        if home is None:
            return None
        return Path(home).is_absolute() and is_file(str(Path(home) / self._spec.cub_header))

    def _told_by_vswhere(self, vswhere: str) -> Optional[List[VsInstance]]:
        """All instances; ``None`` where it gave no usable answer."""
        done = self._runner.run([vswhere, *self._spec.vswhere_arguments], self._spec.limit)
        if not done.ok:
            self._fail(f"{vswhere}: {done.why(self._spec.limit)}")
            return None
        text = decoded(done.out, "utf-8-sig", self._sources.encoding)
        try:
            data: Any = json.loads(text)
        except ValueError:
            shown = " ".join(text.split())[:60]
            self._fail(f"{vswhere}: its answer is not JSON: {shown!r}")
            return None
        if not isinstance(data, list):
            self._fail(f"{vswhere}: its answer is not a list of installations")
            return None
        return [instance for entry in data for instance in self._instance(entry)]

    def _instance(self, entry: Any) -> List[VsInstance]:
        path = entry.get("installationPath") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not Path(path).is_absolute():
            self._fail("vswhere lists an installation without a path")
            return []
        toolsets, default = self._toolsets(path)
        return [
            VsInstance(
                path=path,
                name=_text(entry, "displayName"),
                version=_text(entry, "installationVersion"),
                product=_text(entry, "productId"),
                complete=_flag(entry, "isComplete"),
                launchable=_flag(entry, "isLaunchable"),
                reboot_required=_flag(entry, "isRebootRequired"),
                toolsets=toolsets,
                default_toolset=default,
            )
        ]

    def _found_by_place(self) -> List[VsInstance]:
        """Installations by the registry and by their usual folders, once each."""
        found: Dict[str, Tuple[str, str]] = {}
        for key in self._spec.registry:
            names = self._sources.registry.values(key)
            if names.problem is not None:
                self._fail(names.problem)
            for name in names.names:
                answer = self._sources.registry.value(key, name)
                folder = answer.text()
                if folder is None:
                    self._fail(answer.problem or f"{key}: {name} is no text")
                if folder and Path(folder).is_absolute() and is_dir(folder):
                    found.setdefault(_compared(folder), (os.path.normpath(folder), "registry"))
        for folder in matching(self._spec.folders, self._env):
            found.setdefault(_compared(folder), (folder, "folder"))
        instances: List[VsInstance] = []
        for folder, found_by in found.values():
            toolsets, default = self._toolsets(folder)
            if toolsets or default:
                instances.append(
                    VsInstance(
                        path=folder, toolsets=toolsets, default_toolset=default, found_by=found_by
                    )
                )
        return instances

    def _toolsets(self, installation: str) -> Tuple[Tuple[str, ...], Optional[str]]:
        """The toolsets with a 64-bit compiler, oldest first, and the one taken by default."""
        folder = Path(installation) / self._spec.toolsets
        names: List[str] = []
        try:
            entries = sorted(folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            self._fail(f"{folder}: cannot be listed: {error.strerror or error}")
            entries = []
        for entry in entries:
            if _TOOLSET.match(entry.name) and is_file(str(entry / self._spec.compiler)):
                names.append(entry.name)
        names.sort(key=lambda name: [int(part) for part in name.split(".")])
        return tuple(names), self._default(installation)

    def _default(self, installation: str) -> Optional[str]:
        path = Path(installation) / self._spec.default_toolset
        try:
            with path.open("rb") as stream:
                text = stream.read(_MAX_TEXT).decode("utf-8-sig", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._fail(f"{path}: cannot be read: {error.strerror or error}")
            return None
        return text if _TOOLSET.match(text) else None

    def _gcc_version(self, gcc: str) -> Optional[str]:
        done = self._runner.run([gcc, "-dumpfullversion", "-dumpversion"], self._spec.limit)
        match = _GCC.match(done.text().strip())
        if match is None:
            self._fail(f"{gcc}: {done.why(self._spec.limit, ', no version')}")
            return None
        return match.group(0)


def _compared(folder: str) -> str:
    return os.path.normcase(real_path(os.path.normpath(folder)))


def _text(entry: Mapping[str, Any], name: str) -> Optional[str]:
    value = entry.get(name)
    return value if isinstance(value, str) else None


def _flag(entry: Mapping[str, Any], name: str) -> Optional[bool]:
    value = entry.get(name)
    return value if isinstance(value, bool) else None
