"""The programs that run in the target: they are read by old Pythons and need no dartenv."""

from __future__ import annotations

import ast
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from dartenv.smoke.inside import clip_archive, measure, skeleton, vectors
from dartenv.smoke.target import INSIDE

PROGRAMS = sorted(INSIDE.glob("*.py"))
EYE = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.name for path in PROGRAMS])
def test_python_36_can_read_it_and_it_imports_nothing_of_ours(path: Path) -> None:
    module = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 6))
    names: List[str] = []
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level < 2
            names += [node.module or ""] if node.level == 0 else []
    roots = {name.split(".")[0] for name in names}
    assert not roots & {"dartenv", "torch", "numpy", "__future__", "msgspec", "psutil"}


def sequence(frames: int = 10, **changes: Any) -> Dict[str, Any]:
    rest = [[0.0, 0.1 * joint, 0.0] for joint in range(22)]
    made: Dict[str, Any] = {
        "texts": ["walk"],
        "gender": "male",
        "transl": [[0.1 * t, 0.0, 0.0] for t in range(frames)],
        "betas": [[0.0] * 10] * frames,
        "global_orient": [EYE] * frames,
        "body_pose": [[EYE] * 21] * frames,
        "joints": [[[x + 0.1 * t, y, z] for x, y, z in rest] for t in range(frames)],
        "history_length": 2,
        "future_length": 8,
    }
    made.update(changes)
    return made


def measured(tmp_path: Path, made: Any, goal: Any = None) -> Dict[str, Any]:
    path = tmp_path / "sample_0.pkl"
    path.write_bytes(pickle.dumps(made))
    request: Dict[str, Any] = {
        "samples": [str(path)],
        "exports": [],
        "keys": ["transl", "global_orient", "body_pose", "joints"],
        "goal": None,
        "fps": 30,
        "parents": skeleton.PARENTS[:22],
    }
    if goal is not None:
        request["goal"] = str(tmp_path / "input.pkl")
        (tmp_path / "input.pkl").write_bytes(pickle.dumps(goal))
    answer = json.loads(json.dumps(measure.run(request), allow_nan=False))
    (found,) = answer["samples"]
    assert isinstance(found, dict)
    return {**found, "goal_frames": answer["goal_frames"]}


def test_a_straight_walk_is_measured(tmp_path: Path) -> None:
    found = measured(tmp_path, sequence())
    metrics = found["metrics"]
    assert found["problem"] is None
    assert found["shapes"]["body_pose"] == [10, 21, 3, 3]
    assert metrics["frames"] == 10
    assert metrics["travel"] == pytest.approx(0.9)
    assert metrics["path_length"] == pytest.approx(0.9)
    assert metrics["mean_speed"] == pytest.approx(3.0)
    assert metrics["max_joint_speed"] == pytest.approx(3.0)
    assert metrics["mean_jerk"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["bone_drift"] == pytest.approx(0.0, abs=1e-12)
    assert metrics["rotation_error"] == 0.0
    assert metrics["not_finite"] == 0


def test_flat_joints_measure_the_same(tmp_path: Path) -> None:
    made = sequence()
    flat = [[x for joint in frame for x in joint] for frame in made["joints"]]
    first = measured(tmp_path, made)["metrics"]
    assert measured(tmp_path, sequence(joints=flat))["metrics"] == first


@pytest.mark.parametrize(
    ("matrix", "error"),
    [
        ([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 2.0),  # a mirror
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.1]], 0.21),  # stretched
        ([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], 0.0),  # a quarter turn
    ],
)
def test_improper_rotations_show(tmp_path: Path, matrix: Any, error: float) -> None:
    made = sequence()
    made["body_pose"] = [[EYE] * 20 + [matrix]] * 10
    assert measured(tmp_path, made)["metrics"]["rotation_error"] == pytest.approx(error)


def test_numbers_that_are_not_finite_are_counted_and_never_lost(tmp_path: Path) -> None:
    made = sequence()
    made["transl"] = [[float("nan"), 0.0, float("inf")], *made["transl"][1:]]
    nan = [[float("nan")] * 3] * 3
    made["global_orient"] = [EYE] * 4 + [nan] + [EYE] * 5
    metrics = measured(tmp_path, made)["metrics"]
    assert metrics["not_finite"] == 11
    assert metrics["rotation_error"] is None


def test_axis_angle_where_matrices_belong_is_no_rotation(tmp_path: Path) -> None:
    made = sequence(global_orient=[[0.0, 0.0, 0.0]] * 10)
    assert measured(tmp_path, made)["metrics"]["rotation_error"] is None


