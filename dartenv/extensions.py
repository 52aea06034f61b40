"""Checks, probes and manifests that other packages bring.

A package names them as entry points, in three groups:

``dartenv.checks``     a module; importing it registers its checks (``@check(...)``)
``dartenv.probes``     a :class:`~dartenv.facts.collect.ProbePlan`; its facts, plain JSON data, are
                       handed to checks that have a parameter of the probe's name
``dartenv.manifests``  a module of a package whose folder holds ``profiles/``, ``compat/``, ...

An extension that cannot be loaded is told among what could not be told, and nothing else breaks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Iterable, List, Optional, Tuple

from dartenv.errors import UsageFault
from dartenv.facts.model import ProbeFailure
from dartenv.manifests.loader import Manifests

if sys.version_info >= (3, 10):
    from importlib.metadata import EntryPoint, entry_points

    def _points(group: str) -> Iterable[EntryPoint]:
        return entry_points(group=group)

else:
    from importlib.metadata import EntryPoint, entry_points

    def _points(group: str) -> Iterable[EntryPoint]:
        return entry_points().get(group, ())


CHECKS = "dartenv.checks"
PROBES = "dartenv.probes"
MANIFESTS = "dartenv.manifests"


def load(group: str) -> Tuple[List[Tuple[str, Any]], List[ProbeFailure]]:
    """Every object of a group with its entry point's name, and what could not be loaded."""
    found: List[Tuple[str, Any]] = []
    failures: List[ProbeFailure] = []
    for point in sorted(_points(group), key=lambda p: p.name):
        try:
            found.append((point.name, point.load()))
        except Exception as error:  # somebody else's code must not break the examination
            failures.append(
                ProbeFailure(
                    probe=f"extension {point.name}",
                    reason=f"{point.value}: {type(error).__name__}: {error}",
                )
            )
    return found, failures


def manifest_folders() -> Tuple[List[Path], List[ProbeFailure]]:
    """The folders of manifests that extensions bring."""
    modules, failures = load(MANIFESTS)
    folders: List[Path] = []
    for name, module in modules:
        file = getattr(module, "__file__", None)
        if file is None:
            failures.append(ProbeFailure(probe=f"extension {name}", reason="has no folder"))
        else:
            folder = Path(file).parent
            fault = _unusable(folder)
            if fault is None:
                folders.append(folder)
            else:
                failures.append(ProbeFailure(probe=f"extension {name}", reason=fault))
    return folders, failures


def _unusable(folder: Path) -> Optional[str]:
    """Why a folder of manifests would end every command; ``None`` where it would not."""
    try:
        laid = Manifests([folder])
        laid.profiles()
        laid.trees()
    except UsageFault as fault:
        return str(fault)
    return None
