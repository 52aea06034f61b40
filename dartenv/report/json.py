"""The report as one JSON document, and its schema."""

from __future__ import annotations

from typing import Any, Dict

import msgspec

from dartenv.report.model import Report


def render_json(report: Report) -> str:
    """The report as indented JSON; non-ASCII text stays readable."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode("utf-8") + "\n"


def report_schema() -> Dict[str, Any]:
    """The JSON Schema (draft 2020-12) of :func:`render_json`'s document."""
    schema: Dict[str, Any] = _stable(msgspec.json.schema(Report))
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "dartenv report"
    return schema


def _stable(node: Any, key: str = "") -> Any:
    """The same schema from every Python and msgspec: what differs is no part of the contract.

    Docstrings are dedented by some versions only, and the order of alternatives varies.
    """
    if isinstance(node, dict):
        return {k: _stable(v, k) for k, v in node.items() if k != "description"}
    if isinstance(node, (list, tuple)):
        items = [_stable(item) for item in node]
        return sorted(items, key=repr) if key == "anyOf" else items
    return node
