"""A tree that is not as it should be is named, before anything is made of it."""

from __future__ import annotations

import io
import pickle
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any, Callable

import pytest

from dartenv.errors import UsageFault

np = pytest.importorskip("numpy", reason="needs numpy")
pytestmark = pytest.mark.ort

from dartenv.model.source import Places, read_source  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2] / "dartenv" / "sandbox" / "project"
DENOISER = "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
VAE = "mvae/mvae_sandbox/checkpoint_2800.pt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The sandbox's data in a folder with a space and Chinese characters."""
    target = tmp_path / "演示 tree"
    for name in ("mld_denoiser", "mvae", "data", "config_files"):
        shutil.copytree(str(PROJECT / name), str(target / name))
    return target


def read(root: Path) -> Any:
    places = Places(root / DENOISER, root / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    return read_source(root, places)


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Write a checkpoint's zip again, each member through ``change``."""
    with zipfile.ZipFile(str(path)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(str(path), "w") as archive:
        for name, data in members:
            archive.writestr(name, change(name, data))


def test_the_sandbox(root: Path) -> None:
    source = read(root)
    assert (source.history_frames, source.future_frames, source.fps) == (2, 8, 30)
    assert source.denoiser.noise == source.vae.latent == (1, 32)
    assert source.motion == "data/stand.pkl"
    assert source.latent_scale != 1.0
    assert [file.role for file in source.files] == [
        "denoiser",
        "vae",
        "statistics",
        "body",
        "motion",
    ]
    # a person who stands: the first body looks along y, hips level along x
    features = source.history * source.std + source.mean
    joints = features[0, 144:210].reshape(22, 3)
    assert np.allclose(joints[0], 0.0, atol=1e-5)
    assert joints[2, 0] - joints[1, 0] > 0.1
    assert abs(joints[2, 1] - joints[1, 1]) < 1e-5


def test_a_tensor_that_is_missing_and_one_too_many(root: Path) -> None:
    def renamed(name: str, data: bytes) -> bytes:
        return data.replace(b"output_process.bias", b"output_process.bjas")

    rewrite(root / DENOISER, renamed)
    with pytest.raises(UsageFault, match=r"output_process\.bias is missing.*bjas is not part"):
        read(root)


def test_weights_that_are_nan(root: Path) -> None:
    state = {}

    def broken(name: str, data: bytes) -> bytes:
        if "/data/" in name and len(data) > 4000 and not state:
            state["name"] = name
            return struct.pack("<f", float("nan")) * 3 + data[12:]
        return data

    rewrite(root / VAE, broken)
    with pytest.raises(UsageFault, match=r"checkpoint_2800\.pt: \S+ holds 3 numbers that are NaN"):
        read(root)


def test_networks_of_different_latents(root: Path) -> None:
    path = root / "mvae/mvae_sandbox/args.yaml"
    text = path.read_text(encoding="utf-8").replace("- 32\\n  nfeats", "- 31\\n  nfeats")
    assert "- 31" in text
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault, match=r"is \(64, 32\), args\.yaml wants \(64, 31\)|args"):
        read(root)


def test_an_arch_that_is_none(root: Path) -> None:
    path = root / "mvae/mvae_sandbox/args.yaml"
    text = path.read_text(encoding="utf-8").replace("all_encoder", "no_encoder")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault, match="'no_encoder'; expected all_encoder or encoder_decoder"):
        read(root)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (DENOISER, "checkpoint_4000.pt: not there"),
        (VAE, "checkpoint_2800.pt: not there"),
        ("mvae/mvae_sandbox/args.yaml", "the arguments of the VAE"),
        ("data/seq_data_zero_male/mean_std_h2_f8.pkl", "mean_std_h2_f8.pkl: cannot be read"),
        ("data/stand.pkl", "stand.pkl: cannot be read"),
        ("data/sandbox-models/smplx/SMPLX_MALE.npz", "SMPLX_MALE.npz: not there"),
    ],
)
def test_a_file_that_is_missing(root: Path, name: str, words: str) -> None:
    root.joinpath(*name.split("/")).unlink()
    with pytest.raises(UsageFault, match=words.replace(".", r"\.")):
        read(root)


