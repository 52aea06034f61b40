"""The state of CLIP's weights in its cache, told apart without torch.

CLIP downloads straight to the final name and checks the SHA-256 only afterwards, so what a broken
download leaves is the file itself, shorter; CLIP then starts over from nothing.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from dartenv.assets.sniff import os_reason, sniff
from dartenv.assets.torch_file import inspect_torch

BLOCK = 1024 * 1024


@dataclass(frozen=True)
class ClipFile:
    """One cached weights file.

    ``state`` is ``absent``, ``directory``, ``partial`` (shorter than expected), ``html``,
    ``ok`` (size and SHA-256 match), ``unhashed`` (size matches, time ran out), ``wrong`` (right
    size, other SHA-256), ``other-torchscript`` (a whole TorchScript archive, not the expected
    file), ``other`` or ``unreadable``. ``problem`` says it in words, ``None`` for ``ok``.
    """

    path: str
    state: str
    size: Optional[int] = None
    sha256: Optional[str] = None
    problem: Optional[str] = None
    kind: str = ""


def inspect_clip(
    path: str,
    expected_size: int,
    expected_sha256: str,
    time_limit: Optional[float] = None,
) -> ClipFile:
    """Describe the cached CLIP weights at ``path``. Never raises.

    Hashed, in blocks and for at most ``time_limit`` seconds, only when the size fits.
    """
    seen = sniff(path)
    if not seen.exists:
        return ClipFile(path, "absent", kind="absent")
    if seen.kind in ("directory", "special", "unreadable"):
        state = "unreadable" if seen.kind == "unreadable" else "directory"
        return ClipFile(path, state, seen.size, problem=seen.problem, kind=seen.kind)
    size = seen.size or 0
    if seen.kind == "html":
        return ClipFile(path, "html", size, problem=seen.problem, kind="html")
    if size == expected_size:
        return _hashed(path, size, expected_sha256, time_limit, seen.kind)
    if size < expected_size and seen.kind in ("zip", "empty", "zeros"):
        whole = inspect_torch(path) if seen.kind == "zip" else None
        if whole is None or whole.complete is False or not whole.readable:
            problem = f"{size} of {expected_size} bytes: a download stopped"
            return ClipFile(path, "partial", size, problem=problem, kind=seen.kind)
    return _other(path, size, expected_size)


def sha256_file(path: str, time_limit: Optional[float] = None) -> Optional[str]:
    """SHA-256 of the file in hex, or ``None`` when ``time_limit`` seconds ran out.

    Raises OSError.
    """
    digest = hashlib.sha256()
    until = None if time_limit is None else time.monotonic() + time_limit
    with Path(path).open("rb") as stream:
        while True:
            block = stream.read(BLOCK)
            if not block:
                return digest.hexdigest()
            digest.update(block)
            if until is not None and time.monotonic() > until:
                return None


def _hashed(
    path: str, size: int, expected: str, time_limit: Optional[float], kind: str
) -> ClipFile:
    try:
        found = sha256_file(path, time_limit)
    except OSError as error:
        problem = f"cannot be read: {os_reason(error)}"
        return ClipFile(path, "unreadable", size, problem=problem, kind=kind)
    if found is None:
        problem = f"size fits; not hashed to the end within {time_limit:g} s"
        return ClipFile(path, "unhashed", size, problem=problem, kind="torchscript")
    if found == expected.lower():
        return ClipFile(path, "ok", size, found, kind="torchscript")
    problem = f"the right size, but SHA-256 {found[:12]}... instead of {expected[:12].lower()}..."
    return ClipFile(path, "wrong", size, found, problem, kind)


def _other(path: str, size: int, expected_size: int) -> ClipFile:
    whole = inspect_torch(path)
    if whole.kind == "torchscript" and whole.complete:
        problem = f"a TorchScript archive of {size} bytes, not the expected file of {expected_size}"
        return ClipFile(path, "other-torchscript", size, problem=problem, kind=whole.kind)
    said = whole.problem or f"a {whole.kind} file"
    problem = f"{size} bytes instead of {expected_size}: {said}"
    return ClipFile(path, "other", size, problem=problem, kind=whole.kind)
