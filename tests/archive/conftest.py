"""Archives made to be refused, or read right."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

import pytest


class Maker:
    """Writes archives into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def zip(self, name: str, members: Dict[str, bytes], packed: bool = True) -> Path:
        path = self.folder / name
        kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with zipfile.ZipFile(str(path), "w", kind) as archive:
            for member, data in members.items():
                archive.writestr(zipfile.ZipInfo(member), data, kind)
        return path

    def raw_zip(self, name: str, members: Sequence[Tuple[bytes, bytes, int]]) -> Path:
        """Names as bytes, with the external attributes given: what zipfile would not write."""
        path = self.folder / name
        local, central, offset = b"", b"", 0
        for raw, data, attributes in members:
            crc = zlib.crc32(data)
            sizes = struct.pack("<III", crc, len(data), len(data))
            head = struct.pack("<HHHHH", 20, 0, 0, 0, 33) + sizes
            one = b"PK\x03\x04" + head + struct.pack("<HH", len(raw), 0) + raw + data
            central += (
                b"PK\x01\x02"
                + struct.pack("<H", 0x0314)
                + head
                + struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, attributes, offset)
                + raw
            )
            local += one
            offset += len(one)
        end = b"PK\x05\x06" + struct.pack(
            "<HHHHIIH", 0, 0, len(members), len(members), len(central), len(local), 0
        )
        path.write_bytes(local + central + end)
        return path

    def tar(self, name: str, members: Sequence[Tuple[str, Optional[bytes], bytes]]) -> Path:
        """Members as (name, data or ``None``, type)."""
        path = self.folder / name
        mode = "w:xz" if name.endswith(".xz") else "w"
        with tarfile.open(str(path), mode) as archive:  # type: ignore[call-overload]
            for member, data, kind in members:
                info = tarfile.TarInfo(member)
                info.type = kind
                info.linkname = "elsewhere"
                info.size = len(data or b"")
                archive.addfile(info, io.BytesIO(data or b""))
        return path


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    folder = tmp_path / "下载 downloads"
    folder.mkdir()
    return Maker(folder)
