"""One installer at a time in an environment, also when dartenv itself was killed over it.

Standard library, psutil and filelock only: the scripts beside this module run as programs of
their own, and start with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import Iterator

import filelock

# Longer than an installer needs to be ended after the program that started it is gone.
PATIENCE = 60.0


class Busy(Exception):
    """Another installer is at work in that environment."""


def lock_file(state: Path, prefix: str) -> Path:
    """The lock of the environment (or folder) ``prefix`` in the state folder."""
    name = os.path.normcase(os.path.abspath(prefix)).encode("utf-8", "surrogatepass")
    return state / "install" / (hashlib.sha256(name).hexdigest()[:16] + ".lock")


@contextlib.contextmanager
def holding(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock; waits at most ``patience`` seconds, then raises Busy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(str(path))
    until = time.monotonic() + patience
    while True:
        try:
            lock.acquire(timeout=max(0.0, until - time.monotonic()), poll_interval=0.1)
            break
        except filelock.Timeout:
            raise Busy(f"another installer holds {path}") from None
        except OSError as error:
            # Wine's C runtime gives a held lock no error number.
            if os.name != "nt" or error.errno != 0:
                raise
            if time.monotonic() >= until:
                raise Busy(f"another installer holds {path}") from None
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.release()
