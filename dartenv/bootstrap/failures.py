"""One line that says why an install failed, out of the pages that pip, uv or conda wrote.

The table of what they say is ``manifests/install/failures.toml``; this reads any text and never
raises. What is shown has no secret in it: logins and tokens in addresses are masked.
"""

from __future__ import annotations

import re
from typing import Optional

import msgspec

from dartenv.manifests.failures import FailureRow, failure_table
from dartenv.manifests.loader import Manifests, default_manifests

UNKNOWN = "unknown"

_LONGEST = 300  # characters of the line that is shown
_LONGEST_LINE = 4_000
_LOOKED_AT = 400_000  # characters at each end: an endless log is not searched whole
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_WRAP = re.compile(r"\s+")
_ERROR = re.compile(r"(?i)\b(?:error|fatal|failed|failure|cannot|could not|exception)\b|错误|失败")

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+(?=@)")
_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|hf_[A-Za-z0-9]{16,}|pypi-[\w-]{16,}"
    r"|glpat-[\w-]{16,}|sk-[\w-]{16,}|AKIA[0-9A-Z]{16}|ey[\w-]{16,}\.[\w-]+\.[\w-]*)"
)
_PAIR = re.compile(
    r"(?i)\b((?:\w*(?:password|passwd|token|secret|api_?key|signature)|sig|auth)\s*[=:]\s*)"
    r"[^\s&;,\"'<>]{3,}"
)
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization\s*:\s*(?:\w+\s+)?)\S+")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an install failed. ``line`` is the tool's own; the rest is ours, with its values."""

    cause: str  # "no-wheel-for-python", "disk-full", ...; "unknown"
    line: str
    summary: str
    remedy: str


def mine(output: str, tool: str, manifests: Optional[Manifests] = None) -> Failure:
    """What the ``output`` of a failed ``tool`` ("pip", "uv", "conda", "micromamba") says.

    Never raises for any text; an unknown one gives its last line that speaks of an error.
    """
    text = _plain(output)
    name = tool.lower()
    for row in failure_table(manifests or default_manifests()).rows:
        if row.tools and name not in row.tools:
            continue
        match = re.search(row.pattern, text)
        if match is not None:
            return _told(row, match, text, tool)
    line = _last_error(text)
    return Failure(
        cause=UNKNOWN,
        line=line,
        summary=f"{tool} failed, and nothing that is known here is in its output."
        if line
        else f"{tool} ended without a word.",
        remedy="read the whole output, which is kept",
    )


def masked(text: str) -> str:
    """``text`` without logins and tokens."""
    text = _CREDENTIALS.sub("***", text)
    text = _HEADER.sub(r"\1***", text)
    text = _TOKEN.sub("***", text)
    return _PAIR.sub(r"\1***", text)


def _plain(output: str) -> str:
    """Without colours, progress bars' overwritten lines, and the middle of an endless log."""
    if len(output) > 2 * _LOOKED_AT:
        output = output[:_LOOKED_AT] + "\n" + output[-_LOOKED_AT:]
    text = _ESCAPE.sub("", output).replace("\r\n", "\n").replace("\r", "\n")
    # A pattern that may begin anywhere in a line takes the square of its length.
    return "\n".join(_short(line) for line in text.split("\n"))


def _short(line: str) -> str:
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} ... {line[-half:]}"


def _told(row: FailureRow, match: re.Match[str], text: str, tool: str) -> Failure:
    group = "at" if "at" in match.re.groupindex and match.group("at") is not None else 0
    at = match.start(group)
    # A match may begin at the line's start, or with the spaces before it.
    at += len(match.group(group)) - len(match.group(group).lstrip())
    values = {name: masked(value or "") for name, value in match.groupdict().items()}
    values["tool"] = tool
    return Failure(
        cause=row.cause,
        line=_line(text, at),
        summary=_tidy(row.summary.format_map(values)),
        remedy=_tidy(row.remedy.format_map(values)),
    )


def _line(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return _shown(text[start : end if end >= 0 else len(text)])


def _last_error(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    for line in reversed(lines):
        if _ERROR.search(line):
            return _shown(line)
    return _shown(lines[-1]) if lines else ""


def _shown(line: str) -> str:
    line = masked(_WRAP.sub(" ", line).strip())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _tidy(sentence: str) -> str:
    """Without the gaps that groups left which were not there."""
    return _WRAP.sub(" ", sentence).replace(" )", ")").replace("( ", "(").strip()
