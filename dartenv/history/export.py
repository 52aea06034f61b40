"""The history as files for other tools: one row a metric value."""

from __future__ import annotations

import csv
import importlib
import io
from pathlib import Path
from typing import Any, Dict, List, Optional

import msgspec

from dartenv.errors import UsageFault
from dartenv.history.store import History
from dartenv.whole import whole_file

FORMATS = ("csv", "json", "parquet")
COLUMNS = (
    "run",
    "machine",
    "profile",
    "started_at",
    "state",
    "metric",
    "context",
    "value",
    "unit",
    "better",
)


def rows(history: History) -> List[Dict[str, Any]]:
    """Every metric value of every run, the oldest run first."""
    found: List[Dict[str, Any]] = []
    for run in history.runs():
        for metric in history.recorded(run.id).metrics:
            found.append(
                {
                    "run": run.id,
                    "machine": run.machine,
                    "profile": run.profile,
                    "started_at": run.started_at,
                    "state": run.state,
                    "metric": metric.name,
                    "context": metric.context,
                    "value": metric.value,
                    "unit": metric.unit,
                    "better": metric.better,
                }
            )
    return found


def as_text(history: History, format_name: str) -> str:
    """The rows as CSV (RFC 4180, but with LF) or as a JSON document."""
    if format_name == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(history))
        return text.getvalue()
    runs = [history.recorded(run.id) for run in history.runs()]
    document = {"schema": 1, "runs": [msgspec.structs.replace(r, report=None) for r in runs]}
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode("utf-8") + "\n"


def to_parquet(history: History, path: Optional[Path]) -> None:
    """The rows as a Parquet file. Raises UsageFault without a path or without pyarrow."""
    if path is None:
        raise UsageFault(
            "parquet is no text", "a file to write", "dartenv history export -o FILE.parquet"
        )
    try:
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UsageFault(
            "Parquet needs pyarrow, which is not installed",
            "the extra parquet",
            "pip install dartenv[parquet]",
        ) from None
    found = rows(history)
    table = pyarrow.table({name: [row[name] for row in found] for name in COLUMNS})
    with whole_file(path, "a writable place") as part:
        parquet.write_table(table, str(part))
