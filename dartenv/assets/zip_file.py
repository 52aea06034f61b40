"""What can go wrong with a zip, said in one line."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import IO, Tuple, Type

# Everything that the standard library raises on a damaged archive.
ZIP_ERRORS: Tuple[Type[Exception], ...] = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    EOFError,
    struct.error,
    zlib.error,
)
_END = b"PK\x05\x06"
_LONGEST_END = 22 + 65535  # the end record and its comment


def zip_problem(error: Exception, stream: IO[bytes], size: int) -> str:
    """Why the zip of ``size`` bytes in ``stream`` could not be opened. Raises OSError."""
    count = min(size, _LONGEST_END)
    stream.seek(size - count)
    if _END not in stream.read(count):
        return f"cut off at {size} bytes: it begins as a zip and has no end-of-central-directory"
    return f"a damaged zip: {' '.join(str(error).split())[:120]}"
