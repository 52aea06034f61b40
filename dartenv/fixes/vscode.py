"""VS Code's launch configurations for the two demos, and its interpreter, in the DART root.

The files are edited in place: comments, trailing commas, layout and line ends stay.
"""

from __future__ import annotations

import json
import posixpath
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from dartenv.checks.hardware import is_windows, pure
from dartenv.facts import jsonc
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.file_steps import (
    Unreadable,
    decoded,
    newline_of,
    possible,
    read_bytes,
    write_step,
)
from dartenv.fixes.jsonc_edit import Node, Style, appended, dumped, replaced, scan, style_of
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, fixer
from dartenv.manifests.compat_editor import EditorTable, LaunchRow
from dartenv.manifests.loader import Manifests

LAUNCH = "editor.launch"
INTERPRETER = "editor.interpreter"

# Text and its style -> the new text. Raises ValueError where the file is not as it should be.
Edit = Callable[[str, Style], str]


@fixer(LAUNCH)
def plan_launch(facts: Facts, manifests: Manifests, target: TargetFacts) -> Planned:
    """The configurations that are missing, and absolute checkpoints in those that are there."""
    table = manifests.read("compat", "editor", EditorTable)
    if facts.editor is None:
        return [Refusal(fix=LAUNCH, reason="no DART tree to put it in")]
    root = _slashed(facts.editor.folder, is_windows(facts.host))
    profile_id = target.profile or facts.target.profile
    compute = manifests.profile(profile_id).compute if profile_id else ""
    values = {
        "{root}": root,
        "{checkpoint}": f"{root}/{table.checkpoint}",
        "{device}": "cpu" if compute == "cpu" else "cuda",
    }
    wanted = [_configuration(row, table, values) for row in table.launch]
    new = {"version": table.launch_version, "configurations": wanted}
    path = str(pure(facts.editor.folder, facts.host) / table.launch_path)
    reason = "start the rollout and the in-between demo from VS Code"

    def edit(text: str, style: Style) -> str:
        return with_configurations(text, style, wanted, table.checkpoint_option, root)

    return _step(LAUNCH, path, new, edit, reason, is_windows(facts.host))


@fixer(INTERPRETER)
def plan_interpreter(facts: Facts, manifests: Manifests, target: TargetFacts) -> Planned:
    """The setting that names the target interpreter."""
    table = manifests.read("compat", "editor", EditorTable)
    if facts.editor is None or facts.interpreter is None:
        return [Refusal(fix=INTERPRETER, reason="no DART tree or no target interpreter")]
    key, python = table.interpreter_key, facts.interpreter.executable
    if facts.editor.interpreter_key == table.old_interpreter_key and _same(
        facts.editor.interpreter, python
    ):
        return []
    path = str(pure(facts.editor.folder, facts.host) / table.settings_path)
    reason = f"let VS Code run {python}, unless another one was selected in it by hand"

    def edit(text: str, style: Style) -> str:
        return with_setting(text, style, key, python, facts.editor.folder if facts.editor else "")

    return _step(INTERPRETER, path, {key: python}, edit, reason, is_windows(facts.host))


def with_configurations(
    text: str, style: Style, wanted: List[Dict[str, Any]], option: str, root: str
) -> str:
    """launch.json with the ``wanted`` configurations.

    One whose module is there already is left alone, but for a checkpoint (the value after
    ``option``) that is relative to nowhere: it becomes absolute, below ``root``. Raises ValueError.
    """
    data = _object(text)
    listed = data.setdefault("configurations", [])
    if not isinstance(listed, list):
        raise ValueError("its configurations are no list")
    if "configurations" not in scan(text).keys:
        text = appended(text, scan(text), [], style, key="configurations")
    for row in wanted:
        same = [item for item in listed if _module(item) == row["module"]]
        if not same:
            text = appended(text, _configurations(text), row, style)
            listed.append(row)
        for item in same:
            at = _relative(item, option)
            if at is not None:
                value = posixpath.normpath(f"{root}/" + item["args"][at].replace("\\", "/"))
                text = replaced(text, _argument(text, listed.index(item), at), _string(value))
                item["args"][at] = value
    if _object(text) != data:
        raise ValueError("written in an unusual way")
    return text


