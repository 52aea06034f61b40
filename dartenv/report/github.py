"""The report for GitHub Actions: annotations on stdout, and a job summary in Markdown.

Source: GitHub's "Workflow commands for GitHub Actions"; of each kind of annotation the site shows
ten a step, so what matters most comes first.
"""

from __future__ import annotations

from typing import List

from dartenv.checks.finding import Finding, Status
from dartenv.report.model import Report
from dartenv.report.places import places

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"

_COMMAND = {
    Status.CRASH: "error",
    Status.FAIL: "error",
    Status.WARN: "warning",
    Status.INFO: "notice",
}


def render_annotations(report: Report) -> str:
    """One workflow command a finding that is not fine."""
    lines: List[str] = []
    for status in (Status.CRASH, Status.FAIL, Status.WARN, Status.INFO):
        for item in report.findings:
            if item.status is status:
                lines.append(_annotation(item))
    return "".join(line + "\n" for line in lines)


def _annotation(item: Finding) -> str:
    properties = [f"title={_property(item.check)}"]
    found = places(item)
    if found:
        properties = [f"file={_property(found[0].path)}", f"line={found[0].line}", *properties]
    text = item.summary
    if item.remedy is not None and item.remedy.commands:
        text += f"\n{item.remedy.commands[0]}"
    return f"::{_COMMAND[item.status]} {','.join(properties)}::{_data(text)}"


def render_summary(report: Report) -> str:
    """The job summary: the verdict, what is not fine as a table, regressions, the rest counted."""
    numbers = report.counts()
    lines = [f"## dartenv {report.command}: {'healthy' if report.exit_code == 0 else 'not ready'}"]
    target = " · ".join(
        _cell(text) for text in (report.target.profile or "", *report.headline) if text
    )
    if target:
        lines += ["", target]
    if report.sandbox:
        lines += ["", "**Sandbox: our own small stand-in for DART, not DART itself.**"]
    if report.stand_ins:
        names = ", ".join(f"`{name}`" for name in report.stand_ins)
        lines += ["", f"**Plumbing: made with stand-ins for {names}. Motion quality not tested.**"]
    shown = [f for f in report.findings if f.status.gravity >= Status.WARN.gravity]
    if shown:
        lines += ["", "| | check | found | repair |", "|---|---|---|---|"]
        for item in sorted(shown, key=lambda f: -f.status.gravity):
            command = item.remedy.commands[0] if item.remedy and item.remedy.commands else ""
            lines.append(
                f"| {item.status.value} | `{item.check}` | {_cell(item.summary)} "
                f"| {_code(command)} |"
            )
    if report.regressions:
        lines += ["", "| metric | usual | now | change | since |", "|---|---|---|---|---|"]
        for one in report.regressions:
            name = one.metric if one.confirmed else f"{one.metric} (suspected)"
            lines.append(
                f"| {_cell(name)} | {one.usual:.4g} {one.unit} | {one.value:.4g} {one.unit} "
                f"| {one.change:+.0%} | {one.since[:10]} |"
            )
    lines += ["", f"{numbers['ok']} fine, {numbers['info']} to know, {numbers['skip']} skipped"]
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return plain.replace("\r", " ").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|').replace('`', '')}`" if text else ""
