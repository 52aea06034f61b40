"""Stand-ins as torch and the body model library read them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Dict

import pytest

from dartenv.smoke.inside import make, skeleton

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="needs torch in the running interpreter")
np = pytest.importorskip("numpy", reason="needs numpy in the running interpreter")

LAYOUT = {
    "embed": 16,
    "resolution": 8,
    "patch": 4,
    "vision_width": 24,
    "vision_layers": 2,
    "text_width": 16,
    "text_layers": 3,
    "context": 7,
    "vocabulary": 50,
}


def made(tmp_path: Path, kind: str, **item: Any) -> Path:
    path = tmp_path / "文件 夹" / kind
    make.run({"files": [{"kind": kind, "path": str(path), **item}]})
    assert [entry.name for entry in path.parent.iterdir()] == [kind]  # no .part left
    return path


def test_a_checkpoint_has_the_shapes_asked_for_and_tame_numbers(tmp_path: Path) -> None:
    tensors: Dict[str, Any] = {
        "final_layer.weight": [[276, 256], "float32"],
        "final_layer.bias": [[276], "float32"],
        "encoder.norm.weight": [[256], "float32"],
        "query_pos_encoder.pe": [[500, 1, 256], "float32"],
        "latent_mean": [[], "float32"],
        "latent_std": [[], "float32"],
        "half": [[4, 4], "float16"],
    }
    asked = {"tensors": tensors, "scales": {"final_layer": 0.02}, "seed": 3}
    path = made(tmp_path, "torch-checkpoint", **asked)
    with path.open("rb") as stream:
        state = torch.load(stream, weights_only=True)["model_state_dict"]
    found = {k: [list(v.shape), str(v.dtype).split(".")[1]] for k, v in state.items()}
    assert found == tensors
    assert all(bool(torch.isfinite(value).all()) for value in state.values())
    assert 0.015 < float(state["final_layer.weight"].std()) < 0.025
    assert float(state["latent_std"]) == 1.0
    assert float(state["encoder.norm.weight"].min()) == 1.0
    with made(tmp_path, "torch-checkpoint", **asked).open("rb") as stream:
        again = torch.load(stream, weights_only=True)["model_state_dict"]
    assert all(bool((again[name] == state[name]).all()) for name in state)


def test_the_statistics_are_the_standing_skeleton(tmp_path: Path) -> None:
    mean, std = pickle.loads(made(tmp_path, "mean-std", width=276, std=0.05).read_bytes())
    assert tuple(mean.shape) == tuple(std.shape) == (1, 1, 276)
    assert float(std.min()) > 0
    joints = mean[0, 0, 144:210].reshape(22, 3)
    assert float(joints[0].abs().max()) < 1e-6  # the pelvis is the origin
    assert float(joints[15, 2]) > 0.4 > -0.8 > float(joints[10, 2])  # z is up
    assert float(joints[2, 0]) > 0 > float(joints[1, 0])  # x is to the right
    assert float(joints[10, 1]) > float(joints[7, 1])  # toes point forward, along y


def test_statistics_of_another_width_are_still_statistics(tmp_path: Path) -> None:
    mean, std = pickle.loads(made(tmp_path, "mean-std", width=263).read_bytes())
    assert tuple(mean.shape) == (1, 1, 263)
    assert float(std.min()) > 0


def test_the_clip_archive_is_torchscript_with_clips_names(tmp_path: Path) -> None:
    path = made(tmp_path, "clip", layout=LAYOUT)
    with path.open("rb") as stream:
        state = torch.jit.load(stream, map_location="cpu").eval().state_dict()
    assert tuple(state["visual.conv1.weight"].shape) == (24, 3, 4, 4)
    assert state["transformer.resblocks.2.mlp.c_fc.weight"].dtype == torch.float16
    assert state["token_embedding.weight"].dtype == torch.float32
    assert int(state["vocab_size"]) == 50
    assert all(bool(torch.isfinite(value.float()).all()) for value in state.values())


@pytest.mark.parametrize(("gender", "scale"), [("male", 1.04), ("female", 0.97)])
def test_the_body_model_is_one_for_its_library(tmp_path: Path, gender: str, scale: float) -> None:
    smplx = pytest.importorskip("smplx", reason="needs the smplx package")
    path = tmp_path / "smplx" / f"SMPLX_{gender.upper()}.npz"
    item = {"kind": "smplx", "model": "smplx", "gender": gender, "path": str(path)}
    make.run({"files": [item]})
    assert path.stat().st_size < 1_000_000
    layer = smplx.build_layer(
        str(tmp_path), model_type="smplx", gender=gender, ext="npz", num_pca_comps=12
    )
    joints = layer(betas=torch.zeros(1, 10)).joints[0, :55]
    assert np.allclose(joints.numpy(), skeleton.rest_joints(scale), atol=1e-5)


def test_the_standing_motion_stands_on_the_floor(tmp_path: Path) -> None:
    sequence = pickle.loads(made(tmp_path, "motion", frames=12).read_bytes())
    assert sequence["body_pose"].shape == (12, 63)
    assert sequence["global_orient"].shape == sequence["transl"].shape == (12, 3)
    angle = float(sequence["global_orient"][0, 0])
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    rest = skeleton.rest_joints()
    world = (rest - rest[0]) @ turn.T + rest[0] + sequence["transl"][0]
    assert world[:22, 2].min() == pytest.approx(0.0, abs=1e-5)
    assert world[15, 2] > 1.4
