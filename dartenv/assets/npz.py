"""Array files of numpy (.npz, .npy) by their headers: names, shapes, element types."""

from __future__ import annotations

import ast
import io
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Dict, List, Optional, Tuple

from dartenv.assets.numpy_types import dtype_name
from dartenv.assets.pickle_file import names_with_nested
from dartenv.assets.pickle_values import Value
from dartenv.assets.pickle_walk import PickleFault, walk_pickle
from dartenv.assets.sniff import os_reason, sniff
from dartenv.assets.window import CutOff, Window
from dartenv.assets.zip_file import ZIP_ERRORS, zip_problem

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000  # numpy's own limit
MAX_OBJECT = 32 * 1024 * 1024  # bytes of a pickled object array
MAX_MEMBERS = 1000


@dataclass(frozen=True)
class NpzFile:
    """What an array file holds.

    ``kind`` is ``npz``, ``npy`` or what the file is instead. Object arrays (dtype ``object``) are
    pickles: loading them runs what ``foreign_globals`` names.
    """

    path: str
    kind: str
    size: Optional[int] = None
    problem: Optional[str] = None
    arrays: Dict[str, Value] = field(default_factory=dict)
    foreign_globals: Tuple[str, ...] = ()

    @property
    def objects(self) -> Tuple[str, ...]:
        """Names of the object arrays."""
        return tuple(name for name, value in self.arrays.items() if value.dtype == "object")


def inspect_npz(path: str) -> NpzFile:
    """Describe the .npz or .npy at ``path`` without loading an array.

    Never raises: what is wrong stands in ``problem``.
    """
    seen = sniff(path)
    if seen.problem or not seen.exists:
        return NpzFile(path, seen.kind, seen.size, seen.problem)
    size = seen.size or 0
    try:
        with Path(path).open("rb") as stream:
            if seen.kind == "npy":
                value, foreign = _member(stream, size)
                return NpzFile(path, "npy", size, value.problem, {"": value}, foreign)
            if seen.kind == "zip":
                return _from_zip(path, size, stream)
    except (OSError, RecursionError) as error:
        return NpzFile(path, "unreadable", size, f"cannot be read: {os_reason(error)}")
    return NpzFile(path, seen.kind, size, f"{seen.kind} data, not a .npz")


def _from_zip(path: str, size: int, stream: Any) -> NpzFile:
    try:
        with zipfile.ZipFile(stream) as archive:
            return _archive(path, size, archive)
    except ZIP_ERRORS as error:
        return NpzFile(path, "npz", size, zip_problem(error, stream, size))


def _archive(path: str, size: int, archive: zipfile.ZipFile) -> NpzFile:
    members = archive.infolist()
    names = [info.filename for info in members]
    if len(members) > MAX_MEMBERS or not any(name.endswith(".npy") for name in names):
        some = ", ".join(names[:3]) or "nothing"
        return NpzFile(path, "zip", size, f"a zip without arrays (it holds {some}): not unpacked?")
    arrays: Dict[str, Value] = {}
    foreign: List[str] = []
    problems: List[str] = []
    for info in members:
        if not info.filename.endswith(".npy"):
            continue
        name = info.filename[: -len(".npy")]
        try:
            with archive.open(info) as member:
                value, names_found = _member(member, info.file_size)
        except ZIP_ERRORS as error:
            problems.append(f"{name} is damaged: {error}")
            continue
        arrays[name] = value
        foreign.extend(names_found)
        if value.problem:
            problems.append(f"{name} {value.problem}")
    more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
    problem = "; ".join(problems[:3]) + more if problems else None
    return NpzFile(path, "npz", size, problem, arrays, tuple(dict.fromkeys(foreign)))


def _member(stream: IO[bytes], size: int) -> Tuple[Value, Tuple[str, ...]]:
    """One .npy of ``size`` bytes: its description, and the foreign globals of an object array."""
    lead = stream.read(12)
    if lead[:6] != MAGIC or len(lead) < 10 or lead[6] not in (1, 2, 3):
        return Value("array", problem="is not a .npy"), ()
    if lead[6] == 1:
        length, begun = struct.unpack("<H", lead[8:10])[0], lead[10:]
    else:
        length, begun = struct.unpack("<I", lead.ljust(12, b"\x00")[8:12])[0], b""
    if length > MAX_HEADER:
        return Value("array", problem=f"has a header of {length} bytes"), ()
    text = begun + stream.read(max(0, length - len(begun)))
    start = (10 if lead[6] == 1 else 12) + length
    rest = text[length:]  # version 1 with a header shorter than two bytes cannot be valid
    if len(text) < length or rest:
        return Value("array", problem="is cut off in its header"), ()
    value, item = _header(text, "utf-8" if lead[6] == 3 else "latin-1")
    if value.problem:
        return value, ()
    if value.dtype == "object":
        return value, _object_names(stream, size - start)
    count = 1
    for n in value.shape:
        count *= n
    if item and size - start != count * item:
        problem = f"holds {size - start} bytes where its shape needs {count * item}"
        return Value("array", value.shape, value.dtype, problem=problem), ()
    return value, ()


def _header(raw: bytes, encoding: str) -> Tuple[Value, int]:
    try:
        found = ast.literal_eval(raw.decode(encoding).strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return Value("array", problem="has an unreadable header"), 0
    if not isinstance(found, dict):
        return Value("array", problem="has an unreadable header"), 0
    shape, descr = found.get("shape"), found.get("descr")
    whole = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 2**48 for n in shape)
    if not whole or not isinstance(shape, tuple) or len(shape) > 64:
        return Value("array", problem="has an unreadable shape"), 0
    name, item = dtype_name(descr) if isinstance(descr, str) else ("record", 0)
    return Value("array", shape, name), item


def _object_names(stream: IO[bytes], size: int) -> Tuple[str, ...]:
    if not 0 < size <= MAX_OBJECT:
        return ("(an object array too large to read)",)
    data = stream.read(size)
    window = Window(io.BytesIO(data), 0, len(data))
    try:
        return names_with_nested(window, walk_pickle(window))[0]
    except (PickleFault, CutOff):
        return ("(an object array that cannot be read)",)
