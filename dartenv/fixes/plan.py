"""The plan: every step in order, as one value that JSON carries there and back."""

from __future__ import annotations

import datetime
import secrets
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

import msgspec

from dartenv import __version__
from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.steps import AnyStep, runnable

PLAN_SCHEMA = 1


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a fix will not do, and why; ``path`` where it is about one file."""

    fix: str
    reason: str
    path: Optional[str] = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What ``dartenv fix`` would do to one target.

    ``versions`` (dartenv, system, python, torch, numpy, as far as known) must still hold when the
    plan is applied, and so must the hash of every file that a step names. ``skipped`` says of
    fixes without a step why they have none.
    """

    schema: int = PLAN_SCHEMA
    run: str
    created: str  # ISO 8601, UTC
    dartenv: str
    target: TargetFacts
    steps: Tuple[AnyStep, ...] = ()
    refusals: Tuple[Refusal, ...] = ()
    skipped: Dict[str, str] = {}
    versions: Dict[str, str] = {}

    @property
    def fixes(self) -> Tuple[str, ...]:
        """The ids that have at least one step, in order of first appearance."""
        return tuple(dict.fromkeys(fix for step in self.steps for fix in step.fixes))

    @property
    def download_bytes(self) -> int:
        """What all steps together would download."""
        return sum(step.download_bytes for step in self.steps)


class Group(msgspec.Struct, frozen=True):
    """Fixes that share steps, and all their runnable steps: they stand or fall together."""

    fixes: Tuple[str, ...]
    steps: Tuple[AnyStep, ...]


def new_run_id() -> str:
    """Eight hex digits."""
    return secrets.token_hex(4)


def new_plan(
    target: TargetFacts,
    steps: Sequence[AnyStep],
    refusals: Sequence[Refusal] = (),
    versions: Optional[Mapping[str, str]] = None,
) -> Plan:
    """A plan made now by this dartenv. Raises ValueError where steps share an id or serve none."""
    _check_steps(steps)
    now = datetime.datetime.now(datetime.timezone.utc)
    return Plan(
        run=new_run_id(),
        created=now.isoformat(timespec="seconds"),
        dartenv=__version__,
        target=target,
        steps=tuple(steps),
        refusals=tuple(refusals),
        versions=dict(versions or {}),
    )


def versions_of(facts: Facts) -> Dict[str, str]:
    """The versions that a plan made from ``facts`` depends on."""
    versions = {"dartenv": __version__}
    if facts.host is not None:
        versions["system"] = facts.host.system
    if facts.interpreter is not None:
        versions["python"] = facts.interpreter.version
        for distribution in facts.interpreter.distributions:
            if distribution.name in ("torch", "numpy"):
                versions[distribution.name] = distribution.version
    return versions


def groups(steps: Sequence[AnyStep]) -> List[Group]:
    """The runnable steps, parted into fixes that have no step in common with others."""
    wanted = [step for step in steps if runnable(step)]
    parent: Dict[str, str] = {}

    def root(fix: str) -> str:
        while parent.setdefault(fix, fix) != fix:
            fix = parent[fix]
        return fix

    for step in wanted:
        for fix in step.fixes[1:]:
            first, other = root(step.fixes[0]), root(fix)
            if first != other:
                parent[other] = first
    together: Dict[str, List[AnyStep]] = {}
    for step in wanted:
        together.setdefault(root(step.fixes[0]), []).append(step)
    return [
        Group(tuple(dict.fromkeys(fix for step in part for fix in step.fixes)), tuple(part))
        for part in together.values()
    ]


def to_json(plan: Plan) -> bytes:
    """The plan as one JSON document. Raises UsageFault on a path that is not Unicode."""
    try:
        return msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"
    except UnicodeEncodeError as error:
        raise UsageFault(f"the plan names a file that is not Unicode: {error.reason}") from None


def from_json(data: bytes, shown: str = "the plan") -> Plan:
    """Read a plan back. Raises UsageFault naming the key path and what was expected."""
    try:
        head = msgspec.json.decode(data)
        schema = head.get("schema") if isinstance(head, dict) else None
        if isinstance(schema, int) and schema > PLAN_SCHEMA:
            raise UsageFault(
                f"{shown}: schema {schema}, made by a newer dartenv",
                f"schema {PLAN_SCHEMA} or older",
                "pip install --upgrade dartenv",
            )
        plan = msgspec.json.decode(data, type=Plan)
        _check_steps(plan.steps)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise UsageFault(
            f"{shown}: {error}",
            "a plan written by `dartenv fix --format json`",
            "dartenv fix --dry-run --format json > plan.json",
        ) from None
    return plan


def _check_steps(steps: Sequence[AnyStep]) -> None:
    seen: Set[str] = set()
    for step in steps:
        if step.id in seen:
            raise ValueError(f"two steps have the id {step.id!r}")
        if not step.fixes:
            raise ValueError(f"step {step.id!r} serves no fix")
        seen.add(step.id)
