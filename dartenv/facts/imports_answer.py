"""Reading what a child process of deep imports left behind: its answers, and how it ended."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import msgspec

from dartenv.facts.exits import spelled_exit
from dartenv.facts.model import ImportResult
from dartenv.facts.runner import Completed
from dartenv.typed import convert

_LINE = re.compile(rb"^<<(dartenv )?(.*)>>\r?$", re.MULTILINE)
_STEP = re.compile(r"^<<dartenv step (.*)>>\r?$", re.MULTILINE)
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]*)", line \d+ in (?P<function>.*?)\r?$', re.MULTILINE)
_TIMEOUT = re.compile(r"^Timeout \(\d+:\d\d:\d\d", re.MULTILINE)
_STACK_LINE = re.compile(
    r'^(\s+File "|Fatal Python error|Windows fatal exception|Current thread|Thread 0x|Timeout \('
    r"|Extension modules:|<<dartenv|\s*$)"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOST_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")
_IMPORT_MACHINERY = "<frozen importlib"
_OWN = "inside_"


@dataclass
class Answers:
    """What one process told: finished steps, the step it was in, and the last import begun."""

    results: List[ImportResult] = field(default_factory=list)
    step: Optional[str] = None
    last_import: Optional[str] = None
    path: Tuple[str, ...] = ()
    ended: bool = False

    @property
    def names(self) -> Tuple[str, ...]:
        return tuple(result.name for result in self.results)


def read_answers(done: Completed) -> Answers:
    """Every line that the process wrote on its channel, in order."""
    answers = Answers()
    for match in _LINE.finditer(done.out):
        text = match.group(2)
        if match.group(1) is None:
            answers.last_import = text.decode("ascii", "replace")
            continue
        try:
            value: Dict[str, Any] = json.loads(text)
        except ValueError:
            continue
        kind = value.pop("kind", None)
        if kind == "path":
            answers.path = tuple(value.get("path", ()))
        elif kind == "begin":
            answers.step = value.get("name")
            answers.last_import = None
        elif kind == "result":
            try:
                answers.results.append(convert(value, ImportResult))
            except msgspec.ValidationError:
                continue
            answers.step = None
        elif kind == "end":
            answers.ended = True
    answers.results = [_with_words(result, done) for result in answers.results]
    return answers


def unfinished(answers: Answers, done: Completed, cap: float) -> Optional[ImportResult]:
    """The step that the process ended in, as a result; ``None`` if it ended properly."""
    if answers.ended or answers.step is None:
        return None
    text = done.error_text()
    frames = _own_thread(text)
    hung = done.failure == "timeout" or _TIMEOUT.search(text) is not None
    if hung:
        outcome, error = "timeout", "nothing happened any more, so it was ended"
    else:
        outcome, error = "crash", f"the process {spelled_exit(done.rc or 0)}"
    if done.failure == "timeout":
        error = f"still running after {cap:.0f} s, so it was ended"
    words = _last_lines(_part(text, answers.step))
    return ImportResult(
        name=answers.step,
        ok=False,
        seconds=round(done.seconds, 3),
        error=error,
        error_type=None,
        module=_module(frames, answers),
        outcome=outcome,
        details={"stderr": words} if words else {},
    )


def _with_words(result: ImportResult, done: Completed) -> ImportResult:
    """A failed step with its last lines on standard error, and the library they say is missing."""
    if result.ok:
        return result
    text = _part(done.error_text(), result.name)
    words, details = _last_lines(text), dict(result.details)
    if words:
        details["stderr"] = words
    lost = _LOST_LIBRARY.findall(text + (result.error or ""))
    if lost:
        details.setdefault("missing_dll", ", ".join(dict.fromkeys(lost)))
    return msgspec.structs.replace(result, details=details)


def _part(text: str, step: str) -> str:
    """What one step printed to standard error, without colours."""
    parts = _STEP.split(_COLOUR.sub("", text))
    for name, words in zip(parts[1::2], parts[2::2]):
        if name == step:
            return words
    return ""


def _last_lines(text: str, lines: int = 6) -> str:
    """The last lines of a text, stacks of crashes left out."""
    kept = [one.rstrip() for one in text.splitlines() if not _STACK_LINE.match(one)]
    return "\n".join(one[:300] for one in kept[-lines:])


def _own_thread(text: str) -> List[Tuple[str, str]]:
    """The frames, innermost first, of the thread in which our script runs."""
    blocks = re.split(r"^(?:Current thread|Thread) 0x.*$", text, flags=re.MULTILINE)
    for block in blocks[1:]:
        frames = [(m.group("file"), m.group("function")) for m in _FRAME.finditer(block)]
        if any(_OWN in file for file, _ in frames):
            return frames
    return []


def _module(frames: List[Tuple[str, str]], answers: Answers) -> Optional[str]:
    """The import in which it happened.

    Where the import machinery itself was innermost, a compiled module was being loaded: the one
    whose import was the last to begin. Otherwise it is the innermost module whose top level was
    running; in a step that imports nothing, the innermost file.
    """
    if frames and frames[0][0].startswith(_IMPORT_MACHINERY):
        return answers.last_import
    own = next((n for n, (file, _) in enumerate(frames) if _OWN in file), len(frames))
    above = [f for f in frames[:own] if not f[0].startswith(_IMPORT_MACHINERY)]
    running = [file for file, function in above if function == "<module>"]
    for file in [*running, *(file for file, _ in above)]:
        name = _dotted(file, answers.path)
        if name is not None:
            return name
    return answers.last_import


def _dotted(file: str, path: Tuple[str, ...]) -> Optional[str]:
    """The module of a file, by the longest entry of the child's sys.path that holds it."""
    plain = file.replace("\\", "/")
    entries = sorted((_escaped(one).replace("\\", "/").rstrip("/") for one in path if one), key=len)
    for entry in reversed(entries):
        if plain.lower().startswith(entry.lower() + "/") and plain.endswith(".py"):
            name = plain[len(entry) + 1 : -len(".py")].replace("/", ".")
            return name[: -len(".__init__")] if name.endswith(".__init__") else name
    return None


def _escaped(text: str) -> str:
    """A path as faulthandler prints it: what is not ASCII as ``\\xe4``, ``\\u5305``."""
    return text.encode("ascii", "backslashreplace").decode("ascii")
