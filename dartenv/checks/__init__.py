"""Pure functions from facts and manifests to findings."""

from __future__ import annotations

import importlib
from typing import Tuple

# The order in which a person should act: what stands earlier is looked at, and repaired, first.
TOPICS: Tuple[str, ...] = (
    "host",
    "gpu",
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
)

_loaded = False


def all_checks() -> None:
    """Register every check, once."""
    global _loaded
    if not _loaded:
        for topic in TOPICS:
            importlib.import_module(f"dartenv.checks.{topic}")
        _arrange()
        _loaded = True


def _arrange() -> None:
    """Bring the checks into the order of the topics, whichever was imported first."""
    from dartenv.checks.registry import REGISTRY, Check

    def place(item: Check) -> int:
        package, _, name = item.function.__module__.rpartition(".")
        topic = name if name in TOPICS else name.split("_")[0]
        known = package == __name__ and topic in TOPICS
        return TOPICS.index(topic) if known else len(TOPICS)

    ordered = sorted(REGISTRY.checks.values(), key=place)
    REGISTRY.checks.clear()
    REGISTRY.checks.update((item.id, item) for item in ordered)
