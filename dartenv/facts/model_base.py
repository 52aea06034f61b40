"""What every fact is made of, and what could not be told."""

from __future__ import annotations

from typing import Optional

import msgspec


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every fact: frozen, keyword-only."""


class ProbeFailure(Struct, frozen=True, kw_only=True):
    """A probe, or one part of it, that could not tell."""

    probe: str
    reason: str


class ProbeTiming(Struct, frozen=True, kw_only=True):
    """Wall time of one probe in seconds."""

    probe: str
    seconds: float


class Redaction(Struct, frozen=True, kw_only=True):
    """Something that was replaced before the facts were shared; never the thing itself."""

    # "user", "host", "proxy", "credentials", "token", "secret", "mail", "serial", "company"
    kind: str
    placeholder: str
    count: int


class TargetFacts(Struct, frozen=True, kw_only=True):
    """What was examined. Paths are absolute, in the machine's own spelling."""

    dart_root: Optional[str] = None
    root_length: Optional[int] = None  # of the real one, where ``dart_root`` was redacted
    python: Optional[str] = None
    profile: Optional[str] = None
    found_by: Optional[str] = None  # "option", "conda", "venv", "dartenv.toml", "cwd"
