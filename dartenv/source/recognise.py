"""Which kind of tree a folder is, by the files that say so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from dartenv.manifests.schema import Tree


@dataclass(frozen=True)
class Recognised:
    """The kind, ``None`` if it is none of them, and the marker files found and missing.

    For a folder that is no known tree the markers are those of the kind it comes nearest to.
    """

    tree: Optional[Tree] = None
    found: Tuple[str, ...] = ()
    missing: Tuple[str, ...] = ()


def recognise(root: str, trees: Sequence[Tree]) -> Recognised:
    """Recognise ``root``: a kind with a marker file by that, others by most of their markers."""
    folder = Path(root)
    for tree in trees:
        if tree.marker_file and _is_file(folder / tree.marker_file):
            return _sorted(tree, folder, True)
    nearest: Optional[Recognised] = None
    for tree in trees:
        if tree.marker_file:
            continue
        candidate = _sorted(tree, folder, False)
        if len(candidate.found) * 2 > len(tree.markers):
            return Recognised(tree, candidate.found, candidate.missing)
        if nearest is None or len(candidate.found) > len(nearest.found):
            nearest = candidate
    return nearest or Recognised()


def _sorted(tree: Tree, folder: Path, known: bool) -> Recognised:
    found: List[str] = []
    missing: List[str] = []
    for marker in tree.markers:
        (found if _is_file(folder / marker) else missing).append(marker)
    return Recognised(tree if known else None, tuple(found), tuple(missing))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
