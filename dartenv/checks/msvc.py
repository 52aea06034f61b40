"""Checks of the host compiler that nvcc would use: only a build from source needs one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Iterator, List, Optional, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import (
    could_not_tell,
    is_windows,
    minor,
    not_needed,
    numbers,
    severity,
)
from dartenv.checks.registry import check, finding
from dartenv.checks.toolsets import COMPILER, NO_COMPILER, msc_ver, range_of
from dartenv.facts.model import HostFacts, MsvcFacts, VsInstance
from dartenv.manifests.compat_gpu import HostCompilerGate, MsvcTable, StlGate, msvc_table
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@dataclass(frozen=True)
class Toolset:
    """One toolset of one installation."""

    version: str
    instance: VsInstance

    @property
    def msc_ver(self) -> int:
        """``_MSC_VER`` of its compiler: 14.36 is 1936."""
        return msc_ver(self.version)


@check("msvc.installed")
def msvc_installed(
    msvc: MsvcFacts, host: HostFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """Visual Studio or its Build Tools."""
    if not is_windows(host):
        yield not_needed("Visual Studio is for Windows; gcc is looked at by msvc.toolset")
        return
    table = msvc_table(manifests)
    broken = [one for one in msvc.instances if _incomplete(one)]
    whole = [one for one in msvc.instances if one.toolsets and not _incomplete(one)]
    unfinished = [f"{_name(one)} at {one.path}: {_incomplete(one)}" for one in broken]
    if whole:
        names = ", ".join(f"{_name(one)} at {one.path}" for one in whole)
        yield finding(Status.OK, names, evidence=unfinished)
        return
    status = severity(profile.msvc)
    needed = status in (Status.FAIL, Status.WARN)
    without = [one for one in msvc.instances if not one.toolsets and not _incomplete(one)]
    if unfinished:
        found = unfinished[0]
        remedy = "finish its installation in the Visual Studio Installer"
        if broken[0].reboot_required:
            remedy = "restart the machine, which its installation waits for"
    elif without:
        found = f"{_name(without[0])} at {without[0].path} without the C++ tools"
        remedy = "add the C++ tools, in a Command Prompt"
    else:
        found = "no Visual Studio and no Build Tools"
        remedy = f"install the Build Tools from {table.build_tools}"
    yield finding(
        status,
        f"{found}; {'wanted for a build' if needed else 'not needed to run DART'}",
        found=found,
        wanted="Visual Studio 2017 to 2022 or Build Tools with the C++ tools",
        evidence=unfinished[1:],
        why=COMPILER if needed else NO_COMPILER,
        remedy=remedy if needed else None,
        commands=_install_commands(msvc, without, table) if needed and not unfinished else (),
        source="vswhere",
    )


def _install_commands(
    msvc: MsvcFacts, without: List[VsInstance], table: MsvcTable
) -> Tuple[str, ...]:
    component = _component(table)
    if without:
        return (_modify(msvc, without[0], table, f"{table.workload} --add {component}"),)
    name = table.build_tools.rsplit("/", 1)[-1]
    return (f"{name} --passive --wait --add {table.workload} --add {component}",)


@check("msvc.toolset")
def msvc_toolset(
    msvc: MsvcFacts, host: HostFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """A host compiler that the profile's CUDA accepts."""
    table = msvc_table(manifests)
    if profile.cuda is None:
        yield not_needed(f"profile {profile.id} uses no CUDA, and any compiler will do")
        return
    gate = next((row for row in table.gate if row.cuda == minor(profile.cuda or "")), None)
    if gate is None:
        yield could_not_tell(f"which compilers CUDA {profile.cuda} accepts")
    elif not is_windows(host):
        yield _gcc(msvc, gate, profile)
    else:
        yield _toolset(msvc, gate, profile, table)


def _gcc(msvc: MsvcFacts, gate: HostCompilerGate, profile: Profile) -> Finding:
    # A gcc that does not fit is never more than info: another one is a package away.
    source = gate.source
    if msvc.gcc_version is None:
        found = f"{msvc.gcc} of unknown version" if msvc.gcc else "no gcc"
    elif numbers(msvc.gcc_version)[0] <= gate.gcc_max:
        return finding(
            Status.OK,
            f"gcc {msvc.gcc_version}, which CUDA {gate.cuda} accepts (up to {gate.gcc_max})",
        )
    else:
        found = f"gcc {msvc.gcc_version}"
    return finding(
        Status.INFO,
        f"{found}; CUDA {gate.cuda} accepts gcc up to {gate.gcc_max}",
        found=found,
        wanted=f"gcc {gate.gcc_max} or older, or clang below {gate.clang_below}, for a build",
        why=COMPILER if severity(profile.msvc) is Status.FAIL else NO_COMPILER,
        remedy=f"for a build, install gcc {gate.gcc_max} and name it to nvcc",
        commands=(f"export NVCC_PREPEND_FLAGS='-ccbin g++-{gate.gcc_max}'",),
        source=source,
    )


