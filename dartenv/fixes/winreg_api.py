"""The Windows registry behind four functions, so that a test can put a dictionary in its place."""

from __future__ import annotations

import sys
from typing import Optional, Tuple

from dartenv.fixes.steps import RegistryValue

try:
    from typing import Protocol
except ImportError:  # pragma: no cover - Python 3.7 and older are not supported
    raise


class Registry(Protocol):
    """What the engine asks of a registry; every function raises OSError on refusal."""

    def get(self, hive: str, key: str, name: str) -> Optional[RegistryValue]:
        """The value, or ``None`` where the key or the value is absent."""
        ...

    def set(self, hive: str, key: str, name: str, value: RegistryValue) -> None:
        """Set the value and make the missing keys."""
        ...

    def delete(self, hive: str, key: str, name: str) -> None:
        """Delete the value; its absence is no error."""
        ...

    def missing_keys(self, hive: str, key: str) -> Tuple[str, ...]:
        """The part of the key's path that does not exist, outermost first."""
        ...

    def delete_empty_key(self, hive: str, key: str) -> None:
        """Delete the key if it holds neither values nor keys."""
        ...


def to_value(kind: int, data: object) -> RegistryValue:
    """A registry value as ``winreg`` gives it."""
    if isinstance(data, bool) or data is None:
        return RegistryValue(type=kind)
    if isinstance(data, int):
        return RegistryValue(type=kind, number=data)
    if isinstance(data, str):
        return RegistryValue(type=kind, text=data)
    if isinstance(data, list):
        return RegistryValue(type=kind, texts=tuple(str(part) for part in data))
    if isinstance(data, bytes):
        return RegistryValue(type=kind, raw=data)
    return RegistryValue(type=kind)


def from_value(value: RegistryValue) -> object:
    """A registry value as ``winreg`` takes it."""
    if value.texts is not None:
        return list(value.texts)
    for data in (value.number, value.text, value.raw):
        if data is not None:
            return data
    return None


if sys.platform == "win32":
    import winreg

    class WinRegistry:
        """``winreg`` on the 64-bit view."""

        def get(self, hive: str, key: str, name: str) -> Optional[RegistryValue]:
            try:
                with _open(hive, key, winreg.KEY_READ) as handle:
                    data, kind = winreg.QueryValueEx(handle, name)
            except FileNotFoundError:
                return None
            return to_value(kind, data)

        def set(self, hive: str, key: str, name: str, value: RegistryValue) -> None:
            access = winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY
            with winreg.CreateKeyEx(getattr(winreg, hive), key, 0, access) as handle:
                winreg.SetValueEx(handle, name, 0, value.type, from_value(value))
                winreg.FlushKey(handle)

        def delete(self, hive: str, key: str, name: str) -> None:
            try:
                with _open(hive, key, winreg.KEY_SET_VALUE) as handle:
                    winreg.DeleteValue(handle, name)
                    winreg.FlushKey(handle)
            except FileNotFoundError:
                pass

        def missing_keys(self, hive: str, key: str) -> Tuple[str, ...]:
            parts = key.split("\\")
            for count in range(1, len(parts) + 1):
                try:
                    _open(hive, "\\".join(parts[:count]), winreg.KEY_READ).Close()
                except FileNotFoundError:
                    return tuple("\\".join(parts[:end]) for end in range(count, len(parts) + 1))
            return ()

        def delete_empty_key(self, hive: str, key: str) -> None:
            try:
                with _open(hive, key, winreg.KEY_READ) as handle:
                    keys, values, _ = winreg.QueryInfoKey(handle)
                if not keys and not values:
                    root = getattr(winreg, hive)
                    winreg.DeleteKeyEx(root, key, winreg.KEY_WOW64_64KEY, 0)
            except FileNotFoundError:
                pass

    def _open(hive: str, key: str, access: int) -> winreg.HKEYType:
        return winreg.OpenKey(getattr(winreg, hive), key, 0, access | winreg.KEY_WOW64_64KEY)


def default_registry() -> Optional[Registry]:
    """This machine's registry; ``None`` where there is none."""
    if sys.platform == "win32":
        return WinRegistry()
    return None