def with_setting(text: str, style: Style, key: str, value: str, folder: str) -> str:
    """settings.json with ``key`` at ``value``; as it was where it says so. Raises ValueError."""
    data = _object(text)
    old = data.get(key)
    if isinstance(old, str) and _same(old.replace("${workspaceFolder}", folder), value):
        return text
    member = scan(text).member(key)
    if member is None:
        text = appended(text, scan(text), value, style, key=key)
    else:
        text = replaced(text, member, _string(value))
    if _object(text) != {**data, key: value}:
        raise ValueError("written in an unusual way")
    return text


def _step(
    fix: str, path: str, new: Dict[str, Any], edit: Edit, reason: str, windows: bool
) -> Planned:
    data = read_bytes(path)
    if isinstance(data, Unreadable):
        return [Refusal(fix=fix, reason=data.reason, path=path)]
    if data is None:
        newline = "\r\n" if windows else "\n"
        text = dumped(new, "", Style(newline, "    ")) + newline
        content = text.encode("utf-8")
    else:
        edited = _edited(data, edit)
        if isinstance(edited, str):
            return [Refusal(fix=fix, reason=f"{edited}; edit it by hand", path=path)]
        if edited == data:
            return []
        content = edited
    looked = possible(write_step((fix,), path, data, content, reason), path)
    return looked if isinstance(looked, tuple) else [looked]


def _edited(data: bytes, edit: Edit) -> Union[bytes, str]:
    """The new content, or what stands in the way."""
    text = decoded(data)
    if text is None:
        return "neither UTF-8 nor GBK"
    try:
        new = edit(text[0], style_of(text[0], newline_of(text[0])))
        return new.encode(text[1])
    except UnicodeEncodeError:
        return f"it is in {text[1].upper()}, which this machine's paths do not fit in"
    except (ValueError, RecursionError) as error:
        return f"not JSON as VS Code takes it: {error}"


def _configuration(row: LaunchRow, table: EditorTable, values: Dict[str, str]) -> Dict[str, Any]:
    arguments: List[str] = []
    for argument in row.args:
        for name, value in values.items():
            argument = argument.replace(name, value)
        arguments.append(argument)
    return {
        "name": row.name,
        "type": table.launch_type,
        "request": "launch",
        "module": row.module,
        "args": arguments,
        "console": "integratedTerminal",
        "cwd": values["{root}"],
    }


def _object(text: str) -> Dict[str, Any]:
    data = jsonc.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data


def _configurations(text: str) -> Node:
    found = scan(text).member("configurations")
    if found is None or found.kind != "array":
        raise ValueError("its configurations are no list")
    return found


def _module(item: Any) -> Optional[str]:
    return item.get("module") if isinstance(item, dict) else None


def _relative(item: Dict[str, Any], option: str) -> Optional[int]:
    """Where in its arguments a configuration names a checkpoint that depends on the folder."""
    arguments = item.get("args")
    if isinstance(item.get("cwd"), str) and item["cwd"]:
        return None
    if isinstance(arguments, str) and option in arguments.split():
        raise ValueError("its args are one string")
    if not isinstance(arguments, list):
        return None
    for position, argument in enumerate(arguments[:-1]):
        value = arguments[position + 1]
        if argument == option and isinstance(value, str):
            plain = value.replace("\\", "/")
            absolute = plain.startswith(("/", "${")) or plain[1:3] == ":/"
            return None if absolute else position + 1
    return None


def _argument(text: str, configuration: int, position: int) -> Node:
    arguments = _configurations(text).items[configuration].member("args")
    if arguments is None or position >= len(arguments.items):
        raise ValueError("written in an unusual way")
    return arguments.items[position]


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _slashed(path: str, windows: bool) -> str:
    plain = path.replace("\\", "/") if windows else path
    return plain.rstrip("/") or plain


def _same(setting: Optional[str], python: str) -> bool:
    spelled: Tuple[str, ...] = tuple(
        path.replace("\\", "/").rstrip("/").lower() for path in (setting or "", python)
    )
    return spelled[0] == spelled[1]
