"""Checks of VS Code's files."""

from __future__ import annotations

from typing import Iterator, List, Optional

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.model import EditorFacts, InterpreterFacts, LaunchFacts
from dartenv.manifests.compat_editor import EditorTable
from dartenv.manifests.loader import Manifests


@check("editor.launch", needs=("source.root",))
def editor_launch(editor: EditorFacts, manifests: Manifests) -> Iterator[Finding]:
    """VS Code's launch configurations for the rollout and the in-between demo."""
    table = manifests.read("compat", "editor", EditorTable)
    if editor.launch_problem is not None:
        yield finding(
            Status.INFO,
            f"{table.launch_path}: {editor.launch_problem}",
            found=f"{table.launch_path}: {editor.launch_problem}",
            wanted="JSON, comments allowed",
            why="VS Code shows no configuration from it",
        )
        return
    missing: List[str] = []
    odd: List[str] = []
    for row in table.launch:
        mine = [c for c in editor.launch if c.module == row.module]
        if not mine:
            missing.append(row.module)
        for one in mine:
            odd.extend(_relative_checkpoint(one))
    if missing or odd:
        parts = []
        if missing:
            parts.append(f"no configuration starts {' or '.join(missing)}")
        parts.extend(odd)
        yield finding(
            Status.INFO,
            "; ".join(parts),
            found=f"{len(editor.launch)} configurations in {table.launch_path}",
            wanted=f"one each for {', '.join(row.module for row in table.launch)}",
            why="F5 in VS Code starts and debugs DART with this machine's paths",
            remedy="merged with what is there, can be undone",
            fix="editor.launch",
            source=table.source,
        )
        return
    yield finding(Status.OK, f"{table.launch_path} starts the rollout and the in-between demo")


def _relative_checkpoint(one: LaunchFacts) -> List[str]:
    for position, argument in enumerate(one.args[:-1]):
        if argument == "--denoiser_checkpoint":
            value = one.args[position + 1].replace("\\", "/")
            absolute = value.startswith("/") or value[1:3] == ":/" or value.startswith("${")
            if not absolute and not one.cwd:
                return [f"{one.name}: {value} is relative and no cwd is set"]
    return []


@check("editor.interpreter", needs=("source.root",))
def editor_interpreter(
    editor: EditorFacts, interpreter: Optional[InterpreterFacts], manifests: Manifests
) -> Iterator[Finding]:
    """Whether VS Code runs the target interpreter."""
    table = manifests.read("compat", "editor", EditorTable)
    if editor.settings_problem is not None:
        yield finding(
            Status.INFO,
            f"{table.settings_path}: {editor.settings_problem}",
            why="VS Code ignores a setting it cannot read",
        )
        return
    if interpreter is None:
        yield finding(Status.INFO, "no target interpreter to compare VS Code's with")
        return
    if editor.interpreter is None:
        found = f"{table.settings_path} names no interpreter"
    elif _same(editor.interpreter, interpreter.executable, editor.folder):
        yield finding(Status.OK, f"VS Code runs {interpreter.executable}")
        return
    else:
        found = f"{editor.interpreter_key} = {editor.interpreter}"
    yield finding(
        Status.INFO,
        f"{found}; the target is {interpreter.executable}",
        found=found,
        wanted=interpreter.executable,
        why="VS Code would run and check DART with another Python",
        remedy="writes one setting, can be undone",
        fix="editor.interpreter",
        source=table.source,
    )


def _same(setting: str, executable: str, folder: str) -> bool:
    plain = setting.replace("${workspaceFolder}", folder).replace("\\", "/").lower()
    return plain.rstrip("/") == executable.replace("\\", "/").lower()
