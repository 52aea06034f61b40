"""A conda channel of two packages, made of the Python that runs the tests and of its pip.

The packages are real conda packages: an index, a list of paths with hashes, a text file with a
prefix to replace, links, a noarch package with an entry point. They are small and of this machine.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import stat
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

# Replaced by the environment's folder when a package is linked, as in conda's own packages.
PLACEHOLDER = "/opt/placehold_" + "placehold_" * 20
LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo")
LEFT_OUT += ("lib2to3", "ensurepip", "__pycache__", "pydoc_data")
MINOR = "{}.{}".format(*sys.version_info[:2])
VERSION = "{}.{}.{}".format(*sys.version_info[:3])


class Member(NamedTuple):
    """A file of a package, or a link to ``target``; ``prefix`` where it holds the placeholder."""

    name: str
    data: bytes = b""
    mode: int = 0o644
    target: Optional[str] = None
    prefix: bool = False


def make_channel(folder: Path) -> Path:
    """Write ``python`` and ``pip`` below ``folder``; an indexer has to make its repodata."""
    index: Dict[str, Any] = {"build": "0_test", "build_number": 0, "license": "PSF-2.0"}
    python = {**index, "name": "python", "version": VERSION, "subdir": "linux-64", "depends": []}
    python.update(arch="x86_64", platform="linux")
    _write(folder / "linux-64", python, list(_python()), {})
    pip = importlib.metadata.distribution("pip")
    noarch = {**index, "name": "pip", "version": pip.version, "subdir": "noarch"}
    noarch.update(noarch="python", depends=["python"])
    link = {
        "noarch": {"type": "python", "entry_points": ["pip = pip._internal.cli.main:main"]},
        "package_metadata_version": 1,
    }
    _write(folder / "noarch", noarch, list(_pip(pip)), {"info/link.json": link})
    return folder


def _python() -> Iterator[Member]:
    """The interpreter and its library, without what other packages bring."""
    base = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    name = f"python{MINOR}"
    yield Member(f"bin/{name}", base.read_bytes(), 0o755)
    for link in ("python", "python3"):
        yield Member(f"bin/{link}", target=name)
    library = sysconfig.get_config_var("INSTSONAME")
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and library:
        path = Path(sysconfig.get_config_var("LIBDIR"), library)
        yield Member(f"lib/{library}", path.read_bytes(), 0o755)
    standard = Path(sysconfig.get_path("stdlib"))
    for here, folders, names in os.walk(str(standard)):
        folders[:] = [one for one in folders if not one.startswith("config-")]
        folders[:] = [one for one in folders if one not in LEFT_OUT]
        for one in sorted(names):
            path = Path(here, one)
            inside = path.relative_to(standard).as_posix()
            if not path.is_file() or one.endswith((".pyc", ".a")):
                continue
            data = path.read_bytes()
            told = one.startswith("_sysconfigdata")
            if told:  # the only one that has to say where it lies
                data = data.replace(sys.base_prefix.encode(), PLACEHOLDER.encode())
            yield Member(f"lib/{name}/{inside}", data, prefix=told)


def _pip(pip: importlib.metadata.Distribution) -> Iterator[Member]:
    """pip's files as they were installed, but its programs: these are made by the entry point."""
    for one in pip.files or ():
        path = Path(str(pip.locate_file(one)))
        name = one.as_posix()
        if not name.startswith("..") and not name.endswith(".pyc") and path.is_file():
            data = b"conda\n" if name.endswith("/INSTALLER") else path.read_bytes()
            if name.endswith("/RECORD"):
                kept = [line for line in data.splitlines(True) if not line.startswith(b"../")]
                data = b"".join(line for line in kept if b".pyc," not in line)
            yield Member(f"site-packages/{name}", data)


def _write(
    folder: Path, index: Dict[str, Any], members: List[Member], more: Dict[str, Any]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(one) for one in members]
    told = {
        "info/index.json": index,
        "info/paths.json": {"paths": rows, "paths_version": 1},
        "info/about.json": {"summary": "made for a test"},
        **more,
    }
    head = [Member(name, json.dumps(value).encode()) for name, value in told.items()]
    head.append(Member("info/files", "".join(f"{m.name}\n" for m in members).encode()))
    name = f"{index['name']}-{index['version']}-{index['build']}.tar.bz2"
    with tarfile.open(str(folder / name), "w:bz2", compresslevel=1) as archive:
        for one in [*head, *members]:
            item = tarfile.TarInfo(one.name)
            if one.target is not None:
                item.type, item.linkname = tarfile.SYMTYPE, one.target
            item.size, item.mode = len(one.data), stat.S_IFREG | one.mode
            archive.addfile(item, io.BytesIO(one.data))


def _row(one: Member) -> Dict[str, Any]:
    row: Dict[str, Any] = {"_path": one.name, "path_type": "hardlink"}
    row["sha256"] = hashlib.sha256(one.data).hexdigest()
    row["size_in_bytes"] = len(one.data)
    if one.target is not None:
        row["path_type"] = "softlink"
    if one.prefix:
        row.update(file_mode="text", prefix_placeholder=PLACEHOLDER)
    return row
