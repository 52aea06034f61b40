"""The scripts are no package: their folders are put on the path, as ``python scripts/x.py`` does."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

for folder in (ROOT / "scripts", ROOT / ".ci"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
