"""Who has a file open, asked of Windows' Restart Manager; nobody elsewhere.

POSIX lets an open file be replaced, so nothing needs to be told there.
Source of the structures and limits: learn.microsoft.com, Restart Manager API (restartmanager.h).
"""

from __future__ import annotations

import ctypes
import sys
from typing import Tuple

_SESSION_KEY = 32 + 1  # CCH_RM_SESSION_KEY
_APP_NAME = 255 + 1  # CCH_RM_MAX_APP_NAME
_SERVICE_NAME = 63 + 1  # CCH_RM_MAX_SVC_NAME
_MOST = 8


class _Process(ctypes.Structure):
    _fields_ = [
        ("pid", ctypes.c_uint32),
        ("started_low", ctypes.c_uint32),
        ("started_high", ctypes.c_uint32),
        ("name", ctypes.c_wchar * _APP_NAME),
        ("service", ctypes.c_wchar * _SERVICE_NAME),
        ("kind", ctypes.c_uint32),
        ("status", ctypes.c_uint32),
        ("session", ctypes.c_uint32),
        ("restartable", ctypes.c_int32),
    ]


if sys.platform == "win32":

    def _ask(path: str) -> Tuple[str, ...]:
        manager = ctypes.WinDLL("rstrtmgr")
        session = ctypes.c_uint32()
        if manager.RmStartSession(
            ctypes.byref(session), 0, ctypes.create_unicode_buffer(_SESSION_KEY)
        ):
            return ()
        try:
            files = (ctypes.c_wchar_p * 1)(path)
            if manager.RmRegisterResources(session, 1, files, 0, None, 0, None):
                return ()
            needed, count = ctypes.c_uint32(), ctypes.c_uint32(_MOST)
            found = (_Process * _MOST)()
            reasons = ctypes.c_uint32()
            if manager.RmGetList(
                session, ctypes.byref(needed), ctypes.byref(count), found, ctypes.byref(reasons)
            ):
                return ()
            names = []
            for process in found[: count.value]:
                if process.pid:
                    names.append(f"{process.name or 'a program'} (pid {process.pid})")
            return tuple(names)
        finally:
            manager.RmEndSession(session)


def holders_of(path: str) -> Tuple[str, ...]:
    """``("Code.exe (pid 4711)", ...)``; empty where it cannot be told. Never raises."""
    if sys.platform == "win32":
        try:
            return _ask(path)
        except (OSError, AttributeError, ctypes.ArgumentError, ValueError):
            return ()
    return ()
