"""Collecting facts: only what the checks ask for, in parallel, each probe bounded in time.

A probe is a function of the :class:`Scope` and of the facts that it names in
:class:`ProbePlan.after`. It returns :class:`~dartenv.facts.probed.Probed` and never raises; if it
does all the same, that is recorded as a probe failure and the others go on.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import msgspec

from dartenv import __version__
from dartenv.facts.model import PROBES, Facts, ProbeFailure, ProbeTiming, TargetFacts
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Runner, SubprocessRunner
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile, Tree
from dartenv.source.collector import collector_paused

if TYPE_CHECKING:
    from dartenv.facts.head_start import HeadStart


@dataclass(frozen=True)
class Scope:
    """What probes may use: where to look and with what. ``begun`` has started to load torch."""

    manifests: Manifests
    dart_root: Optional[str]
    python: Optional[str]
    tree: Optional[Tree]
    env: Mapping[str, str]
    profile: Optional[Profile] = None
    runner: Runner = field(default_factory=SubprocessRunner)
    begun: Optional[HeadStart] = None


ProbeFunction = Callable[[Scope, Mapping[str, Any]], "Probed[Any]"]


@dataclass(frozen=True)
class ProbePlan:
    """One probe: its function, its limit in seconds, and the probes whose facts it reads.

    ``early`` is called before these are waited for; what it gives is ``earlier["early"]``.
    """

    name: str
    function: ProbeFunction
    limit: float
    after: Tuple[str, ...] = ()
    early: Optional[Callable[[Scope], Any]] = None


def collect(
    scope: Scope,
    plans: Sequence[ProbePlan],
    wanted: Sequence[str],
    on_done: Optional[Callable[[str], None]] = None,
) -> Facts:
    """Run the wanted probes, and those they come after, into one facts value."""
    chosen = _closure(plans, wanted)
    with collector_paused():  # what probes import and parse is kept, and is no garbage
        values, failures, timings = _Run(scope, chosen, on_done).all()
    extra: Dict[str, Any] = {}
    for name in [one for one in values if one not in PROBES]:
        extra[name], odd = _plain(name, values.pop(name))
        failures.extend(odd)
    return speakable(
        Facts(
            dartenv=__version__,
            taken_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            target=TargetFacts(
                dart_root=scope.dart_root,
                python=scope.python,
                profile=scope.profile.id if scope.profile else None,
            ),
            probe_failures=tuple(failures),
            timings=tuple(timings),
            extra=extra,
            **values,
        )
    )


def speakable(facts: Facts) -> Facts:
    """``facts`` in characters that any document can hold.

    Names of files and variables may hold bytes that are no text, and a registry halves of
    characters; they become escapes, as ``\\udcff``.
    """
    try:
        msgspec.json.encode(facts)
    except UnicodeEncodeError:
        return msgspec.convert(_escaped(msgspec.to_builtins(facts)), Facts)
    return facts


def _escaped(node: Any) -> Any:
    if isinstance(node, str):
        return node.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(node, dict):
        return {_escaped(key): _escaped(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_escaped(item) for item in node]
    return node


def _plain(name: str, value: Any) -> Tuple[Any, Tuple[ProbeFailure, ...]]:
    """What an extension's probe gave, as it will be read back; nothing where it is not JSON."""
    try:
        return msgspec.json.decode(msgspec.json.encode(_escaped(value))), ()
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        return None, (ProbeFailure(probe=name, reason=f"its facts are not plain data: {error}"),)


def _closure(plans: Sequence[ProbePlan], wanted: Sequence[str]) -> List[ProbePlan]:
    by_name = {plan.name: plan for plan in plans}
    names: Set[str] = set()
    pending = [name for name in wanted if name in by_name]
    while pending:
        name = pending.pop()
        if name not in names:
            names.add(name)
            pending.extend(by_name[name].after)
    return [plan for plan in plans if plan.name in names]


class _Run:
    """One thread a probe; a probe waits for those it comes after.

    Threads are daemons: a probe stuck in a system call that nothing can interrupt must not keep
    the program alive. What it started as a process is bounded by the runner.
    """

    def __init__(
        self,
        scope: Scope,
        plans: Sequence[ProbePlan],
        on_done: Optional[Callable[[str], None]],
    ) -> None:
        self._scope = scope
        self._plans = plans
        self._on_done = on_done
        self._events = {plan.name: threading.Event() for plan in plans}
        self._results: Dict[str, Tuple[Probed[Any], float]] = {}
        self._started: Dict[str, float] = {}

    def all(self) -> Tuple[Dict[str, Any], List[ProbeFailure], List[ProbeTiming]]:
        """Every probe's value, the failures and the timings, in the order of the plans."""
        for plan in self._plans:
            threading.Thread(target=self._one, args=(plan,), daemon=True).start()
        values: Dict[str, Any] = {}
        failures: List[ProbeFailure] = []
        timings: List[ProbeTiming] = []
        for plan in self._plans:
            probed, seconds = self._await(plan)
            values[plan.name] = probed.value
            failures.extend(probed.failures)
            timings.append(ProbeTiming(probe=plan.name, seconds=round(seconds, 4)))
        return values, failures, timings

    def _await(self, plan: ProbePlan) -> Tuple[Probed[Any], float]:
        while not self._events[plan.name].is_set():
            started = self._started.get(plan.name)
            left = plan.limit if started is None else started + plan.limit - time.monotonic()
            if left <= 0:
                reason = f"no answer within {plan.limit:.0f} s"
                timed_out = (_failed(plan.name, reason), plan.limit)
                return self._results.setdefault(plan.name, timed_out)
            self._events[plan.name].wait(min(left, 0.5))
        return self._results[plan.name]

    def _one(self, plan: ProbePlan) -> None:
        early = self._early(plan)
        for name in plan.after:
            self._await_other(name)
        self._started[plan.name] = started = time.monotonic()
        earlier = {name: self._results[name][0].value for name in plan.after}
        earlier["early"] = early
        try:
            probed = plan.function(self._scope, earlier)
        except Exception as error:  # a probe's own fault must not hide the others
            probed = _failed(plan.name, f"the probe broke: {type(error).__name__}: {error}")
        self._results.setdefault(plan.name, (probed, time.monotonic() - started))
        self._events[plan.name].set()
        if self._on_done is not None:
            self._on_done(plan.name)

    def _early(self, plan: ProbePlan) -> Any:
        try:
            return plan.early(self._scope) if plan.early is not None else None
        except Exception:  # only a head start is lost, and the probe itself will meet the cause
            return None

    def _await_other(self, name: str) -> None:
        plan = next(p for p in self._plans if p.name == name)
        self._await(plan)


def _failed(name: str, reason: str) -> Probed[Any]:
    return Probed(None, (ProbeFailure(probe=name, reason=reason),))
