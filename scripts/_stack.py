"""Which torch the sandbox runs on, read from manifests/profiles/sandbox.toml.

Standard library only: this runs before anything is installed, on Pythons without ``tomllib``.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

PROFILE = Path("manifests") / "profiles" / "sandbox.toml"

_TABLE = re.compile(r"^\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]?\]\s*(#.*)?$")
_STRING = re.compile(
    r"""^(?:"(?P<quoted>[^"]+)"|(?P<bare>[A-Za-z0-9_-]+))\s*=\s*"""
    r"""(?:"(?P<basic>(?:[^"\\]|\\.)*)"|'(?P<literal>[^']*)')\s*(?:\#.*)?$"""
)


class BadManifest(Exception):
    """The sandbox profile cannot be read; the message names the file and the key."""


class Stack(NamedTuple):
    """What the sandbox needs beside dartenv: requirements as pip takes them."""

    torch_cpu_index: str
    torch_by_python: Dict[str, str]
    requirements: Tuple[str, ...]


class TorchPlan(NamedTuple):
    """One way to install torch: the requirement, the index (None: pip's own), and why."""

    requirement: str
    index_url: Optional[str]
    why: str


def plain_toml(text: str) -> Dict[str, Any]:
    """The strings of a TOML text: at the top level, in ``[table]`` and in ``[[table]]``.

    Anything else (numbers, arrays, several lines) is left out, so this is for the few keys that
    are needed before a TOML parser is there.
    """
    data: Dict[str, Any] = {}
    place: Dict[str, Any] = data
    for line in text.lstrip("\ufeff").splitlines():
        line = line.strip()
        table = _TABLE.match(line)
        if table:
            name = table.group(2)
            place = {}
            if table.group(1):
                data.setdefault(name, []).append(place)
            else:
                data[name] = place
            continue
        pair = _STRING.match(line)
        if pair:
            basic = pair.group("basic")
            value = pair.group("literal") if basic is None else re.sub(r"\\(.)", r"\1", basic)
            place[pair.group("quoted") or pair.group("bare")] = value
    return data


def read_stack(path: Path, use_parser: bool = True) -> Stack:
    """The stack of the profile at ``path``.

    ``use_parser=False`` takes the small reader of this file even where a TOML parser is there.
    Raises BadManifest when the file cannot be read or a key is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadManifest(f"{path}: cannot be read: {error}") from None
    parse = _toml_parser() if use_parser else plain_toml
    try:
        data = parse(text)
    except ValueError as error:
        raise BadManifest(f"{path}: not TOML: {error}") from None
    index = data.get("torch_cpu_index")
    if not isinstance(index, str) or "://" not in index:
        raise BadManifest(f"{path}: torch_cpu_index: found {index!r}, expected a URL")
    versions = data.get("torch_by_python")
    if not isinstance(versions, dict) or not isinstance(versions.get("other"), str):
        raise BadManifest(f'{path}: [torch_by_python]: expected versions and "other"')
    needs: List[str] = []
    for entry in data.get("requirements", []):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise BadManifest(f"{path}: [[requirements]]: found {entry!r}, expected a name")
        markers = entry.get("markers", "")
        needs.append(entry["name"] + entry.get("spec", "") + (f"; {markers}" if markers else ""))
    return Stack(index, dict(versions), tuple(needs))


def torch_version(stack: Stack, python: Tuple[int, int]) -> str:
    """The torch release for Python ``(major, minor)``."""
    key = f"{python[0]}.{python[1]}"
    return stack.torch_by_python.get(key, stack.torch_by_python["other"])


def torch_plan(
    stack: Stack, python: Tuple[int, int], platform: str, cpu_index_reached: bool
) -> TorchPlan:
    """How to install torch for ``python`` on ``platform`` (as ``sys.platform`` spells it)."""
    requirement = "torch==" + torch_version(stack, python)
    if cpu_index_reached:
        return TorchPlan(requirement, stack.torch_cpu_index, f"CPU build from {_host(stack)}")
    if platform.startswith("linux"):
        return TorchPlan(
            requirement,
            None,
            f"{_host(stack)} was not reached, so the plain index: its Linux wheel may be the "
            "large CUDA build, which runs on CPU as well",
        )
    return TorchPlan(
        requirement,
        None,
        f"{_host(stack)} was not reached, so the plain index: its wheel is a CPU build here",
    )


def _toml_parser() -> Callable[[str], Dict[str, Any]]:
    for name in ("tomllib", "tomli"):
        try:
            parse: Callable[[str], Dict[str, Any]] = importlib.import_module(name).loads
        except ImportError:
            continue
        return parse
    return plain_toml


def _host(stack: Stack) -> str:
    return stack.torch_cpu_index.split("://", 1)[1].split("/", 1)[0]
