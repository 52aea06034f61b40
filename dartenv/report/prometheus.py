"""The report for Prometheus' node exporter (textfile collector), text format 0.0.4.

Source: prometheus.io "Exposition formats". Write it to a temporary name and rename it: the
collector must never read half a file.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import Dict, List, Optional, Tuple

from dartenv.checks.finding import Status
from dartenv.report.model import Metric, Report

_NAME = re.compile(r"[^a-zA-Z0-9_]")


def render_prometheus(report: Report) -> str:
    """Gauges: findings by status, each check's status, every metric, regressions, the time."""
    lines: List[str] = []
    base = {"profile": report.target.profile or "", "sandbox": str(report.sandbox).lower()}
    numbers = report.counts()
    _family(
        lines,
        "dartenv_findings",
        "Findings of the last run by status.",
        [({**base, "status": status.value}, float(numbers[status.value])) for status in Status],
    )
    worst: Dict[str, Status] = {}
    for item in report.findings:
        before = worst.get(item.check, Status.OK)
        worst[item.check] = max(before, item.status, key=lambda status: status.gravity)
    _family(
        lines,
        "dartenv_check_status",
        "Gravity of a check: 0 ok, 1 skip, 2 info, 3 warn, 4 fail, 5 crash.",
        [({**base, "check": check}, float(status.gravity)) for check, status in worst.items()],
    )
    _family(
        lines,
        "dartenv_metric",
        "A metric of the last run; see the labels name, context and unit.",
        [(_labels(base, metric), metric.value) for metric in report.metrics],
    )
    _family(
        lines,
        "dartenv_regression",
        "1 for a confirmed regression, 0.5 for a suspected one.",
        [
            (
                {**base, "name": one.metric, "context": one.context, "since": one.since},
                1.0 if one.confirmed else 0.5,
            )
            for one in report.regressions
        ],
    )
    _family(
        lines, "dartenv_exit_code", "Exit code of the last run.", [(base, float(report.exit_code))]
    )
    taken = _epoch(report.taken_at)
    if taken is not None:
        _family(lines, "dartenv_run_timestamp_seconds", "When the last run was.", [(base, taken)])
    return "".join(line + "\n" for line in lines)


def _labels(base: Dict[str, str], metric: Metric) -> Dict[str, str]:
    return {**base, "name": metric.name, "context": metric.context, "unit": metric.unit}


def _family(
    lines: List[str], name: str, help: str, samples: List[Tuple[Dict[str, str], float]]
) -> None:
    if not samples:
        return
    name = _NAME.sub("_", name)
    lines.append(f"# HELP {name} {help}")
    lines.append(f"# TYPE {name} gauge")
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{shown}}} {_number(value)}")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _epoch(text: str) -> Optional[float]:
    if not text:
        return None
    try:
        taken = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return taken.timestamp()
