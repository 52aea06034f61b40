"""Trees of every published kind, read, loaded and exported: DART's own args.yaml with small widths.

The bodies are SMPL-X and SMPL-H, the data sets BABEL and HumanML3D, the denoisers the transformer and the
MLP, the VAEs all_encoder and encoder_decoder, latents of 128 and 256.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Dict

import msgspec
import pytest

from dartenv.assets.args_yaml import read_args
from dartenv.assets.shapes import expected_tensors
from dartenv.assets.yaml_data import load_yaml
from dartenv.errors import UsageFault
from dartenv.smoke.inside import make

pytestmark = [pytest.mark.torch, pytest.mark.ort]
np = pytest.importorskip("numpy", reason="needs numpy")
torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.export.measure import open_session  # noqa: E402
from dartenv.export.models import build  # noqa: E402
from dartenv.export.parity import primitive_parity, tensor_parity  # noqa: E402
from dartenv.manifests.export import export_spec  # noqa: E402
from dartenv.manifests.loader import default_manifests  # noqa: E402
from dartenv.model.denoiser import make_denoiser  # noqa: E402
from dartenv.model.source import Places, read_source  # noqa: E402
from dartenv.model.vae import MotionVae  # noqa: E402

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SPEC = export_spec(default_manifests())
DENOISER, VAE = "checkpoint_300000.pt", "checkpoint_200000.pt"
SMALL = {"h_dim": 16, "ff_size": 24, "num_heads": 2, "num_layers": 3, "clip_dim": 12}
RUNS = (
    "mld_babel_smplx",
    "mld_fps_clip_euler",
    "mld_fps_clip_repeat_euler",
    "smplh_hml3d_2_8_4",
)


def text_of(path: Path) -> str:
    """DART writes args.yaml as a YAML text that holds YAML."""
    return str(load_yaml(path.read_text(encoding="utf-8")))


def shrunk(text: str, latent: int) -> str:
    for name, value in SMALL.items():
        text = re.sub(rf"{name}: \d+", f"{name}: {value}", text)
    return text.replace("- 256", f"- {latent}")


def as_mlp(text: str) -> str:
    text = text.replace("DenoiserTransformerArgs", "DenoiserMLPArgs")
    text = text.replace("model_type: transformer", "model_type: mlp")
    text = re.sub(r"\n *ff_size: \d+", "", text)
    return re.sub(r"num_heads: \d+\n *num_layers: \d+", "n_blocks: 2", text)


class Tree:
    """A tree below ``root`` that holds one denoiser and all that belongs to it, made up."""

    def __init__(
        self, root: Path, bodies: Dict[str, Path], run: str, latent: int, mlp: bool, cross: bool
    ):
        given = FIXTURES / "dart-args"
        denoiser = shrunk(text_of(given / "mld_denoiser" / run / "args.yaml"), latent)
        found = re.search(r"mvae_path: \./(mvae/\w+)/", denoiser)
        assert found is not None
        vae = shrunk(text_of(given / found.group(1) / "args.yaml"), latent)
        if mlp:
            denoiser = as_mlp(denoiser)
        if cross:
            vae = vae.replace("arch: all_encoder", "arch: encoder_decoder")
        self.root, self.hml = root, run.startswith("smplh")
        self.denoiser = root / "mld_denoiser" / run / DENOISER
        self.vae = root / found.group(1) / VAE
        self._network(self.denoiser, denoiser, 1)
        self._network(self.vae, vae, 2)
        args = read_args(vae.encode())
        config = root / args.need("data_args.cfg_path", str)
        config.parent.mkdir(parents=True, exist_ok=True)
        self.fps = 20 if self.hml else 30
        config.write_text(f"history_length: 2\nfuture_length: 8\nfps: {self.fps}\n")
        data = root / args.need("data_args.data_dir", str) / "mean_std_h2_f8.pkl"
        kind = "smplh" if self.hml else "smplx"
        body = root / "bodies" / kind / f"{kind.upper()}_MALE.{'pkl' if self.hml else 'npz'}"
        self._make(kind="mean-std", path=data)
        body.parent.mkdir(parents=True)
        shutil.copyfile(str(bodies[kind]), str(body))
        motion = "stand_20fps.pkl" if self.hml else "stand.pkl"
        self._make(kind="motion", path=root / "data" / motion, fps=self.fps)

    def _network(self, path: Path, args: str, seed: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "args.yaml").write_text(args, encoding="utf-8")
        tensors = {
            n: [list(s), str(d)] for n, (s, d) in expected_tensors(read_args(args.encode())).items()
        }
        scales = {"output_process": 0.02, "out_fc": 0.02, "final_layer": 0.02}
        self._make(kind="torch-checkpoint", path=path, tensors=tensors, scales=scales, seed=seed)

    def _make(self, **item: Any) -> None:
        make.run({"files": [{**item, "path": str(item["path"])}]})

    def read(self) -> Any:
        places = Places(self.denoiser, self.root / "bodies", dict(SPEC.motions), None)
        return read_source(self.root, places)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """An SMPL-X and an SMPL-H, made once: they are the slow part."""
    found = {}
    for kind, ending in (("smplx", "npz"), ("smplh", "pkl")):
        found[kind] = tmp_path_factory.mktemp("bodies") / f"{kind}.{ending}"
        item = {"kind": kind, "path": str(found[kind]), "model": kind, "gender": "male"}
        make.run({"files": [{**item, "format": ending}]})
    return found


@pytest.mark.parametrize(
    ("run", "latent", "mlp", "cross"),
    [
        *((run, 256, False, False) for run in RUNS),
        ("mld_fps_clip_repeat_euler", 128, False, True),
        ("mld_fps_clip_repeat_euler", 128, True, False),
        ("smplh_hml3d_2_8_4", 128, True, True),
        ("smplh_hml3d_2_8_4", 256, False, True),
    ],
)
def test_every_kind(
    tmp_path: Path, bodies: Dict[str, Path], run: str, latent: int, mlp: bool, cross: bool
) -> None:
    tree = Tree(tmp_path / "演示 tree", bodies, run, latent, mlp, cross)
    source = tree.read()
    assert source.body == ("smplh" if tree.hml else "smplx")
    assert (source.fps, source.rest_joints.shape) == (tree.fps, (52 if tree.hml else 55, 3))
    assert source.motion == ("data/stand_20fps.pkl" if tree.hml else "data/stand.pkl")
    assert source.denoiser.kind == ("mlp" if mlp else "transformer")
    assert source.denoiser.noise == source.vae.latent == (1, latent)
    assert source.vae.arch == ("encoder_decoder" if cross else "all_encoder")
    networks = (
        (make_denoiser(source.denoiser), source.denoiser_state),
        (
            MotionVae(source.vae),
            source.vae_state,
        ),
    )
    for network, state in networks:  # nothing missing, nothing unexplained
        own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        assert own == {name: value.shape for name, value in state.items()}
    for name in ("primitive", "primitive_body", "denoiser", "vae_decoder", "vae_encoder"):
        for contrib in (True, False):
            session = open_session(build(name, source, "fp32", contrib).SerializeToString())
            if name.startswith("primitive"):
                short = msgspec.structs.replace(SPEC.parity, loop_primitives=3)
                lines = primitive_parity(session, source, name == "primitive_body", short)
            else:
                lines = tensor_parity(session, name, source, SPEC.parity)
            assert [one for one in lines if not one.passed] == []


@pytest.mark.parametrize("what", ["denoiser", "vae"])
def test_of_another_kind(tmp_path: Path, bodies: Dict[str, Path], what: str) -> None:
    """Weights of the transformer under the arguments of the MLP, and of one VAE under the other's."""
    tree = Tree(tmp_path, bodies, RUNS[0], 128, False, False)
    path = tree.denoiser if what == "denoiser" else tree.vae
    args = path.parent / "args.yaml"
    text = args.read_text(encoding="utf-8")
    text = as_mlp(text) if what == "denoiser" else text.replace("all_encoder", "encoder_decoder")
    args.write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault, match="is missing") as fault:
        tree.read()
    named: Dict[str, str] = {"denoiser": "input_project", "vae": "multihead_attn"}
    assert named[what] in str(fault.value)
    assert path.name in str(fault.value)
