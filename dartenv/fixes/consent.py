"""Who agreed to what: a pure function of the steps, the options and the answers."""

from __future__ import annotations

from typing import Callable, Collection, Dict, List, Sequence, Set, Tuple

import msgspec

from dartenv.errors import Declined, UsageFault
from dartenv.fixes.plan import groups
from dartenv.fixes.steps import AnyStep, Safety, runnable

# Called with all safe steps at once, or with one unsafe step; True is consent.
Ask = Callable[[Tuple[AnyStep, ...]], bool]


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """``chosen`` are step ids; ``skipped`` says of each fix that is not wholly chosen why."""

    chosen: Tuple[str, ...] = ()
    skipped: Dict[str, str] = {}


def decide(
    steps: Sequence[AnyStep],
    *,
    yes: bool,
    unsafe_ids: Collection[str],
    is_terminal: bool,
    ask: Ask,
) -> Consent:
    """Which steps may be done.

    Safe steps are consented to together: by ``yes``, or by one question on a terminal. Unsafe
    steps are asked for one by one on a terminal; with ``yes`` nothing is asked, and only those
    named in ``unsafe_ids`` (by step or fix id) are done. Display-only steps are never chosen.

    Raises Declined (exit 5) where there is something to do and nothing of it was consented to;
    without a terminal and without ``yes`` that is always so. UsageFault for a name in
    ``unsafe_ids`` that no unsafe step has.
    """
    candidates = [step for step in steps if runnable(step)]
    safe = tuple(step for step in candidates if step.safety is Safety.SAFE)
    unsafe = tuple(step for step in candidates if step.safety is Safety.UNSAFE)
    _refuse_unknown(unsafe_ids, unsafe)
    skipped = _by_hand(steps)
    if not candidates:
        return Consent(skipped=skipped)
    if not yes and not is_terminal:
        raise Declined(
            "nothing was changed: there is no terminal to ask on",
            help="dartenv fix --yes, after a look at dartenv fix --dry-run",
        )
    agreed: Set[str] = set()
    if safe and (yes or ask(safe)):
        agreed.update(step.id for step in safe)
    for step in unsafe:
        named = step.id in unsafe_ids or any(fix in unsafe_ids for fix in step.fixes)
        if named if yes else ask((step,)):
            agreed.add(step.id)
    chosen = _whole_fixes(candidates, agreed, yes, skipped)
    if not chosen:
        names = " ".join(f"--unsafe {step.id}" for step in unsafe) if yes else ""
        raise Declined(
            "nothing was changed: declined", help=f"dartenv fix {names}" if names else None
        )
    return Consent(
        chosen=tuple(step.id for step in candidates if step.id in chosen), skipped=skipped
    )


def _whole_fixes(
    candidates: Sequence[AnyStep], agreed: Set[str], yes: bool, skipped: Dict[str, str]
) -> Set[str]:
    """The agreed steps, without those of fixes that would then be done by half.

    A step that also serves another, wholly agreed fix stays: ``apply`` sorts that out by planning
    the other fix alone.
    """
    halves: Set[str] = set()
    for step in candidates:
        if step.id in agreed:
            continue
        for fix in step.fixes:
            halves.add(fix)
            if step.safety is Safety.UNSAFE and yes:
                skipped.setdefault(fix, f"unsafe: ask for it by name, --unsafe {step.id}")
            else:
                skipped.setdefault(fix, "declined")
    chosen: Set[str] = set()
    for group in groups(candidates):
        if set(group.fixes) <= halves:
            continue
        for step in group.steps:
            if step.id in agreed and not set(step.fixes) <= halves:
                chosen.add(step.id)
    return chosen


def _by_hand(steps: Sequence[AnyStep]) -> Dict[str, str]:
    may: Set[str] = {fix for step in steps if runnable(step) for fix in step.fixes}
    return {
        fix: "by hand only: dartenv shows what to do and does not do it"
        for step in steps
        for fix in step.fixes
        if fix not in may
    }


def _refuse_unknown(names: Collection[str], unsafe: Sequence[AnyStep]) -> None:
    known: List[str] = sorted({name for step in unsafe for name in (step.id, *step.fixes)})
    for name in names:
        if name not in known:
            raise UsageFault(
                f"--unsafe {name}: no unsafe step has that name",
                f"one of: {', '.join(known) or 'none in this plan'}",
            )
