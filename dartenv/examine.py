"""One examination: facts, then findings, then a report. What doctor does, without printing."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.checks import all_checks, extension_failures, extension_plans
from dartenv.checks.finding import Finding
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.collect import Scope, collect
from dartenv.facts.model import Facts
from dartenv.facts.probes import PLANS
from dartenv.fixes.known import KNOWN_FIXES
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile
from dartenv.report.model import Report, apply_ignores, exit_code
from dartenv.target import Target, tree_at

if TYPE_CHECKING:
    from dartenv.facts.head_start import HeadStart

SHALLOW_WITHOUT = ("imports",)


@dataclass(frozen=True)
class Request:
    """What to examine and how to judge it. ``begun`` has started to load the target's torch."""

    manifests: Manifests
    target: Target
    select: Tuple[str, ...] = ()
    ignores: Mapping[str, str] = field(default_factory=dict)
    fail_level: str = "fail"
    shallow: bool = False
    command: str = "doctor"
    begun: Optional[HeadStart] = None


@dataclass(frozen=True)
class Examined:
    """The facts of one examination, the profile they were judged by, and the report."""

    facts: Facts
    profile: Profile
    report: Report


def examine(
    request: Request,
    facts: Optional[Facts] = None,
    on_probe: Optional[Callable[[str], None]] = None,
) -> Examined:
    """Collect facts (unless given, as by ``--from``) and judge them."""
    started = time.monotonic()
    all_checks()
    selected = REGISTRY.select(request.select)
    if facts is None:
        facts = gather(request, [c.id for c in selected], on_probe)
        seconds: Optional[float] = time.monotonic() - started
    else:
        seconds = None
    profile = choose_profile(request, facts)
    facts = msgspec.structs.replace(
        facts, target=msgspec.structs.replace(facts.target, profile=profile.id)
    )
    context = Context(facts, profile, request.manifests)
    findings = run_checks(context, selected)
    return Examined(facts, profile, make_report(request, facts, profile, findings, seconds))


def gather(
    request: Request, check_ids: Sequence[str], on_probe: Optional[Callable[[str], None]] = None
) -> Facts:
    """The facts that the given checks, and what they need, ask for."""
    needed = REGISTRY.with_needs([REGISTRY.checks[c] for c in check_ids])
    probes = {name for item in needed for name in item.probes}
    # The profile is chosen by the operating system and the GPU unless it was given.
    probes.update(("host", "gpu") if request.target.profile is None else ("host",))
    if request.shallow:
        probes.difference_update(SHALLOW_WITHOUT)
    return collected(request, sorted(probes), on_probe)


def collected(
    request: Request, probes: Sequence[str], on_probe: Optional[Callable[[str], None]] = None
) -> Facts:
    """The facts of these probes, and of those that they come after."""
    root = request.target.dart_root
    given = request.target.profile
    scope = Scope(
        manifests=request.manifests,
        dart_root=root,
        python=request.target.python,
        tree=tree_at(request.manifests, root or None),
        env=dict(os.environ),
        profile=request.manifests.profile(given) if given else None,
        begun=request.begun,
    )
    facts = collect(scope, (*PLANS, *extension_plans()), probes, on_probe)
    failures = (*facts.probe_failures, *extension_failures())
    return msgspec.structs.replace(facts, probe_failures=failures)


def choose_profile(request: Request, facts: Facts) -> Profile:
    """The profile asked for, else the recorded one, else the one that fits the machine."""
    manifests = request.manifests
    given = request.target.profile or facts.target.profile
    if given is not None:
        return manifests.profile(given)
    if facts.source is not None and facts.source.kind == "sandbox":
        return manifests.profile("sandbox")
    root = facts.target.dart_root
    if facts.source is None and root:
        tree = tree_at(manifests, root)
        if tree is not None and tree.kind == "sandbox":
            return manifests.profile("sandbox")
    system = facts.host.system if facts.host is not None else "linux"
    return _fitting(manifests, system, facts)


def _fitting(manifests: Manifests, system: str, facts: Facts) -> Profile:
    """The first profile of this system whose compute fits the GPU that was seen.

    One that an extension brings is for those who ask for it.
    """
    known = [
        p
        for p in manifests.profiles()
        if p.kind == "dart" and manifests.is_packaged("profiles", p.id)
    ]
    candidates = [p for p in known if p.system == system] or known
    by_compute = {p.compute: p for p in reversed(candidates)}
    gpu = facts.gpu
    if gpu is None or gpu.state != "devices":
        return by_compute.get("cpu", candidates[0])
    newest = max((_capability(d.capability) for d in gpu.devices), default=(0, 0))
    wanted = "cu128" if newest >= (10, 0) else "cu118"
    return by_compute.get(wanted, candidates[0])


def _capability(text: Optional[str]) -> Tuple[int, int]:
    major, _, minor = (text or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def make_report(
    request: Request,
    facts: Facts,
    profile: Profile,
    findings: Sequence[Finding],
    seconds: Optional[float],
) -> Report:
    """The report value for these findings."""
    kept, ignored = apply_ignores(findings, dict(request.ignores))
    return Report(
        command=request.command,
        taken_at=facts.taken_at,
        target=facts.target,
        profile_title=profile.title,
        headline=tuple(headline(facts)),
        findings=tuple(kept),
        ignored=tuple(ignored),
        probe_failures=facts.probe_failures,
        timings=facts.timings,
        seconds=seconds,
        fail_level=request.fail_level,
        exit_code=exit_code(kept, request.fail_level),
        # Whatever profile judges it: a sandbox is called one.
        sandbox=profile.kind == "sandbox"
        or (facts.source is not None and facts.source.kind == "sandbox"),
        fixes=KNOWN_FIXES,
    )


def headline(facts: Facts) -> List[str]:
    """The environment in a few words, then GPU and versions, each a line."""
    lines: List[str] = []
    inside = facts.interpreter
    if inside is not None:
        where = inside.environment or inside.executable
        lines.append(f"{where} (Python {inside.version})")
    elif any(failure.probe == "interpreter" for failure in facts.probe_failures):
        lines.append("no usable Python")
    else:
        lines.append(facts.target.python or "")
    if facts.gpu is not None and facts.gpu.devices:
        names = ", ".join(d.name for d in facts.gpu.devices)
        lines.append(f"GPU: {names}, driver {facts.gpu.driver or 'unknown'}")
    if inside is not None:
        shown: Dict[str, str] = {d.name: d.version for d in inside.distributions}
        versions = [f"{n} {shown[n]}" for n in ("torch", "pytorch3d", "numpy") if n in shown]
        if versions:
            lines.append(", ".join(versions))
    return lines
