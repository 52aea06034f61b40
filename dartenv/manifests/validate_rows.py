"""What two tables, or a profile and a table, say of the same thing has to agree."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from dartenv.manifests.compat import NumpyTable, OnnxRuntimeTable, OpsetRow
from dartenv.manifests.compat_editor import EditorTable, UnrealTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile, Requirement

SEVERITIES = ("ok", "info", "warn", "fail")
BACKENDS = ("any", "conda", "mamba", "micromamba", "uv", "venv")
Said = Iterator[Tuple[str, str]]


def words(profile: Profile, manifests: Manifests) -> Said:
    """Words of a profile that code knows: any other would be taken for the gravest."""
    for key in ("toolkit", "msvc", "gpu"):
        value = getattr(profile, key)
        if value not in SEVERITIES:
            yield key, f"{value!r} is not {', '.join(SEVERITIES[:-1])} or {SEVERITIES[-1]}"
    if profile.backend not in BACKENDS:
        yield "backend", f"{profile.backend!r} is none of {', '.join(BACKENDS)}"
    for other in profile.falls_back_to:
        if other in manifests.stems("profiles"):
            system = manifests.profile(other).system
            if "any" not in (system, profile.system) and system != profile.system:
                yield "falls_back_to", f"{other} is for {system}, this one for {profile.system}"


def numpy_conflicts(profile: Profile, manifests: Manifests) -> Said:
    """The numpy of each Python is one that the profile takes and its other packages bear."""
    table = manifests.read("compat", "numpy", NumpyTable)
    last = {row.python: row.version for row in table.last}
    pins = {python: _pins(profile, python) for python in profile.python}
    told: List[str] = []
    for python, versions in pins.items():
        numpy = versions.get("numpy") or _newest(profile.numpy, last.get(python))
        if numpy is None:
            continue
        if profile.numpy and not _within(numpy, profile.numpy):
            told.append(f"the pin {numpy} for Python {python} is not {profile.numpy}")
        torch = (profile.torch or profile.torch_by_python.get(python) or "").partition("+")[0]
        for row in table.conflicts:
            has = torch if row.package == "torch" else versions.get(row.package)
            if has and _within(has, row.versions) and _within(numpy, row.numpy):
                told.append(f"{numpy} for Python {python} and {row.package} {has}: {row.effect}")
    for text in dict.fromkeys(told):
        yield "numpy", text


def table_problems(manifests: Manifests) -> Iterator[Tuple[str, str, str]]:
    """(manifest, key, what is wrong) of the tables that speak of the same releases."""
    opsets = manifests.read("compat", "onnxruntime", OnnxRuntimeTable).opsets
    unreal = manifests.read("compat", "unreal", UnrealTable)
    for engine in unreal.engines:
        key = f"engines {engine.engine}"
        row = _opset_row(opsets, engine.onnxruntime)
        if row is None:
            yield "compat/unreal", key, f"ONNX Runtime {engine.onnxruntime} is in no row of opsets"
        elif (engine.opset, engine.ir) != (row.opset, row.ir):
            has = f"{row.opset}, {row.ir} for {engine.onnxruntime}"
            said = f"opset {engine.opset}, IR {engine.ir}, where compat/onnxruntime has {has}"
            yield "compat/unreal", key, said
        if engine.opset < unreal.safe_opset or engine.ir < unreal.safe_ir:
            yield "compat/unreal", key, f"below opset {unreal.safe_opset}, IR {unreal.safe_ir}"
    known = {e for tree in manifests.trees() if tree.kind == "dart" for e in tree.entry_points}
    for one in manifests.read("compat", "editor", EditorTable).launch:
        if one.module not in known:
            yield "compat/editor", f"launch {one.module}", "is no entry point of a dart tree"


def _opset_row(rows: Tuple[OpsetRow, ...], version: str) -> Optional[OpsetRow]:
    # "1.20" stands for any release of 1.20.
    asked = version if version.count(".") > 1 else f"{version}.0"
    return next((row for row in rows if _within(asked, row.versions)), None)


def _pins(profile: Profile, python: str) -> Dict[str, str]:
    """The pinned versions of one Python on the profile's system, by distribution."""
    return {one.name: one.pin for one in profile.requirements if one.pin and _applies(one, python)}


def _applies(one: Requirement, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    try:
        return not one.markers or Marker(one.markers).evaluate(environment)
    except InvalidMarker:
        return False  # told with the requirement itself


def _newest(spec: str, last: Optional[str]) -> Optional[str]:
    """The numpy that pip takes without a pin, where the table's last one is among those taken."""
    return last if last is not None and (not spec or _within(last, spec)) else None


def _within(version: str, spec: str) -> bool:
    try:
        return SpecifierSet(spec).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
