"""Places on a machine, written in manifests with variables, and which of them are trusted.

A program is run only from a place that an administrator had to write to, and never because it
lies in the current folder or behind a relative entry of PATH.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from pathlib import Path
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

_VARIABLE = re.compile(r"%([^%/\\]+)%")


def lookup(env: Mapping[str, str], name: str) -> Optional[str]:
    """A variable, in any case as on Windows; ``None`` when unset or empty."""
    value = env.get(name)
    if value is None:
        wanted = name.lower()
        value = next((v for k, v in env.items() if k.lower() == wanted), None)
    return value or None


def expand(
    template: str, env: Mapping[str, str], quote: Callable[[str], str] = str
) -> Optional[str]:
    """``%ProgramFiles%/x`` as an absolute path; ``None`` when a variable is unset or relative."""
    missing: List[str] = []

    def replace(match: re.Match[str]) -> str:
        value = lookup(env, match.group(1))
        if value is None:
            missing.append(match.group(1))
            return ""
        return quote(value)

    path = os.path.normpath(_VARIABLE.sub(replace, template))
    return None if missing or not Path(path).is_absolute() else path


def expand_all(templates: Iterable[str], env: Mapping[str, str]) -> Tuple[str, ...]:
    """Every template that can be expanded, in order, without repetition."""
    paths = (expand(template, env) for template in templates)
    return tuple(dict.fromkeys(path for path in paths if path is not None))


def matching(patterns: Iterable[str], env: Mapping[str, str]) -> Tuple[str, ...]:
    """Existing paths that match the patterns; a folder that cannot be listed matches nothing."""
    found: List[str] = []
    for template in patterns:
        pattern = expand(template, env, glob.escape)
        if pattern is not None:
            found.extend(sorted(glob.glob(pattern)))  # noqa: PTH207
    return tuple(dict.fromkeys(found))


def is_inside(path: str, roots: Sequence[str]) -> bool:
    """Whether the real place of ``path`` is below one of ``roots``."""
    real = os.path.normcase(real_path(path))
    for root in roots:
        base = os.path.normcase(real_path(root)).rstrip("\\/")
        if real == base or real.startswith(base + os.sep):
            return True
    return False


def real_path(path: str) -> str:
    """``path`` with links resolved; unchanged where that cannot be done."""
    try:
        return os.path.realpath(path)
    except OSError:
        return path


def current_folder() -> str:
    """The current folder; the root where it is gone."""
    try:
        return str(Path.cwd())
    except OSError:
        return str(Path(Path.home().anchor))


def is_file(path: str) -> bool:
    """Whether a file lies there; ``False`` where that cannot be told."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: str) -> bool:
    """Whether a folder lies there; ``False`` where that cannot be told."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def obstacle(path: str) -> Optional[str]:
    """Why what lies at ``path`` cannot be read as a file; ``None`` for a file, and for nothing."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return "a link that leads nowhere" if Path(path).is_symlink() else None
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except ValueError:  # a NUL in a variable
        return None
    if stat.S_ISREG(mode):
        return None
    return "a folder where a file belongs" if stat.S_ISDIR(mode) else "not a file"


def first_on_path(
    name: str, env: Mapping[str, str], cwd: Optional[str] = None, separator: str = os.pathsep
) -> Optional[str]:
    """The first ``name`` on PATH. Relative entries and the current folder do not count."""
    here = os.path.normcase(real_path(cwd or current_folder()))
    for entry in (lookup(env, "PATH") or "").split(separator):
        folder = entry.strip().strip('"')
        if not folder or not Path(folder).is_absolute():
            continue
        if os.path.normcase(real_path(folder)) == here:
            continue
        candidate = str(Path(folder) / name)
        if is_file(candidate):
            return candidate
    return None


def decoded(data: bytes, *encodings: str) -> str:
    """``data`` as text: the first encoding that fits, else UTF-8 with replacements."""
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("utf-8", errors="replace")
