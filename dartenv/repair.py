"""From findings to a plan, and from an applied plan back to fresh findings."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY
from dartenv.errors import UsageFault
from dartenv.examine import Examined, Request, examine
from dartenv.fixes import all_fixes
from dartenv.fixes.plan import Plan
from dartenv.fixes.registry import known_fixes, make_plan
from dartenv.fixes.report import Verdicts
from dartenv.target import Target

REPAIRABLE = (Status.INFO, Status.WARN, Status.FAIL)


def wanted_fixes(examined: Examined, asked: Sequence[str]) -> Tuple[List[str], Dict[str, str]]:
    """The fixes to plan, and why others are not: ids asked for, else every finding's own.

    Raises UsageFault for an id that is neither a fix nor a check with one.
    """
    all_fixes()
    known = known_fixes()
    offered: Dict[str, Finding] = {}
    for item in examined.report.findings:
        if item.status in REPAIRABLE and item.remedy is not None and item.remedy.fix is not None:
            offered.setdefault(item.remedy.fix, item)
    skipped: Dict[str, str] = {}
    if not asked:
        fixes = [fix for fix in offered if fix in known]
        for fix, item in offered.items():
            if fix not in known:
                skipped[fix] = _by_hand(item)
        return fixes, skipped
    fixes = []
    for fix in expanded(asked, known):
        if fix in offered and fix in known:
            fixes.append(fix)
        elif fix in known:
            skipped[fix] = _not_needed(examined, fix)
        else:
            by_hand = offered.get(fix)
            skipped[fix] = _by_hand(by_hand) if by_hand else _not_needed(examined, fix)
    return fixes, skipped


def unsettled(examined: Examined, asked: Sequence[str]) -> List[str]:
    """Of the fixes asked for by id, those whose check could not be looked at, or fails without
    dartenv being able to repair it."""
    all_fixes()
    return [
        fix
        for fix in expanded(asked, known_fixes())
        if fix in asked
        for item in [_worst(examined, fix)]
        if item is not None and not _settled(item, fix)
    ]


def _worst(examined: Examined, fix: str) -> Optional[Finding]:
    mine = [item for item in examined.report.findings if item.check == fix]
    return max(mine, key=lambda item: item.status.gravity, default=None)


def _settled(item: Finding, fix: str) -> bool:
    offered = item.remedy is not None and item.remedy.fix == fix and fix in known_fixes()
    if item.status is Status.SKIP:  # a check that does not apply here has no cause
        return item.cause is None and not item.summary.startswith("could not tell")
    return offered or item.status not in (Status.FAIL, Status.CRASH)


def expanded(asked: Sequence[str], known: Sequence[str]) -> List[str]:
    """Ids and groups (``source``) as ids."""
    ids: List[str] = []
    for one in asked:
        matched = [fix for fix in known if fix == one or fix.startswith(one + ".")]
        if not matched and one in REGISTRY.checks:
            matched = [one]
        if not matched:
            raise UsageFault(
                f"no fix is called {one!r}",
                "one of: " + ", ".join(known),
                "dartenv fix --dry-run",
            )
        ids.extend(fix for fix in matched if fix not in ids)
    return ids


def plan_for(request: Request, examined: Examined, fixes: Sequence[str]) -> Plan:
    """The plan for these fixes on the machine that was just examined."""
    all_fixes()
    return make_plan(fixes, examined.facts, request.manifests, examined.facts.target)


def verify(request: Request, fixes: Sequence[str]) -> Verdicts:
    """For each fix whether its check passes on a fresh probe, and the check's own words.

    ``None`` where what is left is only what the fix would not touch: the repair did what it
    could be sure of, and the rest is said.
    """
    checks = tuple(fix for fix in fixes if fix in REGISTRY.checks)
    again = examine(_only(request, checks))
    verdicts: Verdicts = {}
    for fix in fixes:
        mine = [f for f in again.report.findings if f.check == fix]
        worst = max(mine, key=lambda f: f.status.gravity, default=None)
        if worst is None:
            verdicts[fix] = (None, "its check was not run again")
        elif worst.status is Status.OK:
            verdicts[fix] = (True, worst.summary)
        elif _untold(worst, mine, fix) or _only_unsure(again, fix):
            verdicts[fix] = (None, worst.summary)
        else:
            verdicts[fix] = (False, worst.summary)
    return verdicts


def replan(request: Request, fixes: Sequence[str]) -> Optional[Plan]:
    """A plan for these fixes alone, from fresh facts."""
    examined = examine(_only(request, tuple(f for f in fixes if f in REGISTRY.checks)))
    return plan_for(request, examined, fixes)


def _only(request: Request, checks: Tuple[str, ...]) -> Request:
    profile = request.target.profile
    return Request(
        manifests=request.manifests,
        target=Target(
            dart_root=request.target.dart_root,
            python=request.target.python,
            profile=profile,
        ),
        select=checks,
        shallow=True,
        command="fix",
    )


def _untold(worst: Finding, findings: Sequence[Finding], fix: str) -> bool:
    """Whether a check does not say that its fix failed: it was not run, or it asks for the fix no
    more, and what else it says is for the user to do."""
    if worst.status in (Status.SKIP, Status.CRASH) or worst.cause is not None:
        return True
    asks = any(item.remedy is not None and item.remedy.fix == fix for item in findings)
    return worst.status is not Status.FAIL and not asks


def _only_unsure(examined: Examined, fix: str) -> bool:
    source = examined.facts.source
    name = fix.partition(".")[2].replace("-", "_")
    locations = getattr(source, name, None) if source is not None else None
    if not isinstance(locations, tuple) or not locations:
        return False
    return not any(location.state == "needed" for location in locations)


def _by_hand(item: Finding) -> str:
    remedy = item.remedy
    if remedy is not None and remedy.commands:
        return f"by hand for now: {remedy.commands[0]}"
    return f"by hand for now: {remedy.text if remedy is not None else item.summary}"


def _not_needed(examined: Examined, fix: str) -> str:
    for item in examined.report.findings:
        if item.check == fix:
            if item.status is Status.OK:
                return f"nothing to repair: {item.summary}"
            return item.summary
    return "nothing to repair"
