"""A file as a fix finds it, and the step that gives it new content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

from dartenv.fixes.diff import unified_diff
from dartenv.fixes.faults import explain
from dartenv.fixes.paths import sha256
from dartenv.fixes.plan import Refusal
from dartenv.fixes.preconditions import check_step
from dartenv.fixes.steps import AnyStep, EditFile, Need, Safety, WriteFile
from dartenv.longpath import native


@dataclass(frozen=True)
class Unreadable:
    """A file that cannot be read, in one line."""

    reason: str


def read_bytes(path: str) -> Union[bytes, Unreadable, None]:
    """The content, ``None`` where nothing is there."""
    try:
        return native(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Unreadable(explain(error, path))
    except ValueError as error:
        return Unreadable(f"{path!a}: {error}")


def write_step(
    fixes: Sequence[str],
    path: str,
    old: Optional[bytes],
    new: bytes,
    reason: str,
    *,
    safety: Safety = Safety.SAFE,
    needs: Tuple[Need, ...] = (),
) -> AnyStep:
    """The step from ``old`` (``None``: no file) to ``new``."""
    name, diff = f"{fixes[0]}:{path}", unified_diff(path, old or b"", new)
    if old is not None:
        return EditFile(
            id=name,
            fixes=tuple(fixes),
            reason=reason,
            safety=safety,
            needs=needs,
            path=path,
            old_sha256=sha256(old),
            content=new,
            diff=diff,
        )
    return WriteFile(
        id=name,
        fixes=tuple(fixes),
        reason=reason,
        safety=safety,
        needs=needs,
        path=path,
        content=new,
        diff=diff,
    )


def possible(step: AnyStep, path: str) -> Union[AnyStep, Tuple[Refusal, ...]]:
    """The step, or why this machine would not let it be done, for each of its fixes."""
    if not Path(path).is_absolute():
        return step  # facts of another machine: nothing can be looked at here
    why = check_step(step) or _closed(path)
    if why is None:
        return step
    return tuple(Refusal(fix=fix, reason=why, path=path) for fix in step.fixes)


def decoded(data: bytes) -> Optional[Tuple[str, str]]:
    """Text and its encoding, so that encoding it again gives the same bytes; else ``None``."""
    for encoding in ("utf-8", "gbk"):
        try:
            text = data.decode(encoding)
            if text.encode(encoding) == data:
                return text, encoding
        except UnicodeError:
            continue
    return None


def newline_of(text: str, otherwise: str = "\n") -> str:
    """The line end that ``text`` has most of; ``otherwise`` where it has none."""
    crlf = text.count("\r\n")
    lf = text.count("\n") - crlf
    if not crlf and not lf:
        return otherwise
    return "\r\n" if crlf > lf else "\n"


def _closed(path: str) -> Optional[str]:
    """Why an existing file does not open for writing: rights that only an attempt can show."""
    try:
        native(path).open("r+b").close()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{explain(error, path)}; run dartenv where you may write it"
    return None
