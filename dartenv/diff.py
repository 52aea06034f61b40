"""Two facts values side by side: what differs, and which finding each difference explains."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Set, Tuple

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding
from dartenv.checks.registry import REGISTRY, Check, Context, run_checks
from dartenv.examine import Request, choose_profile
from dartenv.facts.compare import Difference, differences, shown, with_part
from dartenv.facts.model import Facts
from dartenv.manifests.schema import Profile

# Beyond this many a difference is still listed, but no longer tried on its own.
MAX_TRIED = 400


def explained_differences(request: Request, before: Facts, after: Facts) -> List[Difference]:
    """Every difference, with the findings that change when only that part is exchanged.

    A part is one thing of a machine: a package with its files, a toolkit, an import's result. It
    is tried by itself: the checks that read its probe run on ``before`` with that one part taken
    from ``after``, and what changes stands at the first of its differences. A finding that needs
    two parts together is explained by neither.
    """
    all_checks()
    profile = choose_profile(request, before)
    checks = REGISTRY.select(request.select)
    base = _verdicts(request, before, profile, checks)
    differing = list(differences(before, after))
    parts: Dict[str, List[str]] = {}
    for path, _, _ in differing:
        paths = parts.setdefault(_part(path), [])
        if _item(path) not in paths:
            paths.append(_item(path))
    found: List[Difference] = []
    told: Set[str] = set()
    for path, old, new in differing:
        explains: Tuple[str, ...] = ()
        part = _part(path)
        if part not in told and len(told) < MAX_TRIED:
            told.add(part)
            probe = path.split(".")[0].split("[")[0]
            mixed = before
            for item in parts[part]:
                mixed = with_part(mixed, after, item)
            verdicts = _verdicts(request, mixed, profile, _affected(checks, probe))
            explains = tuple(
                f"{check}: {_words(base.get(check))} -> {_words(verdict)}"
                for check, verdict in verdicts.items()
                if _words(verdict) != _words(base.get(check))
            )
        found.append(Difference(path=path, before=shown(old), after=shown(new), explains=explains))
    return found


def _item(path: str) -> str:
    """The entry of a list that a path leads into, whole: half of one is no machine's."""
    return re.sub(r"(?s)^([\w.]+\[.*?\])(?:\..*)?$", r"\1", path)


def _part(path: str) -> str:
    """What has to be exchanged together: a package's metadata and its module are one thing."""
    match = re.match(r"interpreter\.(?:distributions|modules)\[([\w-]+)", path)
    return f"package {match.group(1)}" if match else _item(path)


Verdict = Tuple[Tuple[str, str], ...]


def _verdicts(
    request: Request, facts: Facts, profile: Profile, checks: List[Check]
) -> Dict[str, Verdict]:
    context = Context(facts, profile, request.manifests)
    grouped: Dict[str, List[Finding]] = {}
    for item in run_checks(context, checks):
        grouped.setdefault(item.check, []).append(item)
    return {
        check: tuple((item.status.value, item.summary) for item in items)
        for check, items in grouped.items()
    }


def _affected(checks: List[Check], probe: str) -> List[Check]:
    """Checks that read ``probe``, and those that need one that does."""
    hit: Set[str] = {c.id for c in checks if probe in c.probes}
    grown = True
    while grown:
        more = {c.id for c in checks if c.id not in hit and hit & set(c.needs)}
        grown = bool(more)
        hit |= more
    return [c for c in checks if c.id in hit]


def _words(verdict: Optional[Verdict]) -> str:
    if not verdict:
        return "not looked at"
    worst = max(verdict, key=lambda v: ("ok", "skip", "info", "warn", "fail", "crash").index(v[0]))
    return f"{worst[0]} ({worst[1]})" if worst[0] != "ok" else "ok"
