"""The report as one HTML page; the page itself is made in dartenv/page."""

from __future__ import annotations

from dartenv.report.model import Report


def render_html(report: Report) -> str:
    """The report alone, without a run's motions and without a history."""
    from dartenv.page.build import page_of
    from dartenv.page.render import render

    return render(page_of(report))
