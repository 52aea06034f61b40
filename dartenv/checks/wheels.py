"""Check of pytorch3d: is the installed one built for this torch, Python and system; if there is
none, which one exactly.
"""

from __future__ import annotations

from typing import Iterator, List, Optional

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.checks.wheels_fit import Installed, Target, built_for, faults_of
from dartenv.facts.lookup import (
    distribution,
    minor,
    module,
    pip_command,
    quoted,
    system_of,
    torch_seen,
    torch_wanted,
)
from dartenv.facts.model import InterpreterFacts
from dartenv.manifests.compat import Pytorch3dTable, TorchTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile
from dartenv.manifests.wheels import Wheel, wheel_for


@check("wheels.pytorch3d")
def wheels_pytorch3d(
    interpreter: InterpreterFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """A pytorch3d built for this torch, CUDA, Python and system."""
    if profile.pytorch3d == "none":
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    table = manifests.read("compat", "pytorch3d", Pytorch3dTable)
    target = _target(interpreter, profile, table, manifests)
    installed = _installed(interpreter, table)
    if installed is None:
        yield _absent(target)
        return
    if installed.problem:
        yield _broken(installed, target)
        return
    if not installed.compiled:
        yield _pure(installed, target)
        return
    faults = list(faults_of(installed, target))
    if faults:
        yield _misfit(installed, target, faults)
        return
    yield from _fitting(installed, target)


def _target(
    interpreter: InterpreterFacts,
    profile: Profile,
    table: Pytorch3dTable,
    manifests: Manifests,
) -> Target:
    """The torch that is there, if the profile takes it; else the one the profile installs."""
    system = system_of(interpreter, profile)
    torch_table = manifests.read("compat", "torch", TorchTable)
    seen = torch_seen(interpreter, torch_table, system)
    right = seen is not None and (profile.compute in ("cpu", seen.compute))
    if right and seen is not None:
        torch, compute = seen.public, seen.compute or profile.compute
    else:
        torch = (torch_wanted(profile, interpreter.version) or "").split("+")[0]
        compute = profile.compute
    python = minor(interpreter.version)
    answer = wheel_for(python, torch, compute, system, manifests)
    return Target(interpreter, profile, table, python, torch, compute, system, answer)


def _installed(interpreter: InterpreterFacts, table: Pytorch3dTable) -> Optional[Installed]:
    one = distribution(interpreter, "pytorch3d")
    found = module(interpreter, "pytorch3d")
    if one is None and found is None:
        return None
    files = (*(one.extensions if one else ()), *(found.extensions if found else ()))
    prefix = table.compiled_module + "."
    return Installed(
        version=one.version if one else found.constants.get("__version__", "?") if found else "?",
        where=(one.location if one else found.path if found else None) or interpreter.executable,
        tags=one.tags if one else (),
        build=one.build if one else None,
        compiled=tuple(dict.fromkeys(f for f in files if f.split("/")[-1].startswith(prefix))),
        problem=one.problem if one else None,
    )


def _fitting(installed: Installed, target: Target) -> Iterator[Finding]:
    built_torch, built_compute = built_for(installed, target.table)
    found = f"pytorch3d {installed.version}"
    if built_torch is None:
        yield finding(
            Status.INFO,
            f"{found} does not say for which torch it was built",
            found=f"{found} in {installed.where}",
            why="imports.pytorch3d tells whether its compiled part loads",
            source=target.table.source,
        )
        return
    yield finding(
        Status.OK,
        f"{found}, built for torch {built_torch} and {built_compute}",
        found=found,
    )


def _pure(installed: Installed, target: Target) -> Finding:
    """Only the Python part: all that DART's entry points use."""
    found = f"pytorch3d {installed.version} without {target.table.compiled_module}"
    allowed = target.profile.pytorch3d == "transforms"
    return finding(
        Status.OK if allowed else Status.INFO,
        f"{found}: its transforms, which are all that DART uses",
        found=f"{found} in {installed.where}",
        why="" if allowed else "a compiled one is wanted by other projects, not by DART's demos",
        source=target.table.needed_source,
    )


def _why(target: Target) -> str:
    return f"every entry point of DART imports pytorch3d.{target.table.needed_module}"


def _absent(target: Target) -> Finding:
    where = target.interpreter.prefix or target.interpreter.executable
    return _with_wheel(
        target,
        summary="pytorch3d is not installed",
        found=f"no pytorch3d in {where}",
        why=_why(target),
        evidence=[],
    )


def _misfit(installed: Installed, target: Target, faults: List[str]) -> Finding:
    return _with_wheel(
        target,
        summary=f"pytorch3d {installed.version} is {faults[0]}",
        found=f"pytorch3d {installed.version} in {installed.where}",
        why="its compiled part links to one torch and one Python: loading it with another fails"
        " or crashes",
        evidence=faults,
        status=Status.INFO if target.profile.pytorch3d == "transforms" else Status.FAIL,
    )


def _broken(installed: Installed, target: Target) -> Finding:
    return _with_wheel(
        target,
        summary=f"the metadata of pytorch3d is broken: {installed.problem}",
        found=f"pytorch3d in {installed.where}; {installed.problem}",
        why="an installation that was interrupted imports half of a package",
        evidence=[],
    )


def _with_wheel(
    target: Target,
    *,
    summary: str,
    found: str,
    why: str,
    evidence: List[str],
    status: Status = Status.FAIL,
) -> Finding:
    """The finding that names the exact wheel, or says that there is none and what is nearest."""
    table, answer = target.table, target.answer
    transforms = target.profile.pytorch3d == "transforms"
    if answer.wheel is not None:
        wheel = answer.wheel
        commands = [_command(target, wheel)]
        if wheel.url:
            evidence = [*evidence, f"the same wheel as a file: {wheel.url}"]
        if not wheel.seen and wheel.kind == "pip":
            evidence = [*evidence, "listed by its builder; nobody was seen to use this very file"]
        if transforms:
            commands.append(_pure_command(target))
        return finding(
            status,
            summary,
            found=found,
            wanted=f"pytorch3d {wheel.version} ({wheel.file})",
            evidence=evidence,
            why=why,
            fix="wheels.pytorch3d",
            remedy="install that wheel"
            + (", or the pure-Python part, which DART needs alone" if transforms else ""),
            commands=commands,
            source=wheel.source,
        )
    near = answer.nearest
    wanted = f"none exists for {answer.wanted}"
    if near is not None:
        wanted += f"; nearest: {near.version} ({near.file}), {' and '.join(answer.differs)}"
    return finding(
        status,
        f"{summary}, and no wheel exists for {answer.wanted}",
        found=found,
        wanted=wanted,
        evidence=evidence,
        why=why,
        fix="wheels.pytorch3d",
        remedy="install the pure-Python part, which DART needs alone"
        + (f", or change to {' and '.join(answer.differs)}" if near is not None else ""),
        commands=[_pure_command(target)],
        source=table.needed_source,
    )


def _command(target: Target, wheel: Wheel) -> str:
    if wheel.kind == "conda":
        prefix = target.interpreter.conda_prefix
        return wheel.command + (f" -p {quoted(prefix)}" if prefix else "")
    return _with_python(target, wheel.command)


def _pure_command(target: Target) -> str:
    """The command that installs the Python part, with its switch set as this system sets it."""
    command = _with_python(target, target.table.pure_command)
    name = target.table.pure_variable
    if target.system == "windows":
        return f'cmd /c "set {name}=1&& {command}"'
    return f"{name}=1 {command}"


def _with_python(target: Target, command: str) -> str:
    """A command of the table, run with the target's own pip."""
    if command.startswith("pip "):
        return pip_command(target.interpreter, *command.split()[1:])
    return command
