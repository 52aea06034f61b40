"""Checks of the target interpreter itself."""

from __future__ import annotations

from typing import Iterator, List, Optional

import msgspec

from dartenv.checks.activated import activated_interpreter, in_new_shells
from dartenv.checks.conda import environment_of, half_made
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import listed, minor, quoted, version_of
from dartenv.facts.model import Facts, HostFacts, InterpreterFacts, SourceFacts
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Patch, Profile

# The variables that change what an interpreter imports, and those that do not.
PATH_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE")


@check("python.version")
def python_version(
    facts: Facts,
    interpreter: Optional[InterpreterFacts],
    source: Optional[SourceFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """A working Python of a version that the profile takes."""
    wanted = _wanted(profile)
    if interpreter is None:
        missing = _no_python(facts, profile, wanted)
        around = environment_of(facts.target, facts.conda) if facts.conda is not None else None
        if around is not None and half_made(around):
            missing = msgspec.structs.replace(missing, cause="conda.env")
        yield missing
        return
    found = f"Python {interpreter.version} at {interpreter.executable}"
    if interpreter.bits != 64:
        yield finding(
            Status.FAIL,
            f"Python {interpreter.version} is a {interpreter.bits}-bit program",
            found=f"{found}, {interpreter.bits}-bit",
            wanted=f"{wanted}, 64-bit",
            why="torch has no 32-bit wheels",
            remedy="make an environment with a 64-bit Python",
            commands=_create(profile),
            source=f"profile {profile.id}",
        )
        return
    version = version_of(interpreter.version)
    if minor(interpreter.version) not in profile.python:
        yield finding(
            Status.FAIL,
            f"Python {interpreter.version} is not a Python of profile {profile.id}",
            found=found,
            wanted=wanted,
            why="the profile's torch, pytorch3d and packages have no wheels that fit together"
            " on this Python",
            remedy="make an environment with the profile's Python",
            commands=_create(profile),
            source=f"profile {profile.id}",
        )
        return
    patch = manifests.read("patches", "dataclass-defaults", Patch)
    refused_from = version_of(patch.python)
    needed = [x for x in source.dataclass_defaults if x.state != "repaired"] if source else []
    if needed and version is not None and refused_from is not None and version >= refused_from:
        first = needed[0]
        yield finding(
            Status.INFO,
            f"Python {interpreter.version} works once the dataclass defaults are repaired",
            found=found,
            why=f"since {patch.python} a dataclass refuses the default at {first.path}:{first.line}"
            + (f" and {len(needed) - 1} more" if len(needed) > 1 else ""),
            fix="source.dataclass-defaults",
            source=patch.source,
        )
        return
    reference = profile.python_reference
    note = ""
    if reference and minor(reference) != minor(interpreter.version):
        note = f"; the profile was recorded on {reference}"
    where = interpreter.environment or interpreter.executable
    yield finding(Status.OK, f"Python {interpreter.version} in {where}{note}", found=found)


def _wanted(profile: Profile) -> str:
    best = profile.python_reference or (profile.python[0] if profile.python else "any")
    others = [p for p in profile.python if not best.startswith(p)]
    also = f", or {', '.join(others)}" if others else ""
    return f"Python {best}{also}"


def _create(profile: Profile) -> List[str]:
    best = profile.python_reference or (profile.python[0] if profile.python else "3.8")
    return ["dartenv bootstrap", f"conda create -n dart python={best}", "conda activate dart"]


def _no_python(facts: Facts, profile: Profile, wanted: str) -> Finding:
    reason = next((f.reason for f in facts.probe_failures if f.probe == "interpreter"), None)
    why = "every package check, the imports and DART itself run in that Python"
    if facts.target.python is None:
        return finding(
            Status.FAIL,
            "no Python environment was named, active or found",
            found="no target interpreter",
            wanted=wanted,
            why=why,
            remedy="name the environment that DART runs in, or make one",
            commands=("dartenv doctor --python EXE", *_create(profile)),
            source=f"profile {profile.id}",
        )
    reason = reason or f"nothing is known about {facts.target.python}"
    return finding(
        Status.FAIL,
        f"no usable Python: {reason}",
        found=reason,
        wanted=wanted,
        why=why,
        remedy="name another interpreter, or make a new environment",
        commands=("dartenv doctor --python EXE", *_create(profile)),
        source=f"profile {profile.id}",
    )


@check("python.isolation")
def python_isolation(interpreter: InterpreterFacts, host: Optional[HostFacts]) -> Iterator[Finding]:
    """Nothing from outside the environment leaks into it."""
    leaks: List[str] = []
    interpreter = activated_interpreter(interpreter)
    user = interpreter.user_site_packages
    if user:
        leaks.append(f"{len(user)} packages of the user site: {listed(user)}")
    for name in PATH_VARIABLES:
        if interpreter.env.get(name):
            leaks.append(f"{name}={interpreter.env[name]}")
    customised = interpreter.sitecustomize
    if customised and not _part_of_installation(customised, interpreter):
        leaks.append(f"{customised} runs before every program")
    if not leaks:
        open_site = interpreter.user_site_enabled and not user
        note = "; its user site is on and empty" if open_site else ""
        note += in_new_shells(interpreter, ("PYTHONNOUSERSITE",))
        yield finding(Status.OK, f"nothing from outside leaks into the target{note}")
        return
    windows = host is not None and host.system == "windows"
    yield finding(
        Status.WARN,
        f"leaks into the target: {leaks[0]}"
        + (f" and {len(leaks) - 1} more" if len(leaks) > 1 else ""),
        found=leaks[0],
        wanted="an environment that imports its own packages alone",
        evidence=leaks[1:],
        why="a package from outside is imported before the environment's own, or instead of a"
        " missing one, so that two shells behave differently",
        remedy=_remedy(interpreter),
        commands=_unset(interpreter, windows),
        fix="python.isolation" if user else None,
        source="docs.python.org: the site module",
    )


def _part_of_installation(path: str, interpreter: InterpreterFacts) -> bool:
    """Whether a sitecustomize lies in the installation itself, as Debian's does."""
    here = path.replace("\\", "/").lower()
    homes = [interpreter.prefix, interpreter.base_prefix]
    return any(h and here.startswith(h.replace("\\", "/").lower().rstrip("/") + "/") for h in homes)


def _remedy(interpreter: InterpreterFacts) -> str:
    parts: List[str] = []
    if interpreter.user_site_packages:
        parts.append("set PYTHONNOUSERSITE=1 for the environment")
    names = [name for name in PATH_VARIABLES if interpreter.env.get(name)]
    if names:
        parts.append(f"unset {' and '.join(names)} where DART is run, unless it is meant")
    if not parts:
        parts.append("look at what that sitecustomize does")
    return "; ".join(parts)


def _unset(interpreter: InterpreterFacts, windows: bool) -> List[str]:
    commands: List[str] = []
    prefix = interpreter.conda_prefix
    if interpreter.user_site_packages and prefix:
        commands.append(f"conda env config vars set -p {quoted(prefix)} PYTHONNOUSERSITE=1")
    elif interpreter.user_site_packages:
        commands.append("setx PYTHONNOUSERSITE 1" if windows else "export PYTHONNOUSERSITE=1")
    for name in PATH_VARIABLES:
        if interpreter.env.get(name):
            commands.append(f"set {name}=" if windows else f"unset {name}")
    return commands
