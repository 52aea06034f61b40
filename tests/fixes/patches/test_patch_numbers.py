"""Patched DART computes what it computed before: the functions that were changed, on one input.

Before numpy 1.24 ``np.float`` was ``float`` itself, and ``np.int`` was ``int``; on a newer numpy
the pristine tree gets those two names back, and nothing else, to have something to compare with.
DARTENV_TEST_DART_PYTHON names another interpreter with numpy, scipy, torch and tqdm to compare in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dartenv.facts.source_spec import source_spec
from dartenv.fixes.patches.plan import IDS, plan_patches
from dartenv.manifests.loader import Manifests

DART = os.environ.get("DARTENV_TEST_DART_ROOT", "")
PYTHON = os.environ.get("DARTENV_TEST_DART_PYTHON", sys.executable)
FOLDERS = ("data_loaders", "diffusion")
RUN = """
import hashlib, sys
import numpy as np
if sys.argv[1] == "old names" and not hasattr(np, "float"):
    np.float, np.int = float, int
import torch
from data_loaders.humanml.common import quaternion as q
from data_loaders.humanml.scripts import motion_process as m
from data_loaders.humanml.utils import paramUtil as p
from diffusion.resample import LossSecondMomentResampler

draw = np.random.RandomState(7)
found = {}
quat = torch.from_numpy(draw.randn(50, 4))
quat = quat / quat.norm(dim=-1, keepdim=True)
found["floor"] = np.array(q._FLOAT_EPS)
found["euler"] = q.qeuler(quat, "zyx").numpy()
found["matrix"] = q.quaternion_to_matrix(quat).numpy()
found["between"] = q.qbetween_np(draw.randn(50, 3), draw.randn(50, 3))
found["expmap"] = q.expmap_to_quaternion(draw.randn(50, 3) * 1e-9)

skeleton = p.t2m_raw_offsets
joints = np.cumsum(draw.randn(40, 22, 3) * 0.02, axis=0) + skeleton[None] * 0.3
made = m.extract_features(
    joints.astype(np.float32), 0.02, torch.from_numpy(skeleton), p.t2m_kinematic_chain,
    [2, 1, 17, 16], [8, 11], [7, 10],
)
found["features"] = made

class Steps:
    num_timesteps = 6
sampler = LossSecondMomentResampler(Steps(), history_per_term=3)
for turn in range(5):
    sampler.update_with_all_losses(range(6), draw.rand(6))
found["weights"] = sampler.weights()

for name, value in found.items():
    value = np.ascontiguousarray(value)
    assert np.isfinite(value).all() and (value.size == 1 or value.std() > 0), name
    print(name, value.dtype, value.shape, hashlib.sha256(value.tobytes()).hexdigest())
"""


def computed(root: Path, names: str) -> str:
    done = subprocess.run(
        [PYTHON, "-c", RUN, names],
        cwd=str(root),
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("ascii")


@pytest.mark.dart
@pytest.mark.torch
@pytest.mark.skipif(not DART, reason="DARTENV_TEST_DART_ROOT names no DART tree")
def test_the_changed_functions_give_the_same_numbers(tmp_path: Path) -> None:
    if sys.executable == PYTHON:
        for module in ("torch", "numpy", "scipy", "tqdm"):
            pytest.importorskip(module)
    pristine, patched = tmp_path / "pristine", tmp_path / "patched"
    for root in (pristine, patched):
        for folder in FOLDERS:
            shutil.copytree(str(Path(DART) / folder), str(root / folder))
    plan = plan_patches(str(patched), IDS, source_spec(Manifests()))
    changed = {file.path for file in plan.files}
    assert {
        "data_loaders/humanml/common/quaternion.py",
        "data_loaders/humanml/scripts/motion_process.py",
        "diffusion/resample.py",
    } <= changed
    for file in plan.files:
        (patched / file.path).write_bytes(file.new)
    before = computed(pristine, "old names")
    assert len(before.splitlines()) == 7
    assert computed(patched, "as it is") == before
