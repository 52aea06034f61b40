"""Checks, probes and manifests that other packages bring.

A package names them as entry points, in three groups:

``dartenv.checks``     a module; importing it registers its checks (``@check(...)``)
``dartenv.probes``     a :class:`~dartenv.facts.collect.ProbePlan`; its facts, plain JSON data, are
                       handed to checks that have a parameter of the probe's name
``dartenv.manifests``  a module of a package whose folder holds ``profiles/``, ``compat/``, ...

An extension that cannot be loaded is told among what could not be told, and nothing else breaks.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Tuple

from dartenv.errors import UsageFault
from dartenv.facts.model import ProbeFailure
from dartenv.manifests.loader import Manifests

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CHECKS = "dartenv.checks"
PROBES = "dartenv.probes"
MANIFESTS = "dartenv.manifests"


def _points(group: str) -> Iterable[EntryPoint]:
    if not _some():
        return ()
    import importlib.metadata as metadata

    if sys.version_info >= (3, 10):
        return metadata.entry_points(group=group)
    else:
        return metadata.entry_points().get(group, ())


def _some() -> bool:
    """Whether any package may bring something: importing importlib.metadata to ask takes longer.

    Only folders are looked into; with anything else on the path the answer is yes.
    """
    for finder in sys.meta_path:
        if hasattr(finder, "find_distributions") and finder is not PathFinder:
            return True
    for folder in sys.path:
        try:
            with os.scandir(folder or ".") as entries:
                for entry in entries:
                    if entry.name.endswith(".egg"):
                        return True
                    if entry.name.endswith((".dist-info", ".egg-info")) and _brings(entry.path):
                        return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False


def _brings(folder: str) -> bool:
    try:
        return b"[dartenv." in Path(folder, "entry_points.txt").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return False


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
