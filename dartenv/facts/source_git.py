"""What git says of a tree: revision and remote from its files, changed files from git itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from dartenv.facts.runner import Runner, clean_env

GIT_LIMIT = 8.0  # seconds; a few hundred files take a fraction of one
MAX_SMALL_FILE = 4 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def git_folder(root: str) -> Optional[Path]:
    """The git folder of a checkout, also of a worktree or submodule; ``None`` if there is none."""
    place = Path(root, ".git")
    try:
        if place.is_dir():
            return place
    except OSError:
        return None
    text = _text(place)
    if text is None or not text.startswith("gitdir:"):
        return None
    target = Path(text[len("gitdir:") :].strip())
    return target if target.is_absolute() else Path(root, target)


def git_revision(root: str) -> Optional[str]:
    """The commit that is checked out, in hexadecimal."""
    folder = git_folder(root)
    head = _text(folder / "HEAD") if folder is not None else None
    if folder is None or head is None:
        return None
    head = head.strip()
    if not head.startswith("ref:"):
        return head if _COMMIT.fullmatch(head) else None
    name = head[len("ref:") :].strip()
    if ".." in name or name.startswith("/"):
        return None
    for place in (folder, _common(folder)):
        loose = _text(place.joinpath(*name.split("/")))
        if loose is not None and _COMMIT.fullmatch(loose.strip()):
            return loose.strip()
    for line in (_text(_common(folder) / "packed-refs") or "").splitlines():
        commit, _, packed = line.partition(" ")
        if packed.strip() == name and _COMMIT.fullmatch(commit):
            return commit
    return None


def git_remote(root: str) -> Optional[str]:
    """The URL of ``origin``, without a user name or password in it."""
    folder = git_folder(root)
    text = _text(_common(folder) / "config") if folder is not None else None
    section = ""
    for line in (text or "").splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section.replace(" ", "") == '[remote"origin"]':
            key, _, value = line.partition("=")
            if key.strip() == "url":
                return re.sub(r"(?<=://)[^/@]*@", "", value.strip())
    return None


class Dirty(NamedTuple):
    """Tracked files that differ from the commit; ``None`` where that could not be told, and why."""

    files: Optional[Tuple[str, ...]] = None
    problem: Optional[str] = None


def git_dirty(root: str, runner: Optional[Runner], git: Optional[str]) -> Dirty:
    """What differs from the commit in the tree at ``root``.

    The repository's own settings may name programs to run; those that ``status`` knows are
    turned off, and git is kept from writing its index.
    """
    if runner is None or git is None or git_folder(root) is None:
        return Dirty()
    argv = [git, "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", root]
    argv += ["status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all"]
    done = runner.run(argv, timeout=GIT_LIMIT, env=clean_env({"GIT_OPTIONAL_LOCKS": "0"}))
    if done.failure == "timeout":
        return Dirty(problem=f"{git} status: no answer within {GIT_LIMIT:.0f} s")
    if not done.ok:
        return Dirty()
    return Dirty(_paths(done.out.decode("utf-8", errors="replace")))


def _paths(output: str) -> Tuple[str, ...]:
    found: List[str] = []
    entries = iter(output.split("\0"))
    for entry in entries:
        if len(entry) > 3:
            found.append(entry[3:])
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)  # the old name follows
    return tuple(found)


def _common(folder: Path) -> Path:
    """Where a worktree keeps what it shares with the others."""
    text = _text(folder / "commondir")
    if text is None:
        return folder
    target = Path(text.strip())
    return target if target.is_absolute() else folder / target


def _text(path: Path) -> Optional[str]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_SMALL_FILE:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
