"""VS Code's launch configurations and interpreter setting in the DART root."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Tuple

from dartenv.facts import jsonc, places
from dartenv.facts.model import EditorFacts, LaunchFacts
from dartenv.facts.probed import Probed
from dartenv.manifests.compat_editor import EditorTable


def probe_editor(root: str, table: EditorTable) -> Probed[EditorFacts]:
    """What the two files say; what is wrong with one is told in its ``problem``."""
    launch_path, settings_path = Path(root, table.launch_path), Path(root, table.settings_path)
    launch, launch_problem = _document(launch_path, table.max_bytes)
    settings, settings_problem = _document(settings_path, table.max_bytes)
    interpreter: Optional[str] = None
    key: Optional[str] = None
    if isinstance(settings, dict):
        for name in (table.interpreter_key, table.old_interpreter_key):
            if isinstance(settings.get(name), str):
                interpreter, key = settings[name], name
                break
    return Probed(
        EditorFacts(
            folder=root,
            launch_exists=places.is_file(str(launch_path)),
            launch_problem=launch_problem,
            launch=_configurations(launch),
            settings_exists=places.is_file(str(settings_path)),
            settings_problem=settings_problem,
            interpreter=interpreter,
            interpreter_key=key,
        )
    )


def _document(path: Path, max_bytes: int) -> Tuple[Any, Optional[str]]:
    if not places.is_file(str(path)):
        return None, places.obstacle(str(path))
    try:
        if path.stat().st_size > max_bytes:
            return None, f"{path.stat().st_size} bytes"
        value = jsonc.loads(places.decoded(path.read_bytes(), "utf-8-sig", "gbk"))
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        return None, f"not JSON: {error}"
    if not isinstance(value, dict):
        return None, "not a JSON object"
    return value, None


def _configurations(launch: Any) -> Tuple[LaunchFacts, ...]:
    listed = launch.get("configurations") if isinstance(launch, dict) else None
    if not isinstance(listed, list):
        return ()
    return tuple(
        LaunchFacts(
            name=str(item.get("name", "")),
            module=_text(item.get("module")),
            program=_text(item.get("program")),
            args=_arguments(item.get("args")),
            cwd=_text(item.get("cwd")),
        )
        for item in listed
        if isinstance(item, dict)
    )


def _arguments(value: Any) -> Tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) else None
