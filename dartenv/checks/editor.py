"""Checks of VS Code's files and of what carries DART into Unreal Engine."""

from __future__ import annotations

from typing import Iterator, List, Optional

from packaging.version import InvalidVersion, Version

from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import not_needed
from dartenv.checks.registry import check, finding
from dartenv.facts.model import EditorFacts, InterpreterFacts, LaunchFacts, UnrealFacts
from dartenv.manifests.compat_editor import EditorTable, EngineRow, UnrealTable
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


@check("unreal.blender")
def unreal_blender(unreal: UnrealFacts, manifests: Manifests) -> Iterator[Finding]:
    """A Blender that the SMPL-X add-on takes, and the add-on's archive."""
    if not (unreal.engines or unreal.blenders or unreal.addons or unreal.code_archives):
        yield not_needed("neither Unreal Engine nor Blender is here")
        return
    table = manifests.read("compat", "unreal", UnrealTable)
    wanted = f"Blender {table.blender_min} or newer and the add-on's zip with its models"
    fitting = [b for b in unreal.blenders if _at_least(b.version, table.blender_min)]
    notes: List[str] = []
    if not unreal.blenders:
        notes.append("no Blender was found")
    elif not fitting:
        shown = ", ".join(f"{b.version or 'unknown version'} at {b.path}" for b in unreal.blenders)
        notes.append(f"Blender {shown} is older than the add-on takes")
    if not unreal.addons:
        notes.append(
            f"{unreal.code_archives[0]} is the add-on's source without its models"
            if unreal.code_archives
            else "no SMPL-X add-on archive was found"
        )
    if not notes:
        yield finding(Status.OK, f"Blender {fitting[0].version}, add-on {unreal.addons[0]}")
        return
    yield finding(
        Status.INFO,
        "; ".join(notes),
        wanted=wanted,
        why="the SMPL-X body reaches Unreal Engine as FBX through Blender",
        source=table.blender_source,
    )


@check("unreal.engine")
def unreal_engine(unreal: UnrealFacts, manifests: Manifests) -> Iterator[Finding]:
    """Engine versions, the ONNX Runtime each bundles, and what a bundle may use there."""
    table = manifests.read("compat", "unreal", UnrealTable)
    if not unreal.engines:
        yield not_needed("no Unreal Engine was found")
        return
    lines: List[str] = []
    for engine in unreal.engines:
        row = engine_row(engine.version, table)
        if row is None:
            lines.append(
                f"Unreal {engine.version or 'of unknown version'} at {engine.path}: its ONNX "
                f"Runtime is not in our table; opset {table.safe_opset}, IR {table.safe_ir} is safe"
            )
        else:
            sure = "" if row.sure else " (not confirmed)"
            lines.append(
                f"Unreal {engine.version} at {engine.path}: ONNX Runtime {row.onnxruntime}{sure}, "
                f"opset up to {row.opset}, IR up to {row.ir}"
            )
    yield finding(
        Status.INFO,
        lines[0],
        evidence=lines[1:],
        source=table.safe_source,
        why="GPU in Unreal means DirectML",
    )


@check("unreal.bundle")
def unreal_bundle(unreal: UnrealFacts) -> Iterator[Finding]:
    """An exported bundle beside the tree."""
    if not unreal.bundles and not unreal.engines:
        yield not_needed("no exported bundle, and no Unreal Engine to take one")
        return
    if not unreal.bundles:
        yield finding(
            Status.INFO,
            "no exported bundle was found beside the tree",
            why="Unreal Engine runs DART from a bundle of ONNX models",
        )
        return
    yield finding(Status.INFO, f"bundle at {unreal.bundles[0]}; its models were not run")


def engine_row(version: Optional[str], table: UnrealTable) -> Optional[EngineRow]:
    """The table's row for an engine version, by its first two numbers."""
    if version is None:
        return None
    minor = ".".join(version.split(".")[:2])
    return next((row for row in table.engines if row.engine == minor), None)


def _at_least(version: Optional[str], minimum: str) -> bool:
    try:
        return version is not None and Version(version) >= Version(minimum)
    except InvalidVersion:
        return False
