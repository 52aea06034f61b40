"""What a check has to say: one typed value, rendered elsewhere."""

from __future__ import annotations

import enum
from typing import Optional, Tuple

import msgspec


class Status(str, enum.Enum):
    """The verdict of a finding, in order of rising gravity."""

    OK = "ok"
    SKIP = "skip"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"
    CRASH = "crash"  # the check itself broke: our fault, neither pass nor fail

    @property
    def gravity(self) -> int:
        """0 for ``ok``, rising."""
        return list(Status).index(self)


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What helps: prose, commands to run by hand, and the fix that does it for you."""

    text: str
    commands: Tuple[str, ...] = ()
    fix: Optional[str] = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One result of one check.

    ``found`` and ``wanted`` are values of this machine and of the manifests; ``source`` says
    where ``wanted`` comes from; ``cause`` names the check this one only follows from.
    """

    check: str
    status: Status
    summary: str
    found: Optional[str] = None
    wanted: Optional[str] = None
    evidence: Tuple[str, ...] = ()
    why: str = ""
    remedy: Optional[Remedy] = None
    source: Optional[str] = None
    cause: Optional[str] = None
    doc: str = ""  # "dartenv explain <check>"
