"""Paths as system calls want them: Windows takes long ones in a spelling of their own."""

from __future__ import annotations

import os
from pathlib import Path

# MAX_PATH is 260 with the final NUL; a temporary name beside a file may be a little longer.
LONG = 230
EXTENDED = "\\\\?\\"
CHUNK = 1 << 20


def native(path: str) -> Path:
    """``path`` for a system call: long ones take the extended form on Windows."""
    if os.name != "nt" or len(path) < LONG or path.startswith(EXTENDED):
        return Path(path)
    full = os.path.normpath(path)
    if full.startswith("\\\\"):
        return Path(EXTENDED + "UNC" + full[1:])
    return Path(EXTENDED + full)
