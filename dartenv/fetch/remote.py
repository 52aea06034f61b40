"""What is to be fetched, what came, and why it did not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from dartenv.errors import FixFault


class Remote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file as a manifest knows it. It holds no secret and may stand in plans and journals.

    ``kind`` is ``http``, ``login`` (POST of the user's own name and password, see
    :mod:`dartenv.fetch.login`) or ``drive-folder``. ``name`` is the file's name, or its path
    within the folder. A ``size`` or hash that is not ``sure`` (read in one public listing only)
    is told when it differs, and refuses nothing. ``megabytes`` is what a person is told where
    the exact size is not known.
    """

    id: str  # of the download
    kind: str
    url: str
    name: str
    size: Optional[int] = None
    sha256: Optional[str] = None
    md5: Optional[str] = None
    sure: bool = True
    megabytes: float = 0.0
    file_url: str = ""  # of one file of a folder, with {id}
    page: str = ""  # where a person finds it
    login: str = ""  # whose login it wants
    licence: str = ""

    @property
    def key(self) -> str:
        """What tells it from every other remote file."""
        return f"{self.id}/{self.name}"

    @property
    def expected_bytes(self) -> int:
        """What there is to download, as well as that is known."""
        return self.size if self.size is not None else int(self.megabytes * 1_000_000)

    @property
    def place(self) -> str:
        """The address for eyes: no user, no query."""
        return shown_url(self.url)


@dataclass(frozen=True)
class Fetched:
    """A whole file in the download folder. ``notes`` are what differs from an unsure source."""

    path: Path
    size: int
    sha256: str
    notes: Tuple[str, ...] = ()


class FetchFault(FixFault):
    """A file did not come, in one line. ``reason`` is one word for programs."""

    def __init__(
        self, reason: str, found: str, expected: Optional[str] = None, help: Optional[str] = None
    ) -> None:
        super().__init__(found, expected, help)
        self.reason = reason


class Stopped(KeyboardInterrupt):
    """The user stopped the run: no error of the download, and heard in its threads as well."""


def shown_url(url: str) -> str:
    """``url`` without user, password, query and fragment: these may hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.port is not None:
            host += f":{parts.port}"
    except ValueError:
        return "an unreadable address"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def megabytes(count: int) -> str:
    """``212.8 MB``; small counts in bytes."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"
