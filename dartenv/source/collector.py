"""Parsing many files without the cyclic garbage collector going over all of them again."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import Iterator


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector: syntax trees are many objects and no garbage, and it costs a third.

    Another thread's garbage waits as long; nothing else depends on it.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            # What was parsed stays until the end: the collector need not go over it, now or later.
            gc.freeze()
            gc.enable()
