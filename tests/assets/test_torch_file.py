"""Checkpoints: whole, cut off, mixed up, and not checkpoints at all."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import pytest

from dartenv.assets.torch_file import inspect_torch

TENSORS: Dict[str, Tuple[Tuple[int, ...], str]] = {
    "fc.weight": ((3, 4), "float32"),
    "fc.bias": ((3,), "float32"),
    "half": ((2, 2), "float16"),
    "transposed": ((3, 2), "float64"),
    "view": ((4,), "float32"),
    "whole_of_view": ((10,), "float32"),
    "twice": ((3, 4), "float32"),
    "parameter": ((5,), "float32"),
    "count": ((), "int64"),
    "empty": ((0, 3), "float32"),
    "flags": ((2,), "bool"),
    "bf16": ((2,), "bfloat16"),
}


@pytest.mark.parametrize(
    ("name", "kind"), [("checkpoint.pt", "torch-zip"), ("legacy.pt", "torch-legacy")]
)
def test_what_torch_wrote_is_read(fixtures: Path, name: str, kind: str) -> None:
    found = inspect_torch(str(fixtures / "torch" / name), check_crc=True)
    assert {n: (v.shape, v.dtype) for n, v in found.tensors.items()} == TENSORS
    assert (found.kind, found.steps, found.state_under) == (kind, 300, "model_state_dict")
    assert (found.problem, found.complete, found.foreign_globals) == (None, True, ())


def test_a_bare_state_dict_is_found_at_the_top(fixtures: Path) -> None:
    found = inspect_torch(str(fixtures / "torch" / "bare_state.pth"))
    assert (found.state_under, found.steps, len(found.tensors)) == ("", None, len(TENSORS))


def test_torchscript_is_told_apart_and_its_weights_are_named(fixtures: Path) -> None:
    found = inspect_torch(str(fixtures / "torch" / "script.pt"))
    assert found.kind == "torchscript"
    assert {n: v.shape for n, v in found.tensors.items()} == {"0.weight": (3, 2), "0.bias": (3,)}
    assert (found.problem, found.foreign_globals) == (None, ())


@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_a_cut_off_zip_is_called_so(fixtures: Path, tmp_path: Path, part: float) -> None:
    raw = (fixtures / "torch" / "checkpoint.pt").read_bytes()
    path = tmp_path / "checkpoint_1.pt"
    path.write_bytes(raw[: int(len(raw) * part)])
    found = inspect_torch(str(path))
    assert found.kind == "torch-zip"
    assert found.complete is False
    assert found.problem is not None
    assert found.problem.startswith("cut off at ")


def test_a_cut_off_legacy_file_names_the_storage(fixtures: Path, tmp_path: Path) -> None:
    raw = (fixtures / "torch" / "legacy.pt").read_bytes()
    path = tmp_path / "legacy.pt"
    path.write_bytes(raw[:-1])
    found = inspect_torch(str(path))
    assert found.problem == f"cut off at {len(raw) - 1} bytes, in storage 10 of 10"
    assert found.complete is False
    assert len(found.tensors) == len(TENSORS)  # the structure stands before the numbers


def test_missing_and_short_storages_are_found(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    tensors = {"a": (2, 3), "b": (4,), "c": (1,)}
    path = make_checkpoint(tmp_path / "c.pt", tensors, without=("0",), short=("1",))
    found = inspect_torch(str(path))
    assert found.problem == "storage 0 is missing; storage 1 has 12 bytes, not 16"
    assert found.complete is False


def test_a_hole_in_the_file_is_found_only_by_the_check_sum(tmp_path: Path, fixtures: Path) -> None:
    raw = bytearray((fixtures / "torch" / "checkpoint.pt").read_bytes())
    with zipfile.ZipFile(fixtures / "torch" / "checkpoint.pt") as archive:
        info = archive.getinfo("checkpoint/data/0")
    begin = raw.index(b"\x00\x00\x80\x3f", info.header_offset)  # the number 1.0
    raw[begin : begin + 8] = b"\x00" * 8
    path = tmp_path / "hole.pt"
    path.write_bytes(bytes(raw))
    assert inspect_torch(str(path)).problem is None
    assert inspect_torch(str(path), check_crc=True).problem == (
        "checkpoint/data/0 does not match its check sum"
    )


def test_a_tensor_that_reaches_beyond_its_storage_is_found(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    path = make_checkpoint(tmp_path / "c.pt", {"a": (2, 3)})
    with zipfile.ZipFile(path) as archive:
        data = archive.read("archive/data.pkl")
    wide = data.replace(
        b"J\x02\x00\x00\x00J\x03\x00\x00\x00t", b"J\x09\x00\x00\x00J\x03\x00\x00\x00t", 1
    )
    assert wide != data
    path = make_checkpoint(tmp_path / "d.pt", {"a": (2, 3)}, data_pkl=wide)
    assert inspect_torch(str(path)).problem == "a reaches element 26 of a storage of 6"


def test_where_a_checkpoint_was_saved_is_a_fact(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    path = make_checkpoint(tmp_path / "c.pt", {"a": (2,)}, location="cuda:0")
    assert inspect_torch(str(path)).locations == ("cuda:0",)


NOT_CHECKPOINTS = [
    (b"", "empty", "empty: 0 bytes"),
    (
        b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title>",
        "html",
        'a web page titled "Google Drive - Quota exceeded" in place of the file',
    ),
    (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "lfs-pointer",
        "Git LFS",
    ),
    (b"\x00" * 9000, "zeros", "zero bytes only"),
    (b"hello", "text", "text, not a checkpoint"),
    (b"\x80\x02}q\x00.", "pickle", "a plain pickle, not a checkpoint"),
    (b"\x1f\x8b\x08" + b"\x00\x01" * 20, "gzip", "gzip"),
]


@pytest.mark.parametrize(
    ("raw", "kind", "words"), NOT_CHECKPOINTS, ids=[kind for _, kind, _ in NOT_CHECKPOINTS]
)
def test_what_is_no_checkpoint_is_said(tmp_path: Path, raw: bytes, kind: str, words: str) -> None:
    path = tmp_path / "checkpoint_1.pt"
    path.write_bytes(raw)
    found = inspect_torch(str(path))
    assert found.kind == kind
    assert words in (found.problem or "")


def test_absent_and_folder(tmp_path: Path) -> None:
    assert inspect_torch(str(tmp_path / "none.pt")).kind == "absent"
    assert inspect_torch(str(tmp_path)).kind == "directory"


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint_1.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mld_denoiser/run/args.yaml", "a: 1")
    said = inspect_torch(str(path)).problem
    assert said == "a zip without data.pkl (it holds mld_denoiser/run/args.yaml): not a checkpoint"


def test_two_files_of_one_name_are_refused(tmp_path: Path, fixtures: Path) -> None:
    # Readers differ in which of the two they take.
    path = tmp_path / "c.pt"
    path.write_bytes((fixtures / "torch" / "checkpoint.pt").read_bytes())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("checkpoint/data.pkl", b"\x80\x02N.")
    assert inspect_torch(str(path)).problem == "a zip that holds two files of one name"


def test_old_tar_checkpoints_are_named(tmp_path: Path) -> None:
    import io
    import tarfile

    def tar(*names: str) -> str:
        path = tmp_path / f"{len(names)}.pt"
        with tarfile.open(path, "w") as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        return str(path)

    old = inspect_torch(tar("sys_info", "pickle", "storages", "tensors"))
    assert (old.kind, old.problem) == ("torch-tar", "a checkpoint older than torch 0.1.10 (tar)")
    other = inspect_torch(tar("smplh/male/model.npz"))
    assert other.problem == "a tar archive (it holds smplh/male/model.npz) that was not unpacked"


def test_a_locked_or_unreadable_file_is_a_fact(monkeypatch: Any, fixtures: Path) -> None:
    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(Path, "open", refuse)
    found = inspect_torch(str(fixtures / "torch" / "checkpoint.pt"))
    assert found.kind == "unreadable"
    assert found.problem == "cannot be read: The process cannot access the file"
