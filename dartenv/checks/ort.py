"""Checks of ONNX Runtime in the target: does it fit, and does it run where it is asked to."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.imports import runtime_package
from dartenv.facts.lookup import (
    distribution,
    fits,
    minor,
    module,
    pip_command,
)
from dartenv.facts.model import ImportResult, ImportsFacts, InterpreterFacts
from dartenv.manifests.compat import OnnxRuntimePackage, OnnxRuntimeRow, OnnxRuntimeTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

_WHY = "exported models would run on the processor without a word, or not at all"


@check("ort.package")
def ort_package(
    interpreter: InterpreterFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """The ONNX Runtime in the target fits the profile's CUDA, cuDNN and Python."""
    table = manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    package = runtime_package(interpreter, table)
    wanted = profile.onnxruntime
    if package is None:
        yield finding(
            Status.OK,
            "ONNX Runtime is not installed; only an exported bundle needs it",
            evidence=[f"the profile's choice is {wanted}"] if wanted else [],
        )
        return
    one = distribution(interpreter, package.name)
    version = one.version if one is not None else "of unknown version"
    found = f"{package.name} {version}"
    if one is not None and one.problem:
        yield _wrong(found, f"its metadata is broken: {one.problem}", interpreter, profile, table)
        return
    if package.provider == "CPUExecutionProvider" and profile.compute != "cpu":
        yield finding(
            Status.INFO,
            f"{found} runs on the processor; profile {profile.id} chooses {wanted}",
            found=found,
            wanted=wanted,
            source=package.source,
        )
        return
    row = _row(package, version, interpreter, table)
    faults = list(_faults(found, row, interpreter, profile, table))
    if faults:
        yield _wrong(found, faults[0], interpreter, profile, table, faults[1:], row)
        return
    needs = f", for {_needs(row)}" if row is not None and row.cuda else ""
    yield finding(Status.OK, f"{found}{needs}", found=found)


def _row(
    package: OnnxRuntimePackage,
    version: str,
    interpreter: InterpreterFacts,
    table: OnnxRuntimeTable,
) -> Optional[OnnxRuntimeRow]:
    """The row of this release, by the CUDA that its own files name where two feeds have it."""
    rows = [r for r in table.rows if r.package == package.name and fits(version, r.versions)]
    own = module(interpreter, "onnxruntime")
    cuda = own.constants.get("cuda_version", "") if own is not None else ""
    if cuda and cuda != "None":
        built = [r for r in rows if r.cuda and cuda.split(".")[0] == r.cuda.split(".")[0]]
        rows = built or rows
    return rows[0] if rows else None


def _faults(
    found: str,
    row: Optional[OnnxRuntimeRow],
    interpreter: InterpreterFacts,
    profile: Profile,
    table: OnnxRuntimeTable,
) -> Iterator[str]:
    python = minor(interpreter.version)
    if row is None:
        return
    if row.python and python not in row.python:
        yield f"{found} has no wheels for Python {python}"
    if row.cuda is None:
        return
    if profile.cuda is None:
        yield f"{found} is built for {_needs(row)}, profile {profile.id} has no CUDA"
        return
    if row.cuda.split(".")[0] != profile.cuda.split(".")[0]:
        last = next(
            (x.version for x in table.last if x.package == row.package and x.python == python), None
        )
        unpinned = (
            f"; it is what an unpinned pip takes on Python {python}"
            if last is not None and found.endswith(f" {last}")
            else ""
        )
        yield f"{found} is built for {_needs(row)}, the profile has CUDA {profile.cuda}{unpinned}"
        return
    if row.cudnn is not None and not _has_cudnn(interpreter, row.cudnn):
        yield f"{found} loads cuDNN {row.cudnn}, which is nowhere in the target"


def _needs(row: OnnxRuntimeRow) -> str:
    return f"CUDA {row.cuda}" + (f" and cuDNN {row.cudnn}" if row.cudnn else "")


def _has_cudnn(interpreter: InterpreterFacts, major: str) -> bool:
    """Whether a cuDNN of that major is among the target's libraries, or could not be told."""
    names = (f"cudnn64_{major}.dll", f"libcudnn.so.{major}")
    seen = [one.name.lower() for one in interpreter.dlls]
    return any(name in seen for name in names)


def _wrong(
    found: str,
    fault: str,
    interpreter: InterpreterFacts,
    profile: Profile,
    table: OnnxRuntimeTable,
    more: tuple[str, ...] | List[str] = (),
    row: Optional[OnnxRuntimeRow] = None,
) -> Finding:
    wanted = profile.onnxruntime or "onnxruntime"
    packages = [wanted]
    fitting = _fitting(wanted, table)
    evidence = list(more)
    extra = cudnn_package(wanted, interpreter, table)
    if extra and fitting is not None:
        packages.append(extra)
        evidence.append(f"{wanted} loads cuDNN {fitting.cudnn}, which {extra} brings")
    return finding(
        Status.FAIL,
        fault,
        found=found,
        wanted=wanted + (f", for {_needs(fitting)}" if fitting and fitting.cuda else ""),
        evidence=evidence,
        why=_WHY,
        fix="ort.package",
        remedy="install the one that fits",
        commands=_replace(found.split(" ")[0], wanted, packages, interpreter),
        source=row.source if row is not None else f"profile {profile.id}",
    )


