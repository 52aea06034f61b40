"""Archives that lie where browsers put them."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import List, Mapping, Optional

from dartenv.assets.spec import DownloadSpec
from dartenv.facts import places
from dartenv.manifests.compat_editor import UnrealTable
from dartenv.manifests.loader import Manifests

_MAX_ENTRIES = 5_000


def archives_here(
    download: DownloadSpec,
    manifests: Manifests,
    root: Optional[str],
    environ: Optional[Mapping[str, str]] = None,
) -> List[str]:
    """Files called like ``download`` among the user's downloads and in the tree, newest first."""
    table = manifests.read("compat", "unreal", UnrealTable)
    env = os.environ if environ is None else environ
    folders = [*places.expand_all(table.downloads, env), *([root] if root else [])]
    found: List[Path] = []
    for folder in folders:
        try:
            names = sorted(entry.name for entry in os.scandir(folder))[:_MAX_ENTRIES]
        except OSError:
            continue
        found += [
            Path(folder, name)
            for name in names
            if any(fnmatch.fnmatch(name.lower(), p.lower()) for p in download.files)
        ]
    unique = list(dict.fromkeys(path for path in found if path.is_file()))
    return [str(path) for path in sorted(unique, key=_age)]


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
