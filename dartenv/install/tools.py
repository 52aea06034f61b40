"""pip and uv: which one installs into an environment, and how it is called."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import dartenv
from dartenv.facts.model import InterpreterFacts
from dartenv.fixes.lock import state_folder
from dartenv.fixes.steps import RunCommand, Safety
from dartenv.install.holding import lock_file
from dartenv.install.settings import InstallConfig

LIMIT = 3600.0
TORCH_LIMIT = 4 * 3600.0


@dataclass(frozen=True)
class Tool:
    """What installs: ``kind`` is "pip" or "uv"; ``uv`` its program."""

    kind: str
    python: str
    prefix: str
    uv: Optional[str] = None

    def install(self, *arguments: str) -> List[str]:
        """The command that installs ``arguments`` into the environment."""
        if self.kind == "uv" and self.uv:
            named = ["--python", self.python]
            return [self.uv, "pip", "install", *named, "--no-progress", *arguments]
        quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
        return [self.python, "-m", "pip", "install", *quiet, *arguments]

    def uninstall(self, *names: str) -> List[str]:
        """The command that removes packages."""
        if self.kind == "uv" and self.uv:
            return [self.uv, "pip", "uninstall", "--python", self.python, *names]
        return [self.python, "-m", "pip", "uninstall", "-y", *names]


def find_uv(settings: InstallConfig) -> Optional[str]:
    """uv's program: the one named, else the first on PATH outside the current folder."""
    if settings.uv is not None:
        found = Path(settings.uv).expanduser()
        return str(found.absolute()) if found.is_file() else None
    return on_path("uv")


def on_path(name: str) -> Optional[str]:
    """An absolute path of a program on PATH; never one that lies in the current folder."""
    here = os.path.normcase(os.getcwd())
    folders = [
        folder
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        if os.path.isabs(folder) and os.path.normcase(os.path.normpath(folder)) != here
    ]
    endings = (".exe", ".bat", ".cmd") if os.name == "nt" else ("",)
    for folder in folders:
        for ending in endings:
            candidate = os.path.join(folder, name + ending)
            if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                return candidate
    return None


def tool_for(
    interpreter: InterpreterFacts, settings: InstallConfig, has_pip: Optional[bool] = None
) -> Union[Tool, str]:
    """pip where the environment has it, uv where it has not; or why there is neither."""
    python = interpreter.executable
    prefix = interpreter.prefix or str(Path(python).parent.parent)
    if has_pip is None:
        has_pip = any(one.name.lower() == "pip" for one in interpreter.distributions)
    if settings.tool == "pip" or (settings.tool == "auto" and has_pip):
        if has_pip:
            return Tool("pip", python, prefix)
        return f"{python} has no pip; {python} -m ensurepip brings it"
    uv = find_uv(settings)
    if uv is not None:
        return Tool("uv", python, prefix, uv)
    if settings.tool == "uv":
        where = settings.uv or "on PATH"
        return f"uv is asked for, and there is none {where}"
    return f"{python} has no pip, and uv is not on PATH; {python} -m ensurepip brings pip"


def index_options(settings: InstallConfig, torch_index: Optional[str] = None) -> List[str]:
    """Where to look: ``torch_index`` alone for torch, else the user's choice or configuration."""
    options = [part for folder in settings.find_links for part in ("--find-links", folder)]
    if settings.no_index:
        return ["--no-index", *options]
    index = torch_index or settings.index
    return ["--index-url", index, *options] if index else options


@dataclass(frozen=True)
class Change:
    """What a command does to the environment: names added, ``name==version`` to go back to."""

    absent: Tuple[str, ...] = ()
    restore: Tuple[str, ...] = ()


def run_step(
    tool: Tool,
    command: Sequence[str],
    *,
    name: str,
    fix: str,
    reason: str,
    change: Change,
    settings: InstallConfig,
    own_index: bool = False,
    env: Optional[Dict[str, str]] = None,
    timeout: float = LIMIT,
    safety: Safety = Safety.UNSAFE,
) -> RunCommand:
    """A step that runs an installer through :mod:`dartenv.install.run`, and can be taken back.

    Installing replaces what somebody may have chosen and takes gigabytes: it is consented to
    step by step, or all at once where an environment is made from nothing.
    """
    state = state_folder()
    lock = str(lock_file(state, tool.prefix))
    stem = hashlib.sha256("\0".join([tool.prefix, name, *command]).encode("utf-8")).hexdigest()[:12]
    note = str(state / "install" / f"{stem}.json")
    log = str(state / "install" / f"{name.replace(':', '-')}-{stem}.log")
    here = [sys.executable, "-m"]
    asked = ["--own-index"] if own_index else []
    for key, value in (env or {}).items():
        asked += ["--set", f"{key}={value}"]
    back = ["--absent", ",".join(change.absent)] if change.absent else []
    for text in change.restore:
        back += ["--restore", text]
    for option in index_options(settings):
        back += [f"--option={option}"]
    common = ["--lock", lock, "--before", note, "--python", tool.python]
    uv = ["--uv", tool.uv] if tool.kind == "uv" and tool.uv else []
    return RunCommand(
        id=name,
        fixes=(fix,),
        reason=reason,
        safety=safety,
        argv=(
            *(*here, "dartenv.install.run", *common, "--log", log, "--tool", tool.kind, *asked),
            "--",
            *command,
        ),
        undo_argv=(*here, "dartenv.install.back", *common, *uv, *back),
        timeout=timeout,
        env=own_path(),
        shown=" ".join(shown(command)),
    )


def own_path() -> Dict[str, str]:
    """What lets another process of this interpreter import this dartenv."""
    return {"PYTHONPATH": str(Path(dartenv.__file__).resolve().parent.parent)}


def shown(command: Sequence[str]) -> List[str]:
    """A command for eyes: without what only keeps the output short."""
    quiet = ("--no-input", "--disable-pip-version-check", "--no-progress", "--progress-bar", "off")
    return [f'"{part}"' if " " in part else part for part in command if part not in quiet]
