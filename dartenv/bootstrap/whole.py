"""Files of a wheel folder: whole ones are kept, and a new one appears only when it is whole."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import List

from dartenv.longpath import CHUNK
from dartenv.whole import PART

ZIPS = (".whl", ".zip")
TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def drop_broken(folder: Path) -> List[str]:
    """Remove archives that end too early, as pip leaves them where it is killed; their names.

    pip writes a download to its place piece by piece, and stumbles over the piece the next time.
    """
    dropped = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and not is_whole(path):
            path.unlink()
            dropped.append(path.name)
    return dropped


def is_whole(path: Path) -> bool:
    """Whether an archive can be read to its end; what is none is whole."""
    name = path.name.lower()
    try:
        if name.endswith(PART):  # being written; no installer takes it for a package
            return False
        if name.endswith(ZIPS):  # its list of members stands at its very end
            with zipfile.ZipFile(str(path)):
                return True
        if name.endswith(TARS):
            with tarfile.open(str(path)) as archive:
                archive.getmembers()
                while archive.fileobj is not None and archive.fileobj.read(CHUNK):
                    pass  # what packs it has its own end, with a checksum
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error):
        return False
    return True


def bring(source: Path, target: Path) -> None:
    """Move a file, also to another drive: it is copied under another name, then renamed."""
    part = target.with_name(target.name + PART)
    shutil.move(str(source), str(part))
    part.replace(target)
