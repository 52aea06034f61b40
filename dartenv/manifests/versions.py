"""Versions as numbers, and whether a specifier names one."""

from __future__ import annotations

import re
from typing import Tuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version


def numbers(version: str) -> Tuple[int, ...]:
    """The leading numbers of a version: "450.80.02" is (450, 80, 2), "2.4.1+cu118" (2, 4, 1)."""
    match = re.match(r"\d+(?:\.\d+)*", version.strip())
    return tuple(int(part) for part in match.group(0).split(".")) if match else ()


def minor(version: str) -> str:
    """The first two numbers: "11.8.89" is "11.8"."""
    return ".".join(str(part) for part in numbers(version)[:2])


def within(version: str, spec: str) -> bool:
    """Whether a version, without its local part, is one that the specifier names."""
    try:
        return SpecifierSet(spec).contains(Version(Version(version).public), prereleases=True)
    except (InvalidVersion, InvalidSpecifier):
        return False
