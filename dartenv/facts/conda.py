"""conda: which one, its environments, every .condarc it would read, and its shell hooks.

conda itself is asked (``conda info --json``) only with its absolute path and a time limit; what
its files say is read without it, since a broken conda is one of the things to find out.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from dartenv.assets.yaml_data import NoDocument, Tagged, YamlFault, load_yaml
from dartenv.facts import places, windows
from dartenv.facts.model import (
    CondaEnvironment,
    CondaFacts,
    CondarcFacts,
    ProbeFailure,
    ShellFacts,
)
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Runner, clean_env
from dartenv.manifests.compat_tools import ToolsTable

LIMIT = 8.0


def probe_conda(
    env: Mapping[str, str],
    runner: Runner,
    table: ToolsTable,
    registry: Optional[windows.Registry] = None,
    is_windows: bool = os.name == "nt",
) -> Probed[CondaFacts]:
    """conda as this machine has it. Every part that could not be told is a failure."""
    probe = _CondaProbe(env, runner, table, registry or windows.real_registry(), is_windows)
    return probe.run()


class _CondaProbe:
    def __init__(
        self,
        env: Mapping[str, str],
        runner: Runner,
        table: ToolsTable,
        registry: windows.Registry,
        is_windows: bool,
    ) -> None:
        self._env = env
        self._runner = runner
        self._table = table
        self._registry = registry
        self._windows = is_windows
        self._failures: List[ProbeFailure] = []

    def run(self) -> Probed[CondaFacts]:
        executable = self._executable()
        info = self._info(executable) if executable is not None else {}
        root = _text(info.get("root_prefix") or info.get("base environment"))
        if root is None and executable is not None:
            root = str(Path(executable).parent.parent)
        facts = CondaFacts(
            kind=_kind(executable),
            executable=executable,
            version=_text(info.get("conda_version") or info.get("micromamba version")),
            root_prefix=root,
            active_prefix=_text(info.get("active_prefix"))
            or places.lookup(self._env, "CONDA_PREFIX"),
            environments=self._environments(info, root),
            condarcs=tuple(self._condarcs(root)),
            registered=self._registered(),
            shells=tuple(self._shells()),
        )
        return Probed(facts, tuple(self._failures))

    def _fail(self, reason: str) -> None:
        self._failures.append(ProbeFailure(probe="conda", reason=reason))

    def _executable(self) -> Optional[str]:
        table = self._table
        for name in table.programs_windows if self._windows else table.programs_posix:
            found = places.first_on_path(name, self._env)
            if found is not None:
                return found
        known = table.conda_windows if self._windows else table.conda_posix
        for path in places.expand_all(known, self._env):
            if places.is_file(path):
                return path
        return None

    def _info(self, executable: str) -> Dict[str, Any]:
        done = self._runner.run([executable, "info", "--json"], LIMIT, env=clean_env())
        if not done.ok:
            self._fail(f"{executable} info --json: {done.why(LIMIT)}")
            return {}
        try:
            info = json.loads(places.decoded(done.out, "utf-8"))
        except ValueError:
            self._fail(f"{executable} info --json: not JSON ({len(done.out)} bytes)")
            return {}
        return info if isinstance(info, dict) else {}

    def _environments(
        self, info: Mapping[str, Any], root: Optional[str]
    ) -> Tuple[CondaEnvironment, ...]:
        listed = [e for e in info.get("envs") or () if isinstance(e, str)]
        if not listed and root is not None:
            listed = [root, *_children(Path(root) / "envs")]
        return tuple(_environment(path, root) for path in dict.fromkeys(listed))

    def _condarcs(self, root: Optional[str]) -> List[CondarcFacts]:
        env = dict(self._env)
        if root is not None:
            env["CONDA_ROOT"] = root
        table = self._table
        found: List[CondarcFacts] = []
        templates = table.condarc_windows if self._windows else table.condarc_posix
        for path in places.expand_all(templates, env):
            for file in _files_of(path):
                problem = places.obstacle(file)
                if problem is not None:
                    found.append(CondarcFacts(path=file, problem=problem))
                elif places.is_file(file):
                    found.append(read_condarc(file, table.condarc_max_bytes))
        return found

    def _registered(self) -> Tuple[str, ...]:
        found: List[str] = []
        for key in self._table.anaconda_keys:
            names = self._registry.subkeys(key)
            if names.problem is not None:
                self._fail(names.problem)
            for name in names.names:
                value = self._setting(f"{key}\\{name}\\InstallPath", "")
                if value:
                    found.append(value)
        return tuple(dict.fromkeys(found))

    def _setting(self, key: str, name: str) -> Optional[str]:
        """A text of the registry; what stands there instead of one is a failure."""
        answer = self._registry.value(key, name)
        if answer.problem is not None:
            self._fail(answer.problem)
        elif answer.value is not None and not isinstance(answer.value, str):
            self._fail(f"{key}: {name or 'its value'} is no text")
        return answer.text()

    def _shells(self) -> List[ShellFacts]:
        table = self._table
        if not self._windows:
            return [_marked("bash", places.expand_all(table.posix_profiles, self._env), table)]
        documents = self._setting(table.documents_key, table.documents_value)
        profiles = places.expand_all(
            (
                *(f"{documents}/{name}" for name in table.powershell_files if documents),
                *table.powershell_profiles,
            ),
            self._env,
        )
        autorun = self._setting(table.cmd_autorun_key, table.cmd_autorun_value)
        cmd = ShellFacts(
            shell="cmd",
            initialised=table.cmd_autorun_mark in (autorun or ""),
            path=f"{table.cmd_autorun_key}\\{table.cmd_autorun_value}",
        )
        return [_marked("powershell", profiles, table), cmd]


def read_condarc(path: str, max_bytes: int) -> CondarcFacts:
    """One .condarc as data; what is wrong with it is told in ``problem``."""
    try:
        size = Path(path).stat().st_size
        if size > max_bytes:
            return CondarcFacts(path=path, problem=f"{size} bytes, more than conda would read well")
        text = places.decoded(Path(path).read_bytes(), "utf-8", "gbk")
    except OSError as error:
        return CondarcFacts(path=path, problem=f"cannot be read: {error.strerror or error}")
    try:
        data = load_yaml(text)
    except NoDocument:
        return CondarcFacts(path=path)
    except YamlFault as fault:
        problem = str(fault)
        return CondarcFacts(
            path=path, problem=problem if "not YAML" in problem else f"not YAML: {problem}"
        )
    if data is None:
        return CondarcFacts(path=path)
    tag = next((one.tag for one in _parts(data) if isinstance(one, Tagged)), None)
    if tag is not None:
        return CondarcFacts(path=path, problem=f"not YAML that conda reads: the tag {tag}")
    if not isinstance(data, dict):
        return CondarcFacts(path=path, problem="not a mapping of settings")
    verify = data.get("ssl_verify")
    return CondarcFacts(
        path=path,
        channels=_texts(data.get("channels")),
        default_channels=_texts(data.get("default_channels")),
        ssl_verify=str(verify).lower() if isinstance(verify, (bool, str, int)) else None,
    )


def _parts(data: Any) -> Sequence[Any]:
    return (data, *data.values()) if isinstance(data, dict) else (data,)


def _texts(value: Any) -> Tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    items = value if isinstance(value, list) else ()
    return tuple(str(item) for item in items if isinstance(item, (str, int, float)))


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _kind(executable: Optional[str]) -> Optional[str]:
    if executable is None:
        return None
    stem = Path(executable).name.lower().split(".")[0]
    return stem if stem in ("conda", "mamba", "micromamba") else "conda"


def _children(folder: Path) -> List[str]:
    try:
        return sorted(str(entry) for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []


def _environment(path: str, root: Optional[str]) -> CondaEnvironment:
    prefix = Path(path)
    python: Optional[str] = None
    for parts in (("python.exe",), ("bin", "python")):
        candidate = prefix.joinpath(*parts)
        if places.is_file(str(candidate)):
            python = str(candidate)
            break
    is_base = root is not None and os.path.normcase(path) == os.path.normcase(root)
    history = prefix / "conda-meta" / "history"
    return CondaEnvironment(
        path=path,
        name="base" if is_base else prefix.name,
        is_base=is_base,
        python=python,
        has_history=places.is_file(str(history)) if places.is_dir(path) else None,
    )


def _files_of(path: str) -> Sequence[str]:
    """The file itself, or the YAML files of a ``condarc.d`` folder."""
    if not places.is_dir(path):
        return (path,)
    try:
        return sorted(str(f) for f in Path(path).iterdir() if f.suffix in (".yml", ".yaml"))
    except OSError:
        return ()


def _marked(shell: str, profiles: Sequence[str], table: ToolsTable) -> ShellFacts:
    for path in profiles:
        try:
            text = places.decoded(Path(path).read_bytes()[: table.condarc_max_bytes], "utf-8")
        except (OSError, ValueError):  # a name from the registry may hold a NUL
            continue
        if table.shell_mark in text:
            return ShellFacts(shell=shell, initialised=True, path=path)
    return ShellFacts(shell=shell, initialised=False, path=profiles[0] if profiles else None)
