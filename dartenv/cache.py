"""The cache folder: what can be worked out again, kept because that takes time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

_in_use = False


def cache_folder() -> Path:
    """Where shadow workspaces and stand-ins live: DARTENV_CACHE_DIR, else the user's cache."""
    chosen = os.environ.get("DARTENV_CACHE_DIR")
    if chosen:
        return Path(chosen).absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("dartenv", appauthor=False))


def remember_looks() -> None:
    """From now on, what examinations found out may be kept: the command line says so, a library
    that is called does not write into a user's folders unasked."""
    global _in_use
    _in_use = True


def looks_folder() -> Optional[Path]:
    """Where they are kept, or ``None`` where they are not."""
    return cache_folder() / "looks" if _in_use else None
