"""Finding the cause of a failed run in its log.

A pure function of the log's text and the error table: the last exception is matched first, then
those it came from, then the end of the log for programs that end without one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Optional, Tuple

import msgspec

from dartenv.smoke.scenario import ErrorRule, ErrorTable

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+)')
_GROUP = re.compile(r"\{(\w+)\}")
TAIL_BYTES = 256 * 1024
_TAIL_LINES = 80
_MESSAGE_LINES = 12


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run failed, as far as its log tells.

    ``check`` is the doctor check this belongs to, ``None`` where no rule fits; ``error`` the last
    exception's own words; ``where`` the innermost ``file:line`` of the tree, relative to it.
    """

    sentence: str
    check: Optional[str] = None
    rule: Optional[str] = None
    error: str = ""
    where: Optional[str] = None


class Raised(msgspec.Struct, frozen=True):
    """One exception of the log: its message (several lines at most) and its frames."""

    message: str
    frames: Tuple[Tuple[str, int], ...]


def read_tail(path: Path) -> str:
    """The end of a log as text, carriage returns as line ends; empty if it cannot be read."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL_BYTES))
            data = stream.read()
    except OSError:
        return ""
    return data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def mine(text: str, table: ErrorTable, root: Optional[Path] = None) -> Optional[Cause]:
    """The cause that ``text`` shows; ``None`` when it shows neither exception nor known message.

    ``root`` is where the run's tree lay, for naming places in it.
    """
    raised = exceptions(text)
    for exception in reversed(raised):
        for rule in table.rules:
            match = None if rule.anywhere else re.search(rule.pattern, exception.message, re.S)
            if match:
                return _cause(rule, match, exception, root)
    end = "\n".join(text.splitlines()[-_TAIL_LINES:])
    for rule in table.rules:
        match = re.search(rule.pattern, end, re.M) if rule.anywhere else None
        if match:
            return _cause(rule, match, raised[-1] if raised else None, root)
    if not raised:
        return None
    last = raised[-1]
    return Cause(
        sentence=last.message.splitlines()[0],
        error=last.message.splitlines()[0],
        where=_where(last, root),
    )


def exceptions(text: str) -> List[Raised]:
    """Every traceback of ``text``, in order."""
    found: List[Raised] = []
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if line.rstrip().endswith(_TRACEBACK):
            found.append(_raised(lines, start + 1))
    return found


def _raised(lines: List[str], at: int) -> Raised:
    frames: List[Tuple[str, int]] = []
    while at < len(lines) and (lines[at].startswith(" ") or not lines[at].strip()):
        match = _FRAME.match(lines[at])
        if match:
            frames.append((match.group("file"), int(match.group("line"))))
        at += 1
    message: List[str] = []
    for line in lines[at : at + _MESSAGE_LINES]:
        if not line.strip() or (message and line.rstrip().endswith(_TRACEBACK)):
            break
        message.append(line.rstrip())
    return Raised("\n".join(message) or "an exception without a message", tuple(frames))


def _cause(
    rule: ErrorRule, match: re.Match[str], exception: Optional[Raised], root: Optional[Path]
) -> Cause:
    groups = match.groupdict()
    sentence = _GROUP.sub(lambda m: str(groups.get(m.group(1)) or m.group(0)), rule.sentence)
    line = exception.message.splitlines()[0] if exception else match.group(0).strip()
    return Cause(
        sentence=sentence,
        check=rule.check,
        rule=rule.id,
        error=line,
        where=_where(exception, root) if exception else None,
    )


def _where(exception: Raised, root: Optional[Path]) -> Optional[str]:
    if root is None:
        return None
    shadow = str(root).replace("\\", "/").rstrip("/").lower() + "/"
    for file, line in reversed(exception.frames):
        plain = file.replace("\\", "/")
        if plain.lower().startswith(shadow):
            return f"{plain[len(shadow) :]}:{line}"
    return None