def _fitting(wanted: str, table: OnnxRuntimeTable) -> Optional[OnnxRuntimeRow]:
    """The row of a pinned ONNX Runtime."""
    name, _, pin = wanted.partition("==")
    return next((r for r in table.rows if r.package == name and fits(pin, r.versions)), None)


def cudnn_package(
    wanted: str, interpreter: InterpreterFacts, table: OnnxRuntimeTable
) -> Optional[str]:
    """What brings the cuDNN that a pinned ONNX Runtime loads, where the target has none of it."""
    major, package = cudnn_needed(wanted, table)
    if major is None or _has_cudnn(interpreter, major):
        return None
    return package


def cudnn_needed(wanted: str, table: OnnxRuntimeTable) -> Tuple[Optional[str], Optional[str]]:
    """The major version of cuDNN that a pinned ONNX Runtime loads, and what brings one."""
    row = _fitting(wanted, table)
    if row is None or not row.cudnn:
        return None, None
    return row.cudnn, table.cudnn_package.get(f"{(row.cuda or '').split('.')[0]}/{row.cudnn}")


def _replace(
    present: str, wanted: str, packages: List[str], interpreter: InterpreterFacts
) -> List[str]:
    """Commands that leave one distribution: two of them own the same files."""
    commands: List[str] = []
    if present != wanted.partition("==")[0]:
        commands.append(pip_command(interpreter, "uninstall", "-y", present))
    return [*commands, pip_command(interpreter, "install", *packages)]


@check("ort.providers", needs=("ort.package",))
def ort_providers(
    imports: Optional[ImportsFacts], interpreter: InterpreterFacts, manifests: Manifests
) -> Iterator[Finding]:
    """A session really runs on the provider, with the fallback to the CPU turned off."""
    table = manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    package = runtime_package(interpreter, table)
    if package is None:
        yield finding(Status.OK, "not needed: ONNX Runtime is not installed")
        return
    results = imports.results if imports is not None else ()
    found = {r.name: r for r in results if r.name.split(":")[0] == "ort.providers"}
    loaded = found.get("ort.providers")
    if loaded is None:
        yield finding(Status.SKIP, "not looked at: the import was not tried")
        return
    if not loaded.ok:
        yield _failed(loaded, f"{package.name} does not import", interpreter, table, package)
        return
    version = f"{package.name} {loaded.details.get('version', '?')}"
    name = f"ort.providers:{package.provider}"
    ways: Tuple[Tuple[str, str], ...] = (
        (name, ""),
        (f"{name}:preloaded", " after onnxruntime.preload_dlls()"),
        (f"{name}:torch", " after torch is imported"),
    )
    for key, how in ways:
        if key in found and found[key].ok:
            yield finding(
                Status.OK if not how else Status.INFO,
                f"{version} runs on {package.provider}{how}",
                found=version,
                evidence=_shadow(interpreter, table),
                why="" if not how else "without it the provider's libraries are not found",
            )
            return
    first = found.get(name)
    if first is None:
        yield finding(Status.SKIP, "not looked at: no session was tried")
        return
    yield _failed(
        first, f"{version} does not run on {package.provider}", interpreter, table, package, found
    )


def _failed(
    result: ImportResult,
    summary: str,
    interpreter: InterpreterFacts,
    table: OnnxRuntimeTable,
    package: OnnxRuntimePackage,
    found: Optional[Dict[str, ImportResult]] = None,
) -> Finding:
    missing = result.details.get("missing_dll")
    reason = f"{missing} cannot be loaded" if missing else result.error
    evidence = [result.error] if missing and result.error else []
    evidence += [
        f"{key.rpartition(':')[2]}: {one.error}"
        for key, one in (found or {}).items()
        if not one.ok and one is not result
    ]
    evidence += result.details.get("stderr", "").splitlines()[-4:]
    evidence += _shadow(interpreter, table)
    return finding(
        Status.FAIL,
        f"{summary}: {reason}",
        found=reason,
        wanted=f"a session on {package.provider} alone",
        evidence=evidence,
        why="get_available_providers() lists what was compiled in; only a session that runs is proof",
        remedy="bring the libraries that could not be loaded"
        if missing
        else "look at ort.package and cuda.runtime-mix first",
        commands=("dartenv explain ort.providers",),
        source=package.source,
    )


def _shadow(interpreter: InterpreterFacts, table: OnnxRuntimeTable) -> List[str]:
    """A copy of the library in the system folder, which is found first by name."""
    return [
        f"{one.path} lies in the system folder: {table.system_dll_source}"
        for one in interpreter.dlls
        if one.owner == "System32" and one.name.lower() == table.system_dll
    ]
