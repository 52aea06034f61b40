"""Checks of CUDA toolkits and of the variables that choose between them."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from dartenv.checks.activated import activated_cuda, in_new_shells
from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import (
    counted,
    is_windows,
    minor,
    not_needed,
    numbers,
    set_variables,
    severity,
)
from dartenv.checks.registry import check, finding
from dartenv.facts.model import CudaFacts, HostFacts, InterpreterFacts, ToolkitFacts
from dartenv.manifests.compat_gpu import Consumer, ToolkitTable, toolkit_table
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

NOT_NEEDED_WHY = "DART runs from wheels, which bring their own CUDA; only compiling needs a toolkit"
NEEDED_WHY = "pytorch3d is compiled with its nvcc; torch refuses one of another major version"


@check("cuda.toolkit")
def cuda_toolkit(cuda: CudaFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """The CUDA toolkit of the profile."""
    if profile.cuda is None:
        yield not_needed(f"profile {profile.id} uses no CUDA")
        return
    matching = _of_version(cuda, profile.cuda)
    whole = [toolkit for toolkit in matching if toolkit.nvcc is not False]
    if whole:
        toolkit = whole[0]
        yield finding(
            Status.OK,
            f"CUDA {toolkit.version} at {toolkit.path} ({toolkit.version_from})",
            evidence=["found by " + ", ".join(toolkit.found_by)] if toolkit.found_by else (),
        )
        return
    table = toolkit_table(manifests)
    status = severity(profile.toolkit)
    needed = status in (Status.FAIL, Status.WARN)
    if matching:
        found = f"CUDA {profile.cuda} at {matching[0].path} without nvcc"
    elif cuda.toolkits:
        found = "only " + ", ".join(_shown(toolkit) for toolkit in cuda.toolkits)
    else:
        found = "no CUDA toolkit"
    release = next((row for row in table.release if row.cuda == profile.cuda), None)
    remedy = None
    if needed:
        place = f" from {release.download}" if release else ""
        remedy = (
            f"install CUDA {profile.cuda}{place}; choose the custom installation without the "
            "driver, which would replace a newer one"
        )
    yield finding(
        status,
        f"{found}; CUDA {profile.cuda} is {'wanted' if needed else 'not needed to run DART'}",
        found=found,
        wanted=f"CUDA {profile.cuda} with nvcc"
        if needed
        else f"CUDA {profile.cuda}, where something is compiled",
        evidence=[f"{name} {why}" for name, why in sorted(cuda.env_broken.items())],
        why=NEEDED_WHY if needed else NOT_NEEDED_WHY,
        remedy=remedy,
        source=f"profile {profile.id}",
    )


@check("cuda.env")
def cuda_env(
    cuda: CudaFacts,
    host: Optional[HostFacts],
    interpreter: Optional[InterpreterFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """Which CUDA toolkit the variables and PATH choose."""
    if profile.cuda is None:
        yield not_needed(f"profile {profile.id} uses no CUDA")
        return
    table = toolkit_table(manifests)
    cuda = activated_cuda(cuda, interpreter, table.variables)
    set_ones = [name for name in table.variables if name in cuda.env]
    broken = [name for name in set_ones if name in cuda.env_broken]
    if not set_ones and cuda.nvcc_on_path is None:
        yield finding(Status.OK, "no variable and no nvcc on PATH chooses a toolkit")
        return
    chosen = _chosen(cuda, table)
    where = in_new_shells(interpreter, table.variables)
    state = f"{where} {_state(cuda, set_ones)}".strip()
    takers = _takers(chosen)
    by_variable = [minor(_by_name(cuda, name) or "") for name in set_ones]
    wrong = [name for name, version in zip(set_ones, by_variable) if version != profile.cuda]
    versions = {version for _, version in chosen if version}
    if not wrong and versions <= {profile.cuda}:
        yield finding(Status.OK, f"{state}, as profile {profile.id} wants")
        return
    wanted = _of_version(cuda, profile.cuda)
    torch_right = bool(chosen) and chosen[0][1] == profile.cuda
    building = severity(profile.toolkit) is Status.FAIL
    # Where nothing fits, or torch is served and only a shell is not, there is nothing to repair.
    harmless = (not wanted and not building) or (not wrong and torch_right)
    status = Status.INFO if harmless and not broken else Status.WARN
    repairable = status is Status.WARN and bool(wanted)
    commands: Tuple[str, ...] = ()
    remedy = None
    if repairable:
        variables = dict.fromkeys(table.variables, wanted[0].path)
        commands = set_variables(variables, interpreter, host)
        remedy = f"point both variables at CUDA {profile.cuda}, for the environment of DART"
    elif status is Status.WARN:
        remedy = "clear what names a toolkit that is not there" if broken else "see cuda.toolkit"
    yield finding(
        status,
        f"{state}: {takers}",
        found=f"{state}: {takers}",
        wanted=f"CUDA {profile.cuda}",
        why="programs that look for CUDA in different orders load different versions of it, and "
        "an extension is compiled for the wrong one",
        fix="cuda.env" if repairable else None,
        remedy=remedy,
        commands=commands,
        source=f"profile {profile.id}; "
        + "; ".join(dict.fromkeys(consumer.source for consumer in table.consumer)),
    )


@check("cuda.several")
def cuda_several(
    cuda: CudaFacts, host: Optional[HostFacts], manifests: Manifests
) -> Iterator[Finding]:
    """More than one CUDA toolkit."""
    if len(cuda.toolkits) < 2:
        only = _shown(cuda.toolkits[0]) if cuda.toolkits else "no CUDA toolkit"
        yield finding(Status.OK, only)
        return
    table = toolkit_table(manifests)
    versions = ", ".join(toolkit.version or toolkit.path for toolkit in cuda.toolkits)
    latest = "the installer that ran last set CUDA_PATH" if is_windows(host) else ""
    yield finding(
        Status.INFO,
        f"{counted(len(cuda.toolkits), 'CUDA toolkit')}: {versions}; "
        + _takers(_chosen(cuda, table)),
        found=versions,
        evidence=[
            *(f"{_shown(t)}, found by {', '.join(t.found_by)}" for t in cuda.toolkits),
            *([latest] if latest else []),
        ],
        why="several may stand side by side; what counts is who takes which",
        source="; ".join(dict.fromkeys(consumer.source for consumer in table.consumer)),
    )


def _of_version(cuda: CudaFacts, wanted: str) -> List[ToolkitFacts]:
    return [t for t in cuda.toolkits if t.version is not None and minor(t.version) == minor(wanted)]


def _shown(toolkit: ToolkitFacts) -> str:
    return f"CUDA {toolkit.version or 'of unknown version'} at {toolkit.path}"


def _by_name(cuda: CudaFacts, found_by: str) -> Optional[str]:
    """The version of the toolkit that a variable, or PATH, leads to."""
    return next((t.version for t in cuda.toolkits if found_by in t.found_by), None)


def _state(cuda: CudaFacts, names: List[str]) -> str:
    """What is set, in words: "CUDA_HOME is 11.8, nvcc on PATH is 12.4"."""
    parts: List[str] = []
    for name in names:
        version = _by_name(cuda, name)
        if name in cuda.env_broken:
            parts.append(f"{name} {cuda.env_broken[name]}")
        else:
            shown = minor(version) if version else f"{cuda.env[name]}, of unknown version"
            parts.append(f"{name} is {shown}")
    if cuda.nvcc_on_path is not None:
        version = _by_name(cuda, "PATH")
        parts.append(f"nvcc on PATH is {minor(version) if version else cuda.nvcc_on_path}")
    return ", ".join(parts)


def _chosen(cuda: CudaFacts, table: ToolkitTable) -> List[Tuple[str, Optional[str]]]:
    """Who takes which version: ("torch", "11.8"); ``None`` for one that takes no toolkit."""
    return [(consumer.name, _taken(consumer, cuda)) for consumer in table.consumer]


def _taken(consumer: Consumer, cuda: CudaFacts) -> Optional[str]:
    for step in consumer.order:
        kind, _, name = step.partition(":")
        if kind == "env" and name in cuda.env:
            version = _by_name(cuda, name)
            return minor(version) if version else None
        if kind == "path" and cuda.nvcc_on_path is not None:
            version = _by_name(cuda, "PATH")
            return minor(version) if version else None
        if kind == "default":
            usual = [t for t in cuda.toolkits if _in_default_place(t) and t.version]
            usual.sort(key=lambda toolkit: numbers(toolkit.version or ""))
            if usual:
                return minor(usual[0].version or "")
    return None


def _in_default_place(toolkit: ToolkitFacts) -> bool:
    return any(by == "Program Files" or by.startswith("/") for by in toolkit.found_by)


def _takers(chosen: List[Tuple[str, Optional[str]]]) -> str:
    """ "torch takes 11.8, cuda-pathfinder and CMake take 12.4"."""
    groups: Dict[str, List[str]] = {}
    for name, version in chosen:
        groups.setdefault(version or "none", []).append(name)
    parts = [
        f"{_listed(names)} {'take' if len(names) > 1 else 'takes'} {version}"
        for version, names in groups.items()
    ]
    return ", ".join(parts)


def _listed(names: List[str]) -> str:
    """ "torch, cuda-pathfinder and CMake"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


from dartenv.checks import cuda_runtime  # noqa: E402, F401