def test_a_bone_that_grows_shows(tmp_path: Path) -> None:
    made = sequence()
    made["joints"][5][20][2] += 0.2  # a wrist
    assert measured(tmp_path, made)["metrics"]["bone_drift"] > 0.02


def test_the_goal_is_the_last_frame_of_the_input(tmp_path: Path) -> None:
    found = measured(tmp_path, sequence(), goal=sequence(frames=12))
    assert found["goal_frames"] == 12
    assert found["metrics"]["goal_start"] == pytest.approx(1.1)
    assert found["metrics"]["goal_distance"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ([1, 2], "holds a list"),
        (sequence(joints=[[[0.0, 0.0]]]), "ValueError"),
        (sequence(joints="none"), "Error"),
    ],
)
def test_an_unreadable_file_is_an_answer(tmp_path: Path, made: Any, problem: str) -> None:
    assert problem in measured(tmp_path, made)["problem"]


def test_a_missing_key_is_named_and_nothing_else_measured(tmp_path: Path) -> None:
    made = sequence()
    del made["joints"]
    found = measured(tmp_path, made)
    assert found["missing"] == ["joints"]
    assert found["metrics"] == {}


def test_the_digest_tells_motions_apart(tmp_path: Path) -> None:
    first = measured(tmp_path, sequence())["digest"]
    assert measured(tmp_path, sequence())["digest"] == first
    made = sequence()
    made["transl"][3][1] = 0.001
    assert measured(tmp_path, made)["digest"] != first


def test_nan_is_the_worst_of_all() -> None:
    assert math.isnan(vectors.worst(float("nan"), 1.0))
    assert math.isnan(vectors.worst(1.0, float("nan")))
    assert vectors.worst(1.0, 2.0) == 2.0


def test_the_skeleton_is_a_person() -> None:
    assert len(skeleton.PARENTS) == len(skeleton.offsets()) == skeleton.SMPLX_JOINTS
    assert all(parent < joint for joint, parent in enumerate(skeleton.PARENTS))
    heights: List[float] = []
    sides: List[float] = []
    for joint, parent in enumerate(skeleton.PARENTS):
        x, y, _ = skeleton.offsets()[joint]
        heights.append(y + (heights[parent] if parent >= 0 else 0.0))
        sides.append(x + (sides[parent] if parent >= 0 else 0.0))
    assert 1.3 < heights[15] - heights[10] < 1.7  # head above foot
    assert sides[1] > 0 > sides[2]  # left hip at +x
    assert 1.2 < sides[20] - sides[21] < 1.6  # wrist to wrist


def test_clips_tensors_are_those_of_vit_b_32() -> None:
    layout = {
        "embed": 512,
        "resolution": 224,
        "patch": 32,
        "vision_width": 768,
        "vision_layers": 12,
        "text_width": 512,
        "text_layers": 12,
        "context": 77,
        "vocabulary": 49408,
    }
    shapes = {name: shape for name, shape, _ in clip_archive.shapes(layout)}
    assert len(shapes) == 10 + 4 + 12 * 24
    assert shapes["transformer.resblocks.11.mlp.c_proj.weight"] == (512, 2048)
    assert shapes["visual.transformer.resblocks.0.attn.in_proj_weight"] == (2304, 768)
    assert shapes["visual.positional_embedding"] == (50, 768)
    numbers = sum(math.prod(shape) for shape in shapes.values())
    assert 151_200_000 < numbers < 151_400_000  # as published: 151.3 million


def test_the_launcher_gives_the_program_the_targets_own_path(tmp_path: Path) -> None:
    """A tree's module must win over ours of the same name."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "paths.py").write_text(
        "import measure\nfolder = measure.NAME\n", encoding="utf-8"
    )
    (tmp_path / "measure.py").write_text("NAME = 'the tree'\n", encoding="utf-8")
    request = tmp_path / "request.json"
    request.write_text(
        json.dumps({"packages": ["no-such"], "module": "config.paths", "name": "folder"}),
        encoding="utf-8",
    )
    answer = tmp_path / "answer.json"
    command = [sys.executable, str(INSIDE / "launcher.py"), "describe", str(request), str(answer)]
    subprocess.run(command, cwd=str(tmp_path), check=True, timeout=60)
    told = json.loads(answer.read_text(encoding="utf-8"))
    assert told["value"] == "the tree"
    assert told["problem"] is None
    assert told["versions"] == {}
