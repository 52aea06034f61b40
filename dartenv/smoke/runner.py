"""Running one program of the target within limits, its output kept in a log.

Whatever happens, nothing that was started is left running when :func:`run_bounded` returns or
raises.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import BinaryIO, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.smoke.gpu_meter import GpuMeter
from dartenv.smoke.group import Group, start
from dartenv.smoke.progress import Progress, ProgressReader, Step

POLL_SECONDS = 0.1
_CHUNK = 65536
_now = time.monotonic


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Wall time in seconds; resident memory of the whole tree in bytes."""

    seconds: float
    memory: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    ``end`` is ``exit`` (``rc`` is then set), ``timeout``, ``memory`` or ``not-started``
    (``reason`` then says why). Times are seconds since the start.
    """

    end: str
    rc: Optional[int] = None
    reason: str = ""
    seconds: float = 0.0
    first_output: Optional[float] = None
    first_step: Optional[float] = None  # when the first step of its loop was done
    peak_memory: int = 0
    gpu_memory: Optional[int] = None  # bytes at most, where a driver tells it
    step: Optional[Step] = None

    @property
    def ok(self) -> bool:
        return self.end == "exit" and self.rc == 0


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    log: Path,
    limits: Limits,
    progress: Optional[Progress] = None,
) -> Outcome:
    """Run ``argv`` and answer how it ended. Raises only what interrupts us (Ctrl-C)."""
    started = _now()
    with log.open("wb") as stream:
        try:
            group = start(argv, cwd, env)
        except OSError as error:
            return Outcome(end="not-started", reason=f"{argv[0]}: {error.strerror or error}")
        with group:
            reader = _Reader(group, stream, started)
            meter = GpuMeter(group.pids).start()
            try:
                end, peak = _watch(group, reader, limits, started, progress)
            finally:
                gpu_memory = meter.stop()
                group.kill()  # a grandchild could hold the pipe open
                reader.finish()
        rc = group.process.returncode if end == "exit" else None
    if progress is not None and reader.step is not None:
        progress(reader.step)
    return Outcome(
        end=end,
        rc=rc,
        seconds=_now() - started,
        first_output=reader.first_output,
        first_step=reader.first_step,
        peak_memory=peak,
        gpu_memory=gpu_memory,
        step=reader.step,
    )


def _watch(
    group: Group,
    reader: _Reader,
    limits: Limits,
    started: float,
    progress: Optional[Progress],
) -> Tuple[str, int]:
    peak = 0
    shown: Optional[Step] = None
    while True:
        try:
            group.process.wait(timeout=POLL_SECONDS)
            return "exit", peak
        except subprocess.TimeoutExpired:
            pass
        peak = max(peak, group.resident())
        if peak > limits.memory:
            return "memory", peak
        if _now() - started > limits.seconds:
            return "timeout", peak
        if progress is not None and reader.step is not None and reader.step is not shown:
            shown = reader.step
            progress(shown)


class _Reader:
    """A thread that copies the group's output to the log and notes what it sees."""

    def __init__(self, group: Group, log: BinaryIO, started: float) -> None:
        self.first_output: Optional[float] = None
        self.first_step: Optional[float] = None
        self._bars = ProgressReader()
        self._log = log
        self._fd = group.stdout.fileno()
        self._started = started
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def step(self) -> Optional[Step]:
        return self._bars.step

    def finish(self) -> None:
        """Wait for the rest of the output; a pipe that stays open is given up."""
        self._thread.join(timeout=5)
        with self._lock:
            self._closed = True

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, _CHUNK)
            except OSError:
                return
            if not data:
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        now = _now() - self._started
        if self.first_output is None:
            self.first_output = now
        with self._lock:
            if self._closed:
                return
            self._log.write(data)
            self._log.flush()
        if self._bars.feed(data) and self.first_step is None:
            step = self._bars.step
            if step is not None and step.done >= 1:
                self.first_step = now
