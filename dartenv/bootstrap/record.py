"""What a bootstrap was asked for and what it has proved, kept beside what it made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Optional

import msgspec

from dartenv.errors import UsageFault
from dartenv.install.settings import InstallConfig
from dartenv.typed import from_json

SCHEMA = 1
FOLDER = ".dartenv"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of a bootstrap; those of the first run stand until others are given."""

    profile: Optional[str] = None
    backend: Optional[str] = None
    python: Optional[str] = None  # the interpreter or version the environment is made from
    source: Optional[str] = None  # DART: an address, an archive or a folder
    install: InstallConfig = InstallConfig()


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A smoke test that passed: on what (a digest), when, and with which stand-ins."""

    on: str
    at: str
    stand_ins: int = 0
    seconds: float = 0.0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The file ``.dartenv/bootstrap.json``."""

    schema: int = SCHEMA
    settings: Settings = Settings()
    proofs: Dict[str, Proof] = {}


def record_path(folder: Path) -> Path:
    """Where the record of a folder is."""
    return folder / FOLDER / "bootstrap.json"


def load(folder: Path) -> Record:
    """The record, an empty one where there is none. Raises UsageFault where it cannot be read."""
    path = record_path(folder)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Record()
    except OSError as error:
        raise UsageFault(f"{path}: {error.strerror}") from None
    try:
        found = from_json(data, Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageFault(
            f"{path}: {error}", "the record of an earlier bootstrap", f"remove {path}"
        ) from None
    if found.schema > SCHEMA:
        raise UsageFault(
            f"{path}: schema {found.schema}, made by a newer dartenv",
            f"schema {SCHEMA}",
            "pip install --upgrade dartenv",
        )
    return found


def save(folder: Path, record: Record) -> None:
    """Write the record, whole or not at all. Raises UsageFault where that cannot be done."""
    path = record_path(folder)
    temp = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temp.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
        temp.replace(path)
    except OSError as error:
        raise UsageFault(
            f"{path}: {error.strerror}", "a folder that can be written", "--dir DIR"
        ) from None