def _toolset(
    msvc: MsvcFacts, gate: HostCompilerGate, profile: Profile, table: MsvcTable
) -> Finding:
    status = severity(profile.msvc)
    needed = status in (Status.FAIL, Status.WARN)
    toolsets = [Toolset(v, one) for one in msvc.instances for v in one.toolsets]
    accepted = [t for t in toolsets if gate.msc_min <= t.msc_ver < gate.msc_below]
    default = _default(msvc)
    listed = ", ".join(dict.fromkeys(t.version for t in toolsets)) or "none"
    wanted = f"a toolset that CUDA {gate.cuda} accepts: {range_of(gate, table)}"
    why = COMPILER if needed else NO_COMPILER
    evidence = [f"toolsets: {listed}", *_stl_notes(default, gate, table)]
    if not accepted:
        # Without any installation the installer comes first, and msvc.installed names it.
        commands = (_modify(msvc, _home(msvc), table, _component(table)),) if msvc.instances else ()
        found = f"toolsets {listed}" if toolsets else "no MSVC toolset"
        return finding(
            status,
            f"{found}; CUDA {gate.cuda} accepts {range_of(gate, table)}",
            found=found,
            wanted=wanted,
            evidence=evidence,
            why=f"{why}; nvcc stops with 'unsupported Microsoft Visual Studio version'"
            if toolsets
            else why,
            remedy=f"add {table.reference} beside what is there, in a Command Prompt"
            + ("" if needed else ", only where something is compiled"),
            commands=commands,
            source=gate.source,
        )
    best = next((t for t in accepted if t.version == table.reference), accepted[-1])
    if default is not None and not gate.msc_min <= default.msc_ver < gate.msc_below:
        return finding(
            status,
            f"a build takes {default.version} by default, CUDA {gate.cuda} accepts {best.version}",
            found=f"default toolset {default.version}; installed {listed}",
            wanted=wanted,
            evidence=evidence,
            why=f"{why}; nvcc refuses the default one",
            remedy="open a prompt with the accepted toolset for the build",
            commands=(_vcvars(best), f"set {table.sdk_variable}=1"),
            source=gate.source,
        )
    reference = "" if best.version == table.reference else f" (the reference is {table.reference})"
    taken = f"; a build takes {default.version}" if default is not None else ""
    return finding(
        Status.OK,
        f"toolset {best.version}, which CUDA {gate.cuda} accepts{reference}{taken}",
        evidence=evidence,
    )


def _stl_notes(
    default: Optional[Toolset], gate: HostCompilerGate, table: MsvcTable
) -> Iterator[str]:
    for row in table.stl:
        if default is not None and _stl_stops(default.version, gate, row):
            yield (
                f"past nvcc's own gate, {default.version} stops with '{row.message}' "
                f"unless {row.macro} is defined"
            )


def _stl_stops(toolset: str, gate: HostCompilerGate, row: StlGate) -> bool:
    return numbers(toolset)[:2] >= numbers(row.toolset_from) and numbers(gate.cuda) < numbers(
        row.cuda_min
    )


def _default(msvc: MsvcFacts) -> Optional[Toolset]:
    """The toolset of the newest complete installation, which builds take unless told."""
    usable = [one for one in msvc.instances if one.default_toolset and not _incomplete(one)]
    if not usable:
        return None
    newest = max(usable, key=lambda one: numbers(one.version or ""))
    return Toolset(newest.default_toolset or "", newest)


def _home(msvc: MsvcFacts) -> VsInstance:
    """The installation that a toolset would be added to: the newest."""
    return max(msvc.instances, key=lambda one: numbers(one.version or ""))


def _component(table: MsvcTable) -> str:
    reference = minor(table.reference)
    row = next((one for one in table.toolset if one.toolset == reference), None)
    return row.component if row is not None and row.component else table.workload


def _modify(msvc: MsvcFacts, instance: VsInstance, table: MsvcTable, what: str) -> str:
    installer = table.installer
    if msvc.vswhere is not None:
        name = PureWindowsPath(table.installer).name
        installer = str(PureWindowsPath(msvc.vswhere).parent / name)
    return f'"{installer}" modify --installPath "{instance.path}" --add {what} --passive'


def _vcvars(toolset: Toolset) -> str:
    script = PureWindowsPath(toolset.instance.path) / "VC/Auxiliary/Build/vcvarsall.bat"
    return f'"{script}" x64 -vcvars_ver={minor(toolset.version)}'


def _name(instance: VsInstance) -> str:
    return instance.name or "Visual Studio"


def _incomplete(instance: VsInstance) -> Optional[str]:
    """Why an installation is not to be relied on; ``None`` where it is."""
    if instance.complete is False:
        return "its installation is not complete"
    if instance.reboot_required:
        return "its installation waits for a restart"
    if instance.launchable is False:
        return "it cannot be started"
    return None


from dartenv.checks import msvc_environment  # noqa: E402, F401
