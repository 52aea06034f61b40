"""What a file is, by its first bytes: the ways a download goes wrong have faces of their own."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

HEAD_BYTES = 4096

# A pickle of protocol 2 and later starts with this opcode, then the protocol's number.
_PROTO = 0x80
_TORCH_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
_HTML = re.compile(rb"^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body|script)\b", re.I)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})</title>", re.I)
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Sniff:
    """First impression of a file.

    ``kind`` is one of ``absent``, ``directory``, ``special``, ``unreadable``, ``empty``,
    ``html``, ``lfs-pointer``, ``zeros``, ``zip``, ``torch-legacy``, ``pickle``, ``tar``,
    ``gzip``, ``xz``, ``7z``, ``npy``, ``text``, ``unknown``; ``problem`` says in words what
    keeps it from being any asset at all, and is ``None`` when it may be one.
    """

    kind: str
    size: Optional[int] = None
    problem: Optional[str] = None
    head: bytes = b""

    @property
    def exists(self) -> bool:
        return self.kind != "absent"


def sniff(path: str) -> Sniff:
    """Look at ``path`` and its first bytes. Never raises."""
    try:
        status = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Sniff("absent")
    except (OSError, ValueError) as error:
        return Sniff("unreadable", problem=f"cannot be looked at: {os_reason(error)}")
    if stat.S_ISDIR(status.st_mode):
        return Sniff("directory", problem="a folder stands where the file should be")
    if not stat.S_ISREG(status.st_mode):
        return Sniff("special", problem="not a regular file")
    size = status.st_size
    if size == 0:
        return Sniff("empty", 0, "empty: 0 bytes")
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        return Sniff("unreadable", size, f"cannot be read: {os_reason(error)}")
    kind = kind_of(head)
    return Sniff(kind, size, _problem(kind, head, size), head)


def kind_of(head: bytes) -> str:
    """The kind of a file that begins with ``head`` (see :class:`Sniff`)."""
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return "zip"
    if is_html(head):
        return "html"
    if head.startswith(_LFS):
        return "lfs-pointer"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return "7z"
    if head[257:262] == b"ustar":
        return "tar"
    if not head.strip(b"\x00"):
        return "zeros"
    if _is_torch_legacy(head):
        return "torch-legacy"
    if len(head) > 1 and head[0] == _PROTO and head[1] <= 5:
        return "pickle"
    if b"\x00" not in head and _is_text(head):
        # Protocol 0 and 1 pickles have no header; a text one is told by its last bytes elsewhere.
        return "text"
    return "unknown"


def is_html(head: bytes) -> bool:
    """Whether ``head`` begins a web page, as saved by a failed download."""
    return _HTML.match(head.lstrip(b"\xef\xbb\xbf")) is not None


def os_reason(error: Exception) -> str:
    """One line for an OSError without its path; Windows' own numbers kept."""
    if isinstance(error, OSError):
        winerror = getattr(error, "winerror", None)
        text = error.strerror or type(error).__name__
        return f"{text} (WinError {winerror})" if winerror else text
    return str(error)


def absolute(root: str, path: str) -> str:
    """``path`` below ``root`` in the machine's own spelling."""
    return os.path.normpath(str(Path(root, path)))


def _is_torch_legacy(head: bytes) -> bool:
    # PROTO n, LONG1 10, the magic number: torch.save before its zip format.
    return head[:1] == b"\x80" and head[2:4] == b"\x8a\x0a" and head[4:14] == _TORCH_MAGIC


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3
    return True


def _problem(kind: str, head: bytes, size: int) -> Optional[str]:
    if kind == "html":
        title = _TITLE.search(head)
        named = ""
        if title:
            text = " ".join(title.group(1).decode("utf-8", "replace").split())
            named = f' titled "{text[:80]}"'
        return f"a web page{named} in place of the file: a login, quota or error page was saved"
    if kind == "lfs-pointer":
        return "a Git LFS pointer: the file itself was not fetched (git lfs pull)"
    if kind == "zeros" and size > 1:
        return "begins with zero bytes only: a download reserved the space and stopped"
    return None
