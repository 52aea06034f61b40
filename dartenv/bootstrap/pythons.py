"""Pythons of this machine that an environment can be made from; each is run before it is believed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence

from dartenv.facts.runner import Runner, SubprocessRunner, clean_env
from dartenv.install.tools import on_path

LIMIT = 15.0
_ASK = (
    "import json, struct, sys\n"
    "def has(name):\n"
    "    try:\n"
    "        __import__(name)\n"
    "    except ImportError:\n"
    "        return False\n"
    "    return True\n"
    "print(json.dumps({'version': '%d.%d.%d' % sys.version_info[:3],"
    " 'bits': struct.calcsize('P') * 8, 'venv': has('venv') and has('ensurepip'),"
    " 'executable': sys.executable, 'name': sys.implementation.name}))"
)


class BasePython(NamedTuple):
    """A Python that runs: ``version`` "3.8.10"; ``venv`` whether it can make environments."""

    executable: str
    version: str
    bits: int
    venv: bool

    @property
    def minor(self) -> str:
        """ "3.8" of "3.8.10"."""
        return ".".join(self.version.split(".")[:2])


def ask(executable: str, runner: Optional[Runner] = None) -> Optional[BasePython]:
    """What it says of itself; ``None`` where it does not run, as the Microsoft Store's stub."""
    runner = runner or SubprocessRunner()
    done = runner.run([executable, "-I", "-c", _ASK], LIMIT, env=clean_env())
    if not done.ok:
        return None
    try:
        told = json.loads(done.text())
        return BasePython(
            str(told["executable"]) or executable,
            str(told["version"]),
            int(told["bits"]),
            bool(told["venv"]) and told["name"] == "cpython",
        )
    except (ValueError, KeyError, TypeError):
        return None


def find_python(
    wanted: Sequence[str], runner: Optional[Runner] = None, exact: Optional[str] = None
) -> Optional[BasePython]:
    """The first Python of the minor versions ``wanted``, best first, that can make environments.

    ``exact`` is taken before others of its minor version where one is there ("3.8.8").
    """
    runner = runner or SubprocessRunner()
    for minor in wanted:
        fallback: Optional[BasePython] = None
        seen: List[str] = []
        for candidate in candidates(minor, runner):
            if os.path.normcase(candidate) in seen:
                continue
            seen.append(os.path.normcase(candidate))
            found = ask(candidate, runner)
            if found is None or found.minor != minor or found.bits != 64 or not found.venv:
                continue
            if exact is None or not exact.startswith(minor) or found.version == exact:
                return found
            fallback = fallback or found
        if fallback is not None:
            return fallback
    return None


def candidates(minor: str, runner: Runner) -> Iterator[str]:
    """Places where a Python of this minor version may be; a link or shim may not run it."""
    if "{}.{}".format(*sys.version_info[:2]) == minor:
        own = getattr(sys, "_base_executable", None) or sys.executable
        yield os.path.realpath(own) if os.name != "nt" else own
    if os.name == "nt":
        yield from _windows(minor, runner)
    for name in (f"python{minor}", "python3", "python"):
        found = on_path(name)
        if found is not None:
            yield found
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for folder in sorted(versions.glob(f"{minor}.*"), reverse=True):
        candidate = folder / ("python.exe" if os.name == "nt" else "bin/python3")
        if candidate.is_file():
            yield str(candidate)


def _windows(minor: str, runner: Runner) -> Iterator[str]:
    """What the installers wrote into the registry, and the launcher's answer."""
    import winreg

    for hive in ("HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"):
        key = f"Software\\Python\\PythonCore\\{minor}\\InstallPath"
        try:
            with winreg.OpenKey(getattr(winreg, hive), key) as opened:  # type: ignore[attr-defined, unused-ignore]
                folder = winreg.QueryValueEx(opened, "")[0]  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            continue
        candidate = Path(str(folder)) / "python.exe"
        if candidate.is_absolute() and candidate.is_file():
            yield str(candidate)
    launcher = Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "py.exe"
    if launcher.is_file():
        done = runner.run(
            [str(launcher), f"-{minor}", "-c", "import sys; print(sys.executable)"], LIMIT
        )
        if done.ok and done.text().strip():
            yield done.text().strip()
