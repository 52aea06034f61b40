"""Tensors that args.yaml asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from dartenv.assets.args_yaml import ArgsFault, DartArgs, read_args
from dartenv.assets.layouts import (
    ANY,
    BodyNumbers,
    ClipTextNumbers,
    body_arrays,
    clip_text_tensors,
    fits,
    motion_layout,
    shown,
    statistics_layout,
    statistics_name,
)
from dartenv.assets.shapes import expected_tensors, mismatches, optional_tensors, summarised


def count(shape: Any) -> int:
    total = 1
    for n in shape:
        total *= n
    return total


def vae(**changes: Any) -> DartArgs:
    model: Dict[str, Any] = {
        "arch": "all_encoder",
        "h_dim": 8,
        "ff_size": 12,
        "num_layers": 3,
        "num_heads": 2,
        "latent_dim": (1, 6),
        "nfeats": 5,
    }
    model.update(changes)
    return DartArgs("mvae/x/args.yaml", "vae", "Args", {"model_args": model})


def test_the_published_checkpoints_have_their_published_sizes(fixtures: Path) -> None:
    # 78.5 MB and 47.3 MB in listings of DART's data; the position table is stored once.
    denoiser = expected_tensors(
        read_args(fixtures / "dart-args/mld_denoiser/mld_fps_clip_repeat_euler/args.yaml")
    )
    stored = [s for n, (s, _) in denoiser.items() if n != "embed_timestep.sequence_pos_encoder.pe"]
    assert sum(4 * count(s) for s in stored) / 2**20 == pytest.approx(78.49, abs=0.01)
    assert len(denoiser) == 110
    autoencoder = expected_tensors(read_args(fixtures / "dart-args/mvae/mvae_fps_clip/args.yaml"))
    assert sum(4 * count(s) for s, _ in autoencoder.values()) / 2**20 == pytest.approx(
        47.21, abs=0.01
    )
    assert len(autoencoder) == 197


def test_shapes_of_the_published_denoiser(fixtures: Path) -> None:
    wanted = expected_tensors(
        read_args(fixtures / "dart-args/mld_denoiser/smplh_hml3d_2_8_4/args.yaml")
    )
    assert wanted["seqTransEncoder.layers.7.linear1.weight"] == ((1024, 512), "float32")
    assert wanted["embed_history.weight"][0] == (512, 276)
    assert wanted["output_process.weight"][0] == (256, 512)
    assert "seqTransEncoder.layers.8.norm1.weight" not in wanted


def test_a_decoder_with_cross_attention_has_a_third_norm() -> None:
    wanted = expected_tensors(vae(arch="encoder_decoder"))
    assert wanted["decoder.middle_block.multihead_attn.in_proj_weight"][0] == (24, 8)
    assert wanted["decoder.middle_block.norm3.bias"][0] == (8,)
    assert "encoder.middle_block.norm3.bias" not in wanted
    assert wanted["decoder.linear_blocks.0.weight"][0] == (8, 16)


def test_an_mlp_denoiser_takes_everything_flat() -> None:
    model = {
        "h_dim": 10,
        "n_blocks": 2,
        "clip_dim": 7,
        "history_shape": (2, 5),
        "noise_shape": (1, 3),
    }
    plain = DartArgs("a", "denoiser", None, {"denoiser_args": {"model_args": model}})
    wanted = expected_tensors(plain)
    assert wanted["input_project.weight"][0] == (10, 10 + 7 + 10 + 3)
    assert wanted["mlp.out_fc.weight"][0] == (3, 10)
    assert wanted["mlp.layers.1.layers.1.bias"][0] == (10,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_layers": 4}, "an odd number"),
        ({"arch": "diffusion"}, "all_encoder or encoder_decoder"),
        ({"num_heads": 3}, "a multiple of 3 heads"),
        ({"latent_dim": (1, 2, 3)}, "2 positive sizes"),
        ({"h_dim": "8"}, "a int"),
        ({"num_layers": 100001}, "at most 1000"),
    ],
)
def test_impossible_arguments_are_refused(change: Dict[str, Any], words: str) -> None:
    with pytest.raises(ArgsFault) as caught:
        expected_tensors(vae(**change))
    assert words in caught.value.render()


def test_a_policy_has_no_known_network(fixtures: Path) -> None:
    folder = fixtures / "dart-args/policy_train/reach_location_mld"
    args = read_args(folder / "fixtext_repeat_floor100_hop10_skate100/args.yaml")
    with pytest.raises(ArgsFault, match="policy"):
        expected_tensors(args)


def test_mismatches_say_what_is_there_and_what_is_wanted() -> None:
    args = vae()
    found = {name: shape for name, (shape, _) in expected_tensors(args).items()}
    assert mismatches(found, expected_tensors(args), optional_tensors(args)) == ()
    del found["latent_mean"], found["latent_std"]
    assert mismatches(found, expected_tensors(args), optional_tensors(args)) == ()
    found["final_layer.weight"] = (5, 4)
    del found["skel_embedding.bias"]
    found["extra"] = (1,)
    assert mismatches(found, expected_tensors(args), optional_tensors(args)) == (
        "final_layer.weight is (5, 4), args.yaml wants (5, 8)",
        "skel_embedding.bias is missing, args.yaml wants (8,)",
        "extra is not part of this network",
    )


def test_many_mismatches_are_summed_up() -> None:
    said = summarised(tuple(f"t{i}" for i in range(10)), limit=3)
    assert said == ("t0", "t1", "t2", "and 7 more that do not fit")


def test_body_arrays_follow_from_the_sizes() -> None:
    smplx = body_arrays(BodyNumbers(10475, 20908, 55, landmarks=51))
    assert smplx["posedirs"] == (10475, 3, 486)
    assert smplx["shapedirs"] == (10475, 3, ANY)
    assert smplx["lmk_bary_coords"] == (51, 3)
    smplh = body_arrays(BodyNumbers(6890, 13776, 52))
    assert smplh["posedirs"] == (6890, 3, 459)
    assert "lmk_faces_idx" not in smplh


def test_clip_text_tensors_of_vit_b_32() -> None:
    wanted = clip_text_tensors(ClipTextNumbers(77, 49408, 512, 512, 12))
    assert len(wanted) == 6 + 12 * 12
    assert wanted["transformer.resblocks.11.attn.in_proj_weight"] == (1536, 512)
    assert wanted["transformer.resblocks.0.mlp.c_fc.weight"] == (2048, 512)
    assert wanted["logit_scale"] == ()


def test_the_statistics_file_goes_by_the_spelling_of_cfg_path() -> None:
    old = "./config_files/config_hydra/motion_primitive/mp_2_8.yaml"
    assert statistics_name(old, 2, 8, old) == "mean_std.pkl"
    assert statistics_name(old[2:], 2, 8, old) == "mean_std_h2_f8.pkl"
    assert statistics_layout(276) == ((1, 1, 276), (1, 1, 276))


def test_shapes_need_nothing_but_yaml() -> None:
    # The target's interpreter may run this part: it has PyYAML, and none of dartenv's other needs.
    program = (
        "import sys\n"
        "for name in ('msgspec', 'numpy', 'torch', 'rich', 'typer', 'libcst', 'psutil'):\n"
        "    sys.modules[name] = None\n"
        "import dartenv.assets.shapes, dartenv.assets.layouts, dartenv.assets.torch_file\n"
        "import dartenv.assets.npz, dartenv.assets.clip_file\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=str(Path(__file__).resolve().parents[2]),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode("utf-8", "replace")


def test_layouts_of_motions_and_the_any_dimension() -> None:
    assert motion_layout(4, 21, 10)["body_pose"] == (4, 63)
    assert fits((6, 3, 20), (6, 3, ANY))
    assert not fits((6, 3), (6, 3, ANY))
    assert shown((6, ANY)) == "(6, any)"
    assert shown((5,)) == "(5,)"
