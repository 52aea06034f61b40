"""Check of everything else that the entry points import."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import (
    distribution,
    fits,
    import_name,
    listed,
    module,
    normalised,
    pinned,
    pip_command,
    requirements,
)
from dartenv.facts.model import InterpreterFacts
from dartenv.manifests.schema import Profile, Requirement

# These have checks of their own.
ELSEWHERE = frozenset(("torch", "torchvision", "torchaudio", "numpy", "clip", "pytorch3d"))


class _Lack(NamedTuple):
    """A requirement that is not met, and how."""

    requirement: Requirement
    state: str
    missing: bool


@check("packages.requirements")
def packages_requirements(interpreter: InterpreterFacts, profile: Profile) -> Iterator[Finding]:
    """Everything that the entry points import, at versions that work together."""
    wanted = [
        one
        for one in requirements(profile, interpreter)
        if normalised(one.name) not in ELSEWHERE and _concerns(one, profile)
    ]
    lacks = [lack for one in wanted for lack in [_lack(one, interpreter)] if lack is not None]
    needed = [lack for lack in lacks if not lack.requirement.optional]
    if not needed:
        optional = [f"{lack.requirement.name} {lack.state} (optional)" for lack in lacks]
        yield finding(
            Status.OK, f"{len(wanted) - len(lacks)} packages that DART imports", evidence=optional
        )
        return
    missing = [lack for lack in needed if lack.missing]
    wrong = [lack for lack in needed if not lack.missing]
    parts: List[str] = []
    if missing:
        parts.append(f"{len(missing)} missing: {listed([m.requirement.name for m in missing])}")
    if wrong:
        shown = [f"{w.requirement.name} {w.state}" for w in wrong]
        parts.append(f"{len(wrong)} unfit: {listed(shown)}")
    yield finding(
        Status.FAIL,
        "packages that DART imports: " + "; ".join(parts),
        found="; ".join(parts),
        wanted=", ".join(pinned(lack.requirement) for lack in needed),
        evidence=[_detail(lack) for lack in needed],
        why=needed[0].requirement.why or "the entry points import them",
        fix="packages.requirements",
        remedy="install them as wheels, so that no compiler is needed",
        commands=[
            pip_command(
                interpreter,
                "install",
                "--prefer-binary",
                *(pinned(lack.requirement) for lack in needed),
            )
        ],
        source=f"profile {profile.id}",
    )


def _concerns(one: Requirement, profile: Profile) -> bool:
    return not one.needed_by or bool(set(one.needed_by) & set(profile.entry_points))


def _lack(one: Requirement, interpreter: InterpreterFacts) -> Optional[_Lack]:
    has = distribution(interpreter, one.name)
    if has is None:
        if module(interpreter, import_name(one)) is not None:
            return None  # a folder on PYTHONPATH brings it
        return _Lack(one, "is not installed", True)
    if has.problem:
        return _Lack(one, f"has broken metadata ({has.problem})", False)
    if one.spec and fits(has.version, one.spec) is False:
        return _Lack(one, f"{has.version} is not {one.spec}", False)
    return None


def _detail(lack: _Lack) -> str:
    one = lack.requirement
    who = f" (for {', '.join(one.needed_by)})" if one.needed_by else ""
    return f"{one.name} {lack.state}{who}" + (f": {one.why}" if one.why else "")
