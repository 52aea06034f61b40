"""Applying a plan: by groups of fixes, each done whole or taken back whole."""

from __future__ import annotations

from pathlib import Path
from typing import Collection, Dict, List, Mapping, Optional, Set, Tuple

import msgspec

from dartenv.errors import UsageFault
from dartenv.fixes.acts import Hands, bring
from dartenv.fixes.changes import FileChange, Side, subject
from dartenv.fixes.events import Event, EventKind, OnEvent, tell
from dartenv.fixes.faults import StepFault, explain
from dartenv.fixes.journal import Closed, Done, GroupDone, GroupStarted, Intended, Verified
from dartenv.fixes.lock import hold
from dartenv.fixes.plan import Group, Plan, groups
from dartenv.fixes.preconditions import check_step
from dartenv.fixes.prepare import prepare
from dartenv.fixes.recover import recover_or_fail
from dartenv.fixes.report import ApplyReport, FixResult, Outcome, Replan, Verify
from dartenv.fixes.rollback import TakenBack, roll_back
from dartenv.fixes.runs import GroupLog, Run, add_plan, create_run
from dartenv.fixes.staging import forget
from dartenv.fixes.steps import AnyStep, runnable, what


def apply(
    plan: Plan,
    chosen: Collection[str],
    *,
    state: Path,
    skipped: Optional[Mapping[str, str]] = None,
    verify: Optional[Verify] = None,
    replan: Optional[Replan] = None,
    on_event: Optional[OnEvent] = None,
    hands: Optional[Hands] = None,
    command: str = "dartenv fix",
    lock_wait: float = 5.0,
) -> ApplyReport:
    """Do the steps of ``plan`` whose ids are in ``chosen``, and report every fix of the plan.

    ``skipped`` says for fixes that were not consented to why not. ``verify`` gets the fixes that
    were done and answers with a fresh probe; a fix whose check still fails is reported as failed
    *and taken back*: a change that does not help has no business in somebody's tree, and what
    stays must be what undo and history can stand for. Where the check cannot tell (``None``, or
    ``verify`` raised), the change stays and is reported as applied.

    Fixes that share a file stand or fall together. ``replan`` gets those that only fell with
    another one and may return a plan for them alone, done in the same run; it is called at most
    once for each fix that falls. Of such a plan only safe steps and those in ``chosen`` are done.

    Raises Locked while another dartenv is at work, FixFault when an interrupted run is still
    stuck, UsageFault when the state folder cannot be written. On any other exception, an
    interruption by the user included, the fix in the middle is taken back before it goes on.
    """
    with hold(state, command, lock_wait):
        hands = hands or Hands()
        recovered = recover_or_fail(state, hands, command)
        for one in recovered:
            tell(on_event, Event(kind=EventKind.RECOVERED, text=one.text))
        work = _Applying(plan, set(chosen), state, hands, on_event, command)
        for fix, why in (skipped or {}).items():
            work.skip((fix,), why)
        try:
            work.whole(verify, replan)
        except BaseException:
            # The fix in the middle was taken back on the way here; what was done stays done.
            work.close(interrupted=True)
            raise
        run = work.run.id if work.run is not None else None
        return ApplyReport(run=run, results=work.results(), recovered=recovered)


