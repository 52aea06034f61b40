"""Check of clip: OpenAI's, and not the trap with pkg_resources."""

from __future__ import annotations

from typing import Iterator, List, Optional

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import distribution, fits, module, normalised, pip_command
from dartenv.facts.model import DistributionFacts, InterpreterFacts, ModuleFacts
from dartenv.manifests.compat import ClipTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

_WHY = "the text encoder of every entry point is loaded through it"


@check("packages.clip")
def packages_clip(
    interpreter: InterpreterFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """OpenAI's clip, in a state that imports."""
    if profile.kind != "dart":
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    table = manifests.read("compat", "clip", ClipTable)
    one = distribution(interpreter, table.distribution)
    copy = _copy(interpreter, table)
    found = module(interpreter, table.module)
    if one is None and copy is None and found is None:
        where = interpreter.prefix or interpreter.executable
        yield _install(interpreter, table, "clip is not installed", f"no clip in {where}")
        return
    named = f"clip {one.version}" if one is not None else "clip"
    if one is not None and one.problem:
        yield _install(
            interpreter, table, f"the metadata of clip is broken: {one.problem}", named, one.name
        )
        return
    if not _is_openais(one or copy, found, table):
        yield _install(
            interpreter,
            table,
            f"{named} is not OpenAI's: {table.unrelated}",
            f"{named} in {(one.location if one else None) or (found.path if found else '?')}",
            table.distribution,
        )
        return
    trap = _trap(interpreter, found, table)
    if trap is not None:
        yield trap
        return
    if one is None and copy is not None:
        yield finding(
            Status.WARN,
            f"{copy.name} {copy.version} is a copy of CLIP by other hands",
            found=f"{copy.name} {copy.version}",
            wanted=table.install,
            why="DART was written and run with OpenAI's own",
            remedy="install OpenAI's own",
            commands=_commands(interpreter, table, copy.name),
            source=table.source,
        )
        return
    origin = f", {one.direct_url}" if one is not None and one.direct_url else ""
    place = f" at {found.path}" if one is None and found is not None else ""
    yield finding(Status.OK, f"OpenAI's {named}{origin}{place}", found=named)


def _copy(interpreter: InterpreterFacts, table: ClipTable) -> Optional[DistributionFacts]:
    for copy in table.copies:
        one = distribution(interpreter, copy.name)
        if one is not None:
            return one
    return None


def _is_openais(
    one: Optional[DistributionFacts], found: Optional[ModuleFacts], table: ClipTable
) -> bool:
    """By its source text where that was read; else by where it came from or what it requires."""
    if found is not None and (found.words or found.distribution is None):
        return all(word in found.words for word in table.words)
    if one is None:
        return False
    if one.direct_url and table.repository.lower() in one.direct_url.lower():
        return True
    names = {normalised(text.split(";")[0].split(" ")[0]) for text in one.requires}
    return all(
        any(name == need or name.startswith(need) for name in names) for need in table.requires
    )


def _trap(
    interpreter: InterpreterFacts, found: Optional[ModuleFacts], table: ClipTable
) -> Optional[Finding]:
    """A clip that imports pkg_resources where setuptools no longer brings it."""
    if found is None or table.pkg_resources not in found.words:
        return None
    setuptools = distribution(interpreter, "setuptools")
    if module(interpreter, table.pkg_resources) is not None:
        return None
    if setuptools is not None and not fits(setuptools.version, table.pkg_resources_gone):
        return None
    state = f"setuptools {setuptools.version}" if setuptools is not None else "no setuptools"
    return finding(
        Status.FAIL,
        f"clip imports {table.pkg_resources}, which {state} does not bring",
        found=f"a clip older than June 2024 and {state}",
        wanted=f"a newer clip, or {table.pkg_resources_pin}",
        why=f"importing clip ends in No module named '{table.pkg_resources}'",
        fix="packages.clip",
        remedy="install the current clip; an older setuptools is the second choice",
        commands=[
            *_commands(interpreter, table, None)[:1],
            pip_command(interpreter, "install", table.pkg_resources_pin),
        ],
        source=table.pkg_resources_source,
    )


def _install(
    interpreter: InterpreterFacts,
    table: ClipTable,
    summary: str,
    found: str,
    remove: Optional[str] = None,
) -> Finding:
    return finding(
        Status.FAIL,
        summary,
        found=found,
        wanted=f"OpenAI's clip, {table.install}",
        why=_WHY,
        fix="packages.clip",
        remedy="install OpenAI's own from its repository; the second command needs no git",
        commands=_commands(interpreter, table, remove),
        source=table.install_source,
    )


def _commands(interpreter: InterpreterFacts, table: ClipTable, remove: Optional[str]) -> List[str]:
    commands = [pip_command(interpreter, "uninstall", "-y", remove)] if remove else []
    return [
        *commands,
        pip_command(interpreter, "install", table.install),
        pip_command(interpreter, "install", table.archive),
    ]
