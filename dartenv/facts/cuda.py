"""CUDA toolkits, wherever they lie, and the variables that choose between them."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from dartenv.facts import windows
from dartenv.facts.model import CudaFacts, ProbeFailure, ToolkitFacts
from dartenv.facts.places import (
    expand_all,
    first_on_path,
    is_dir,
    is_file,
    is_inside,
    matching,
    real_path,
)
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Runner
from dartenv.manifests.compat_gpu import ToolkitTable

_FOLDER = re.compile(r"(?:cuda-?|v)(\d+\.\d+)(?:\.\d+)?$", re.IGNORECASE)
_RELEASE = re.compile(r"release (\d+\.\d+)(?:, V(\d+\.\d+\.\d+))?")
_NUMBER = re.compile(r"(\d+\.\d+(?:\.\d+)?)")
_HEADER = re.compile(r"^\s*#\s*define\s+CUDA_VERSION\s+(\d+)", re.MULTILINE)
_MAX_HEADER = 4 * 1024 * 1024


@dataclass(frozen=True)
class CudaSources:
    """Where the probe reads from; the defaults are this machine."""

    system: str = field(default_factory=platform.system)
    registry: windows.Registry = field(default_factory=windows.real_registry)
    cwd: Optional[str] = None


def probe_cuda(
    env: Mapping[str, str],
    runner: Runner,
    spec: ToolkitTable,
    sources: Optional[CudaSources] = None,
) -> Probed[CudaFacts]:
    """Every toolkit, each folder once, and what the variables and PATH say. Never raises."""
    return _CudaProbe(env, runner, spec, sources or CudaSources()).run()


class _CudaProbe:
    def __init__(
        self, env: Mapping[str, str], runner: Runner, spec: ToolkitTable, sources: CudaSources
    ) -> None:
        self._env = env
        self._runner = runner
        self._spec = spec
        self._sources = sources
        self._windows = sources.system.lower() == "windows"
        self._failures: List[ProbeFailure] = []
        self._hung = False
        self._broken: Dict[str, str] = {}
        # Real folder, as it is compared -> (the folder, who found it).
        self._found: Dict[str, Tuple[str, List[str]]] = {}

    def run(self) -> Probed[CudaFacts]:
        variables = self._variables()
        for name, value in variables.items():
            self._from_variable(name, value)
        self._from_registry()
        self._from_folders()
        nvcc = first_on_path(self._compiler_name, self._env, self._sources.cwd)
        toolkits = [self._toolkit(folder, by) for folder, by in self._found.values()]
        if nvcc is not None:
            toolkits = self._with_path(toolkits, nvcc)
        facts = CudaFacts(
            toolkits=tuple(sorted(toolkits, key=lambda t: t.path)),
            env=variables,
            nvcc_on_path=nvcc,
            env_broken=self._broken,
        )
        return Probed(facts, tuple(self._failures))

    @property
    def _compiler_name(self) -> str:
        return "nvcc.exe" if self._windows else "nvcc"

    def _variables(self) -> Dict[str, str]:
        """The variables that name a toolkit, under their usual spelling, with their values."""
        known = {name.upper(): name for name in self._spec.variables}
        prefix = self._spec.variable_prefix.upper()
        found: Dict[str, str] = {}
        for name, value in self._env.items():
            upper = name.upper() if self._windows else name
            if value.strip() and (upper in known or upper.startswith(prefix)):
                found[known.get(upper, upper)] = value
        return dict(sorted(found.items()))

    def _from_variable(self, name: str, value: str) -> None:
        folder = value.strip().strip('"')
        if os.pathsep in folder:
            self._broken[name] = "holds several paths"
        elif not Path(folder).is_absolute():
            self._broken[name] = "is a relative path"
        elif not is_dir(folder):
            self._broken[name] = "names a folder that does not exist"
        elif not self._holds_toolkit(folder):
            self._broken[name] = "names a folder without a CUDA toolkit"
        else:
            self._note(folder, name)

    def _from_registry(self) -> None:
        for key in self._spec.registry:
            names = self._sources.registry.subkeys(key)
            self._problem(names.problem)
            for name in names.names:
                answer = self._sources.registry.value(f"{key}\\{name}", self._spec.registry_value)
                self._problem(answer.problem)
                folder = answer.text()
                if answer.value is not None and folder is None:
                    self._problem(f"{key}\\{name}: {self._spec.registry_value} is no text")
                if folder and Path(folder).is_absolute() and self._holds_toolkit(folder):
                    self._note(folder, "registry")

    def _from_folders(self) -> None:
        patterns = self._spec.folders_windows if self._windows else self._spec.folders_linux
        for folder in matching(patterns, self._env):
            if self._holds_toolkit(folder):
                by = "Program Files" if self._windows else str(Path(folder).parent)
                self._note(folder, by)

    def _problem(self, reason: Optional[str]) -> None:
        if reason is not None:
            self._failures.append(ProbeFailure(probe="cuda", reason=reason))

    def _note(self, folder: str, by: str) -> None:
        real = real_path(os.path.normpath(folder))
        entry = self._found.setdefault(os.path.normcase(real), (real, []))
        if by not in entry[1]:
            entry[1].append(by)

    def _holds_toolkit(self, folder: str) -> bool:
        names = (f"bin/{self._compiler_name}", "version.json", "version.txt")
        return any(is_file(str(Path(folder) / name)) for name in names)

    def _toolkit(self, folder: str, by: List[str]) -> ToolkitFacts:
        version, told_by = self._version(folder)
        return ToolkitFacts(
            path=folder,
            version=version,
            version_from=told_by,
            found_by=tuple(by),
            nvcc=is_file(str(Path(folder) / "bin" / self._compiler_name)),
        )

    def _with_path(self, toolkits: List[ToolkitFacts], nvcc: str) -> List[ToolkitFacts]:
        """The toolkits with the one that PATH leads to marked, or added.

        What lies on PATH may be a script that starts the compiler elsewhere: then its own answer
        says which toolkit it belongs to.
        """
        folder = str(Path(real_path(nvcc)).parent.parent)
        for index, toolkit in enumerate(toolkits):
            if os.path.normcase(toolkit.path) == os.path.normcase(folder):
                return [*toolkits[:index], _marked(toolkit), *toolkits[index + 1 :]]
        if self._has_version_file(folder):
            return [*toolkits, self._toolkit(folder, ["PATH"])]
        version = self._asked(nvcc)
        for index, toolkit in enumerate(toolkits):
            if version is not None and toolkit.version and _same(toolkit.version, version):
                return [*toolkits[:index], _marked(toolkit), *toolkits[index + 1 :]]
        told_by = "nvcc" if version else None
        if version is None:
            version, told_by = _header_version(folder)
        added = ToolkitFacts(
            path=folder, version=version, version_from=told_by, found_by=("PATH",), nvcc=True
        )
        return [*toolkits, added]

    def _has_version_file(self, folder: str) -> bool:
        return any(is_file(str(Path(folder) / n)) for n in ("version.json", "version.txt"))

    def _version(self, folder: str) -> Tuple[Optional[str], Optional[str]]:
        version = _json_version(folder)
        if version is not None:
            return version, "version.json"
        version = _text_version(folder)
        if version is not None:
            return version, "version.txt"
        compiler = str(Path(folder) / "bin" / self._compiler_name)
        version = self._asked(compiler) if is_file(compiler) else None
        if version is not None:
            return version, "nvcc"
        version, told_by = _header_version(folder)
        if version is not None:
            return version, told_by
        match = _FOLDER.search(Path(folder).name)
        return (match.group(1), "folder name") if match else (None, None)

    def _asked(self, compiler: str) -> Optional[str]:
        """What a compiler in a trusted place says of itself; one anywhere else is not run."""
        roots = self._spec.trusted_windows if self._windows else self._spec.trusted_linux
        if not is_inside(compiler, expand_all(roots, self._env)):
            return None
        if self._hung:  # one that hangs is enough waiting; the others may be on the same disk
            self._problem(f"{compiler} --version: not asked, another nvcc hung")
            return None
        done = self._runner.run([compiler, "--version"], self._spec.limit)
        self._hung = done.failure == "timeout"
        match = _RELEASE.search(done.text())
        if match is None:
            why = done.why(self._spec.limit, ", no version in its answer")
            self._problem(f"{compiler} --version: {why}")
            return None
        return match.group(2) or match.group(1)


def _marked(toolkit: ToolkitFacts) -> ToolkitFacts:
    return ToolkitFacts(
        path=toolkit.path,
        version=toolkit.version,
        version_from=toolkit.version_from,
        found_by=(*toolkit.found_by, "PATH"),
        nvcc=toolkit.nvcc,
    )


def _same(one: str, other: str) -> bool:
    return one.split(".")[:2] == other.split(".")[:2]


def _read(path: Path) -> Optional[str]:
    try:
        with path.open("rb") as stream:
            return stream.read(_MAX_HEADER).decode("utf-8-sig", errors="replace")
    except OSError:
        return None


def _json_version(folder: str) -> Optional[str]:
    """The compiler's full version where version.json has it, else the release's."""
    text = _read(Path(folder) / "version.json")
    if text is None:
        return None
    try:
        data: Any = json.loads(text)
    except ValueError:
        return None
    release = _entry(data, "cuda")
    compiler = _entry(data, "cuda_nvcc")
    if release and compiler and _same(release, compiler):
        return compiler
    return release


def _entry(data: Any, name: str) -> Optional[str]:
    part = data.get(name) if isinstance(data, dict) else None
    version = part.get("version") if isinstance(part, dict) else None
    match = _NUMBER.match(version) if isinstance(version, str) else None
    return match.group(1) if match else None


def _text_version(folder: str) -> Optional[str]:
    match = _NUMBER.search(_read(Path(folder) / "version.txt") or "")
    return match.group(1) if match else None


def _header_version(folder: str) -> Tuple[Optional[str], Optional[str]]:
    """From the ``CUDA_VERSION`` of cuda.h: 11080 is 11.8."""
    match = _HEADER.search(_read(Path(folder) / "include" / "cuda.h") or "")
    if match is None:
        return None, None
    number = int(match.group(1))
    return f"{number // 1000}.{number % 1000 // 10}", "cuda.h"
