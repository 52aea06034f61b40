"""Unpacks an archive of one folder of sources:  python -m dartenv.install.unpack ARCHIVE DIR

The archive is judged whole before a byte of it is written; its one top folder, as code hosts put
around a revision, is left out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import List, Optional

from dartenv.archive.judge import BOUNDS, judge
from dartenv.archive.opening import open_archive
from dartenv.errors import DartenvError
from dartenv.longpath import native


def unpack(path: str, folder: str) -> int:
    """Write the files of ``path`` below ``folder``; returns how many. Raises UsageFault, OSError."""
    with open_archive(path, BOUNDS.total, BOUNDS.members) as archive:
        judge(archive)
        files = archive.files
        tops = {one.path.split("/")[0] for one in files}
        top = archive.kind != "folder" and len(tops) == 1
        for member in files:
            parts = member.path.split("/")
            place = native(os.path.join(folder, *(parts[1:] if top and len(parts) > 1 else parts)))
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as out:
                for piece in archive.chunks(member):
                    out.write(piece)
    return len(files)


def main(argv: Optional[List[str]] = None) -> int:
    """0 where everything was written."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 2:
        print("usage: python -m dartenv.install.unpack ARCHIVE DIR", file=sys.stderr)
        return 2
    try:
        count = unpack(arguments[0], arguments[1])
    except DartenvError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"ERROR: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{count} files from {Path(arguments[0]).name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
