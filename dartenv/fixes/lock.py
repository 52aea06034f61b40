"""One ``dartenv fix`` at a time for a state folder, and the name of who is at it.

The lock is the operating system's, on a file: it goes with its process, however that ends. Who
holds it stands in ``lock.json`` beside it, for the message alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Dict, Iterator, Mapping, Optional, Tuple

import filelock
import msgspec

from dartenv.errors import UsageFault
from dartenv.fixes.paths import key

_HELD: Dict[Tuple[str, int], int] = {}  # (state folder, thread) -> depth


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock; ``since`` in seconds since the epoch."""

    pid: int
    since: float
    command: str


class Locked(UsageFault):
    """Another dartenv is at work on this state folder."""

    def __init__(self, state: Path, holder: Optional[Holder]) -> None:
        self.holder = holder
        if holder is None:
            who = "another dartenv"
        else:
            clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
            who = f"`{holder.command}` (pid {holder.pid}, since {clock})"
        super().__init__(f"{who} is at work on {state}", help="wait for it to end, then run again")


def state_folder(
    override: Optional[str] = None, environ: Optional[Mapping[str, str]] = None
) -> Path:
    """Where journal, backups and lock live: ``override``, else ``DARTENV_STATE_DIR``, else the

    user's state folder (``%LOCALAPPDATA%\\dartenv``, ``~/.local/state/dartenv``).
    """
    chosen = override or (os.environ if environ is None else environ).get("DARTENV_STATE_DIR")
    if chosen:
        return Path(chosen).absolute()
    import platformdirs

    return Path(platformdirs.user_state_dir("dartenv", appauthor=False))


@contextlib.contextmanager
def hold(state: Path, command: str, wait: float = 5.0) -> Iterator[None]:
    """Hold the lock of ``state``; waits at most ``wait`` seconds, then raises Locked.

    May be nested in one thread: a command holds it over recovery, plan, apply and verification.
    Raises UsageFault where the state folder cannot be written.
    """
    mine = (key(str(state)), threading.get_ident())
    if mine in _HELD:
        _HELD[mine] += 1
        try:
            yield
        finally:
            _HELD[mine] -= 1
        return
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(str(state / "lock"))
        _acquire(lock, wait)
    except filelock.Timeout:
        raise Locked(state, _read(state)) from None
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageFault(
            f"{state}: {reason}",
            "a folder where dartenv can keep its journal",
            "set DARTENV_STATE_DIR to one",
        ) from None
    _HELD[mine] = 1
    try:
        _write(state, Holder(os.getpid(), time.time(), command))
        yield
    finally:
        del _HELD[mine]
        _forget(state)
        lock.release()


def _acquire(lock: filelock.BaseFileLock, wait: float) -> None:
    """Acquire within ``wait`` seconds or raise filelock.Timeout."""
    until = time.monotonic() + wait
    while True:
        try:
            lock.acquire(timeout=max(0.0, until - time.monotonic()), poll_interval=0.05)
            return
        except OSError as error:
            # Wine's C runtime gives a held lock no error number; Windows' gives EACCES, which
            # the library takes for what it is.
            if os.name != "nt" or error.errno != 0:
                raise
            if time.monotonic() >= until:
                raise filelock.Timeout(lock.lock_file) from None
        time.sleep(0.05)


def _write(state: Path, holder: Holder) -> None:
    try:
        (state / "lock.json").write_bytes(msgspec.json.encode(holder))
    except OSError:
        pass  # only the message of a second dartenv is poorer


def _read(state: Path) -> Optional[Holder]:
    try:
        return msgspec.json.decode((state / "lock.json").read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None


def _forget(state: Path) -> None:
    try:
        (state / "lock.json").unlink()
    except OSError:
        pass
