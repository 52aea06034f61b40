"""Checks: pure functions that name the facts and manifests they need as parameters.

    @check("packages.torch", needs=("python.version",))
    def packages_torch(interpreter: InterpreterFacts, profile: Profile, ...) -> Iterator[Finding]

The framework hands over what a parameter's name asks for (see :data:`FACT_NAMES` and
:class:`Context`), skips a check whose needs did not pass, and turns an exception inside a check
into a ``crash`` finding. A parameter annotated ``Optional[...]`` receives ``None`` where the fact
could not be told; any other check is then skipped with the probe's reason.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

import msgspec

from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.errors import UsageFault
from dartenv.facts.model import PROBES, Facts
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

CheckFunction = Callable[..., Iterable[Finding]]

# The check that answers for a probe: where that probe's facts are missing and the check says so,
# what reads them only follows from it. The second fact is the one whose absence is meant.
ANSWERS_FOR: Mapping[str, Tuple[str, str]] = {
    "interpreter": ("python.version", "interpreter"),
    "imports": ("python.version", "interpreter"),
    "source": ("source.root", "source"),
    "assets": ("source.root", "source"),
}

FACT_NAMES = frozenset((*PROBES, "target"))
# Probes that extensions bring: their facts stand in Facts.extra.
_EXTRA: Set[str] = set()
CONTEXT_NAMES = frozenset(("facts", "profile", "manifests"))


@dataclass(frozen=True)
class Check:
    """One check: its id, what it needs, and the function."""

    id: str
    title: str
    needs: Tuple[str, ...]
    function: CheckFunction
    parameters: Tuple[str, ...]
    optional: Tuple[str, ...]

    @property
    def probes(self) -> Tuple[str, ...]:
        """The probes whose facts this check reads."""
        return tuple(name for name in self.parameters if name in PROBES or name in _EXTRA)

    @property
    def comes_after(self) -> Tuple[str, ...]:
        """The checks to look at first: its needs, and those that answer for its facts."""
        answering = [
            ANSWERS_FOR[name][0]
            for name in self.parameters
            if name in ANSWERS_FOR and name not in self.optional
        ]
        return tuple(dict.fromkeys(c for c in (*self.needs, *answering) if c != self.id))


@dataclass
class Registry:
    """All checks in the order in which they were registered, which is the order of acting."""

    checks: Dict[str, Check] = field(default_factory=dict)

    def check(
        self, check_id: str, *, needs: Sequence[str] = ()
    ) -> Callable[[CheckFunction], CheckFunction]:
        """Register the decorated function; its docstring's first line is the check's title."""

        def register(function: CheckFunction) -> CheckFunction:
            if check_id in self.checks:
                raise ValueError(f"check {check_id} is registered twice")
            parameters = tuple(inspect.signature(function).parameters)
            unknown = [p for p in parameters if p not in FACT_NAMES | CONTEXT_NAMES | _EXTRA]
            if unknown:
                raise ValueError(f"check {check_id} asks for unknown facts {unknown}")
            title = (inspect.getdoc(function) or check_id).splitlines()[0].rstrip(".")
            self.checks[check_id] = Check(
                check_id, title, tuple(needs), function, parameters, _optional(function)
            )
            return function

        return register

    def select(self, selectors: Sequence[str]) -> List[Check]:
        """Checks whose id is, or starts with the prefix of, a selector; all without selectors.

        Raises UsageFault for a selector that matches nothing.
        """
        if not selectors:
            return list(self.checks.values())
        chosen: Set[str] = set()
        for selector in selectors:
            matched = {c for c in self.checks if c == selector or c.startswith(selector + ".")}
            if not matched:
                groups = sorted({c.split(".")[0] for c in self.checks})
                raise UsageFault(
                    f"no check is called {selector!r}",
                    "a check id or a group: " + ", ".join(groups),
                    "dartenv explain --list",
                )
            chosen |= matched
        return [c for c in self.checks.values() if c.id in chosen]

    def with_needs(self, checks: Iterable[Check]) -> List[Check]:
        """The given checks and everything they need, in registration order."""
        wanted: Set[str] = set()
        pending = [c.id for c in checks]
        while pending:
            check_id = pending.pop()
            if check_id in wanted or check_id not in self.checks:
                continue
            wanted.add(check_id)
            pending.extend(self.checks[check_id].comes_after)
        return [c for c in self.checks.values() if c.id in wanted]


def add_fact_name(name: str) -> None:
    """Let checks ask for the facts of an extension's probe called ``name``."""
    if name in FACT_NAMES | CONTEXT_NAMES:
        raise ValueError(f"a probe called {name} is there already")
    _EXTRA.add(name)


REGISTRY = Registry()
check = REGISTRY.check


@dataclass(frozen=True)
class Context:
    """Everything a check may ask for."""

    facts: Facts
    profile: Profile
    manifests: Manifests


