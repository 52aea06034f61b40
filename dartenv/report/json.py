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
    schema: Dict[str, Any] = _without_descriptions(msgspec.json.schema(Report))
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "dartenv report"
    return schema


def _without_descriptions(node: Any) -> Any:
    """Docstrings are dedented by some Python versions only: they are no part of the contract."""
    if isinstance(node, dict):
        return {k: _without_descriptions(v) for k, v in node.items() if k != "description"}
    if isinstance(node, list):
        return [_without_descriptions(item) for item in node]
    return node
