"""Checks of the variables and the PATH that a build from source would start from."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Iterator, Optional

from dartenv.checks.activated import activated, in_new_shells
from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import (
    is_windows,
    minor,
    not_needed,
    numbers,
    set_variables,
    severity,
)
from dartenv.checks.registry import check, finding
from dartenv.checks.toolsets import COMPILER, NO_COMPILER, msc_ver, range_of
from dartenv.facts.model import HostFacts, InterpreterFacts, MsvcFacts
from dartenv.manifests.compat_gpu import msvc_table
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("msvc.environment")
def msvc_environment(
    msvc: MsvcFacts,
    host: HostFacts,
    interpreter: Optional[InterpreterFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """The compiler on PATH and an active Visual Studio prompt."""
    if not is_windows(host):
        yield not_needed("Visual Studio prompts are for Windows")
        return
    table = msvc_table(manifests)
    gate = next((row for row in table.gate if row.cuda == minor(profile.cuda or "")), None)
    active = table.prompt_variable in msvc.env
    on_path = _toolset_of(msvc.cl_on_path)
    told = table.sdk_variable in msvc.env or activated(interpreter, table.sdk_variable)
    if active and not told:
        version = msvc.env[table.prompt_variable]
        yield finding(
            Status.INFO,
            f"a Visual Studio prompt ({version}) is active, {table.sdk_variable} is not set",
            found=f"{table.prompt_variable}={version}, {table.sdk_variable} unset",
            wanted=f"{table.sdk_variable}=1 in a Visual Studio prompt, for a build",
            why="torch refuses to compile an extension: 'It seems that the VC environment is "
            "activated but DISTUTILS_USE_SDK is not set'",
            fix="msvc.environment",
            remedy="set it for the environment",
            commands=set_variables({table.sdk_variable: "1"}, interpreter, host),
            source=table.environment_source,
        )
        return
    if on_path and gate and not gate.msc_min <= msc_ver(on_path) < gate.msc_below:
        yield finding(
            Status.INFO,
            f"cl.exe on PATH is {on_path}; CUDA {gate.cuda} accepts {range_of(gate, table)}",
            found=f"{msvc.cl_on_path}",
            wanted=f"an accepted cl.exe first on PATH, for a build: {range_of(gate, table)}",
            why=COMPILER if severity(profile.msvc) is Status.FAIL else NO_COMPILER,
            remedy="see msvc.toolset for the prompt that has it",
            source=gate.source,
        )
        return
    shown = "no cl.exe on PATH; a build looks for it by itself"
    if msvc.cl_on_path:
        shown = f"cl.exe on PATH is {on_path or msvc.cl_on_path}"
    where = in_new_shells(interpreter, (table.sdk_variable,))
    noted = f"; {table.sdk_variable} is set{where}" if active and where else ""
    yield finding(Status.OK, shown + noted)


def _toolset_of(path: Optional[str]) -> Optional[str]:
    """The toolset that a cl.exe belongs to, by the folder it lies in."""
    for part in PureWindowsPath(path).parts if path else ():
        if msc_ver(part) and part.count(".") == 2:
            return part
    return None


@check("msvc.cub")
def msvc_cub(
    msvc: MsvcFacts, host: HostFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """CUB, which old builds of pytorch3d want."""
    table = msvc_table(manifests)
    name = table.cub_variable
    home = msvc.env.get(name)
    built = severity(profile.msvc) is Status.FAIL and profile.cuda is not None
    if not built:
        yield not_needed(f"profile {profile.id} compiles nothing")
        return
    if home is not None and msvc.cub_header:
        yield finding(Status.OK, f"{name} is {home}")
        return
    below = numbers(profile.cuda or "") < numbers(table.cub_below_cuda)
    state = f"{name} is {home}, which holds no {table.cub_header}" if home else f"{name} is not set"
    yield finding(
        Status.INFO,
        f"{state}; " + ("wanted" if below else f"CUDA {profile.cuda} brings its own CUB"),
        found=state,
        wanted=f"{name} at a folder with {table.cub_header}, below CUDA {table.cub_below_cuda}",
        why="without CUB pytorch3d does not compile"
        if below
        else "pytorch3d's setup warns all the same; the warning can be left alone",
        remedy="unpack CUB and name its folder" if below else None,
        commands=set_variables({name: r"C:\path\to\cub"}, None, host) if below else (),
        source=table.cub_source,
    )
