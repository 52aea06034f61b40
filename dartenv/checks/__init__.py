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
        _loaded = True
