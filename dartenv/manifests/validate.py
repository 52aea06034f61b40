"""Judging the manifests against each other: what a profile asks for, some table must have."""

from __future__ import annotations

from typing import Callable, Iterator, List, Optional, Sequence, Tuple, Type

import msgspec
from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from dartenv.errors import UsageFault
from dartenv.manifests.compat import (
    ClipTable,
    ImportTable,
    ModuleTable,
    NumpyTable,
    OnnxRuntimeTable,
    Pytorch3dTable,
    SharedTable,
    TorchRelease,
    TorchTable,
)
from dartenv.manifests.failures import failure_table, table_problems
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Manifest, Profile
from dartenv.manifests.validate_gpu import gpu_problems
from dartenv.manifests.validate_locks import lock_problems
from dartenv.manifests.validate_rows import numpy_conflicts, words
from dartenv.manifests.validate_rows import table_problems as row_problems
from dartenv.manifests.wheels import wheel_for


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: in which manifest, at which key, and what."""

    manifest: str
    key: str
    text: str

    def line(self) -> str:
        """The problem as one line."""
        return f"{self.manifest}: {self.key}: {self.text}"


TABLES: Tuple[Tuple[str, Type[Manifest]], ...] = (
    ("torch", TorchTable),
    ("pytorch3d", Pytorch3dTable),
    ("numpy", NumpyTable),
    ("onnxruntime", OnnxRuntimeTable),
    ("clip", ClipTable),
    ("imports", ImportTable),
    ("modules", ModuleTable),
    ("shared", SharedTable),
)


def validate(manifests: Manifests) -> List[Problem]:
    """Every problem of the profiles and of the compatibility tables; none in good manifests."""
    problems: List[Problem] = []
    for stem, kind in TABLES:
        try:
            problems.extend(_sources(f"compat/{stem}", manifests.read("compat", stem, kind)))
        except UsageFault as fault:
            problems.append(_unreadable(f"compat/{stem}", fault))
    if problems and any(p.key == "file" for p in problems):
        return problems  # profiles cannot be judged by tables that are not there
    for stem in manifests.stems("profiles"):
        try:
            profile = manifests.profile(stem)
        except UsageFault as fault:
            problems.append(_unreadable(f"profiles/{stem}", fault))
            continue
        problems.extend(_profile(profile, manifests))
    if any(_breaks_locks(problem) for problem in problems):
        return problems  # a lock cannot be held against a profile that cannot be read
    if not any(problem.key == "file" for problem in problems):
        problems.extend(
            Problem(manifest=manifest, key=key, text=text)
            for manifest, key, text in row_problems(manifests)
        )
        problems.extend(
            Problem(manifest="compat", key="machine", text=line) for line in gpu_problems(manifests)
        )
        problems.extend(
            Problem(manifest=manifest, key=key, text=text)
            for manifest, key, text in lock_problems(manifests)
        )
        problems.extend(_failures(manifests))
    return problems


def _breaks_locks(problem: Problem) -> bool:
    unread = ("cannot be read", "is not a version", "is not a specifier")
    return problem.text.endswith(unread)


def _failures(manifests: Manifests) -> Iterator[Problem]:
    name = "install/failures"
    try:
        table = failure_table(manifests)
    except UsageFault as fault:
        yield _unreadable(name, fault)
        return
    for key, text in table_problems(table):
        yield Problem(manifest=name, key=key, text=text)


def _unreadable(name: str, fault: UsageFault) -> Problem:
    return Problem(manifest=name, key="file", text=fault.render())


def _sources(name: str, value: object, key: str = "") -> Iterator[Problem]:
    """Empty ``source`` fields, anywhere in a table."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            inner = getattr(value, field)
            place = f"{key}.{field}" if key else field
            if field.endswith("source") and inner == "":
                yield Problem(manifest=name, key=place, text="no source is named")
            yield from _sources(name, inner, place)
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from _sources(name, inner, f"{key}[{number}]")


Rule = Callable[[Profile, Manifests], Iterator[Tuple[str, str]]]


def _profile(profile: Profile, manifests: Manifests) -> Iterator[Problem]:
    rules: Sequence[Rule] = (
        _shape,
        words,
        _torch,
        _pytorch3d,
        _numpy,
        numpy_conflicts,
        _requirements,
        _runtime,
        _names,
    )
    for rule in rules:
        for key, text in rule(profile, manifests):
            yield Problem(manifest=f"profiles/{profile.id}", key=key, text=text)


