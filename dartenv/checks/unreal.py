"""Checks of what carries DART into Unreal Engine."""

from __future__ import annotations

from typing import Iterator, List, Optional

from packaging.version import InvalidVersion, Version

from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import not_needed
from dartenv.checks.registry import check, finding
from dartenv.facts.model import BundleFacts, UnrealFacts
from dartenv.manifests.compat_editor import EngineRow, UnrealTable
from dartenv.manifests.loader import Manifests


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
        remedy=_without_addon(unreal, table),
        commands=["dartenv unreal body --smplx SMPLX_MALE.npz --out DIR"],
    )


def _without_addon(unreal: UnrealFacts, table: UnrealTable) -> str:
    """What dartenv does with what is here."""
    version = next(
        (b.version for b in unreal.blenders if _at_least(b.version, table.fbx_blender_min)), None
    )
    if version is None:
        return "writes the body as glTF, which needs neither Blender nor the add-on"
    return f"needs no add-on; with --format fbx it writes FBX by the Blender {version} that is here"


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
def unreal_bundle(unreal: UnrealFacts, manifests: Manifests) -> Iterator[Finding]:
    """An exported bundle beside the tree, and whether the engines' ONNX Runtimes take its files."""
    if not unreal.bundles and not unreal.engines:
        yield not_needed("no exported bundle, and no Unreal Engine to take one")
        return
    if not unreal.bundles:
        yield finding(
            Status.INFO,
            "no exported bundle was found beside the tree",
            why="Unreal Engine runs DART from a bundle of ONNX models",
            remedy="writes one, with files that every engine of the table loads",
            commands=["dartenv export --dart-root DIR --out BUNDLE"],
        )
        return
    if not unreal.told:
        yield finding(Status.INFO, f"bundle at {unreal.bundles[0]}; its models were not run")
        return
    table = manifests.read("compat", "unreal", UnrealTable)
    faults = [fault for told in unreal.told for fault in _bundle_faults(told, unreal, table)]
    first = unreal.told[0]
    if faults:
        yield finding(
            Status.INFO,
            faults[0],
            evidence=faults[1:],
            wanted=f"files of opset {table.safe_opset} and IR {table.safe_ir}, as export writes them",
            why="Unreal Engine runs DART from a bundle of ONNX models",
            source=table.safe_source,
            remedy="writes the bundle anew",
            commands=["dartenv export --dart-root DIR --out BUNDLE"],
        )
        return
    engines = ", ".join(engine.version or "?" for engine in unreal.engines)
    opset, ir = (max(getattr(file, name) for file in first.portable) for name in ("opset", "ir"))
    told = f"bundle at {first.path} ({first.kind}): files of opset {opset}, IR {ir} for engines"
    yield finding(
        Status.INFO,
        f"{told}, which Unreal {engines} loads" if engines else told,
        evidence=[
            f"{first.compared} comparisons with the reference, all within their limits"
            if first.compared
            else "no comparison with the reference is recorded",
            "its models were neither hashed nor run here: dartenv generate does both",
        ],
        source=table.safe_source,
    )


def _bundle_faults(told: BundleFacts, unreal: UnrealFacts, table: UnrealTable) -> List[str]:
    """Why an engine that is here, or any, would not run this bundle; nothing where one would."""
    if told.problem is not None:
        return [told.problem]
    if not told.portable:
        return [f"bundle at {told.path} has no file for engines' ONNX Runtimes (portable)"]
    faults = [f"{told.path}: {file.path}: {file.problem}" for file in told.portable if file.problem]
    faults += [f"{told.path}: {missed}" for missed in told.missed]
    rows = [(e.version, engine_row(e.version, table)) for e in unreal.engines]
    limits = [(f"Unreal {version}", row.opset, row.ir) for version, row in rows if row is not None]
    if len(limits) < len(rows) or not rows:
        limits.append(("every engine of our table", table.safe_opset, table.safe_ir))
    for file in told.portable:
        if file.contrib:
            faults.append(f"{told.path}: {file.path} uses operators outside ONNX's own")
        for engine, opset, ir in limits:
            if file.opset > opset or file.ir > ir:
                faults.append(
                    f"{told.path}: {file.path} is of opset {file.opset} and IR {file.ir}; "
                    f"{engine} loads up to {opset} and {ir}"
                )
    return faults


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
