"""The report as one JSON document, and its schema."""

from __future__ import annotations

from typing import Any, Dict

import msgspec

from dartenv.report.model import Report
from dartenv.schema import schema_of


def render_json(report: Report) -> str:
    """The report as indented JSON; non-ASCII text stays readable."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode("utf-8") + "\n"


def report_schema() -> Dict[str, Any]:
    """The JSON Schema (draft 2020-12) of :func:`render_json`'s document."""
    return schema_of(Report, "dartenv report")
