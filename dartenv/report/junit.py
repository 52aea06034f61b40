"""The report as JUnit XML, as CI servers read it: a check is a test case, a group a test suite.

The elements are those that Jenkins' and GitLab's readers share: testsuites, testsuite, testcase,
failure, error, skipped, system-out, properties.
"""

from __future__ import annotations

import re
import sys
from typing import Dict, List, Sequence
from xml.etree import ElementTree as ET

from dartenv.checks.finding import Finding, Status
from dartenv.report.model import Report

# XML 1.0 has no way to write these at all.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """The report as one XML document, UTF-8 declared."""
    groups: Dict[str, List[Finding]] = {}
    for item in report.findings:
        groups.setdefault(item.check.split(".")[0], []).append(item)
    root = ET.Element("testsuites", _counts(report.findings))
    root.set("name", _clean(f"dartenv {report.command}"))
    if report.seconds is not None:
        root.set("time", f"{report.seconds:.3f}")
    for group, findings in groups.items():
        suite = ET.SubElement(root, "testsuite", _counts(findings))
        suite.set("name", group)
        if report.taken_at:
            suite.set("timestamp", report.taken_at[:19])
        _properties(suite, report)
        for item in findings:
            suite.append(_case(item))
    if sys.version_info >= (3, 9):
        ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(findings: Sequence[Finding]) -> Dict[str, str]:
    numbers = [item.status for item in findings]
    return {
        "tests": str(len(numbers)),
        "failures": str(numbers.count(Status.FAIL)),
        "errors": str(numbers.count(Status.CRASH)),
        "skipped": str(numbers.count(Status.SKIP)),
    }


def _properties(suite: ET.Element, report: Report) -> None:
    """What a reader must not overlook: the target, and whether real assets were tested."""
    values = {
        "dartenv": report.dartenv,
        "profile": report.target.profile or "",
        "dart_root": report.target.dart_root or "",
        "python": report.target.python or "",
        "stand_ins": ", ".join(report.stand_ins),
        "sandbox": "true" if report.sandbox else "",
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        if value:
            ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})


def _case(item: Finding) -> ET.Element:
    group, _, name = item.check.partition(".")
    case = ET.Element("testcase", {"classname": f"dartenv.{group}", "name": name or group})
    summary = _clean(item.summary)
    if item.status is Status.FAIL:
        ET.SubElement(case, "failure", {"type": item.check, "message": summary}).text = _body(item)
    elif item.status is Status.CRASH:
        ET.SubElement(case, "error", {"type": item.check, "message": summary}).text = _body(item)
    elif item.status is Status.SKIP:
        ET.SubElement(case, "skipped", {"message": summary})
    else:
        prefix = "" if item.status is Status.OK else f"{item.status.value}: "
        ET.SubElement(case, "system-out").text = prefix + _body(item)
    return case


def _body(item: Finding) -> str:
    lines = [item.summary]
    for label, value in (("found", item.found), ("wanted", item.wanted), ("source", item.source)):
        if value:
            lines.append(f"{label}: {value}")
    if item.why:
        lines.append(f"why: {item.why}")
    lines.extend(item.evidence)
    if item.remedy is not None:
        lines.append(item.remedy.text)
        lines.extend(f"$ {command}" for command in item.remedy.commands)
    return _clean("\n".join(lines))


def _clean(text: str) -> str:
    """``text`` with what XML cannot hold (terminal colours, NUL) replaced."""
    return _FORBIDDEN.sub("\ufffd", text)
