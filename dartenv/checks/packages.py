"""Checks of the target's packages, by their metadata. Each topic has its own file.

They are imported in the order in which a person should act, which is the order of registration.
"""

from __future__ import annotations

from dartenv.checks import packages_torch  # isort: skip
from dartenv.checks import packages_requirements  # isort: skip
from dartenv.checks import packages_numpy  # isort: skip
from dartenv.checks import packages_clip  # isort: skip
from dartenv.checks import packages_together  # isort: skip

__all__ = [
    "packages_clip",
    "packages_numpy",
    "packages_requirements",
    "packages_together",
    "packages_torch",
]