@pytest.mark.parametrize("value", [(1, 2), [], {"mean": 0}, "text", (np.zeros(5), np.ones(5))])
def test_statistics_that_are_none(root: Path, value: Any) -> None:
    path = root / "data/seq_data_zero_male/mean_std_h2_f8.pkl"
    path.write_bytes(pickle.dumps(value, protocol=2))
    with pytest.raises(UsageFault, match=r"mean_std_h2_f8\.pkl"):
        read(root)


def test_a_deviation_of_zero(root: Path) -> None:
    path = root / "data/seq_data_zero_male/mean_std_h2_f8.pkl"
    path.write_bytes(pickle.dumps((np.zeros(276), np.zeros(276)), protocol=2))
    with pytest.raises(UsageFault, match="deviation of 0"):
        read(root)


def test_a_body_with_pickled_arrays_is_not_loaded(root: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, J_regressor=np.array([{}], dtype=object), v_template=np.zeros((1, 3)))
    (root / "data/sandbox-models/smplx/SMPLX_MALE.npz").write_bytes(stream.getvalue())
    with pytest.raises(UsageFault, match=r"SMPLX_MALE\.npz"):
        read(root)


def clip_tensors(width: int = 64, layers: int = 2) -> Any:
    """The sandbox's denoiser takes embeddings of 64 numbers."""
    from dartenv.assets.layouts import ClipTextNumbers, clip_text_tensors

    numbers = ClipTextNumbers(
        context=7, vocabulary=50, width=width, embedding=64, layers=layers, feed_forward=4
    )
    shapes = {**clip_text_tensors(numbers), "visual.proj": (3, 4), "context_length": ()}
    return {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}


def with_clip(root: Path, tensors: Any) -> Any:
    torch = pytest.importorskip("torch", reason="needs torch")
    path = root / "ViT.pt"
    torch.save(
        {name: torch.from_numpy(np.array(value)) for name, value in tensors.items()}, str(path)
    )
    bodies, motions = root / "data/sandbox-models", {"": "data/stand.pkl"}
    return read_source(root, Places(root / DENOISER, bodies, motions, path))


@pytest.mark.torch
def test_clip_is_read(root: Path) -> None:
    source = with_clip(root, clip_tensors())
    assert source.clip_state is not None
    assert source.clip_state["text_projection"].shape == (64, 64)
    assert source.files[-1].role == "clip"


@pytest.mark.torch
@pytest.mark.parametrize(
    ("gone", "more", "words"),
    [
        ("text_projection", {}, "text_projection is missing"),
        ("transformer.resblocks.0.ln_1.bias", {}, r"resblocks\.0\.ln_1\.bias is missing"),
        ("ln_final.weight", {"ln_final.wait": (64,)}, r"ln_final\.weight is missing.*wait is not"),
        ("", {"ln_final.weight": (65,)}, r"ln_final\.weight is \(65,\), CLIP's is \(64,\)"),
        ("", {"token_embedding.weight": (50,)}, r"token_embedding\.weight is \(50,\)"),
        ("", {"text_projection": (64, 32)}, "text embeddings of 32 numbers; expected 64"),
        ("", {"transformer.resblocks.5.ln_1.bias": (64,)}, r"resblocks\.2\.attn.* is missing"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_another_clip_is_named(root: Path, gone: str, more: Any, words: str) -> None:
    tensors = clip_tensors()
    tensors.pop(gone, None)
    tensors.update({name: np.zeros(shape, np.float32) for name, shape in more.items()})
    with pytest.raises(UsageFault, match=rf"ViT\.pt: .*{words}"):
        with_clip(root, tensors)


@pytest.mark.torch
def test_clip_that_holds_nan(root: Path) -> None:
    tensors = clip_tensors()
    tensors["visual.proj"][0] = np.nan  # not used
    with_clip(root, tensors)
    tensors["ln_final.bias"][:2] = np.nan
    with pytest.raises(UsageFault, match=r"ln_final\.bias holds 2 numbers that are NaN"):
        with_clip(root, tensors)
