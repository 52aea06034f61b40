"""Checks of what installed packages do to each other."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as PackagingRequirement

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import (
    applies,
    distribution,
    import_name,
    is_leftover,
    listed,
    pip_command,
    requirements,
    version_of,
)
from dartenv.facts.model import DistributionFacts, InterpreterFacts
from dartenv.manifests.compat import ExclusiveModule, SharedTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("packages.conflicts")
def packages_conflicts(interpreter: InterpreterFacts) -> Iterator[Finding]:
    """What installed distributions require is there."""
    unmet: List[str] = []
    wanted: List[str] = []
    for one in interpreter.distributions:
        if distribution(interpreter, one.name) is not one:
            continue  # another one of that name comes first on sys.path
        for text in one.requires:
            told = _unmet(one, text, interpreter)
            if told is not None:
                unmet.append(told[0])
                wanted.append(told[1])
    broken = [
        f"{one.name}: {one.problem}" for one in interpreter.distributions if one.problem is not None
    ]
    if not unmet and not broken:
        count = len(interpreter.distributions)
        yield finding(Status.OK, f"the requirements of {count} distributions are met")
        return
    parts: List[str] = []
    if unmet:
        parts.append(f"{len(unmet)} requirements are not met")
    if broken:
        parts.append(f"{len(broken)} distributions have broken metadata")
    yield finding(
        Status.WARN,
        "; ".join(parts) + f": {(unmet or broken)[0]}",
        found=(unmet or broken)[0],
        wanted=wanted[0] if wanted else "metadata that can be read",
        evidence=[*unmet[1:], *broken] if unmet else broken[1:],
        why="packages that were not made for each other fail at an import or in the middle of a run",
        remedy="pip installs what is missing; look first whether the profile pins one of them",
        commands=[pip_command(interpreter, "check")],
        source="the METADATA of each distribution",
    )


def _unmet(
    one: DistributionFacts, text: str, interpreter: InterpreterFacts
) -> Optional[Tuple[str, str]]:
    """How a requirement is not met, and what would; ``None`` where it is or cannot be read."""
    try:
        needed = PackagingRequirement(text)
    except InvalidRequirement:
        return None
    if not applies(str(needed.marker or ""), interpreter):
        return None
    wanted = f"{needed.name}{needed.specifier}"
    has = distribution(interpreter, needed.name)
    who = f"{one.name} {one.version}"
    if has is None:
        return f"{who} requires {wanted}, which is not installed", wanted
    version = version_of(has.version)
    if version is not None and needed.specifier.contains(version, prereleases=True):
        return None
    return f"{who} requires {wanted}, and {has.name} {has.version} is installed", wanted


@check("packages.duplicates")
def packages_duplicates(
    interpreter: InterpreterFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """Each import has one owner."""
    table = manifests.read("compat", "shared", SharedTable)
    needed = {import_name(one) for one in requirements(profile, interpreter)} | {"torch", "clip"}
    shown = False
    for row in table.exclusive:
        present = [n for n in row.distributions if distribution(interpreter, n) is not None]
        if len(present) > 1:
            shown = True
            yield _exclusive(interpreter, profile, row, present)
    rest = {
        name: owners
        for name, owners in _owners(interpreter, table).items()
        if name not in {row.module for row in table.exclusive}
    }
    for name, owners in sorted(rest.items()):
        shown = True
        yield _shared(interpreter, name, owners, name in needed)
    twice = _twice(interpreter)
    if twice:
        shown = True
        yield finding(
            Status.WARN,
            f"installed twice in one folder: {listed(twice)}",
            found=twice[0],
            wanted="one version of each distribution",
            evidence=twice[1:],
            why="an installation was interrupted: files of both are mixed",
            remedy="install that distribution again",
            commands=[
                pip_command(
                    interpreter, "install", "--force-reinstall", "--no-deps", twice[0].split(" ")[0]
                )
            ],
            source="the metadata folders",
        )
    if not shown:
        yield finding(Status.OK, "each import belongs to one distribution")


def _exclusive(
    interpreter: InterpreterFacts, profile: Profile, row: ExclusiveModule, present: List[str]
) -> Finding:
    keep = choice(profile, row, present)
    wrong = [name for name in present if name != keep]
    versions = []
    for name in present:
        one = distribution(interpreter, name)
        versions.append(f"{name} {one.version}" if one is not None else name)
    kept = distribution(interpreter, keep)
    exact = f"{keep}=={kept.version}" if kept is not None else keep
    return finding(
        Status.FAIL,
        f"{' and '.join(versions)} both bring {row.module}",
        found=", ".join(versions),
        wanted=f"{keep} alone",
        why=row.why,
        fix="packages.duplicates",
        remedy=f"remove {listed(wrong)}, then install {keep} again, whose files went with them",
        commands=[
            pip_command(interpreter, "uninstall", "-y", *wrong),
            pip_command(interpreter, "install", "--force-reinstall", "--no-deps", exact),
        ],
        source=row.source,
    )


def choice(profile: Profile, row: ExclusiveModule, present: List[str]) -> str:
    """The one the profile names; else the first of the table that is there."""
    named = (profile.onnxruntime or "").partition("==")[0]
    return named if named in present else present[0]


def _owners(interpreter: InterpreterFacts, table: SharedTable) -> Dict[str, List[str]]:
    """Import names that several distributions of one folder own."""
    owners: Dict[Tuple[Optional[str], str], List[str]] = {}
    for one in interpreter.distributions:
        for name in one.top_level:
            if name not in table.ignored and not one.editable and not is_leftover(one):
                owners.setdefault((one.location, name), []).append(one.name)
    found: Dict[str, List[str]] = {}
    for (_, name), names in owners.items():
        distinct = list(dict.fromkeys(names))
        family = any(all(n.startswith(prefix) for n in distinct) for prefix in table.families)
        if len(distinct) > 1 and not family:
            found[name] = distinct
    return found


def _shared(interpreter: InterpreterFacts, name: str, owners: List[str], needed: bool) -> Finding:
    return finding(
        Status.FAIL if needed else Status.WARN,
        f"{' and '.join(owners)} both bring {name}",
        found=", ".join(owners),
        wanted=f"one distribution that brings {name}",
        why="the one installed last is imported; removing either breaks the other",
        fix="packages.duplicates" if needed else None,
        remedy="remove the one that nothing needs, then install the other again",
        commands=[pip_command(interpreter, "show", *owners)],
        source="top_level.txt and RECORD of each",
    )


def _twice(interpreter: InterpreterFacts) -> List[str]:
    seen: Dict[Tuple[str, Optional[str]], List[str]] = {}
    for one in interpreter.distributions:
        if not is_leftover(one):
            seen.setdefault((one.name, one.location), []).append(one.version)
    return [
        f"{name} {' and '.join(versions)}"
        for (name, _), versions in seen.items()
        if len(versions) > 1
    ]
