"""Expected tensors against DART's own networks, where its tree and torch are at hand."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from dartenv.assets.args_yaml import DartArgs, read_args
from dartenv.assets.shapes import expected_tensors, optional_tensors
from dartenv.assets.spec import AssetsSpec
from dartenv.facts.assets import probe_assets
from dartenv.manifests.loader import Manifests

# Run in a process of its own: DART's modules must not enter the one that tests.
PROGRAM = """
import json, sys
root, requests = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, root)
try:
    from model.mld_denoiser import DenoiserMLP, DenoiserTransformer
    from model.mld_vae import AutoMldVae
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    raise SystemExit
classes = {"mlp": DenoiserMLP, "transformer": DenoiserTransformer, "vae": AutoMldVae}
answers = []
for kind, arguments in requests:
    network = classes[kind](**arguments)
    answers.append({k: [list(v.shape), str(v.dtype)] for k, v in network.state_dict().items()})
print(json.dumps({"answers": answers}))
"""

MLP = {
    "h_dim": 24,
    "n_blocks": 3,
    "clip_dim": 10,
    "history_shape": (2, 27),
    "noise_shape": (2, 6),
}
VAE = {
    "arch": "all_encoder",
    "ff_size": 20,
    "num_layers": 3,
    "num_heads": 4,
    "latent_dim": (2, 6),
    "h_dim": 16,
    "nfeats": 27,
}


def cases(fixtures: Path) -> List[Tuple[str, Dict[str, Any], DartArgs]]:
    """(kind, constructor arguments, args) of all published runs and of the other variants."""
    found = []
    for path in sorted((fixtures / "dart-args").rglob("args.yaml")):
        args = read_args(path)
        if args.kind == "denoiser":
            found.append(("transformer", args.get("denoiser_args.model_args"), args))
        elif args.kind == "vae":
            found.append(("vae", args.get("model_args"), args))
    mlp = DartArgs("mlp", "denoiser", None, {"denoiser_args": {"model_args": MLP}})
    found.append(("mlp", MLP, mlp))
    for change in ({"arch": "encoder_decoder"}, {"num_layers": 1}, {"position_embedding": "sine"}):
        model = {**VAE, **change}
        found.append(("vae", model, DartArgs("vae", "vae", None, {"model_args": model})))
    return found


@pytest.mark.dart
@pytest.mark.torch
def test_names_and_shapes_are_those_of_darts_networks(fixtures: Path) -> None:
    root = os.environ.get("DARTENV_TEST_DART_ROOT")
    if not root:
        pytest.skip("DARTENV_TEST_DART_ROOT names no DART tree")
    if importlib.util.find_spec("torch") is None:
        pytest.skip("this Python has no torch")
    wanted = cases(fixtures)
    request = json.dumps([(kind, arguments) for kind, arguments, _ in wanted])
    ran = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM, root, request],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode("utf-8", "replace")[-2000:]
    answer = json.loads(ran.stdout.decode("utf-8").splitlines()[-1])
    if "missing" in answer:
        pytest.skip(f"this Python cannot import DART's networks: {answer['missing']}")
    assert len(answer["answers"]) == len(wanted) == 11
    for (_, _, args), real in zip(wanted, answer["answers"]):
        expected = expected_tensors(args)
        assert {k: tuple(v[0]) for k, v in real.items()} == {k: s for k, (s, _) in expected.items()}
        for name, (_, dtype) in expected.items():
            # A fresh network has whole numbers where training leaves measured ones.
            assert real[name][1] == f"torch.{dtype}" or name in optional_tensors(args)


@pytest.mark.dart
def test_the_keyframes_in_darts_tree_fit_the_manifest() -> None:
    root = os.environ.get("DARTENV_TEST_DART_ROOT")
    if not root:
        pytest.skip("DARTENV_TEST_DART_ROOT names no DART tree")
    spec = Manifests().read("assets", "dart", AssetsSpec)
    found = {f.id: f for f in probe_assets(root, spec).files if f.id.startswith("keyframes-")}
    frames = {
        name: {a.name: a.shape[0] for a in file.arrays if a.name == "transl"}
        for name, file in found.items()
    }
    assert frames == {
        "keyframes-babel-1f": {"transl": 120},
        "keyframes-babel-2f": {"transl": 120},
        "keyframes-hml-1f": {"transl": 80},
        "keyframes-hml-2f": {"transl": 80},
    }
    for file in found.values():
        assert (file.problem, file.mismatches, file.foreign_globals) == (None, (), ())
