"""The report for a person: the verdict first, the next act last, 80 columns."""

from __future__ import annotations

import re
import textwrap
from typing import Dict, List, Optional, Sequence, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.report.model import Report
from dartenv.report.terminal import Line

WIDTH = 80
_INDENT = 3
_LABEL = 8
MAX_EVIDENCE = 12

_STYLE = {
    Status.FAIL: "bold red",
    Status.WARN: "yellow",
    Status.INFO: "cyan",
    Status.CRASH: "bold magenta",
    Status.SKIP: "dim",
    Status.OK: "green",
}


def render_console(report: Report, *, timing: bool = False, verbose: bool = False) -> List[Line]:
    """The report as styled lines."""
    lines: List[Line] = [_header(report), []]
    lines.append(_verdict(report))
    if report.sandbox:
        lines.append([("sandbox: our own small stand-in for DART, not DART itself", "yellow")])
    if report.stand_ins:
        text = "made with stand-ins for " + ", ".join(report.stand_ins) + ": plumbing, not quality"
        lines.extend(_wrapped(text, 0, "yellow"))
    followers = _followers(report.findings)
    folded = _folded(report.findings)
    number = 0
    for item in report.findings:
        if item.status in (Status.FAIL, Status.CRASH) and item not in folded:
            number += 1
            lines.append([])
            lines.extend(_block(item, str(number), followers.get(item.check, ()), report.fixes))
    for item in report.findings:
        if item.status is Status.WARN:
            lines.append([])
            lines.extend(_block(item, "?", followers.get(item.check, ()), report.fixes))
    lines.extend(_short_list(report, verbose))
    lines.extend(_ignored(report))
    lines.extend(_failures(report))
    if timing:
        lines.extend(_timings(report))
    lines.append([])
    lines.extend(_next_act(report))
    return lines


def _header(report: Report) -> Line:
    target = report.target
    parts = ["dartenv " + report.command]
    if target.profile:
        parts.append(target.profile)
    if target.dart_root:
        parts.append(target.dart_root)
    parts.extend(report.headline[:1])
    return [("  ".join(parts), "bold")]


def _verdict(report: Report) -> Line:
    numbers = report.counts()
    following = len(_folded(report.findings))
    broken = numbers["fail"] - following
    decide = numbers["warn"]
    tail = [f"{numbers['ok']} fine"]
    if numbers["info"]:
        tail.append(f"{numbers['info']} to know")
    if following:
        tail.append(f"{following} follow" + ("s" if following == 1 else ""))
    if numbers["skip"]:
        tail.append(f"{numbers['skip']} skipped")
    if report.ignored:
        tail.append(f"{len(report.ignored)} ignored")
    if numbers["crash"]:
        text = f"Could not tell: {numbers['crash']} checks broke (our fault), {broken} to repair, "
        style = "bold magenta"
    elif broken:
        text = f"Not ready: {broken} to repair, "
        style = "bold red"
    elif decide:
        text = "Ready, with doubts: "
        style = "yellow"
    else:
        text = "Ready: "
        style = "bold green"
    if decide:
        text += f"{decide} to decide, "
    text += ", ".join(tail)
    seconds = f"  {report.seconds:.1f} s" if report.seconds is not None else ""
    return [(text, style), (seconds, "dim")]


def _block(
    item: Finding, mark: str, followers: Sequence[Finding], fixes: Sequence[str]
) -> List[Line]:
    word = item.status.value.upper()
    title = f"{mark:<{_INDENT}}{item.check}"
    lines: List[Line] = [
        [(title, "bold"), (" " * max(2, WIDTH - 10 - len(title)), ""), (word, _STYLE[item.status])]
    ]
    if item.found is None:
        lines.extend(_wrapped(item.summary, _INDENT, ""))
    else:
        lines.extend(_labelled("found", item.found))
    if item.wanted is not None:
        lines.extend(_labelled("wanted", _with_source(item.wanted, item.source)))
    lines.extend(_evidence(item))
    if item.why:
        lines.extend(_labelled("why", item.why))
    lines.extend(_remedy(item, fixes))
    if followers:
        skipped = all(one.status is Status.SKIP for one in followers)
        verb = "follows" if len(followers) == 1 else "follow"
        count = f"({len(followers)} {'skipped until then' if skipped else verb + ' from it'})"
        names = list(dict.fromkeys(one.check for one in followers))
        lines.extend(_labelled("then", f"{_grouped(names)} {count}"))
    if item.status is Status.CRASH:
        lines.extend(_labelled("report", "this line and `dartenv doctor --save FACTS.json` to us"))
    return lines


