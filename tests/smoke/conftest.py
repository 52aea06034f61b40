"""A small tree of our own that the smoke room can run, without torch and without numpy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Callable, Dict, NamedTuple, Tuple

import msgspec
import pytest

from dartenv.manifests.loader import Manifests
from dartenv.smoke import SmokeResult, run_scenario
from dartenv.smoke.runner import Limits, Outcome, run_bounded
from dartenv.smoke.scenario import ErrorTable, Scenario

# Walks one step a frame and writes nested lists where DART writes tensors.
PROGRAM = """
import argparse, math, os, pickle, sys
p = argparse.ArgumentParser()
p.add_argument("--denoiser_checkpoint")
p.add_argument("--primitives", type=int)
p.add_argument("--device")
p.add_argument("--seed", type=int)
p.add_argument("--text")
a = p.parse_args()
H, F = 2, 8
fault = os.environ.get("FAULT", "")
folder = os.path.splitext(a.denoiser_checkpoint)[0] + "/rollout/" + a.text.replace(" ", "_")
for i in range(a.primitives):
    sys.stderr.write("\\r %d%%|##| %d/%d [00:01<00:01,  4.00it/s]" % (0, i + 1, a.primitives))
sys.stderr.write("\\n")
T = H + F * (a.primitives - (1 if fault == "short" else 0))
eye = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
if fault == "mirrored":
    eye[0][0] = -1.0
step = float("nan") if fault == "nan" else 0.03
sequence = {
    "texts": [a.text] * a.primitives, "gender": "male",
    "betas": [[0.0] * 10] * T,
    "transl": [[step * t, 0.0, 1.0] for t in range(T)],
    "global_orient": [eye] * T,
    "body_pose": [[eye] * 21] * T,
    "joints": [[[step * t, 0.0, 1.0 + 0.1 * j] for j in range(22)] for t in range(T)],
    "history_length": H, "future_length": F,
}
if fault == "key":
    del sequence["joints"]
if fault == "overwrites":
    with open("weights/big.bin", "r+b") as f:
        f.write(b"changed")
if fault != "silent":
    os.makedirs(folder)
    with open(folder + "/sample_0.pkl", "wb") as f:
        pickle.dump(sequence, f)
if fault == "crash":
    os._exit(0xC0000005 - 2**32) if os.name == "nt" else os.abort()
if fault == "after":
    raise UnicodeEncodeError("charmap", "x", 0, 1, "no such character")
print("[Done] Results are at [%s]" % os.path.abspath(folder))
"""

SCENARIO = {
    "id": "walk",
    "title": "a walk",
    "source": "tests",
    "module": "mld.walk",
    "args": [
        "--denoiser_checkpoint",
        "{denoiser_checkpoint}",
        "--primitives",
        "{primitives}",
        "--text",
        "{text}",
        "--device",
        "{device}",
        "--seed",
        "{seed}",
    ],
    "denoiser_checkpoint": "./weights/run/checkpoint_1.pt",
    "unit": "primitives",
    "values": {"text": "walk"},
    "fps": 30.0,
    "parents": [-1] + [0] * 21,
    "sizes": {
        "quick": {"time_limit": 60.0, "memory_limit": 4_000_000_000, "values": {"primitives": 3}}
    },
    "outputs": {
        "samples": "{checkpoint_stem}/rollout/*/sample_*.pkl",
        "count": "1",
        "keys": ["texts", "transl", "global_orient", "body_pose", "joints"],
        "shapes": {"transl": [0, 3], "body_pose": [0, 21, 3, 3], "joints": [0, 22, 3]},
    },
    "mirror": {
        "skip_dirs": [".git", "runs"],
        "data_dirs": ["weights", "data"],
        "suffixes": ["", ".py", ".yaml"],
        "copy_limit": 1000,
    },
    "judges": [
        {"name": "finite", "metric": "not_finite", "max": 0.0},
        {"name": "rotations", "metric": "rotation_error", "max": 1e-4},
        {"name": "path", "metric": "path_length", "min": 0.2, "unit": "m", "genuine": True},
    ],
    "needs": [
        {
            "id": "args.denoiser",
            "kind": "args",
            "role": "denoiser",
            "path": "{denoiser_dir}/args.yaml",
            "check": "assets.args",
        },
        {
            "id": "args.vae",
            "kind": "args",
            "role": "vae",
            "path": "{vae_dir}/args.yaml",
            "check": "assets.args",
        },
        {"id": "big", "kind": "file", "path": "weights/big.bin", "check": "assets.checkpoints"},
    ],
}


def make_tree(root: Path) -> Path:
    files: Dict[str, str] = {
        "mld/__init__.py": "",
        "mld/walk.py": PROGRAM,
        "runs/old.py": "raise SystemExit",
        "data/notes.yaml": "not needed",
    }
    for name, text in files.items():
        path = root.joinpath(*name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "weights").mkdir()
    (root / "weights" / "big.bin").write_bytes(b"x" * 5000)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree in a folder with a space and Chinese characters, one large file in it."""
    return make_tree(tmp_path / "DART 主")


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return msgspec.convert(SCENARIO, Scenario)


@pytest.fixture(scope="session")
def errors() -> ErrorTable:
    return Manifests().read("scenarios", "errors", ErrorTable)


Bounded = Callable[..., Outcome]


@pytest.fixture
def bounded(tmp_path: Path) -> Bounded:
    """Run a Python program within limits; its log is ``tmp_path/log``."""

    def run(
        code: str, *, seconds: float = 60.0, memory: int = 4_000_000_000, **more: object
    ) -> Outcome:
        return run_bounded(
            [sys.executable, "-u", "-c", code],
            cwd=str(tmp_path),
            env=dict(os.environ),
            log=tmp_path / "log",
            limits=Limits(seconds=seconds, memory=memory),
            **more,  # type: ignore[arg-type]
        )

    return run


State = Dict[str, Tuple[int, int, bytes]]


def snapshot(root: Path) -> State:
    """Everything below ``root``: mode, time of change, content."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in root.rglob("*")
    }


class FirstRun(NamedTuple):
    """One good run, its folders, and the tree before and after."""

    result: SmokeResult
    base: Path
    before: State
    after: State


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, scenario: Scenario) -> FirstRun:
    base = tmp_path_factory.mktemp("first")
    root = make_tree(base / "DART 主")
    before = snapshot(root)
    result = run_scenario(
        str(root),
        sys.executable,
        scenario,
        state_dir=str(base / "state"),
        cache_dir=str(base / "缓存 cache"),
        device="cpu",
        seed=7,
    )
    return FirstRun(result, base, before, snapshot(root))
