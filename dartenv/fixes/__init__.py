"""Plans that repair a machine, and a journal that takes the repair back."""

from __future__ import annotations

import importlib
from typing import Tuple

# The modules that register fixes. Only here are they named, and imported only when asked for:
# a report reads :mod:`dartenv.fixes.known` without them.
TOPICS: Tuple[str, ...] = (
    "assets",
    "conda_shell",
    "condarc",
    "environment",
    "gitconfig",
    "long_paths",
    "packages",
    "source_patches",
    "vscode",
)


def all_fixes() -> None:
    """Register every fix, once."""
    for topic in TOPICS:
        importlib.import_module(f"{__name__}.{topic}")
