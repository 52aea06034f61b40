"""Zips, tars and folders as one thing: members with a name, a size and bytes."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
from dataclasses import dataclass, field
from typing import IO, Any, Callable, Iterator, List, Tuple, Type

from dartenv.archive.names import parts_of
from dartenv.assets.sniff import os_reason
from dartenv.assets.zip_file import ZIP_ERRORS
from dartenv.errors import UsageFault
from dartenv.longpath import CHUNK

READ_ERRORS: Tuple[Type[Exception], ...] = (
    *ZIP_ERRORS,
    tarfile.TarError,
    lzma.LZMAError,
    OSError,
)


@dataclass(frozen=True)
class Member:
    """One member. ``kind`` is ``file``, ``folder``, ``link`` or ``special``."""

    name: str  # as stored, decoded
    kind: str
    size: int = 0
    packed: int = 0  # bytes within the archive; 0 where that has no meaning
    start: int = 0  # of its data in a zip
    encrypted: bool = False
    token: Any = field(default=None, compare=False, repr=False)

    @property
    def path(self) -> str:
        """The name with ``/`` and nothing superfluous."""
        return "/".join(parts_of(self.name))


class Archive:
    """An open archive. Use as a context manager; every fault is a UsageFault in one line."""

    def __init__(
        self,
        path: str,
        kind: str,
        size: int,
        members: Tuple[Member, ...],
        opener: Callable[[Member], IO[bytes]],
        close: Callable[[], None],
    ) -> None:
        self.path = path
        self.kind = kind  # "zip", "tar", "folder"
        self.size = size
        self.members = members
        self._opener = opener
        self._close = close

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def files(self) -> List[Member]:
        """Members that hold bytes."""
        return [member for member in self.members if member.kind == "file"]

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The bytes of ``member``: exactly as many as announced. Raises UsageFault."""
        left = member.size
        try:
            with contextlib.closing(self._opener(member)) as stream:
                while left:
                    chunk = stream.read(min(CHUNK, left))
                    if not chunk:
                        raise self._fault(member, f"ends {left} bytes early")
                    left -= len(chunk)
                    yield chunk
                if stream.read(1):  # for a zip this is what has the checksum compared
                    raise self._fault(member, f"holds more than the {member.size} bytes announced")
        except UsageFault:
            raise
        except READ_ERRORS as error:
            raise self._fault(member, " ".join(os_reason(error).split())[:120]) from None

    def _fault(self, member: Member, why: str) -> UsageFault:
        return UsageFault(
            f"{self.path}: {member.name!r}: {why}", "a whole archive", "download it again"
        )


def too_many(path: str, count: int, most: int) -> UsageFault:
    """More members than any of our archives has."""
    return UsageFault(f"{path}: {count} members or more", f"at most {most}")


def too_big(path: str, total: int, most: int) -> UsageFault:
    """It unpacks to more than any of our archives does."""
    return UsageFault(
        f"{path}: unpacks to {total / 1e9:.1f} GB or more",
        f"at most {most / 1e9:.1f} GB: this looks like a zip bomb",
    )
