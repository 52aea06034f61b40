"""Facts on disk: saved, read back, and refused where they are not facts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Union

import msgspec

from dartenv.errors import UsageFault
from dartenv.facts.model import FACTS_SCHEMA, Facts
from dartenv.whole import whole_file

MAX_FACTS = 64 * 1024 * 1024


class _Head(msgspec.Struct):
    """The fields that tell facts from the other documents that dartenv writes."""

    schema: int
    target: Union[msgspec.Raw, msgspec.UnsetType] = msgspec.UNSET
    host: Union[msgspec.Raw, msgspec.UnsetType] = msgspec.UNSET
    findings: Union[msgspec.Raw, msgspec.UnsetType] = msgspec.UNSET


def save_facts(facts: Facts, path: Path) -> None:
    """Write ``facts`` as JSON; the file is complete or not there."""
    data = msgspec.json.format(msgspec.json.encode(facts), indent=1)
    with whole_file(path, "a writable place") as part:
        part.write_bytes(data + b"\n")


def facts_hash(facts: Facts) -> str:
    """SHA-256 of what the facts say of the machine: when and how fast they were taken left out."""
    same = msgspec.structs.replace(facts, taken_at="", timings=())
    if same.host is not None:
        same = msgspec.structs.replace(same, host=msgspec.structs.replace(same.host, now=None))
    return hashlib.sha256(msgspec.json.encode(same)).hexdigest()


def load_facts(path: Path) -> Facts:
    """Facts from ``path``; UsageFault where it cannot be read, is not facts, or is newer."""
    try:
        if path.stat().st_size > MAX_FACTS:
            raise UsageFault(f"{path}: {path.stat().st_size} bytes", f"facts of under {MAX_FACTS}")
        data = path.read_bytes()
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise UsageFault(
            f"{path}: not facts: {error}", "JSON written by dartenv doctor --save"
        ) from None
    schema = head.schema
    if head.findings is not msgspec.UNSET:
        raise UsageFault(
            f"{path}: a report, which holds findings and not the facts behind them",
            "facts written by dartenv doctor --save",
            "dartenv doctor --save FACTS.json",
        )
    if head.target is msgspec.UNSET and head.host is msgspec.UNSET:
        raise UsageFault(
            f"{path}: not facts: it names no machine", "JSON written by dartenv doctor --save"
        )
    if schema > FACTS_SCHEMA:
        raise UsageFault(
            f"{path}: facts of schema {schema}",
            f"schema {FACTS_SCHEMA} or older, which this dartenv reads",
            "pip install --upgrade dartenv",
        )
    try:
        return msgspec.json.decode(data, type=Facts)
    except msgspec.ValidationError as error:
        raise UsageFault(f"{path}: not facts of schema {schema}: {error}") from None
