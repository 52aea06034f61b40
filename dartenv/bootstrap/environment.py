"""The stage that makes the environment, and the settings that point at it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Optional

from dartenv.bootstrap.backends import Backend
from dartenv.bootstrap.layout import Layout
from dartenv.bootstrap.pythons import BasePython, ask
from dartenv.bootstrap.source import folder_step
from dartenv.errors import UsageFault
from dartenv.fixes.diff import unified_diff
from dartenv.fixes.paths import lexists, sha256
from dartenv.fixes.steps import AnyStep, EditFile, WriteFile
from dartenv.install.settings import InstallConfig
from dartenv.target import environment_python

FIX = "bootstrap.environment"
SETTINGS = "bootstrap.settings"
HEAD = "# Written by dartenv bootstrap: what dartenv looks at in this folder. Yours to change.\n"


def standing(layout: Layout) -> Optional[BasePython]:
    """The environment's interpreter where it is there and runs."""
    found = environment_python(layout.environment)
    if found is None:
        return None
    python = ask(str(found))
    return python._replace(executable=str(found)) if python is not None else None


def environment_steps(layout: Layout, backend: Backend) -> List[AnyStep]:
    """What makes the environment. Raises UsageFault where something broken is in its place."""
    prefix = str(layout.environment)
    if lexists(prefix) and any(layout.environment.iterdir()):
        raise UsageFault(
            f"{prefix}: there is something, and no Python in it that runs",
            "an environment of dartenv's, or no such folder",
            f"move it away, or dartenv bootstrap --dir another folder than {layout.folder}",
        )
    return [
        folder_step(
            FIX,
            prefix,
            backend.command(prefix),
            f"an environment with Python {_shown(backend.python)}, by {backend.kind}",
            backend.kind,
            whole=True,
        )
    ]


def settings_steps(
    layout: Layout, profile: str, python: str, install: InstallConfig
) -> List[AnyStep]:
    """``dartenv.toml``, where it does not say all this yet; somebody's own is left alone."""
    wanted = config_text(layout, profile, python, install).encode("utf-8")
    try:
        old: Optional[bytes] = layout.config.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        old = None
    except OSError as error:
        raise UsageFault(f"{layout.config}: {error.strerror}") from None
    if old == wanted or (old is not None and not old.startswith(HEAD.encode("utf-8")[:20])):
        return []
    path, reason = str(layout.config), "dartenv commands in this folder need no options"
    name = f"{SETTINGS}:{path}"
    if old is None:
        return [WriteFile(id=name, fixes=(SETTINGS,), reason=reason, path=path, content=wanted)]
    return [
        EditFile(
            id=name,
            fixes=(SETTINGS,),
            reason=reason,
            path=path,
            old_sha256=sha256(old),
            content=wanted,
            diff=unified_diff(path, old, wanted),
        )
    ]


def config_text(layout: Layout, profile: str, python: str, install: InstallConfig) -> str:
    """The settings as TOML, paths relative where they are below the folder."""
    lines = [HEAD]
    lines.append(f"dart_root = {_quoted(_relative(str(layout.tree), layout.folder))}\n")
    lines.append(f"python = {_quoted(_relative(python, layout.folder))}\n")
    lines.append(f"profile = {_quoted(profile)}\n")
    values: Dict[str, object] = {
        name: getattr(install, name)
        for name in install.__struct_fields__
        if getattr(install, name) != getattr(InstallConfig(), name)
    }
    if values:
        lines.append("\n[install]\n")
    for name, value in values.items():
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, tuple):
            text = "[" + ", ".join(_quoted(str(one)) for one in value) + "]"
        else:
            text = _quoted(str(value))
        lines.append(f"{name} = {text}\n")
    return "".join(lines)


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.normpath(path)).relative_to(folder).as_posix()
    except ValueError:
        return Path(path).as_posix()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shown(python: str) -> str:
    return python if not Path(python).is_absolute() else f"of {python}"