def _with_source(wanted: str, source: Optional[str]) -> str:
    return f"{wanted} ({source})" if source else wanted


def _evidence(item: Finding) -> List[Line]:
    lines: List[Line] = []
    shown = item.evidence[:MAX_EVIDENCE]
    for number, entry in enumerate(shown):
        lines.extend(_labelled("where" if number == 0 else "", entry))
    hidden = len(item.evidence) - len(shown)
    if hidden > 0:
        lines.extend(_labelled("", f"and {hidden} more: dartenv doctor --format json"))
    return lines


def _remedy(item: Finding, fixes: Sequence[str]) -> List[Line]:
    remedy = item.remedy
    if remedy is None:
        return _labelled("more", item.doc) if item.doc else []
    lines: List[Line] = []
    if remedy.fix in fixes:
        text = f"dartenv fix {remedy.fix}"
        if remedy.text:
            text += f"  ({remedy.text})"
        lines.extend(_labelled("repair", text, "green"))
    elif remedy.text:
        lines.extend(_labelled("repair", remedy.text))
    for number, command in enumerate(remedy.commands):
        lines.append(_label_line("run" if number == 0 else "", command, "green"))
    if remedy.fix not in fixes:
        lines.extend(_labelled("more", item.doc))
    return lines


def _short_list(report: Report, verbose: bool) -> List[Line]:
    lines: List[Line] = []
    shown = [Status.INFO]
    if verbose:
        shown += [Status.OK, Status.SKIP]
    for status in shown:
        chosen = [item for item in report.findings if item.status is status]
        if chosen:
            lines.append([])
        for item in chosen:
            mark = {"info": "i", "ok": "+", "skip": "-"}[status.value]
            lead = f"{mark:<{_INDENT}}{item.check}  "
            lines.extend(_hanging(lead, item.summary, _STYLE[status]))
            for entry in item.evidence[: MAX_EVIDENCE if status is Status.INFO else 0]:
                lines.extend(_wrapped(entry, _INDENT * 2, "dim"))
            hidden = len(item.evidence) - MAX_EVIDENCE
            if status is Status.INFO and hidden > 0:
                lines.extend(_wrapped(f"and {hidden} more", _INDENT * 2, "dim"))
            if status is Status.INFO and item.remedy and item.remedy.fix in report.fixes:
                lines.extend(_wrapped(f"dartenv fix {item.remedy.fix}", _INDENT * 2, "green"))
    return lines


def _ignored(report: Report) -> List[Line]:
    lines: List[Line] = []
    for item in report.ignored:
        if not lines:
            lines.append([])
        lead = f"-  {item.check}  "
        lines.extend(
            _hanging(lead, f"ignored because {item.reason} (was {item.status.value})", "dim")
        )
    return lines


def _failures(report: Report) -> List[Line]:
    lines: List[Line] = []
    for failure in report.probe_failures:
        if not lines:
            lines.extend([[], [("Could not tell", "bold")]])
        lines.extend(_hanging(f"   {failure.probe}  ", failure.reason, ""))
    return lines


def _timings(report: Report) -> List[Line]:
    lines: List[Line] = [[], [("Time per probe", "bold")]]
    for timing in sorted(report.timings, key=lambda t: -t.seconds):
        lines.append([(f"   {timing.probe:<14}{timing.seconds:8.3f} s", "")])
    return lines


