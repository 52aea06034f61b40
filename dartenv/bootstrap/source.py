"""The stage that brings DART's source: cloned, unpacked, or there already."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from dartenv.bootstrap.layout import Layout
from dartenv.errors import UsageFault
from dartenv.fetch.remote import Remote
from dartenv.fixes.lock import state_folder
from dartenv.fixes.paths import file_sha256, lexists
from dartenv.fixes.steps import AnyStep, FetchFile, RunCommand
from dartenv.install.holding import lock_file
from dartenv.install.tools import on_path, own_path, shown
from dartenv.manifests.schema import Tree
from dartenv.target import tree_kind

FIX = "bootstrap.source"
LIMIT = 3600.0
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


def source_steps(layout: Layout, source: Optional[str], trees: Sequence[Tree]) -> List[AnyStep]:
    """What puts a DART tree at ``layout.tree``; nothing where one is.

    Raises UsageFault where something else is there, or ``source`` is nothing that can be taken.
    """
    if _is_tree(layout.tree, trees):
        return []
    if lexists(str(layout.tree)) and _holds_something(layout.tree):
        raise UsageFault(
            f"{layout.tree}: not a DART tree, and not empty",
            "a DART tree, or no such folder yet",
            "dartenv bootstrap --dir DIR, or --dart-root TREE",
        )
    tree = next(one for one in trees if one.kind == "dart")
    git = on_path("git")
    if source is None:
        if git is not None and tree.repository:
            return [_clone(layout, git, tree.repository)]
        if tree.archive:
            return _downloaded(layout, tree.archive)
        raise UsageFault(
            "no source of DART is known", "a tree's manifest with one", "--dart SOURCE"
        )
    return _given(layout, source, git, trees)


def _given(layout: Layout, source: str, git: Optional[str], trees: Sequence[Tree]) -> List[AnyStep]:
    path = Path(source).expanduser()
    if path.is_dir():
        bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
        if (path / ".git").exists() or bare:
            if git is None:
                raise UsageFault(f"{source}: a git repository, and git is not on PATH")
            return [_clone(layout, git, str(path.absolute()))]
        if not _is_tree(path, trees):
            raise UsageFault(f"{source}: not a DART tree", "the folder that holds mld/ and model/")
        return [_unpack(layout, str(path.absolute()))]
    if path.is_file():
        return [_unpack(layout, str(path.absolute()))]
    if urlsplit(source).scheme in ("http", "https") and source.lower().endswith(ARCHIVES):
        return _downloaded(layout, source)
    if "://" in source or source.startswith("git@"):
        if git is None:
            raise UsageFault(
                f"{source}: git is not on PATH", "git, or the address of a zip", "--dart ARCHIVE"
            )
        return [_clone(layout, git, source)]
    raise UsageFault(f"--dart {source}: no such file or folder", "an address, archive or folder")


def _clone(layout: Layout, git: str, source: str) -> RunCommand:
    return _made(
        str(layout.tree),
        [git, "clone", "--quiet", "--depth", "1", *_local(source), str(layout.tree)],
        f"DART's source, from {source}",
        "git",
    )


def _local(source: str) -> Tuple[str, ...]:
    """git ignores --depth for a path, and says so; for an address of one it holds."""
    path = Path(source)
    return (path.as_uri(),) if path.is_absolute() else (source,)


def _unpack(layout: Layout, archive: str) -> RunCommand:
    return _made(
        str(layout.tree),
        [sys.executable, "-m", "dartenv.install.unpack", archive, str(layout.tree)],
        f"DART's source, from {archive}",
        "unpack",
        f"unpack {archive} to {layout.tree}",
    )


def _downloaded(layout: Layout, url: str) -> List[AnyStep]:
    path = layout.private / "DART.zip"
    fetch = FetchFile(
        id=f"{FIX}:{path}",
        fixes=(FIX,),
        reason=f"DART's source as one file, from {url}",
        path=str(path),
        remote=Remote(id="dart-source", kind="http", url=url, name="DART.zip", sure=False),
        old_sha256=file_sha256(str(path)),
    )
    return [fetch, _unpack(layout, str(path))]


def _made(
    folder: str, command: Sequence[str], reason: str, tool: str, words: str = ""
) -> RunCommand:
    return folder_step(FIX, folder, command, reason, tool, words)


def folder_step(
    fix: str,
    folder: str,
    command: Sequence[str],
    reason: str,
    tool: str,
    words: str = "",
    whole: bool = False,
) -> RunCommand:
    """A command that makes ``folder``; taken back, the folder goes as far as it is ours."""
    state = state_folder()
    stem = hashlib.sha256(f"{fix}\0{folder}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    note = str(state / "install" / f"{stem}.json")
    log = str(state / "install" / f"{fix}-{stem}.log")
    lock = str(lock_file(state, folder))
    here = [sys.executable, "-m"]
    return RunCommand(
        id=f"{fix}:{folder}",
        fixes=(fix,),
        reason=reason,
        argv=(
            *(*here, "dartenv.install.run", "--lock", lock, "--log", log, "--tool", tool),
            *("--before", note, "--folder", folder),
            *(("--set", f"PYTHONPATH={own_path()['PYTHONPATH']}") if tool == "unpack" else ()),
            *("--", *command),
        ),
        undo_argv=(
            *(*here, "dartenv.install.folder", "--lock", lock, "--note", note),
            *(["--whole"] if whole else []),
            folder,
        ),
        timeout=LIMIT,
        env=own_path(),
        shown=words or " ".join(shown(command)),
    )


def _is_tree(folder: Path, trees: Sequence[Tree]) -> bool:
    return folder.is_dir() and tree_kind(folder, list(trees)) is not None


def _holds_something(folder: Path) -> bool:
    return not folder.is_dir() or any(folder.iterdir())
