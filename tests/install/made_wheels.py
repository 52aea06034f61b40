"""Small wheels made here, and folders of them that pip and uv take as an index."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Dict, Sequence


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Dict[str, str],
    requires: Sequence[str] = (),
) -> Path:
    """Write ``name`` as a pure wheel into ``folder``; ``files`` are below site-packages."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    info = f"{stem}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    lines = []
    for path, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        lines.append(f"{path},sha256={digest.decode()},{len(text.encode())}")
    record = f"{info}/RECORD"
    members[record] = "\n".join([*lines, f"{record},,"]) + "\n"
    place = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(str(place), "w") as archive:
        for path, text in members.items():
            archive.writestr(path, text)
    return place


def sha256(path: Path) -> str:
    """Of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
