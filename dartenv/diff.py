"""Two facts values side by side: what differs, and which finding each difference explains."""

from __future__ import annotations

from typing import Dict, List, Optional, Set, Tuple

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

    Each is tried by itself: the checks that read its probe run on ``before`` with that one part
    taken from ``after``. A finding that needs two changes together is explained by neither.
    """
    profile = choose_profile(request, before)
    checks = REGISTRY.select(request.select)
    base = _verdicts(request, before, profile, checks)
    found: List[Difference] = []
    for number, (path, old, new) in enumerate(differences(before, after)):
        explains: Tuple[str, ...] = ()
        if number < MAX_TRIED:
            probe = path.split(".")[0].split("[")[0]
            affected = _affected(checks, probe)
            mixed = _verdicts(request, with_part(before, after, path), profile, affected)
            explains = tuple(
                f"{check}: {_words(base.get(check))} -> {_words(verdict)}"
                for check, verdict in mixed.items()
                if verdict != base.get(check)
            )
        found.append(Difference(path=path, before=shown(old), after=shown(new), explains=explains))
    return found


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
