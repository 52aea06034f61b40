"""The states of CLIP's cache file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dartenv.assets.clip_file import inspect_clip, sha256_file


@pytest.fixture
def whole(fixtures: Path) -> bytes:
    """A TorchScript archive that stands for the published file."""
    return (fixtures / "torch" / "script.pt").read_bytes()


def test_the_published_file_is_ok(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(whole)
    sha = hashlib.sha256(whole).hexdigest()
    found = inspect_clip(str(path), len(whole), sha.upper())
    assert (found.state, found.sha256, found.problem) == ("ok", sha, None)


@pytest.mark.parametrize("part", [1, 4, 2000])
def test_a_stopped_download_is_partial(tmp_path: Path, whole: bytes, part: int) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(whole[: len(whole) - part])
    found = inspect_clip(str(path), len(whole), "0" * 64)
    assert found.state == "partial"
    assert found.problem == f"{len(whole) - part} of {len(whole)} bytes: a download stopped"
    assert found.sha256 is None


def test_an_empty_file_is_partial_too(tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.touch()
    assert inspect_clip(str(path), 100, "0" * 64).state == "partial"


def test_the_right_size_with_another_hash_is_wrong(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(whole)
    found = inspect_clip(str(path), len(whole), "ab" * 32)
    assert found.state == "wrong"
    assert "instead of abababababab..." in (found.problem or "")


@pytest.mark.parametrize("difference", [-500, 500])
def test_a_whole_archive_of_another_size_is_no_download(
    tmp_path: Path, whole: bytes, difference: int
) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(whole)
    found = inspect_clip(str(path), len(whole) - difference, "0" * 64)
    assert found.state == "other-torchscript"


def test_a_page_a_folder_and_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.pt"
    page.write_bytes(b"<html><title>Blocked</title></html>")
    assert inspect_clip(str(page), 10**6, "0" * 64).state == "html"
    assert inspect_clip(str(tmp_path), 10**6, "0" * 64).state == "directory"
    assert inspect_clip(str(tmp_path / "no"), 10**6, "0" * 64).state == "absent"


def test_a_state_dict_is_not_what_clip_loads(tmp_path: Path, fixtures: Path) -> None:
    found = inspect_clip(str(fixtures / "torch" / "checkpoint.pt"), 10**6, "0" * 64)
    assert (found.state, found.kind) == ("other", "torch-zip")


def test_a_time_limit_leaves_the_hash_open(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(whole)
    assert sha256_file(str(path), time_limit=-1.0) is None
    found = inspect_clip(str(path), len(whole), "0" * 64, time_limit=-1.0)
    assert (found.state, found.sha256) == ("unhashed", None)
