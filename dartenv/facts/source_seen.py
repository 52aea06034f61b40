"""What a scan of the source found, kept by what was scanned: the same files are not parsed twice.

The key covers every byte that the scan read, the tables it was told, and the code that scanned. A
record that cannot be read or written costs a scan, nothing else.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

import msgspec

from dartenv import __version__, source, typed
from dartenv.facts.model import FileProblem, Location
from dartenv.source.spec import SourceSpec

KEPT = 12  # records; one is some 100 kB


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the facts that follows from the files alone."""

    found: Dict[str, Tuple[Location, ...]]
    closure: Dict[str, int]
    body_model_dir: Optional[str] = None
    body_model_location: Optional[Location] = None
    problems: Tuple[FileProblem, ...] = ()


def key_of(root: str, files: Mapping[str, bytes], spec: SourceSpec) -> str:
    """What a scan of ``files`` below ``root`` depends on, as one word."""
    whole = hashlib.sha256()
    for text in (__version__, _code(), root, repr(spec)):
        whole.update(text.encode("utf-8", "surrogatepass") + b"\0")
    for path in sorted(files):
        whole.update(path.encode("utf-8") + b"\0")
        whole.update(hashlib.sha256(files[path]).digest())
    return whole.hexdigest()[:32]


def recall(folder: Optional[Path], key: str) -> Optional[Scan]:
    """The scan kept under ``key``."""
    if folder is None:
        return None
    try:
        return typed.from_json((folder / f"source-{key}.json").read_bytes(), Scan)
    except (OSError, msgspec.DecodeError):
        return None


def keep(folder: Optional[Path], key: str, scan: Scan) -> None:
    """Keep a scan, whole or not at all; the oldest go."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"source-{key}.{os.getpid()}.part"
        part.write_bytes(msgspec.json.encode(scan))
        part.replace(folder / f"source-{key}.json")
        kept = sorted(folder.glob("source-*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-KEPT]:
            path.unlink()
    except OSError:
        return


def _code() -> str:
    """The scanning code as it is on disk: in a checkout it changes without a new version."""
    seen = []
    for folder in (Path(source.__file__).parent, Path(__file__).parent):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py") and (
                    folder.name == "source" or entry.name.startswith("source")
                ):
                    status = entry.stat()
                    seen.append(f"{entry.name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(seen))
