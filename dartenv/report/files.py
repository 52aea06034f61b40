"""The report in every format, as files of one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Optional, Tuple

from dartenv.errors import UsageFault
from dartenv.report.github import render_summary
from dartenv.report.html import render_html
from dartenv.report.json import render_json
from dartenv.report.jsonl import render_jsonl
from dartenv.report.junit import render_junit
from dartenv.report.model import Report
from dartenv.report.prometheus import render_prometheus
from dartenv.report.sarif import render_sarif

PAGE = "report.html"
FILES: Tuple[Tuple[str, Callable[[Report], str]], ...] = (
    ("report.json", render_json),
    ("report.jsonl", render_jsonl),
    ("report.junit.xml", render_junit),
    ("report.sarif", render_sarif),
    ("report.prom", render_prometheus),
    ("report.md", render_summary),
    (PAGE, render_html),
)


def write_reports(report: Report, folder: Path, page: Optional[str] = None) -> List[Path]:
    """Write every format into ``folder``, each under a temporary name first; answers the files.

    ``page`` is the HTML page of the run where one was made with more than the report holds.

    Raises UsageFault where the folder cannot be written.
    """
    written: List[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, render in FILES:
            path = folder / name
            part = folder / (name + ".part")
            text = page if name == PAGE and page is not None else render(report)
            part.write_bytes(text.encode("utf-8", "replace"))
            part.replace(path)
            written.append(path)
    except OSError as error:
        raise UsageFault(f"{folder}: {error.strerror or error}", "a folder to write") from None
    return written
