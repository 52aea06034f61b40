"""The report as SARIF 2.1.0, as code scanning reads it.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/ (OASIS standard, errata 01). A check is a
rule; a finding that is not fine is a result, with the places in DART's source where it names any.
What is fine is a result of kind ``pass`` and what was skipped ``notApplicable``, so that a reader
sees what was looked at.
"""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Dict, Optional

import msgspec

from dartenv.checks.finding import Finding, Status
from dartenv.report.model import Report
from dartenv.report.places import Place, places

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT_ID = "DARTROOT"

_LEVEL = {Status.FAIL: "error", Status.CRASH: "error", Status.WARN: "warning", Status.INFO: "note"}
_KIND = {Status.OK: "pass", Status.SKIP: "notApplicable"}


def render_sarif(report: Report) -> str:
    """The report as one SARIF log with one run."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode("utf-8") + "\n"


def _run(report: Report) -> Dict[str, Any]:
    ids = list(dict.fromkeys(item.check for item in report.findings))
    run: Dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "dartenv",
                "version": report.dartenv,
                "rules": [_rule(check, report) for check in ids],
            }
        },
        "invocations": [
            {
                "executionSuccessful": report.counts()["crash"] == 0,
                "exitCode": report.exit_code,
                **({"startTimeUtc": _instant(report.taken_at)} if report.taken_at else {}),
            }
        ],
        "results": [_result(item, ids.index(item.check)) for item in report.findings],
        "properties": {
            "profile": report.target.profile or "",
            "standIns": list(report.stand_ins),
            "sandbox": report.sandbox,
        },
    }
    if report.target.dart_root:
        uri = _uri(report.target.dart_root)
        if uri is not None:
            run["originalUriBaseIds"] = {ROOT_ID: {"uri": uri}}
    return run


def _rule(check: str, report: Report) -> Dict[str, Any]:
    why = next((item.why for item in report.findings if item.check == check and item.why), "")
    rule: Dict[str, Any] = {"id": check, "shortDescription": {"text": check}}
    if why:
        rule["fullDescription"] = {"text": why}
    rule["help"] = {"text": f"dartenv explain {check}"}
    return rule


def _result(item: Finding, index: int) -> Dict[str, Any]:
    result: Dict[str, Any] = {
        "ruleId": item.check,
        "ruleIndex": index,
        "message": {"text": _message(item)},
    }
    if item.status in _KIND:
        result["kind"] = _KIND[item.status]
        result["level"] = "none"
    else:
        result["level"] = _LEVEL[item.status]
    found = places(item)
    if found and item.status not in _KIND:
        result["locations"] = [_location(found[0])]
        if len(found) > 1:
            result["relatedLocations"] = [
                {**_location(place), "id": number} for number, place in enumerate(found[1:], 1)
            ]
    return result


def _message(item: Finding) -> str:
    parts = [item.summary]
    if item.found:
        parts.append(f"Found: {item.found}.")
    if item.wanted:
        parts.append(f"Wanted: {item.wanted}.")
    if item.remedy is not None and item.remedy.commands:
        parts.append(f"Run: {item.remedy.commands[0]}")
    return "\n".join(parts)


def _location(place: Place) -> Dict[str, Any]:
    location: Dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _relative(place.path), "uriBaseId": ROOT_ID},
            "region": {"startLine": place.line},
        }
    }
    if place.text:
        location["message"] = {"text": place.text}
    return location


def _relative(path: str) -> str:
    from urllib.parse import quote

    return quote(path)


def _uri(path: str) -> Optional[str]:
    """The folder as a file URI that ends in a slash; None for what is no absolute path.

    A report may be of another system than this one, so its paths are read by their own looks.
    """
    windows = PureWindowsPath(path)
    pure: PurePath = windows if windows.drive else PurePosixPath(path)
    return pure.as_uri().rstrip("/") + "/" if pure.is_absolute() else None


def _instant(text: str) -> str:
    """An ISO 8601 time in UTC as the format wants it, with a Z."""
    return text.replace("+00:00", "Z") if text.endswith("+00:00") else text
