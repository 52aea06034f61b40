"""Pure functions from facts and manifests to findings."""

from __future__ import annotations

import importlib
from typing import List, Tuple

from dartenv import extensions
from dartenv.checks.registry import REGISTRY, Check, add_fact_name
from dartenv.facts.collect import ProbePlan
from dartenv.facts.model import ProbeFailure

# The order in which a person should act: what stands earlier is looked at, and repaired, first.
TOPICS: Tuple[str, ...] = (
    "host",
    "gpu",
    "conda",
    "python",
    "packages",
    "wheels",
    "source",
    "assets",
    "imports",
    "imports_viewer",
    "ort",
    "cuda",
    "msvc",
    "tools",
    "editor",
    "unreal",
)

_loaded = False
_plans: List[ProbePlan] = []
_failures: List[ProbeFailure] = []


def all_checks() -> None:
    """Register every check, once."""
    global _loaded
    if not _loaded:
        for topic in TOPICS:
            importlib.import_module(f"dartenv.checks.{topic}")
        _arrange()
        _loaded = True
        _load_extensions()


def extension_plans() -> Tuple[ProbePlan, ...]:
    """The probes that extensions bring."""
    return tuple(_plans)


def extension_failures() -> Tuple[ProbeFailure, ...]:
    """Extensions that could not be loaded, and why."""
    return tuple(_failures)


def _load_extensions() -> None:
    """Probes first: a check may ask for the facts of a probe from the same package."""
    probes, failures = extensions.load(extensions.PROBES)
    _failures.extend(failures)
    for name, plan in probes:
        if not isinstance(plan, ProbePlan):
            reason = f"{type(plan).__name__} instead of a ProbePlan"
            _failures.append(ProbeFailure(probe=f"extension {name}", reason=reason))
            continue
        try:
            add_fact_name(plan.name)
        except ValueError as error:
            _failures.append(ProbeFailure(probe=f"extension {name}", reason=str(error)))
            continue
        _plans.append(plan)
    for failures in (extensions.load(extensions.CHECKS)[1], extensions.manifest_folders()[1]):
        _failures.extend(failures)


def _arrange() -> None:
    """Bring the checks into the order of the topics, whichever was imported first."""

    def place(item: Check) -> int:
        package, _, name = item.function.__module__.rpartition(".")
        topic = name if name in TOPICS else name.split("_")[0]
        known = package == __name__ and topic in TOPICS
        return TOPICS.index(topic) if known else len(TOPICS)

    ordered = sorted(REGISTRY.checks.values(), key=place)
    REGISTRY.checks.clear()
    REGISTRY.checks.update((item.id, item) for item in ordered)