def _next_act(report: Report) -> List[Line]:
    fixes = sorted(
        {
            str(item.remedy.fix)
            for item in report.findings
            if item.remedy is not None
            and item.remedy.fix in report.fixes
            and item.status.gravity >= Status.WARN.gravity
        }
    )
    if fixes:
        what = "All repairs: dartenv fix" if len(fixes) > 1 else f"Repair: dartenv fix {fixes[0]}"
        return [[(what, "bold"), ("    What it would do: dartenv fix --dry-run", "")]]
    if report.exit_code == 0 and report.command == "doctor":
        return [*[[(line, "")] for line in report.headline[1:]], [("Next: dartenv smoke", "bold")]]
    if any(item.status.gravity >= Status.WARN.gravity for item in report.findings):
        return [[("More on any of these: dartenv explain ID", "")]]
    return []


def _followers(findings: Sequence[Finding]) -> Dict[str, Tuple[Finding, ...]]:
    found: Dict[str, List[Finding]] = {}
    folded = _folded(findings)
    for item in findings:
        if item.cause is not None and (item.status is Status.SKIP or item in folded):
            found.setdefault(item.cause, []).append(item)
    return {cause: tuple(items) for cause, items in found.items()}


def _folded(findings: Sequence[Finding]) -> List[Finding]:
    """What is broken only because another check is, which the report then stands under."""
    roots = {f.check for f in findings if f.status is Status.FAIL and f.cause is None}
    return [f for f in findings if f.status is Status.FAIL and f.cause in roots]


def _grouped(checks: Sequence[str]) -> str:
    """``imports.torch, ort.providers, packages.*`` : whole groups shortened."""
    groups: Dict[str, List[str]] = {}
    for check_id in checks:
        groups.setdefault(check_id.split(".")[0], []).append(check_id)
    parts: List[str] = []
    for group, members in groups.items():
        parts.append(f"{group}.*" if len(members) > 2 else ", ".join(members))
    return ", ".join(parts)


def _labelled(label: str, text: str, style: str = "") -> List[Line]:
    return _hanging(" " * _INDENT + f"{label:<{_LABEL}}", text, style)


def _label_line(label: str, text: str, style: str) -> Line:
    return [(" " * _INDENT + f"{label:<{_LABEL}}", "dim"), (text, style)]


def _hanging(lead: str, text: str, style: str) -> List[Line]:
    pieces: List[str] = []
    for paragraph in text.splitlines() or [""]:
        pieces.extend(_fold(paragraph, WIDTH - len(lead)))
    lines: List[Line] = []
    for number, piece in enumerate(pieces):
        lines.append([(lead if number == 0 else " " * len(lead), "dim"), (piece, style)])
    return lines


def _wrapped(text: str, indent: int, style: str) -> List[Line]:
    return [[(" " * indent, ""), (piece, style)] for piece in _fold(text, WIDTH - indent)]


def folded(text: str, indent: int) -> List[str]:
    """``text`` folded at spaces to what is left of the width after ``indent`` columns."""
    return [piece for line in text.splitlines() or [""] for piece in _fold(line, WIDTH - indent)]


# A path may hold spaces: of Windows' up to its last backslash, of others up to its last slash.
_PATH = re.compile(
    r"[A-Za-z]:\\(?:[^\\/:*?\"<>|,;()\r\n]+\\)+[^\\/:*?\"<>|,;()\s]*"
    r"|(?<![^\s(\"'=])/(?:[^/:*?\"<>|,;()\r\n]+/)+[^/:*?\"<>|,;()\s]*"
)
_NO_BREAK = "\0"


def _fold(text: str, width: int) -> List[str]:
    """Fold at spaces only: a path, spaces in it or not, is never broken."""
    kept = _PATH.sub(lambda found: found.group().replace(" ", _NO_BREAK), text)
    pieces = textwrap.wrap(kept, max(width, 30), break_long_words=False, break_on_hyphens=False)
    return [piece.replace(_NO_BREAK, " ") for piece in pieces] or [""]
