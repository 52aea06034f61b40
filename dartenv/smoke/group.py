"""One process and everything it starts, as a group that can be measured and ended as a whole.

POSIX: a session of its own, killed by process group. Windows: a job object that takes its
members with it when its last handle closes, so that nothing survives even our own death. In both
cases the descendants that psutil finds are killed too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import IO, Any, List, Mapping, Optional, Sequence

import psutil


class Group:
    """A started program. Use as a context manager: nothing of it outlives the block."""

    def __init__(self, process: subprocess.Popen[bytes], job: Optional[int]) -> None:
        self.process = process
        self._job = job

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def stdout(self) -> IO[bytes]:
        """What the group prints, both streams, raw."""
        assert self.process.stdout is not None
        return self.process.stdout

    def members(self) -> List[psutil.Process]:
        """Every process of the group that is alive and can be found."""
        found: List[psutil.Process] = []
        try:
            leader = psutil.Process(self.process.pid)
            found = [leader, *leader.children(recursive=True)]
        except psutil.Error:
            pass
        return found

    def pids(self) -> List[int]:
        """The process ids of all members."""
        return [member.pid for member in self.members()]

    def resident(self) -> int:
        """Resident memory of all members together, bytes."""
        total = 0
        for member in self.members():
            try:
                total += int(member.memory_info().rss)
            except psutil.Error:
                continue
        return total

    def kill(self) -> None:
        """End every member, also those whose parent is gone already."""
        members = self.members()
        if sys.platform == "win32":
            if self._job is not None:
                _close_job(self._job)
                self._job = None
        else:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        for member in members:
            try:
                member.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(members, timeout=5)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass


def start(argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> Group:
    """Start ``argv`` with both streams on one pipe and nothing to read. Raises OSError."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=dict(env),
        bufsize=0,
        creationflags=flags,
        start_new_session=sys.platform != "win32",
    )
    return Group(process, _new_job(process) if sys.platform == "win32" else None)


_KILL_ON_JOB_CLOSE = 0x2000
_EXTENDED_LIMIT_INFORMATION = 9


def _new_job(process: subprocess.Popen[bytes]) -> Optional[int]:
    """A job object holding ``process``, or ``None`` where Windows refuses one."""
    import ctypes

    class Basic(ctypes.Structure):
        _fields_ = [
            ("per_process_time", ctypes.c_int64),
            ("per_job_time", ctypes.c_int64),
            ("flags", ctypes.c_uint32),
            ("minimum_set", ctypes.c_size_t),
            ("maximum_set", ctypes.c_size_t),
            ("active_limit", ctypes.c_uint32),
            ("affinity", ctypes.c_size_t),
            ("priority", ctypes.c_uint32),
            ("scheduling", ctypes.c_uint32),
        ]

    class Extended(ctypes.Structure):
        _fields_ = [
            ("basic", Basic),
            ("io", ctypes.c_uint64 * 6),
            ("process_memory", ctypes.c_size_t),
            ("job_memory", ctypes.c_size_t),
            ("peak_process", ctypes.c_size_t),
            ("peak_job", ctypes.c_size_t),
        ]

    kernel = _kernel32()
    job = kernel.CreateJobObjectW(None, None)
    if not job:
        return None
    limits = Extended()
    limits.basic.flags = _KILL_ON_JOB_CLOSE
    kernel.SetInformationJobObject(
        job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
    )
    handle = int(process._handle)  # type: ignore[attr-defined,unused-ignore]
    if not kernel.AssignProcessToJobObject(job, handle):
        kernel.CloseHandle(job)
        return None
    return int(job)


def _close_job(job: int) -> None:
    _kernel32().CloseHandle(job)


def _kernel32() -> Any:
    import ctypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    kernel.CreateJobObjectW.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    kernel.SetInformationJobObject.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_uint32,
    ]
    kernel.AssignProcessToJobObject.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    return kernel
