"""Exit codes of a child process, in words; and the last thing it said."""

from __future__ import annotations

import signal
from typing import Dict, Optional, Tuple

# Windows status codes with which a process ends that did not choose to (ntstatus.h).
_WINDOWS: Dict[int, str] = {
    0xC0000005: "access violation",
    0xC000001D: "illegal instruction",
    0xC0000135: "a DLL was not found",
    0xC0000139: "an entry point was not found in a DLL",
    0xC0000142: "a DLL failed to initialise",
    0xC0000374: "heap corruption",
    0xC0000409: "stack buffer overrun or abort",
    0xC00000FD: "stack overflow",
    0xC06D007E: "a delay-loaded DLL was not found",
    0x40010004: "ended by the debugger",
}
_SIGNALS: Dict[str, str] = {
    "SIGSEGV": "segmentation fault",
    "SIGABRT": "abort",
    "SIGILL": "illegal instruction",
    "SIGBUS": "bus error",
    "SIGFPE": "arithmetic fault",
    "SIGKILL": "killed, often for want of memory",
    "SIGTERM": "terminated",
}
# The same on Linux and macOS; Windows, which reads what other machines recorded, has not all of them.
_NUMBERS: Dict[int, str] = {
    4: "SIGILL",
    6: "SIGABRT",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    15: "SIGTERM",
}


def crash_name(rc: int) -> Optional[str]:
    """What ended the process, if it was not its own choice; else ``None``."""
    unsigned = rc & 0xFFFFFFFF
    if unsigned in _WINDOWS and rc not in range(-64, 256):
        return f"{_WINDOWS[unsigned]} (0x{unsigned:08X})"
    if -64 <= rc < 0:
        try:
            name = _NUMBERS.get(-rc) or signal.Signals(-rc).name
        except ValueError:
            return f"signal {-rc}"
        return f"{_SIGNALS[name]} ({name})" if name in _SIGNALS else name
    return None


def exit_name(rc: Optional[int]) -> str:
    """ "segmentation fault (SIGSEGV)" or "exit code 3"."""
    return (crash_name(rc) if rc is not None else None) or f"exit code {rc}"


def spelled_exit(rc: int) -> str:
    """ "ended with segmentation fault (SIGSEGV)" or "ended with exit status 3"."""
    return f"ended with {crash_name(rc) or f'exit status {rc}'}"


def last_line(*outputs: bytes, limit: int = 200) -> Tuple[str, ...]:
    """The last line with text in the first output that has one; control characters removed."""
    for output in outputs:
        for raw in reversed(output[-8192:].splitlines()):
            text = raw.decode("utf-8", errors="replace").strip()
            text = "".join(c if c.isprintable() else "?" for c in text)
            if text:
                return (text if len(text) <= limit else text[: limit - 3] + "...",)
    return ()
