"""bundle.json: written, read back, and refused where it is damaged or was changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import msgspec
import pytest

from dartenv.bundle.contract import BUNDLE_SCHEMA, Bundle
from dartenv.bundle.files import (
    bundle_files,
    file_path,
    hash_file,
    load_bundle,
    save_bundle,
    verify,
)
from dartenv.errors import UsageFault


def small(**changes: Any) -> Bundle:
    """The smallest whole bundle: one model file and one data file."""
    data: Dict[str, Any] = {
        "schema": BUNDLE_SCHEMA,
        "dartenv": "0",
        "kind": "plumbing",
        "stand_ins": ["ViT-B-32.pt"],
        "sizes": {
            "history": 2,
            "future": 8,
            "features": 276,
            "tokens": 1,
            "latent": 4,
            "text": 512,
            "joints": 22,
        },
        "fps": 30,
        "schedule": "ddpm10",
        "schedules": [
            {
                "name": "ddpm10",
                "respacing": "",
                "timesteps": [1, 0],
                "coefficients": [[0.5, 0.4, 0.1], [1.0, 0.0, 0.0]],
                "stochastic": True,
            }
        ],
        "guidance": 5.0,
        "latent_scale": 1.5,
        "features": [
            {
                "name": "transl",
                "start": 0,
                "width": 3,
                "unit": "m",
                "frame": "primitive",
                "meaning": "root",
            }
        ],
        "statistics": {"mean": [0.0], "std": [1.0]},
        "skeleton": {
            "body": "smplx",
            "gender": "male",
            "betas": [0.0],
            "names": ["pelvis"],
            "parents": [-1],
            "rest_joints": [[0.0, -0.4, 0.0]],
            "pelvis_offset": [0.0, -0.4, 0.0],
        },
        "start": {
            "source": "data/stand.pkl",
            "history": [[0.0]],
            "world_rotation": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            "world_translation": [0.0, 0.0, 0.0],
        },
        "tokenizer": {
            "kind": "clip-bpe",
            "vocabulary": "tokenizer/bpe.txt.gz",
            "table": "clip_tokens.npy",
            "size": 49408,
            "width": 512,
            "context": 77,
            "start_token": 49406,
            "end_token": 49407,
        },
        "models": [
            {
                "name": "denoiser",
                "meaning": "predicts the latent",
                "inputs": [],
                "outputs": [],
                "files": [
                    {
                        "path": "denoiser.fp32.onnx",
                        "format": "onnx",
                        "precision": "fp32",
                        "portable": False,
                        "sha256": "0" * 64,
                        "size": 1,
                        "opset": 17,
                        "ir": 8,
                        "contrib": False,
                        "onnxruntime": "1.14",
                    }
                ],
            }
        ],
        "files": [{"path": "sub/data.bin", "sha256": "0" * 64, "size": 1, "meaning": "data"}],
        "sources": [],
    }
    data.update(changes)
    return msgspec.convert(data, Bundle)


def with_files(folder: Path) -> Bundle:
    """``small`` with both of its files on disk, at their true hashes."""
    (folder / "sub").mkdir()
    (folder / "denoiser.fp32.onnx").write_bytes(b"model")
    (folder / "sub" / "data.bin").write_bytes(b"data")
    data = msgspec.to_builtins(small())
    for entry in (data["models"][0]["files"][0], data["files"][0]):
        digest, size = hash_file(folder.joinpath(*entry["path"].split("/")))
        entry.update(sha256=digest, size=size)
    bundle = msgspec.convert(data, Bundle)
    save_bundle(bundle, folder)
    return bundle


def test_round_trip(tmp_path: Path) -> None:
    bundle = with_files(tmp_path)
    assert load_bundle(tmp_path) == bundle
    assert load_bundle(tmp_path / "bundle.json") == bundle
    verify(tmp_path, bundle_files(bundle))


def test_edited_after_export(tmp_path: Path) -> None:
    bundle = with_files(tmp_path)
    target = file_path(tmp_path, bundle.models[0].files[0])
    target.write_bytes(b"mOdel")
    with pytest.raises(UsageFault, match=r"denoiser\.fp32\.onnx.*changed after export"):
        verify(tmp_path, bundle_files(bundle))
    target.unlink()
    with pytest.raises(UsageFault, match="missing"):
        verify(tmp_path, bundle_files(bundle))


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="dartenv export"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', "\x00", '{"schema": "x"}'])
def test_not_a_bundle(tmp_path: Path, text: str) -> None:
    (tmp_path / "bundle.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault, match="not a bundle"):
        load_bundle(tmp_path)


def test_newer_schema(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(
        json.dumps({"schema": BUNDLE_SCHEMA + 1}), encoding="utf-8"
    )
    with pytest.raises(UsageFault, match=f"schema {BUNDLE_SCHEMA + 1}"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("path", ["../x", "/x", "C:/x", "C:x", "a\\b", "", "a/../../x"])
def test_paths_stay_inside(tmp_path: Path, path: str) -> None:
    data = msgspec.to_builtins(small())
    data["files"][0]["path"] = path
    (tmp_path / "bundle.json").write_bytes(msgspec.json.encode(data))
    with pytest.raises(UsageFault, match="below the bundle"):
        load_bundle(tmp_path)


def test_sampler_by_name_and_respacing() -> None:
    bundle = small()
    assert bundle.sampler() is bundle.schedules[0]
    assert bundle.sampler("") is bundle.schedules[0]
    assert bundle.sampler("ddim3") is None
