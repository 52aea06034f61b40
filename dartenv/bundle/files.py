"""A bundle on disk: written whole, read back, and held against its own hashes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Iterable, List, Optional, Tuple, Union

import msgspec

from dartenv.bundle.contract import BUNDLE_FILE, BUNDLE_SCHEMA, Bundle, DataFile, ModelFile
from dartenv.errors import UsageFault
from dartenv.whole import whole_file

MAX_JSON = 64 * 1024 * 1024
_CHUNK = 1 << 20
_EXPORT = "dartenv export --dart-root DIR --out BUNDLE"

BundleFile = Union[ModelFile, DataFile]


class _Head(msgspec.Struct):
    schema: int


def save_bundle(bundle: Bundle, folder: Path) -> Path:
    """Write ``bundle`` as ``folder/bundle.json``; the file is complete or not there."""
    path = bundle_json(folder)
    data = msgspec.json.format(msgspec.json.encode(bundle), indent=1)
    with whole_file(path, "a writable place") as part:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data + b"\n")
    return path


def load_bundle(folder: Path) -> Bundle:
    """The bundle in ``folder`` (or the bundle.json named itself), its paths checked.

    Raises UsageFault where there is none, where it is not one, or where it is newer than this
    dartenv. The files' hashes are not read: see ``verify``.
    """
    path = bundle_json(folder)
    try:
        if path.stat().st_size > MAX_JSON:
            raise UsageFault(f"{path}: {path.stat().st_size} bytes", f"JSON of under {MAX_JSON}")
        data = path.read_bytes()
    except OSError as error:
        raise UsageFault(
            f"{path}: cannot be read: {error.strerror}", "a bundle's folder", _EXPORT
        ) from None
    try:
        schema = msgspec.json.decode(data, type=_Head).schema
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise UsageFault(f"{path}: not a bundle: {error}", "JSON of dartenv export") from None
    if schema > BUNDLE_SCHEMA:
        raise UsageFault(
            f"{path}: bundle of schema {schema}",
            f"schema {BUNDLE_SCHEMA} or older, which this dartenv reads",
            "pip install --upgrade dartenv",
        )
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except msgspec.ValidationError as error:
        raise UsageFault(f"{path}: not a bundle of schema {schema}: {error}") from None
    for file in bundle_files(bundle):
        safe_path(file.path, path)
    return bundle


def bundle_json(folder: Path) -> Path:
    """Where the bundle.json of ``folder`` is; ``folder`` may be that file itself."""
    return folder if folder.name == BUNDLE_FILE else folder / BUNDLE_FILE


def bundle_files(bundle: Bundle) -> List[BundleFile]:
    """Every file that the bundle names, models first."""
    files: List[BundleFile] = [file for model in bundle.models for file in model.files]
    files.extend(bundle.files)
    return files


def safe_path(relative: str, bundle: Path) -> PurePosixPath:
    """``relative`` as a path below the bundle; UsageFault where it would leave it."""
    path = PurePosixPath(relative)
    if (
        not relative
        or path.is_absolute()
        or ".." in path.parts
        or "\\" in relative
        or re.match(r"^[A-Za-z]:", relative)
    ):
        raise UsageFault(
            f"{bundle}: names the file {relative!r}", "a path below the bundle's folder"
        )
    return path


def file_path(folder: Path, file: BundleFile) -> Path:
    """Where ``file`` of the bundle in ``folder`` lies."""
    json = bundle_json(folder)
    return json.parent.joinpath(*safe_path(file.path, json).parts)


def hash_file(path: Path) -> Tuple[str, int]:
    """SHA-256 in hex and size in bytes of ``path``; OSError where it cannot be read."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def verify(folder: Path, files: Iterable[BundleFile]) -> None:
    """Hold ``files`` against the sizes and hashes that bundle.json gives.

    Raises UsageFault naming the first file that is missing or was changed after export.
    """
    for file in files:
        path = file_path(folder, file)
        found = _found(path)
        if found is None:
            raise UsageFault(
                f"{path}: missing", f"{file.size} bytes, as {BUNDLE_FILE} says", _EXPORT
            )
        digest, size = found
        if (digest, size) != (file.sha256, file.size):
            raise UsageFault(
                f"{path}: {size} bytes, SHA-256 {digest}",
                f"{file.size} bytes, SHA-256 {file.sha256}, as {BUNDLE_FILE} says: "
                "the file was changed after export",
                _EXPORT,
            )


def _found(path: Path) -> Optional[Tuple[str, int]]:
    try:
        return hash_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None
