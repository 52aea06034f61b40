"""What only Windows can be asked: the registry, drive kinds, code page, and whether it is Wine.

Everywhere else each of these answers "not there", so that probes need no branch of their own.
Nothing here raises.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, Optional, Tuple

try:
    from typing import Protocol
except ImportError:  # pragma: no cover - Python 3.7 and older are not supported
    raise


@dataclass(frozen=True)
class RegistryValue:
    """A value, ``None`` when it is not there; ``problem`` when it could not be read."""

    value: Any = None
    problem: Optional[str] = None

    def text(self) -> Optional[str]:
        """The value as non-empty text, variables expanded; ``None`` for any other type."""
        if not isinstance(self.value, str):
            return None
        return os.path.expandvars(self.value).strip().strip('"').rstrip("\0") or None

    def number(self) -> Optional[int]:
        """The value as a whole number; ``None`` for any other type."""
        return self.value if isinstance(self.value, int) else None


@dataclass(frozen=True)
class RegistryNames:
    """Names below a key; ``problem`` when they could not be read."""

    names: Tuple[str, ...] = ()
    problem: Optional[str] = None


class Registry(Protocol):
    r"""Reads the registry. A key is spelled ``HKLM\SOFTWARE\...``."""

    def value(self, key: str, name: str) -> RegistryValue:
        """The value ``name`` of ``key`` ("" for the default value)."""
        ...

    def subkeys(self, key: str) -> RegistryNames:
        """The names of the keys below ``key``."""
        ...

    def values(self, key: str) -> RegistryNames:
        """The names of the values of ``key``."""
        ...


class NoRegistry:
    """The registry of a system that has none: everything is absent."""

    def value(self, key: str, name: str) -> RegistryValue:
        return RegistryValue()

    def subkeys(self, key: str) -> RegistryNames:
        return RegistryNames()

    def values(self, key: str) -> RegistryNames:
        return RegistryNames()


def real_registry() -> Registry:
    """The registry of this machine."""
    return WinRegistry() if sys.platform == "win32" else NoRegistry()


if sys.platform == "win32":
    import ctypes
    import winreg

    _HIVES = {
        "HKLM": winreg.HKEY_LOCAL_MACHINE,
        "HKCU": winreg.HKEY_CURRENT_USER,
        "HKCR": winreg.HKEY_CLASSES_ROOT,
        "HKU": winreg.HKEY_USERS,
    }

    class WinRegistry:
        """The registry as a 64-bit program sees it, whatever this Python is."""

        def value(self, key: str, name: str) -> RegistryValue:
            try:
                with _open(key) as handle:
                    return RegistryValue(winreg.QueryValueEx(handle, name)[0])
            except FileNotFoundError:
                return RegistryValue()
            except (OSError, ValueError) as error:
                return RegistryValue(problem=f"{key}: {_words(error)}")

        def subkeys(self, key: str) -> RegistryNames:
            return self._names(key, 0)

        def values(self, key: str) -> RegistryNames:
            return self._names(key, 1)

        def _names(self, key: str, kind: int) -> RegistryNames:
            try:
                with _open(key) as handle:
                    count = winreg.QueryInfoKey(handle)[kind]
                    if kind == 0:
                        return RegistryNames(tuple(winreg.EnumKey(handle, i) for i in range(count)))
                    return RegistryNames(
                        tuple(winreg.EnumValue(handle, i)[0] for i in range(count))
                    )
            except FileNotFoundError:
                return RegistryNames()
            except (OSError, ValueError) as error:
                return RegistryNames(problem=f"{key}: {_words(error)}")

    def _open(key: str) -> winreg.HKEYType:
        hive, _, path = key.partition("\\")
        if hive not in _HIVES:
            raise ValueError(f"no registry hive is called {hive}")
        return winreg.OpenKey(_HIVES[hive], path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)

    def _words(error: Exception) -> str:
        code = getattr(error, "winerror", None)
        return f"could not be read (WinError {code})" if code else str(error)

    _DRIVE_KINDS = {2: "removable", 3: "fixed", 4: "network", 5: "optical", 6: "ram"}

    def drive_kind(root: str) -> Optional[str]:
        r"""The kind of the drive ``C:\``, told without touching it; ``None`` for no such drive."""
        return _DRIVE_KINDS.get(int(ctypes.windll.kernel32.GetDriveTypeW(root)))

    def code_page() -> Optional[int]:
        """The ANSI code page."""
        return int(ctypes.windll.kernel32.GetACP())

    class _MemoryStatus(ctypes.Structure):
        """MEMORYSTATUSEX."""

        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total_physical", ctypes.c_uint64),
            ("free_physical", ctypes.c_uint64),
            ("total_commit", ctypes.c_uint64),
            ("free_commit", ctypes.c_uint64),
            ("total_virtual", ctypes.c_uint64),
            ("free_virtual", ctypes.c_uint64),
            ("free_extended", ctypes.c_uint64),
        )

    def page_file() -> Optional[int]:
        """Bytes that page files add to memory. Needs no performance counters, as psutil does."""
        status = _MemoryStatus()
        status.length = ctypes.sizeof(status)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None
        return max(0, int(status.total_commit) - int(status.total_physical))

    def wine_version() -> Optional[str]:
        """Wine's version where this Windows is Wine."""
        try:
            function = ctypes.CDLL("ntdll.dll").wine_get_version
        except (OSError, AttributeError):
            return None
        function.restype = ctypes.c_char_p
        answer = function()
        return answer.decode("ascii", "replace") if answer else None

    @dataclass(frozen=True)
    class WindowsVersion:
        """Version, build, and whether it is a Server."""

        major: int
        minor: int
        build: int
        server: Optional[bool]

    def windows_version() -> Optional[WindowsVersion]:
        """The version that Windows reports of itself, not the one it shows to old programs."""
        told = sys.getwindowsversion()
        major, minor, build = told.platform_version
        # 1 is a workstation, 2 a domain controller, 3 a server (OSVERSIONINFOEX).
        return WindowsVersion(major, minor, build, told.product_type in (2, 3))

else:
    # The other branch's names, for the type checker and for callers on other systems.
    WinRegistry = NoRegistry

    @dataclass(frozen=True)
    class WindowsVersion:
        """Version, build, and whether it is a Server."""

        major: int
        minor: int
        build: int
        server: Optional[bool]

    def drive_kind(root: str) -> Optional[str]:
        """``None``: there are no drive letters here."""
        return None

    def code_page() -> Optional[int]:
        """``None``: there is no ANSI code page here."""
        return None

    def page_file() -> Optional[int]:
        """``None``: this is no Windows."""
        return None

    def wine_version() -> Optional[str]:
        """``None``: this is no Windows."""
        return None

    def windows_version() -> Optional[WindowsVersion]:
        """``None``: this is no Windows."""
        return None