def _shape(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    if not profile.source:
        yield "source", "no source is named"
    if profile.system not in ("windows", "linux", "any"):
        yield "system", f"{profile.system!r} is not windows, linux or any"
    if not profile.python:
        yield "python", "no Python is named"
    expected = "cpu" if profile.cuda is None else "cu" + profile.cuda.replace(".", "")
    if profile.compute != expected:
        yield "compute", f"{profile.compute} does not go with cuda {profile.cuda or 'none'}"
    reference = profile.python_reference
    if reference and ".".join(reference.split(".")[:2]) not in profile.python:
        yield "python_reference", f"{reference} is not among python {', '.join(profile.python)}"
    if profile.pytorch3d not in ("wheel", "transforms", "none"):
        yield "pytorch3d", f"{profile.pytorch3d!r} is not wheel, transforms or none"


def _torch(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    """The torch of each Python: its release, platform, companions and index stand in the table."""
    table = manifests.read("compat", "torch", TorchTable)
    rows = {row.version: row for row in table.releases}
    for python in profile.python:
        version = profile.torch or profile.torch_by_python.get(
            python, profile.torch_by_python.get("other")
        )
        if version is None:
            yield "torch", f"no torch is named for Python {python}"
            continue
        public, _, local = version.partition("+")
        row = rows.get(public)
        if row is None:
            yield "torch", f"torch {public} is not in compat/torch"
            continue
        if python not in row.python:
            yield "python", f"torch {public} has no wheels for Python {python}"
        if (local or profile.compute) not in row.compute or (local and local != profile.compute):
            yield "compute", f"torch {public} has no {profile.compute} wheels"
        if _below(public, profile.torch_min):
            yield "torch_min", f"torch {public} is below {profile.torch_min}"
        yield from _companions(profile, row)
    url = next((one.url for one in table.indexes if one.compute == profile.compute), None)
    if profile.torch_index is not None and profile.torch_index != url:
        yield "torch_index", f"{profile.torch_index} is not {url}, as compat/torch has it"


def _companions(profile: Profile, row: TorchRelease) -> Iterator[Tuple[str, str]]:
    for name, has, wanted in (
        ("torchvision", profile.torchvision, row.torchvision),
        ("torchaudio", profile.torchaudio, row.torchaudio),
    ):
        if has is not None and has.partition("+")[0] != wanted:
            yield name, f"{has} does not belong to torch {row.version}: {wanted}"
        local = has.partition("+")[2] if has is not None else ""
        if local and local != profile.compute:
            yield name, f"{has} is not built for {profile.compute}"


def _below(version: str, lowest: Optional[str]) -> bool:
    try:
        return lowest is not None and Version(version) < Version(lowest)
    except InvalidVersion:
        return True


def _pytorch3d(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    """A profile that installs a compiled pytorch3d has one for its best Python at least."""
    if profile.pytorch3d != "wheel" or profile.torch is None or not profile.python:
        return
    systems = ["windows", "linux"] if profile.system == "any" else [profile.system]
    for system in systems:
        for python in profile.python:
            answer = wheel_for(python, profile.torch, profile.compute, system, manifests)
            if answer.wheel is None:
                near = answer.nearest.version if answer.nearest is not None else "none"
                yield "pytorch3d", f"no wheel for {answer.wanted}; nearest: {near}"
            elif (
                python == profile.python[0]
                and answer.wheel.kind == "pip"
                and profile.pytorch3d_version not in (None, answer.wheel.version)
            ):
                yield (
                    "pytorch3d_version",
                    f"{profile.pytorch3d_version} is not {answer.wheel.version}, as the table has it",
                )


def _numpy(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    """The profile's numpy exists for each of its Pythons, as far as the table knows them."""
    table = manifests.read("compat", "numpy", NumpyTable)
    try:
        wanted = SpecifierSet(profile.numpy)
    except InvalidSpecifier:
        yield "numpy", f"{profile.numpy!r} is not a specifier"
        return
    lowest = [Version(s.version) for s in wanted if s.operator in (">=", "==", ">", "~=")]
    for row in table.last:
        if row.python in profile.python and any(v > Version(row.version) for v in lowest):
            yield "numpy", f"{profile.numpy} does not exist for Python {row.python}: {row.version}"


def _requirements(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    for number, one in enumerate(profile.requirements):
        key = f"requirements[{number}] {one.name}"
        try:
            wanted = SpecifierSet(one.spec)
        except InvalidSpecifier:
            yield key, f"spec {one.spec!r} is not a specifier"
            continue
        try:
            if one.pin and not wanted.contains(Version(one.pin), prereleases=True):
                yield key, f"pin {one.pin} is not {one.spec}"
        except InvalidVersion:
            yield key, f"pin {one.pin!r} is not a version"
        try:
            if one.markers:
                Marker(one.markers)
        except InvalidMarker:
            yield key, f"markers {one.markers!r} cannot be read"
        for entry in one.needed_by:
            if entry not in profile.entry_points:
                yield key, f"needed_by {entry} is not an entry point of the profile"


def _runtime(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    """The pinned ONNX Runtime is built for the profile's CUDA and best Python."""
    if profile.onnxruntime is None:
        return
    table = manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    name, _, pin = profile.onnxruntime.partition("==")
    package = next((p for p in table.packages if p.name == name), None)
    if package is None:
        yield "onnxruntime", f"{name} is not in compat/onnxruntime"
        return
    if not pin:
        return
    try:
        version = Version(pin)
    except InvalidVersion:
        yield "onnxruntime", f"{profile.onnxruntime}: {pin!r} is not a version"
        return
    rows = [
        row
        for row in table.rows
        if row.package == name and row.index == "main" and version in SpecifierSet(row.versions)
    ]
    if not rows:
        yield "onnxruntime", f"{profile.onnxruntime} is in no row of compat/onnxruntime"
        return
    row = rows[0]
    major = (profile.cuda or "").split(".")[0]
    if row.cuda is not None and row.cuda.split(".")[0] != major:
        yield "onnxruntime", f"{profile.onnxruntime} is built for CUDA {row.cuda}"
    if row.python and profile.python and profile.python[0] not in row.python:
        yield "onnxruntime", f"{profile.onnxruntime} has no wheels for Python {profile.python[0]}"


def _names(profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    """Other profiles and entry points that are named exist."""
    for other in profile.falls_back_to:
        if other not in manifests.stems("profiles"):
            yield "falls_back_to", f"no profile {other}"
    known = {
        e for tree in manifests.trees() if tree.kind == profile.kind for e in tree.entry_points
    }
    for entry in profile.entry_points:
        if entry not in known:
            yield "entry_points", f"{entry} is no entry point of a {profile.kind} tree"