def run_checks(
    context: Context,
    selected: Sequence[Check],
    registry: Registry = REGISTRY,
) -> List[Finding]:
    """Run ``selected`` and what they need; return the findings of ``selected`` only.

    A check whose need did not pass is skipped with that need as its cause; a need that was
    itself skipped hands its own cause on, so a whole chain folds under one finding.
    """
    ordered = _topological(registry.with_needs(selected), registry)
    results: Dict[str, List[Finding]] = {}
    for item in ordered:
        results[item.id] = _run_one(item, context, results)
    wanted = {c.id for c in selected}
    order = {check_id: i for i, check_id in enumerate(registry.checks)}
    return [
        finding
        for check_id in sorted(wanted & results.keys(), key=order.__getitem__)
        for finding in results[check_id]
    ]


def _run_one(item: Check, context: Context, results: Mapping[str, List[Finding]]) -> List[Finding]:
    for need in item.needs:
        blocked = _blocked(results.get(need, ()))
        if blocked is not None:
            cause = blocked.cause or blocked.check
            return [_finding(item, Status.SKIP, f"not looked at: {cause} comes first", cause=cause)]
    try:
        arguments: Dict[str, Any] = {}
        for name in item.parameters:
            value = _value(name, context)
            if value is None and name not in item.optional:
                summary = f"could not tell: {_reason(name, context)}"
                return [_finding(item, Status.SKIP, summary, _missing(name, context, results))]
            arguments[name] = value
        found = list(item.function(**arguments))
    except Exception as error:  # a broken check must not hide the others
        frame = _last_frame(error)
        return [
            _finding(
                item,
                Status.CRASH,
                f"this check broke, which is a fault of dartenv: {type(error).__name__}: {error}",
                evidence=(frame,),
            )
        ]
    if not found:
        return [_finding(item, Status.CRASH, "this check gave no answer, a fault of dartenv")]
    return [_completed(item, finding) for finding in found]


def _missing(name: str, context: Context, results: Mapping[str, List[Finding]]) -> Optional[str]:
    """The check that a missing fact follows from, where that check did not pass."""
    check_id, root = ANSWERS_FOR.get(name, ("", name))
    if not check_id or _value(root, context) is not None:
        return None
    blocked = _blocked(results.get(check_id, ()))
    return (blocked.cause or blocked.check) if blocked is not None else None


def _completed(item: Check, finding: Finding) -> Finding:
    if finding.check and finding.doc:
        return finding
    return msgspec.structs.replace(finding, check=item.id, doc=f"dartenv explain {item.id}")


def _finding(
    item: Check,
    status: Status,
    summary: str,
    cause: Optional[str] = None,
    evidence: Tuple[str, ...] = (),
) -> Finding:
    return Finding(
        check=item.id,
        status=status,
        summary=summary,
        cause=cause,
        evidence=evidence,
        doc=f"dartenv explain {item.id}",
    )


def _blocked(findings: Iterable[Finding]) -> Optional[Finding]:
    for finding in findings:
        if finding.status in (Status.FAIL, Status.CRASH) or (
            finding.status is Status.SKIP and finding.cause is not None
        ):
            return finding
    return None


def _value(name: str, context: Context) -> Any:
    if name in CONTEXT_NAMES:
        return getattr(context, name)
    if name in _EXTRA:
        return context.facts.extra.get(name)
    return getattr(context.facts, name)


def _reason(name: str, context: Context) -> str:
    for failure in context.facts.probe_failures:
        if failure.probe == name:
            return failure.reason
    return f"nothing is known about {name}"


def _last_frame(error: BaseException) -> str:
    trace = error.__traceback__
    last = trace
    while trace is not None:
        last, trace = trace, trace.tb_next
    if last is None:
        return ""
    code = last.tb_frame.f_code
    return f"{code.co_filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{last.tb_lineno}"


def _optional(function: CheckFunction) -> Tuple[str, ...]:
    hints = typing.get_type_hints(function)
    return tuple(
        name
        for name, hint in hints.items()
        if name != "return" and type(None) in getattr(hint, "__args__", ())
    )


def _topological(checks: Sequence[Check], registry: Registry) -> List[Check]:
    done: Dict[str, None] = {}

    def visit(check_id: str, chain: Tuple[str, ...]) -> None:
        if check_id in done or check_id not in registry.checks:
            return
        if check_id in chain:
            raise ValueError("checks need each other: " + " -> ".join((*chain, check_id)))
        for need in registry.checks[check_id].comes_after:
            visit(need, (*chain, check_id))
        done[check_id] = None

    for item in checks:
        visit(item.id, ())
    return [registry.checks[check_id] for check_id in done]


def finding(
    status: Status,
    summary: str,
    *,
    found: Optional[str] = None,
    wanted: Optional[str] = None,
    evidence: Sequence[str] = (),
    why: str = "",
    fix: Optional[str] = None,
    remedy: Optional[str] = None,
    commands: Sequence[str] = (),
    source: Optional[str] = None,
) -> Finding:
    """A finding without its check's id, which the registry fills in."""
    remedy_value = None
    if remedy is not None or fix is not None or commands:
        remedy_value = Remedy(text=remedy or "", commands=tuple(commands), fix=fix)
    return Finding(
        check="",
        status=status,
        summary=summary,
        found=found,
        wanted=wanted,
        evidence=tuple(evidence),
        why=why,
        remedy=remedy_value,
        source=source,
    )
