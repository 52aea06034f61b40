"""Where a missing asset lies instead: unpacked one folder too deep, or in another layout."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from dartenv.assets.spec import SearchSpec

MAX_PLACES = 5


class FileIndex:
    """Names of files below a root, read once, within limits, when first asked."""

    def __init__(self, root: str, spec: SearchSpec, wanted: Sequence[str]) -> None:
        """``wanted`` are the absolute paths that assets are expected at."""
        self._root = root
        self._spec = spec
        self._wanted = [os.path.normpath(path) for path in wanted]
        self._by_name: Dict[str, List[str]] = {}
        self._read = False
        self.complete = True

    def elsewhere(self, path: str) -> Tuple[str, ...]:
        """Absolute paths that end like ``path``, as far as it takes to tell assets apart."""
        if not self._read:
            self._walk()
        tail = self._tail(os.path.normpath(path))
        taken = {os.path.normcase(w) for w in self._wanted}
        found = []
        for place in self._by_name.get(tail[-1].lower(), []):
            ending = tuple(p.lower() for p in Path(place).parts[-len(tail) :])
            if ending == tuple(p.lower() for p in tail) and os.path.normcase(place) not in taken:
                found.append(place)
        return tuple(found[:MAX_PLACES])

    def _tail(self, path: str) -> Tuple[str, ...]:
        """The fewest last parts of ``path`` that no other expected path ends with."""
        parts = Path(path).parts
        others = [
            Path(w).parts for w in self._wanted if os.path.normcase(w) != os.path.normcase(path)
        ]
        for count in range(1, len(parts) + 1):
            tail = tuple(p.lower() for p in parts[-count:])
            if not any(tuple(p.lower() for p in other[-count:]) == tail for other in others):
                return parts[-count:]
        return parts

    def _walk(self) -> None:
        self._read = True
        until = time.monotonic() + self._spec.seconds
        skip = {name.lower() for name in self._spec.skip}
        names = {Path(path).name.lower() for path in self._wanted}
        seen = 0
        base = len(Path(self._root).parts)
        for folder, folders, files in os.walk(self._root, onerror=None, followlinks=False):
            if len(Path(folder).parts) - base >= self._spec.depth:
                folders[:] = []
            folders[:] = sorted(f for f in folders if f.lower() not in skip)
            for name in files:
                if name.lower() in names:
                    place = str(Path(folder, name))
                    self._by_name.setdefault(name.lower(), []).append(place)
            seen += len(files) + len(folders)
            if seen > self._spec.entries or time.monotonic() > until:
                self.complete = False
                return
