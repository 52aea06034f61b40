"""Check of numpy: with the source, with the profile, and with the packages that break on it."""

from __future__ import annotations

from typing import Iterator, List, Optional, Set, Tuple

import msgspec
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as PackagingRequirement
from packaging.version import Version

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import (
    applies,
    distribution,
    fits,
    listed,
    normalised,
    pip_command,
    requirement,
    requirements,
    version_of,
)
from dartenv.facts.model import InterpreterFacts, Location, SourceFacts
from dartenv.manifests.compat import NumpyConflict, NumpyTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Patch, Profile


@check("packages.numpy")
def packages_numpy(
    interpreter: InterpreterFacts,
    source: Optional[SourceFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """A numpy that the source and the other packages work with."""
    table = manifests.read("compat", "numpy", NumpyTable)
    one = distribution(interpreter, "numpy")
    pin = requirement(profile, interpreter, "numpy")
    version = version_of(one.version) if one is not None else None
    target = f"numpy=={pin.pin}" if pin is not None and pin.pin else f"numpy{profile.numpy}"
    if one is None or version is None or one.problem:
        state = one.problem or f"version {one.version!r}" if one is not None else "not installed"
        yield finding(
            Status.FAIL,
            f"numpy is {state}" if one is None else f"the metadata of numpy is broken: {state}",
            found=f"no usable numpy in {interpreter.prefix or interpreter.executable}",
            wanted=f"numpy {profile.numpy or 'of any version'}",
            why="torch, smplx and DART's own code work on numpy arrays",
            fix="packages.requirements",
            commands=[pip_command(interpreter, "install", target)],
            source=f"profile {profile.id}",
        )
        return
    patch = manifests.read("patches", "numpy-aliases", Patch)
    gone = _gone(source, patch, version)
    clashes = _clashes(interpreter, profile, table, one.version)
    outside = bool(profile.numpy) and fits(one.version, profile.numpy) is False
    if clashes or outside:
        yield _wrong_numpy(interpreter, profile, one.version, target, clashes, gone)
    elif gone:
        yield _unpatched(one.version, gone, patch)
    else:
        yield finding(Status.OK, f"numpy {one.version}", found=f"numpy {one.version}")


def _gone(source: Optional[SourceFacts], patch: Patch, version: Version) -> List[Location]:
    """Live, unrepaired uses of names that this numpy does not have."""
    if source is None:
        return []
    removed = {
        alias.name
        for alias in patch.aliases
        if version >= Version(alias.removed_in)
        and not (alias.returned_in and version >= Version(alias.returned_in))
    }
    return [
        place
        for place in source.numpy_aliases
        if place.live and place.state != "repaired" and place.symbol.split(".")[-1] in removed
    ]


def _clashes(
    interpreter: InterpreterFacts, profile: Profile, table: NumpyTable, version: str
) -> List[Tuple[str, NumpyConflict]]:
    """Packages of the profile that break on this numpy; others are none of DART's business."""
    needed = {"torch", *(normalised(one.name) for one in profile.requirements)}
    found: List[Tuple[str, NumpyConflict]] = []
    for row in table.conflicts:
        one = distribution(interpreter, row.package)
        if one is None or normalised(row.package) not in needed:
            continue
        if fits(one.version, row.versions) and fits(version, row.numpy):
            found.append((one.version, row))
    return found


def _wrong_numpy(
    interpreter: InterpreterFacts,
    profile: Profile,
    version: str,
    target: str,
    clashes: List[Tuple[str, NumpyConflict]],
    gone: List[Location],
) -> Finding:
    evidence = [f"{row.package} {has}: {row.effect}" for has, row in clashes[1:]]
    evidence += [f"{x.path}:{x.line} {x.symbol}" for x in gone]
    summary = f"numpy {version} is not {profile.numpy}, which profile {profile.id} takes"
    why, origin = "the profile's other packages were chosen for that numpy", f"profile {profile.id}"
    if clashes:
        has, row = clashes[0]
        summary = f"numpy {version} does not go with {row.package} {has}"
        why, origin = row.effect, row.source
    together = _held(interpreter, profile, target)
    remedy = "install a numpy that fits" + (
        f", and with it {listed(together)}, whose installed versions need this one"
        if together
        else ""
    )
    if gone:
        remedy = f"first repair the source (source.numpy-aliases), then {remedy}"
    return finding(
        Status.FAIL,
        summary,
        found=f"numpy {version}",
        wanted=f"numpy {profile.numpy or target}",
        evidence=evidence,
        why=why,
        fix="packages.requirements",
        remedy=remedy,
        commands=[pip_command(interpreter, "install", "--prefer-binary", target, *together)],
        source=origin,
    )


def _held(interpreter: InterpreterFacts, profile: Profile, target: str) -> List[str]:
    """Pins to install together with a numpy pin, because what is installed refuses it."""
    numpy = target.partition("==")[2]
    return [
        f"{one.name}=={one.pin}"
        for one in requirements(profile, interpreter)
        if numpy and one.pin and one.name != "numpy"
        if _refuses(interpreter, one.name, numpy, set())
    ]


def _refuses(interpreter: InterpreterFacts, name: str, numpy: str, seen: Set[str]) -> bool:
    """Whether a distribution, or one that it requires, does not take that numpy."""
    one = distribution(interpreter, name)
    if one is None or one.name in seen:
        return False
    seen.add(one.name)
    for text in one.requires:
        try:
            needed = PackagingRequirement(text)
        except InvalidRequirement:
            continue
        if not applies(str(needed.marker or ""), interpreter):
            continue
        if normalised(needed.name) != "numpy":
            if _refuses(interpreter, needed.name, numpy, seen):
                return True
        elif not needed.specifier.contains(numpy, prereleases=True):
            return True
    return False


def _unpatched(version: str, gone: List[Location], patch: Patch) -> Finding:
    first = gone[0]
    lowest = min(Version(a.removed_in) for a in patch.aliases)
    value = finding(
        Status.FAIL,
        f"numpy {version} has no {first.symbol}, which {first.path}:{first.line} reads",
        found=f"numpy {version}; {first.symbol} at {first.path}:{first.line}",
        wanted=f"repaired source, or numpy below {lowest}",
        evidence=[f"{x.path}:{x.line} {x.symbol}" for x in gone],
        why="it is read when the entry points are imported: nothing starts",
        fix="source.numpy-aliases",
        remedy="repair the source; pinning numpy is the second choice, since newer packages"
        " need newer numpy",
        commands=["dartenv fix source.numpy-aliases"],
        source=patch.source,
    )
    return msgspec.structs.replace(value, cause="source.numpy-aliases")
