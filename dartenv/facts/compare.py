"""What differs between two machines, or two days of one."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import msgspec

from dartenv.facts.model import PROBES, Facts


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that differs. ``path`` is dotted; list items are named by what identifies them."""

    path: str
    before: str
    after: str
    explains: Tuple[str, ...] = ()  # findings that change when only this fact does


_IDENTITY = ("name", "id", "check", "path", "fix", "line")
_ABSENT = "not there"


def differences(before: Facts, after: Facts) -> List[Tuple[str, Any, Any]]:
    """Every probe's part that differs, as (dotted path, value before, value after)."""
    found: List[Tuple[str, Any, Any]] = []
    for probe in PROBES:
        _walk(
            probe,
            _plain(getattr(before, probe)),
            _plain(getattr(after, probe)),
            found,
        )
    for probe in dict.fromkeys([*before.extra, *after.extra]):  # those that extensions bring
        _walk(
            f"extra.{probe}",
            _plain(before.extra.get(probe)),
            _plain(after.extra.get(probe)),
            found,
        )
    return found


def with_part(facts: Facts, other: Facts, path: str) -> Facts:
    """``facts`` with the part at ``path`` taken from ``other``."""
    data = _plain(facts)
    source = _plain(other)
    keys = split(path)
    data[keys[0]] = _grafted(data.get(keys[0]), source.get(keys[0]), keys[1:])
    return msgspec.convert(data, Facts)


def shown(value: Any) -> str:
    """A value for a person: scalars as they are, structures shortened."""
    if value is None:
        return "could not tell"
    if isinstance(value, (dict, list)):
        text = msgspec.json.encode(value).decode("utf-8")
        return text if len(text) <= 120 else text[:117] + "..."
    return str(value)


def split(path: str) -> List[str]:
    """``interpreter.distributions[torch].version`` as its keys, ``[torch]`` being one."""
    keys: List[str] = []
    current = ""
    depth = 0
    for character in path:
        if character == "[":
            depth += 1
            if depth == 1:
                keys.append(current)
                current = ""
        if character == "." and depth == 0:
            keys.append(current)
            current = ""
            continue
        current += character
        if character == "]":
            depth -= 1
    keys.append(current)
    return [key for key in keys if key]


def _plain(value: Any) -> Any:
    """Plain data as JSON has it: lists, never tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _walk(path: str, a: Any, b: Any, found: List[Tuple[str, Any, Any]]) -> None:
    if a == b:
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for key in list(a) + [k for k in b if k not in a]:
            _walk(f"{path}.{key}", a.get(key), b.get(key), found)
    elif isinstance(a, list) and isinstance(b, list) and (a or b):
        left, right = _named(a), _named(b)
        if left is None or right is None:
            found.append((path, a, b))
            return
        for key in list(left) + [k for k in right if k not in left]:
            if key in left and key in right:
                _walk(f"{path}[{key}]", left[key], right[key], found)
            else:
                found.append((f"{path}[{key}]", left.get(key, _ABSENT), right.get(key, _ABSENT)))
    else:
        found.append((path, a, b))


def _named(items: List[Any]) -> Optional[Dict[str, Any]]:
    """List items by what identifies them; None where an item has nothing that does."""
    named: Dict[str, Any] = {}
    for item in items:
        if not isinstance(item, dict):
            return None
        key = " ".join(str(item[k]) for k in _IDENTITY if k in item and item[k] is not None)
        if not key:
            return None
        while key in named:
            key += "'"
        named[key] = item
    return named


def _grafted(data: Any, source: Any, keys: List[str]) -> Any:
    if not keys or data is None or source is None:
        return source
    key, rest = keys[0], keys[1:]
    if key.startswith("["):
        mine, theirs = _named(data) or {}, _named(source) or {}
        name = key[1:-1]
        if name not in theirs:
            mine.pop(name, None)
        else:
            mine[name] = _grafted(mine.get(name), theirs[name], rest)
        return list(mine.values())
    copied = dict(data)
    if key not in source:
        copied.pop(key, None)
    else:
        copied[key] = _grafted(data.get(key), source[key], rest)
    return copied
