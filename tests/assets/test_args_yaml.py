"""args.yaml read as data, whole and broken."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from dartenv.assets.args_yaml import MAX_BYTES, ArgsFault, DartArgs, read_args
from dartenv.assets.yaml_data import YamlFault, load_yaml

BABEL = "mld_denoiser/mld_fps_clip_repeat_euler"

RUNS = [
    ("mld_denoiser/mld_babel_smplx", "denoiser", "MLDArgs", True),
    ("mld_denoiser/mld_fps_clip_euler", "denoiser", "MLDArgs", True),
    (BABEL, "denoiser", "MLDArgs", True),
    ("mld_denoiser/smplh_hml3d_2_8_4", "denoiser", "MLDArgs", True),
    ("mvae/mvae_babel_smplx", "vae", "Args", True),
    ("mvae/mvae_fps_clip", "vae", "Args", True),
    ("mvae/mvae_smplh_hml3d_2_8_4", "vae", "Args", True),
    (
        "policy_train/reach_location_mld/fixtext_repeat_floor100_hop10_skate100",
        "policy",
        "ReachLocationArgs",
        False,
    ),
]


@pytest.mark.parametrize(("run", "kind", "top", "posix"), RUNS)
def test_every_published_run_is_read(
    fixtures: Path, run: str, kind: str, top: str, posix: bool
) -> None:
    args = read_args(fixtures / "dart-args" / run / "args.yaml")
    assert (args.kind, args.class_name, args.wrapped) == (kind, top, True)
    assert args.posixpath == (("save_dir",) if posix else ())
    assert args.foreign_tags == ()


def test_values_keep_their_types_and_tags_become_data(fixtures: Path) -> None:
    args = read_args(fixtures / "dart-args" / BABEL / "args.yaml")
    assert args.get("denoiser_args.model_args.noise_shape") == (1, 256)
    assert args.get("denoiser_args.mvae_path") == "./mvae/mvae_fps_clip/checkpoint_200000.pt"
    assert args.get("train_args.weight_kl") == 0.0001
    assert args.get("torch_deterministic") is True
    assert args.get("train_args.resume_checkpoint", "kept") is None
    assert args.get("save_dir") == PurePosixPath(BABEL)
    assert args.class_at("denoiser_args.model_args") == "DenoiserTransformerArgs"


def test_a_device_tag_reads_as_its_name(fixtures: Path) -> None:
    args = read_args(fixtures / "dart-args" / RUNS[-1][0] / "args.yaml")
    assert args.get("device") == "cuda"
    assert args.get("env_args.texts") == ("walk", "run", "hop on left leg")


def test_the_plain_form_is_told_by_its_keys() -> None:
    args = read_args(
        b"data_args:\n  feature_dim: 276\nmodel_args:\n  latent_dim: !!python/tuple [1, 2]\n"
    )
    assert (args.kind, args.class_name, args.wrapped) == ("vae", None, False)
    assert args.sizes("model_args.latent_dim", 2) == (1, 2)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(fixtures: Path) -> None:
    raw = (fixtures / "dart-args" / BABEL / "args.yaml").read_bytes().replace(b"\r\n", b"\n")
    plain = read_args(raw)
    crlf = read_args(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    assert crlf.data == plain.data


def test_a_tag_that_would_run_code_is_listed_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    command = f"echo x > {marker.as_posix()}"
    raw = f'a: !!python/object/apply:os.system ["{command}"]\nb: !!python/name:os.getcwd ""\n'
    args = read_args(raw.encode())
    assert args.foreign_tags == (
        "!!python/object/apply:os.system",
        "!!python/name:os.getcwd",
    )
    assert args.get("a") == [command]
    assert not marker.exists()


def test_a_path_class_of_pathlib_with_other_arguments_is_foreign() -> None:
    args = read_args(b"a: !!python/object/apply:pathlib.Path.cwd []\n")
    assert args.foreign_tags == ("!!python/object/apply:pathlib.Path.cwd",)


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{c}: &{c} [{', '.join(['*' + p] * 9)}]\n".encode() for p, c in zip("abcdef", "bcdefg")
)

BROKEN = [
    (b"", "empty"),
    (b"\x00\x00\x00\x00", "holds nothing"),
    (b"<!DOCTYPE html><html><title>Sign in</title>", "a web page"),
    (b"\x80\x02}q\x00.\x00", "binary"),
    (b"a: \xc4\xe3\xba\xc3\n", "byte 0xc4 at offset 3 is not UTF-8"),
    ("a: b\n".encode("utf-16"), "UTF-16"),
    (b"just words", "holds only the text 'just words'"),
    (b"- 1\n- 2\n", "holds a list"),
    (b"a: *nothing\n", "undefined alias"),
    (b"a: &a [*a]\n", "contains it"),
    (BOMB, "aliases expand"),
    (b"a: " + b"[" * 60 + b"]" * 60, "nested deeper"),
    (b"x: 1\n" * (MAX_BYTES // 5 + 10), "larger than 128 KiB"),
    (b"? [a]\n: 1\n", "a mapping key is not a scalar"),
    (b"a: 1\n---\nb: 2\n", "not YAML"),
]


@pytest.mark.parametrize(("raw", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_broken_file_is_one_clear_line(raw: bytes, words: str) -> None:
    with pytest.raises(ArgsFault) as caught:
        read_args(raw, "run/args.yaml")
    said = caught.value.render()
    assert words in said
    assert said.startswith("run/args.yaml: ")
    assert "\n" not in said


@pytest.mark.parametrize("cut", [10, 300, 1000, 1500])
def test_a_cut_off_file_is_called_so(fixtures: Path, cut: int) -> None:
    raw = (fixtures / "dart-args" / BABEL / "args.yaml").read_bytes()
    with pytest.raises(ArgsFault, match="cut off"):
        read_args(raw[:cut])


def test_a_file_cut_off_between_lines_lacks_values() -> None:
    args = read_args(b"!dataclass:Args\nmodel_args: !dataclass:VAEArgs\n  latent_dim: [1, 2]\n")
    with pytest.raises(ArgsFault, match=r"model_args\.nfeats is missing"):
        args.size("model_args.nfeats")


def test_absent_and_folder_paths_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ArgsFault, match="no such file"):
        read_args(tmp_path / "动作 folder" / "args.yaml")
    with pytest.raises(ArgsFault, match="is a folder"):
        read_args(tmp_path)


@pytest.mark.parametrize("value", [0, -4, True, "8", 2.0, None])
def test_a_size_must_be_a_positive_whole_number(value: object) -> None:
    args = DartArgs("args.yaml", "vae", None, {"model_args": {"h_dim": value}})
    with pytest.raises(ArgsFault, match=r"model_args\.h_dim"):
        args.size("model_args.h_dim")


def test_numbers_follow_yaml_and_huge_ones_stay_text() -> None:
    found = load_yaml("a: 010\nb: 0x1f\nc: 1.0e-06\nd: -.inf\ne: 2024-01-01\nf: " + "9" * 5000)
    assert (found["a"], found["b"], found["c"], found["d"]) == (8, 31, 1e-06, float("-inf"))
    assert found["e"] == "2024-01-01"
    assert found["f"] == "9" * 5000


def test_yaml_faults_name_the_line() -> None:
    with pytest.raises(YamlFault, match="line 2"):
        load_yaml("a: 1\nb: [1, 2}\nc: 3\nd: 4\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name in ("pipe.yaml", "zero.yaml"):
        with pytest.raises(ArgsFault, match="not a regular file"):
            read_args(tmp_path / name)
