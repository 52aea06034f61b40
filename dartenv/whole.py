"""Files that appear whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from dartenv.errors import UsageFault

PART = ".part"


@contextmanager
def whole_file(path: Path, wanted: str = "a folder that can be written") -> Iterator[Path]:
    """The path to write to, beside ``path``, whose place it takes when all is written.

    Whatever goes wrong, ``path`` is as it was and nothing is left beside it. An OSError becomes a
    UsageFault that names ``path``.
    """
    part = path.with_name(path.name + PART)
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise UsageFault(f"cannot write {path}: {error.strerror or error}", wanted) from None
    finally:
        try:
            part.unlink()  # gone already where it took its place
        except OSError:
            pass
