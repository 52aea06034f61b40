"""Array files by their headers."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path
from typing import Callable

import pytest

from dartenv.assets.npz import inspect_npz


def test_a_body_model_written_by_numpy(fixtures: Path) -> None:
    found = inspect_npz(str(fixtures / "torch" / "body.npz"))
    assert found.problem is None
    assert (found.arrays["posedirs"].shape, found.arrays["posedirs"].dtype) == (
        (6, 3, 18),
        "float64",
    )
    assert found.arrays["f"].dtype == "uint32"
    assert found.objects == ("joint2num",)
    assert found.foreign_globals == ()


def test_a_cut_off_npz(fixtures: Path, tmp_path: Path) -> None:
    raw = (fixtures / "torch" / "body.npz").read_bytes()
    path = tmp_path / "SMPLX_MALE.npz"
    path.write_bytes(raw[: len(raw) // 2])
    assert inspect_npz(str(path)).problem == (
        f"cut off at {len(raw) // 2} bytes: it begins as a zip and has no end-of-central-directory"
    )


def test_the_downloaded_zip_under_the_name_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "SMPLX_MALE.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("models_lockedhead/smplx/SMPLX_MALE.npz", b"x")
    found = inspect_npz(str(path))
    assert found.kind == "zip"
    assert "models_lockedhead/smplx/SMPLX_MALE.npz" in (found.problem or "")


def test_a_login_page_in_place_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "SMPLX_MALE.npz"
    path.write_bytes(b"\r\n<!doctype HTML>\r\n<title>\r\n SMPL-X\r\n Sign in </title>")
    found = inspect_npz(str(path))
    assert found.kind == "html"
    assert 'titled "SMPL-X Sign in"' in (found.problem or "")


def test_object_arrays_are_walked_for_code(
    tmp_path: Path, make_npz: Callable[..., Path], make_npy: Callable[..., bytes]
) -> None:
    evil = b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00x\x85R."
    path = make_npz(
        tmp_path / "m.npz",
        {"v_template": (6, 3)},
        {
            "joint2num.npy": make_npy("|O", (), evil),
            "fine.npy": make_npy("|O", (), pickle.dumps([1])),
        },
    )
    found = inspect_npz(str(path))
    assert found.foreign_globals == ("os.system",)
    assert found.objects == ("joint2num", "fine")


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (b"\x93NUMPX\x01\x00", "a is not a .npy"),
        (b"", "a is not a .npy"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 500) + b"{'descr'", "a is cut off in its header"),
        (
            b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{",
            "a has a header of 2147483648 bytes",
        ),
        (
            b"\x93NUMPY\x01\x00" + struct.pack("<H", 12) + b"__import__()",
            "a has an unreadable header",
        ),
        (
            b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"[" * 9000,
            "a has an unreadable header",
        ),
    ],
    ids=["magic", "empty", "header cut off", "header too long", "code", "brackets"],
)
def test_broken_members_are_named(
    tmp_path: Path, make_npz: Callable[..., Path], member: bytes, words: str
) -> None:
    path = make_npz(tmp_path / "m.npz", {"good": (2,)}, {"a.npy": member})
    found = inspect_npz(str(path))
    assert found.problem == words
    assert found.arrays["good"].shape == (2,)


def test_a_shape_must_be_whole_numbers_and_fit_the_bytes(
    tmp_path: Path, make_npz: Callable[..., Path], make_npy: Callable[..., bytes]
) -> None:
    odd = make_npy("<f8", (-1, 3), b"").replace(b"(-1, 3)", b"(-1, 3)")
    path = make_npz(
        tmp_path / "m.npz", {}, {"odd.npy": odd, "short.npy": make_npy("<f4", (2, 2), b"\x00" * 12)}
    )
    assert inspect_npz(str(path)).problem == (
        "odd has an unreadable shape; short holds 12 bytes where its shape needs 16"
    )


def test_a_single_npy(tmp_path: Path, make_npy: Callable[..., bytes]) -> None:
    path = tmp_path / "scene_sdf.npy"
    path.write_bytes(make_npy("<f4", (3,), b"\x00" * 12))
    found = inspect_npz(str(path))
    assert (found.kind, found.arrays[""].shape, found.problem) == ("npy", (3,), None)
