"""Unreal Engine versions, Blender, and the SMPL-X add-on's archive on this machine."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from dartenv.facts import places, windows
from dartenv.facts.model import (
    BlenderFacts,
    BundleFacts,
    BundleModelFacts,
    EngineFacts,
    ProbeFailure,
    UnrealFacts,
)
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Runner, clean_env
from dartenv.manifests.compat_editor import UnrealTable

LIMIT = 8.0
_VERSION = re.compile(r"Blender\s+(\d+(?:\.\d+)+)")
_MAX_ENTRIES = 2000


def probe_unreal(
    env: Mapping[str, str],
    runner: Runner,
    table: UnrealTable,
    root: Optional[str] = None,
    registry: Optional[windows.Registry] = None,
    is_windows: bool = os.name == "nt",
) -> Probed[UnrealFacts]:
    """What of it is installed; Blender is asked for its version with a time limit."""
    registry = registry or windows.real_registry()
    failures: List[ProbeFailure] = []
    blenders: List[BlenderFacts] = []
    for path in places.matching(table.blender_windows if is_windows else table.blender_posix, env):
        blenders.append(BlenderFacts(path=path, version=_blender(path, runner, failures)))
    bundles = _bundles(root)
    return Probed(
        UnrealFacts(
            engines=tuple(_engines(env, table, registry, is_windows, failures)),
            blenders=tuple(blenders),
            addons=tuple(_archives(env, table, table.addon_patterns, root)),
            code_archives=tuple(_archives(env, table, table.code_archives, root)),
            bundles=tuple(bundles),
            told=tuple(told_by(path) for path in bundles),
        ),
        tuple(failures),
    )


def _blender(path: str, runner: Runner, failures: List[ProbeFailure]) -> Optional[str]:
    done = runner.run([path, "--version"], LIMIT, env=clean_env())
    found = _VERSION.search(places.decoded(done.out, "utf-8"))
    if found is None:
        why = done.why(LIMIT, " and no version")
        failures.append(ProbeFailure(probe="unreal", reason=f"{path} --version: {why}"))
        return None
    return found.group(1)


def _engines(
    env: Mapping[str, str],
    table: UnrealTable,
    registry: windows.Registry,
    is_windows: bool,
    failures: List[ProbeFailure],
) -> List[EngineFacts]:
    paths = list(places.matching(table.engine_windows if is_windows else table.engine_posix, env))
    names = registry.subkeys(table.engine_key)
    problems = [names.problem]
    for name in names.names:
        key = f"{table.engine_key}\\{name}"
        answer = registry.value(key, table.engine_value)
        value = answer.text()
        if value:
            paths.append(value)
        elif answer.value is not None:
            problems.append(f"{key}: {table.engine_value} is no text")
        problems.append(answer.problem)
    failures.extend(ProbeFailure(probe="unreal", reason=one) for one in problems if one)
    found: List[EngineFacts] = []
    for path in dict.fromkeys(os.path.normpath(p) for p in paths):
        version = _engine_version(Path(path) / table.build_version)
        if version is not None or places.is_dir(str(Path(path) / "Engine")):
            found.append(EngineFacts(path=path, version=version))
    return found


def _engine_version(path: Path) -> Optional[str]:
    try:
        data: Any = json.loads(places.decoded(path.read_bytes(), "utf-8-sig"))
        parts = [data["MajorVersion"], data["MinorVersion"], data.get("PatchVersion", 0)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return ".".join(str(part) for part in parts)


def _archives(
    env: Mapping[str, str], table: UnrealTable, patterns: Tuple[str, ...], root: Optional[str]
) -> List[str]:
    folders = [*places.expand_all(table.downloads, env), *([root] if root else [])]
    found: List[str] = []
    for folder in folders:
        try:
            names = sorted(entry.name for entry in os.scandir(folder))[:_MAX_ENTRIES]
        except OSError:
            continue
        for name in names:
            if any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in patterns):
                found.append(str(Path(folder) / name))
    return list(dict.fromkeys(found))


def _bundles(root: Optional[str]) -> List[str]:
    if root is None:
        return []
    return [
        str(path)
        for path in (Path(root) / "bundle" / "bundle.json", Path(root) / "bundle.json")
        if places.is_file(str(path))
    ]


def told_by(path: str) -> BundleFacts:
    """What the bundle.json at ``path`` says of files for engines; of these the sizes are looked at."""
    from dartenv.bundle.files import file_path, load_bundle
    from dartenv.errors import UsageFault

    try:
        bundle = load_bundle(Path(path))
    except UsageFault as fault:
        return BundleFacts(path=path, problem=fault.render())
    portable: List[BundleModelFacts] = []
    missed: List[str] = []
    compared = 0
    for file in (file for model in bundle.models for file in model.files):
        if not file.portable:
            continue
        portable.append(
            BundleModelFacts(
                path=file.path,
                opset=file.opset,
                ir=file.ir,
                contrib=file.contrib,
                problem=_wrong_size(file_path(Path(path), file), file.size),
            )
        )
        compared += len(file.parity)
        for one in file.parity:
            if not one.passed:
                missed.append(
                    f"{file.path}: {one.what} {one.error:.3g} {one.unit}, at most {one.limit}"
                )
    return BundleFacts(
        path=path,
        kind=bundle.kind,
        portable=tuple(portable),
        compared=compared,
        missed=tuple(missed),
    )


def _wrong_size(path: Path, size: int) -> Optional[str]:
    try:
        found = path.stat().st_size
    except OSError as error:
        return error.strerror or "cannot be read"
    return None if found == size else f"{found} bytes instead of {size}"