class _Applying:
    """One call of :func:`apply`."""

    def __init__(
        self,
        plan: Plan,
        chosen: Set[str],
        state: Path,
        hands: Hands,
        on_event: Optional[OnEvent],
        command: str,
    ) -> None:
        self.plan = plan
        self.chosen = chosen
        self.state = state
        self.hands = hands
        self.on_event = on_event
        self.command = command
        self.run: Optional[Run] = None
        self._plans: List[Plan] = []  # of the run, numbered from 1
        self._results: Dict[str, FixResult] = {}
        self._steps = 0

    def whole(self, verify: Optional[Verify], replan: Optional[Replan]) -> None:
        """Groups, checks, and again for what only fell with another fix."""
        pending: Optional[Plan] = self.plan
        unverified: List[GroupLog] = []
        while pending is not None:
            fallen = self._one_plan(pending, unverified)
            pending = self._planned_anew(fallen, replan)
            if pending is None and unverified:
                fallen = self._verified(unverified, verify)
                unverified = []
                pending = self._planned_anew(fallen, replan)
        self.close(interrupted=False)

    def close(self, interrupted: bool) -> None:
        """End the run, unless something is stuck: then the next command tries again."""
        if self.run is not None and self.run.settled:
            self.run.note(Closed(interrupted=interrupted))

    def results(self) -> Tuple[FixResult, ...]:
        """One result for each fix of the plan, refused ones included."""
        for refusal in self.plan.refusals:
            if refusal.fix not in self._results:
                where = f"{refusal.path}: " if refusal.path else ""
                self.skip((refusal.fix,), where + refusal.reason)
        for step in self.plan.steps:
            for fix in step.fixes:
                if fix not in self._results:
                    self.skip((fix,), "not consented to" if runnable(step) else "by hand only")
        return tuple(self._results.values())

    def skip(self, fixes: Tuple[str, ...], why: str) -> None:
        """Nothing is done for ``fixes``."""
        for fix in fixes:
            self._results[fix] = FixResult(fix=fix, outcome=Outcome.SKIPPED, why=why)
        tell(self.on_event, Event(kind=EventKind.SKIPPED, fixes=fixes, text=why))

    def _one_plan(self, plan: Plan, done: List[GroupLog]) -> Tuple[str, ...]:
        """Do one plan's groups; returns the fixes that only fell with another one."""
        fallen: List[str] = []
        for group in groups(plan.steps):
            declined = [step for step in group.steps if step.id not in self.chosen]
            if declined:
                fallen += self._decline(group, declined)
                continue
            root, registry = plan.target.dart_root, self.hands.registry is not None
            broken = [(step, check_step(step, root, registry)) for step in group.steps]
            first = next(((step, why) for step, why in broken if why is not None), None)
            if first is not None:
                guilty = {fix for step, why in broken if why is not None for fix in step.fixes}
                fallen += self._refuse(group, guilty, first[1])
                continue
            fallen += self._one_group(plan, group, done)
        return tuple(fallen)

    def _decline(self, group: Group, declined: List[AnyStep]) -> List[str]:
        guilty = {fix for step in declined for fix in step.fixes}
        if any(step.id in self.chosen for step in group.steps):
            names = ", ".join(step.id for step in declined)
            return self._refuse(group, guilty, f"it needs a step that was declined: {names}")
        for fix in group.fixes:
            if fix not in self._results:
                self.skip((fix,), "not consented to")
        return []

    def _refuse(self, group: Group, guilty: Set[str], why: Optional[str]) -> List[str]:
        self.skip(tuple(fix for fix in group.fixes if fix in guilty), why or "")
        fallen = [fix for fix in group.fixes if fix not in guilty]
        if fallen:
            self.skip(tuple(fallen), f"shares a file with {', '.join(sorted(guilty))}: {why}")
        return fallen

    def _one_group(self, plan: Plan, group: Group, done: List[GroupLog]) -> List[str]:
        run = self._started(plan)
        number, count = len(run.groups) + 1, self._plans.index(plan) + 1
        try:
            run.write(GroupStarted(group=number, plan=count, fixes=group.fixes))
        except OSError as error:
            why = explain(error, str(run.folder))
            for fix in group.fixes:
                self._results[fix] = FixResult(fix=fix, outcome=Outcome.FAILED, why=why)
            tell(self.on_event, Event(kind=EventKind.FAILED, fixes=group.fixes, text=why))
            return []
        log, step = run.groups[number], group.steps[0]
        try:
            for step in group.steps:
                tell(self.on_event, Event(kind=EventKind.STEP, step=step, text=what(step)))
                self._one_step(run, log, step)
                tell(self.on_event, Event(kind=EventKind.STEP_DONE, step=step))
            run.write(GroupDone(group=number))
        except (StepFault, UsageFault) as fault:
            return self._failed(log, set(step.fixes), str(fault))
        except OSError as error:
            return self._failed(log, set(step.fixes), explain(error, str(run.folder)))
        except BaseException:
            roll_back(run, log, "interrupted", self.hands)
            raise
        done.append(log)
        return []

    def _one_step(self, run: Run, group: GroupLog, step: AnyStep) -> None:
        self._steps += 1
        n = self._steps
        change = prepare(step, n, run, self.hands)
        if isinstance(change, FileChange) and change.unchanged:
            forget((change,), run.folder)
            return  # it is so already; touching it would only change its time
        run.write(Intended(n=n, group=group.number, step=step.id, change=change))
        try:
            meta = bring(run, run.entries[n], Side.AFTER, self.hands)
        except OSError as error:
            raise StepFault(explain(error, getattr(step, "path", None))) from None
        run.write(Done(n=n, mode=meta.mode, mtime_ns=meta.mtime_ns))

    def _started(self, plan: Plan) -> Run:
        try:
            if self.run is None:
                self.run = create_run(self.state, plan, self.command, self.hands.durable)
                self._plans.append(plan)
            elif plan not in self._plans:
                add_plan(self.run.folder, len(self._plans) + 1, plan, self.hands.durable)
                self._plans.append(plan)
        except OSError as error:
            raise UsageFault(
                explain(error, str(self.state)),
                "a folder where dartenv can keep its journal",
                "set DARTENV_STATE_DIR to one",
            ) from None
        return self.run

    def _failed(self, log: GroupLog, guilty: Set[str], why: str) -> List[str]:
        """Roll back ``log``; ``guilty`` failed, the others of the group fell with them."""
        assert self.run is not None
        back = roll_back(self.run, log, why, self.hands)
        fallen = [fix for fix in log.fixes if fix not in guilty]
        for fix in log.fixes:
            self._results[fix] = FixResult(
                fix=fix,
                outcome=Outcome.FAILED,
                why=why if fix in guilty else f"shares a file with {_names(guilty)}: {why}",
                restored=tuple(back.restored),
                left=tuple(text for _, text in back.left + back.stuck),
            )
        tell(self.on_event, _told_failure(log.fixes, why, back))
        return [] if back.stuck or back.left else fallen

    def _verified(self, done: List[GroupLog], verify: Optional[Verify]) -> Tuple[str, ...]:
        """Ask whether the checks pass now; returns the fixes that only fell with another one."""
        assert self.run is not None
        fixes = tuple(fix for log in done for fix in log.fixes)
        tell(self.on_event, Event(kind=EventKind.VERIFYING, fixes=fixes))
        try:
            verdicts = dict(verify(fixes)) if verify is not None else {}
        except Exception as error:
            verdicts = dict.fromkeys(fixes, (None, f"the check could not be run: {error}"))
        for fix in fixes:
            passed, why = verdicts.get(fix, (None, "not checked"))
            self.run.note(Verified(fix=fix, passed=passed, why=why))
        fallen: List[str] = []
        for log in done:
            answers = {fix: verdicts.get(fix, (None, "not checked")) for fix in log.fixes}
            failing = [fix for fix in log.fixes if answers[fix][0] is False]
            if failing:
                why = "; ".join(answers[fix][1] or "its check still fails" for fix in failing)
                fallen += self._failed(log, set(failing), why)
                continue
            changed = tuple(subject(entry.change) for entry in log.entries)
            for fix in log.fixes:
                passed, why = answers[fix]
                outcome = Outcome.REPAIRED if passed else Outcome.APPLIED
                self._results[fix] = FixResult(fix=fix, outcome=outcome, why=why, changed=changed)
            tell(self.on_event, Event(kind=EventKind.REPAIRED, fixes=log.fixes))
        return tuple(fallen)

    def _planned_anew(self, fallen: Tuple[str, ...], replan: Optional[Replan]) -> Optional[Plan]:
        if not fallen or replan is None:
            return None
        plan = replan(fallen)
        if plan is None or not plan.steps:
            return None
        known = set(fallen)
        steps = tuple(step for step in plan.steps if set(step.fixes) <= known)
        for step in steps:
            if runnable(step) and step.safety.value == "safe":
                self.chosen.add(step.id)
        return msgspec.structs.replace(plan, steps=steps)


def _names(fixes: Set[str]) -> str:
    return ", ".join(sorted(fixes))


def _told_failure(fixes: Tuple[str, ...], why: str, back: TakenBack) -> Event:
    return Event(kind=EventKind.FAILED, fixes=fixes, text=f"{why}; {back.text}")
