"""The report as JSON Lines: one self-contained object a line, for log collectors."""

from __future__ import annotations

from typing import Any, Dict, List

import msgspec

from dartenv.report.model import Report


def render_jsonl(report: Report) -> str:
    """A ``run`` line, then a line for each finding, metric, regression and probe failure."""
    common = {"taken_at": report.taken_at, "profile": report.target.profile}
    head: Dict[str, Any] = {
        "type": "run",
        **common,
        "schema": report.schema,
        "dartenv": report.dartenv,
        "command": report.command,
        "target": report.target,
        "exit_code": report.exit_code,
        "seconds": report.seconds,
        "counts": report.counts(),
        "stand_ins": report.stand_ins,
        "sandbox": report.sandbox,
    }
    lines: List[Dict[str, Any]] = [head]
    for kind, items in (
        ("finding", report.findings),
        ("ignored", report.ignored),
        ("metric", report.metrics),
        ("regression", report.regressions),
        ("probe_failure", report.probe_failures),
    ):
        lines.extend({"type": kind, **common, **msgspec.to_builtins(item)} for item in items)
    return "".join(msgspec.json.encode(line).decode("utf-8") + "\n" for line in lines)
