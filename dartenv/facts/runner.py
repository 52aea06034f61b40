"""Running other programs for a probe: absolute path, no shell, bounded in time and output.

Never raises: whatever goes wrong is told in :attr:`Completed.failure`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Callable, Dict, List, Mapping, Optional, Sequence

try:
    from typing import Protocol
except ImportError:  # pragma: no cover - Python 3.7 and older are not supported
    raise

from dataclasses import dataclass

from dartenv.facts.exits import exit_name

MAX_OUTPUT = 8 * 1024 * 1024
# What a program may write before it is ended: it fills the temporary folder until then.
MAX_WRITTEN = 128 * 1024 * 1024
LOOK_AGAIN = 0.25  # seconds


@dataclass(frozen=True)
class Completed:
    """What a program did.

    ``rc`` is ``None`` when it never started or was killed at its limit; ``failure`` then says
    why: ``timeout``, ``not-found``, ``not-executable``, ``refused``, ``flood``, ``os-error: ...``.
    """

    argv: Sequence[str]
    rc: Optional[int]
    out: bytes = b""
    err: bytes = b""
    failure: Optional[str] = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.failure is None and self.rc == 0

    def why(self, limit: float, otherwise: str = "") -> str:
        """Why this is no answer, in words: it hung for ``limit`` seconds, failed, or ended so."""
        if self.failure == "timeout":
            return f"no answer within {limit:.0f} s"
        if self.failure == "flood":
            return f"more than {MAX_WRITTEN // 1024**2} MB of output"
        return self.failure or f"{exit_name(self.rc)}{otherwise}"

    def text(self, encoding: str = "utf-8") -> str:
        """Standard output as text; bytes that do not decode are replaced."""
        return self.out.decode(encoding, errors="replace")

    def error_text(self, encoding: str = "utf-8") -> str:
        """Standard error as text; bytes that do not decode are replaced."""
        return self.err.decode(encoding, errors="replace")


class Runner(Protocol):
    """Runs one program and always returns."""

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        """Run ``argv`` (``argv[0]`` absolute) for at most ``timeout`` seconds."""
        ...


def kill_tree(pid: int) -> None:
    """Kill ``pid`` and every descendant that can still be found."""
    import psutil  # not needed to start a process, and slow to import

    try:
        parent = psutil.Process(pid)
        victims: List[psutil.Process] = [*parent.children(recursive=True), parent]
    except psutil.Error:
        return
    for victim in victims:
        try:
            victim.kill()
        except (psutil.Error, OSError):
            continue
    psutil.wait_procs(victims, timeout=3)


class SubprocessRunner:
    """The real runner.

    Output goes to unnamed files rather than pipes, so a grandchild that keeps a handle open
    cannot hold the probe beyond its limit. ``on_start`` is told the id of each process.
    """

    def __init__(self, on_start: Optional[Callable[[int], None]] = None) -> None:
        self._on_start = on_start

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        argv = [str(a) for a in argv]
        if not Path(argv[0]).is_absolute():
            return Completed(argv, None, failure="refused: not an absolute path")
        started = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    cwd=cwd,
                    env=dict(env) if env is not None else None,
                    creationflags=_creation_flags(),
                    start_new_session=os.name != "nt",
                )
            except FileNotFoundError:
                return Completed(argv, None, failure="not-found")
            except PermissionError:
                return Completed(argv, None, failure="not-executable")
            except OSError as error:
                return Completed(argv, None, failure=f"os-error: {error}")
            if self._on_start is not None:
                self._on_start(process.pid)
            failure = _wait(process, stdin, timeout, (out, err))
            return Completed(
                argv,
                None if failure else process.returncode,
                _read(out),
                _read(err),
                failure,
                time.monotonic() - started,
            )


def _wait(
    process: subprocess.Popen[bytes],
    stdin: Optional[bytes],
    timeout: float,
    written: Sequence[IO[bytes]],
) -> Optional[str]:
    ends = time.monotonic() + timeout
    ended = _watched(process) if stdin is None and os.name != "nt" else None
    try:
        while True:
            left = ends - time.monotonic()
            moment = max(0.0, min(left, LOOK_AGAIN))
            if ended is not None and ended.wait(moment):
                return None
            if ended is None:
                try:
                    process.communicate(stdin, timeout=moment)
                    return None
                except subprocess.TimeoutExpired:
                    stdin = None  # it is on its way
            if left <= LOOK_AGAIN:
                return _ended(process, "timeout")
            if sum(os.fstat(stream.fileno()).st_size for stream in written) > MAX_WRITTEN:
                return _ended(process, "flood")
    except OSError as error:
        kill_tree(process.pid)
        return f"os-error: {error}"
    except BaseException:
        # The user's Ctrl-C does not reach the child: it has a session of its own.
        kill_tree(process.pid)
        raise


def _ended(process: subprocess.Popen[bytes], why: str) -> str:
    kill_tree(process.pid)
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        pass
    return why


def _watched(process: subprocess.Popen[bytes]) -> threading.Event:
    """Set when the process has ended.

    On POSIX, ``Popen.wait`` with a limit looks every 50 ms: too seldom where one program after
    the other ends.
    """
    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def _creation_flags() -> int:
    return int(getattr(subprocess, "CREATE_NO_WINDOW", 0)) if os.name == "nt" else 0


def _read(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read(MAX_OUTPUT)


def clean_env(extra: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
    """The environment for a child whose text we parse: English, UTF-8."""
    env = dict(os.environ)
    env.update({"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8"})
    if extra:
        env.update(extra)
    return env
