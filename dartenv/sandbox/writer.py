"""Write the sandbox: a small DART-shaped project of our own, faults included.

The project is package data (``dartenv/sandbox/project``) and is read through
importlib.resources, so that a zipped or read-only install writes it as well as a checkout.
Nothing here imports torch, and nothing of the written project is run.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from dartenv.errors import UsageFault

if sys.version_info >= (3, 9):
    from importlib import resources
else:  # pragma: no cover - one branch a Python
    import importlib_resources as resources

MARKER = "DARTENV_SANDBOX"
TEMPLATE = "project"
# Written byte for byte; everything else is text and gets \n whatever the checkout holds.
BINARY_SUFFIXES = (".pt", ".pkl", ".npz")
LEFT_OUT = ("__pycache__",)


@dataclass(frozen=True)
class SandboxInfo:
    """What was written: the absolute ``root``, the files relative to it with ``/``, and bytes."""

    root: Path
    files: Tuple[str, ...]
    size: int


def write_sandbox(dest: Path, *, overwrite: bool = False) -> SandboxInfo:
    """Write the sandbox into ``dest``, which is made if it is not there.

    ``overwrite`` writes over a folder that already is a sandbox; its other files (results of
    runs) are left alone. Each file appears whole or not at all.

    Raises:
        UsageFault: ``dest`` is a file, is a folder with other things in it, or cannot be
            written.
    """
    root = Path(dest).absolute()
    _refuse_taken(root, overwrite)
    files: List[str] = []
    size = 0
    try:
        for name, source in template_files():
            content = source.read_bytes()
            if not name.endswith(BINARY_SUFFIXES):
                content = content.replace(b"\r\n", b"\n")
            target = root.joinpath(*name.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(target, content)
            files.append(name)
            size += len(content)
    except OSError as error:
        raise UsageFault(
            f"cannot write the sandbox into {root}: {error.strerror or error}",
            expected="a folder that can be written",
            help="name another folder: dartenv sandbox DIR",
        ) from error
    return SandboxInfo(root=root, files=tuple(files), size=size)


def is_sandbox(folder: Path) -> bool:
    """Whether a folder carries the sandbox's marker."""
    return (folder / MARKER).is_file()


def template_files() -> Iterator[Tuple[str, Any]]:
    """The files of the sandbox in a fixed order: relative name with ``/``, and its resource."""
    yield from _walk(resources.files("dartenv.sandbox").joinpath(TEMPLATE), "")


def _walk(folder: Any, prefix: str) -> Iterator[Tuple[str, Any]]:
    for entry in sorted(folder.iterdir(), key=lambda item: str(item.name)):
        name = prefix + entry.name
        if entry.name in LEFT_OUT or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir():
            yield from _walk(entry, name + "/")
        else:
            yield name, entry


def _refuse_taken(root: Path, overwrite: bool) -> None:
    if root.is_dir():
        try:
            taken = sorted(entry.name for entry in root.iterdir())
        except OSError as error:
            raise UsageFault(
                f"cannot read {root}: {error.strerror or error}", expected="a folder"
            ) from error
        if not taken:
            return
        if is_sandbox(root):
            if overwrite:
                return
            raise UsageFault(
                f"{root} already is a sandbox",
                expected="an empty or new folder",
                help="name another folder, or delete this one",
            )
        raise UsageFault(
            f"{root} is not empty: it holds {_some(taken)}",
            expected="an empty or new folder",
            help="name another folder: dartenv sandbox DIR",
        )
    if root.exists() or root.is_symlink():
        raise UsageFault(
            f"{root} is a file",
            expected="an empty or new folder",
            help="name another folder: dartenv sandbox DIR",
        )


def _some(names: List[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _write_whole(target: Path, content: bytes) -> None:
    """Write beside the target and put it in place in one step."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except BaseException:
        if temporary.exists():
            temporary.unlink()
        raise
