"""Archives are read right or refused whole, by the rules of every system at once."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dartenv.archive.judge import Bounds, hashes, judge
from dartenv.archive.names import collisions, decoded, name_fault, parts_of
from dartenv.archive.opening import open_archive
from dartenv.errors import UsageFault

UNSAFE = [
    "../x",
    "a/../../x",
    "a\\..\\..\\x",
    "/etc/passwd",
    "\\\\server\\share\\x",
    "\\x",
    "C:\\x",
    "c:x",
    "a/CON",
    "NUL.txt",
    "a/com1.pkl",
    "lpt9",
    "COM¹",
    "conin$",
    "Aux .npz",
    "a/b. ",
    "a/b.",
    "a/x:stream",
    "a/x*y",
    "a/x|y",
    'a/"',
    "a/x\ny",
    "a/\x7f",
    "",
    "/",
    "./.",
    "x" * 300,
    "a/" * 40 + "x",
    "\ud800",
]
FINE = [
    "a",
    "./a/b",
    "data/演示 空间/走路.pkl",
    "models/smplx/SMPLX_MALE.npz",
    ".hidden",
    "console.txt",
    "com10",
    "nul2",
    "a..b/c",
    "...x",
]


@pytest.mark.parametrize("name", UNSAFE, ids=range(len(UNSAFE)))
def test_a_name_that_must_not_be(name: str) -> None:
    assert name_fault(name) is not None


@pytest.mark.parametrize("name", FINE, ids=range(len(FINE)))
def test_a_name_that_may(name: str) -> None:
    assert name_fault(name) is None


@given(st.text(max_size=40))
def test_a_name_that_may_be_stays_in_its_folder(name: str) -> None:
    if name_fault(name) is not None:
        return
    path = os.path.normpath(os.path.join("/home/tree", *parts_of(name)))  # noqa: PTH118
    assert path.replace("\\", "/").startswith("/home/tree/")


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["a/X.pkl", "A/x.pkl"], 2),
        (["a", "a/b"], 1),
        (["a/b", "a"], 1),
        (["x", "x"], 1),
        (["ﬀ.txt", "ff.txt"], 1),
        (["Stra\u00dfe", "STRASSE"], 1),
        (["e\u0301", "\u00e9"], 1),
        (["a/b", "a/c", "d"], 0),
    ],
)
def test_names_that_are_one_elsewhere(names: List[str], count: int) -> None:
    assert len(collisions((name, False) for name in names)) == count
    assert collisions([("a", True), ("a/b", False), ("a", True)]) == []


def read(path: Path, **bounds: Any) -> List[str]:
    """The paths of an archive that is judged safe."""
    limits = Bounds(**bounds)
    with open_archive(str(path), limits.total, limits.members) as archive:
        judge(archive, limits)
        return [member.path for member in archive.files]


def refused(path: Path, words: str, **bounds: Any) -> None:
    with pytest.raises(UsageFault) as caught:
        read(path, **bounds)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_good_zip_and_a_good_tar(make: Any) -> None:
    members = {"a/b.bin": b"1" * 1000, "c.bin": b""}
    assert read(make.zip("x.zip", members)) == ["a/b.bin", "c.bin"]
    tar = [(name, data, tarfile.REGTYPE) for name, data in members.items()]
    assert read(make.tar("x.tar.xz", tar)) == ["a/b.bin", "c.bin"]
    with zipfile.ZipFile(str(make.folder / "x.zip")) as archive:
        archive.extractall(str(make.folder / "folder"))
    assert sorted(read(make.folder / "folder")) == ["a/b.bin", "c.bin"]


@pytest.mark.parametrize("name", ["../x", "/x", "C:\\x", "a\\..\\..\\x", "CON", "x:y"])
def test_one_unsafe_member_condemns_the_zip(make: Any, name: str) -> None:
    members = [(b"good.bin", b"1", 0), (name.encode(), b"2", 0)]
    refused(make.raw_zip("x.zip", members), "not unpacked")
    refused(make.tar("x.tar", [(name, b"1", tarfile.REGTYPE)]), "not unpacked")


def test_links_and_devices(make: Any) -> None:
    link = (stat.S_IFLNK | 0o777) << 16
    refused(make.raw_zip("l.zip", [(b"x", b"../../etc", link)]), "a link")
    fifo = (stat.S_IFIFO | 0o600) << 16
    refused(make.raw_zip("f.zip", [(b"x", b"", fifo)]), "neither file nor folder")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        refused(make.tar("l.tar", [("x", None, kind)]), "a link")
    for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE):
        refused(make.tar("d.tar", [("x", None, kind)]), "neither file nor folder")


@pytest.mark.skipif(os.name == "nt", reason="Wine makes no links")
def test_a_link_in_a_folder(make: Any) -> None:
    folder = make.folder / "f"
    folder.mkdir()
    (folder / "x").symlink_to(make.folder)
    refused(folder, "a link")


def test_case_collisions_and_doubles(make: Any) -> None:
    refused(make.zip("c.zip", {"A/x": b"1", "a/X": b"2"}), "one")
    refused(make.raw_zip("d.zip", [(b"x", b"1", 0), (b"x", b"2", 0)]), "twice")


def test_an_encrypted_member(make: Any) -> None:
    path = make.zip("e.zip", {"x": b"1"}, packed=False)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(bytes(data))
    refused(path, "encrypted")


def test_zip_bombs(make: Any) -> None:
    bomb = make.zip("b.zip", {"x": b"\0" * 30_000_000})
    refused(bomb, "bomb", small=1000)
    assert read(bomb) == ["x"]  # small enough to be harmless
    refused(bomb, "bomb", total=1_000_000)
    refused(make.zip("m.zip", {str(n): b"" for n in range(50)}), "members", members=49)
    tar = make.tar("b.tar.xz", [("x", b"\0" * 5_000_000, tarfile.REGTYPE)] * 2)
    refused(tar, "bomb", total=1_000_000)
    # The same bytes under many names: Fifield's quoted overlap, in its simplest form.
    path = make.zip("o.zip", {"a": b"1" * 50, "b": b"1" * 50}, packed=False)
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = (5).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    refused(path, "overlaps")


def test_a_zip_that_lies_about_its_sizes_is_found_out(make: Any) -> None:
    path = make.zip("s.zip", {"x": b"0123456789" * 100})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with open_archive(str(path), 1 << 30, 10) as archive, pytest.raises(UsageFault):
        hashes(archive, archive.files)


def test_damage_is_told_before_anything_is_placed(make: Any) -> None:
    path = make.zip("d.zip", {"x": os.urandom(5000)})
    whole = path.read_bytes()
    path.write_bytes(whole[:2000] + b"?" + whole[2001:])
    with open_archive(str(path), 1 << 30, 10) as archive, pytest.raises(
        UsageFault, match=r"CRC|Error"
    ):
        hashes(archive, archive.files)
    path.write_bytes(whole[:-100])
    refused(path, "cut off")
    tar = make.tar("d.tar.xz", [("x", os.urandom(50_000), tarfile.REGTYPE)])
    tar.write_bytes(tar.read_bytes()[:30_000])
    with pytest.raises(UsageFault), open_archive(str(tar), 1 << 30, 10) as archive:
        hashes(archive, archive.files)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><title>Sign In</title>", "web page"),
        (b"", "empty"),
        (b"\x00" * 500, "zero bytes"),
        (b"hello", "text data"),
    ],
)
def test_what_is_no_archive(make: Any, data: bytes, words: str) -> None:
    path = make.folder / "x.zip"
    path.write_bytes(data)
    refused(path, words)
    refused(make.folder / "gone.zip", "not there")


def test_chinese_names_of_windows_are_read_as_gbk(make: Any) -> None:
    name = "演示/数据 走路.pkl"
    for encoding in ("gbk", "utf-8"):
        path = make.raw_zip(f"{encoding}.zip", [(name.encode(encoding), b"1", 0)])
        assert read(path) == [name]
        with open_archive(str(path), 1000, 10) as archive:
            assert b"".join(archive.chunks(archive.files[0])) == b"1"
    assert decoded("Grüße".encode("cp437")) != ""  # whatever it is, it is a name


def test_a_gbk_name_in_a_tar(make: Any) -> None:
    path = make.folder / "g.tar"
    with tarfile.open(str(path), "w", encoding="gbk", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("数据/走路"))
    assert read(path) == ["数据/走路"]


def test_a_gbk_name_that_hides_a_backslash(make: Any) -> None:
    # The second byte of some GBK characters is that of a backslash: it parts nothing.
    name = "程\u8d38誠"
    raw = name.encode("gbk")
    assert read(make.raw_zip("b.zip", [(raw, b"1", 0)])) == [name]
