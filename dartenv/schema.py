"""The JSON Schema of a struct, the same from every Python and msgspec that dartenv runs on."""

from __future__ import annotations

import inspect
from typing import Any, Dict

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"  # the dialect's name, not a place to fetch


def schema_of(kind: type, title: str) -> Dict[str, Any]:
    """The schema (draft 2020-12) of a msgspec struct, with ``title`` for its own.

    msgspec takes docstrings as they are indented up to 0.22 and dedented from 0.23 on, Python 3.13
    dedents them itself, and the order of alternatives varies: neither is part of the contract.
    """
    made: Dict[str, Any] = _stable(msgspec.json.schema(kind))
    return {"$schema": DIALECT, "title": title, **made}


def _stable(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {key: _stable(value) for key, value in node.items()}
        if isinstance(kept.get("description"), str):
            kept["description"] = inspect.cleandoc(kept["description"])
        if isinstance(kept.get("anyOf"), list):
            kept["anyOf"] = sorted(kept["anyOf"], key=repr)
        return kept
    if isinstance(node, (list, tuple)):
        return [_stable(item) for item in node]
    return node
