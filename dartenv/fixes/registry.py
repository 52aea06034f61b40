"""Which function plans which fix.

Nothing is registered until :func:`dartenv.fixes.all_fixes` has imported the topics: they import
this module, and it imports none of them.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Set, Tuple, Union

from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.paths import encodable, key, real
from dartenv.fixes.plan import Plan, Refusal, new_plan, versions_of
from dartenv.fixes.steps import AnyStep, touched_paths
from dartenv.manifests.loader import Manifests

Planned = Sequence[Union[AnyStep, Refusal]]
# Plans one fix: facts, manifests, target -> steps and refusals. It reads, and changes nothing.
Fixer = Callable[[Facts, Manifests, TargetFacts], Planned]
# Plans several fixes that edit the same files: the wanted ids come first.
JointFixer = Callable[[Tuple[str, ...], Facts, Manifests, TargetFacts], Planned]

_FIXERS: Dict[str, JointFixer] = {}


def fixer(fix_id: str) -> Callable[[Fixer], Fixer]:
    """Register the function that plans ``fix_id``."""

    def register(plan: Fixer) -> Fixer:
        def alone(
            ids: Tuple[str, ...], facts: Facts, manifests: Manifests, target: TargetFacts
        ) -> Planned:
            return plan(facts, manifests, target)

        _add(fix_id, alone)
        return plan

    return register


def joint_fixer(*fix_ids: str) -> Callable[[JointFixer], JointFixer]:
    """Register the function that plans several fixes at once, each file a step of its own."""

    def register(plan: JointFixer) -> JointFixer:
        for fix_id in fix_ids:
            _add(fix_id, plan)
        return plan

    return register


def known_fixes() -> Tuple[str, ...]:
    """Every id that is registered so far, sorted."""
    return tuple(sorted(_FIXERS))


def make_plan(
    fix_ids: Sequence[str], facts: Facts, manifests: Manifests, target: TargetFacts
) -> Plan:
    """What it takes to repair ``fix_ids``, in that order. Reads files, changes nothing.

    Raises UsageFault for an id that nobody plans. What a fix will not do stands in the plan's
    refusals.
    """
    unknown = [fix for fix in fix_ids if fix not in _FIXERS]
    if unknown:
        raise UsageFault(
            f"no fix {unknown[0]!r}", "one of: " + ", ".join(sorted(_FIXERS)), "dartenv explain"
        )
    together: Dict[int, List[str]] = {}
    for fix in dict.fromkeys(fix_ids):
        together.setdefault(id(_FIXERS[fix]), []).append(fix)
    found: List[Union[AnyStep, Refusal]] = []
    for ids in together.values():
        found += _FIXERS[ids[0]](tuple(ids), facts, manifests, target)
    steps, refusals = _sorted_out(found)
    return new_plan(target, steps, refusals, versions_of(facts))


def _sorted_out(
    found: Sequence[Union[AnyStep, Refusal]],
) -> Tuple[List[AnyStep], List[Refusal]]:
    """Steps that can stand in one plan, and refusals for the rest.

    Each step was planned on the file as it is now, so a second one for the same file would find
    it changed: the fix it belongs to waits for the next plan, whole.
    """
    steps: List[AnyStep] = []
    refusals: List[Refusal] = []
    owners: Dict[str, AnyStep] = {}
    waiting: Set[str] = set()
    for item in found:
        if isinstance(item, Refusal):
            refusals.append(item)
            continue
        paths = touched_paths(item)
        odd = [path for path in paths if not encodable(path)]
        if odd:
            why = f"{odd[0]!a}: the name is not Unicode; rename it first"
            refusals += [Refusal(fix=fix, reason=why) for fix in item.fixes]
            continue
        names = [key(real(path)) for path in paths]
        other = next((owners[name] for name in names if name in owners), None)
        if other is not None:
            why = f"{paths[0]}: {', '.join(other.fixes)} changes it too; fix again afterwards"
            refusals += [Refusal(fix=fix, reason=why) for fix in item.fixes]
            waiting.update(item.fixes)
            continue
        owners.update(dict.fromkeys(names, item))
        steps.append(item)
    return [step for step in steps if not set(step.fixes) <= waiting], refusals


def _add(fix_id: str, plan: JointFixer) -> None:
    if fix_id in _FIXERS:
        raise ValueError(f"two functions plan {fix_id}")
    _FIXERS[fix_id] = plan
