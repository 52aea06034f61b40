"""Checks of the target's packages, by their metadata. Each topic has its own file."""

from __future__ import annotations

from dartenv.checks import packages_torch  # isort: skip
from dartenv.checks import packages_numpy  # isort: skip

__all__ = ["packages_numpy", "packages_torch"]
