"""A body like SMPL-X's and motions on it; skipped where numpy is not installed."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")


@pytest.fixture
def body():
    """A skeleton of 55 joints with rest positions that are all different."""
    from dartenv.motion.skeleton import PARENTS_55, of_rest_joints

    generator = np.random.default_rng(5)
    rest = np.zeros((55, 3))
    rest[0] = [0.003, -0.35, 0.012]
    for joint in range(1, 55):
        rest[joint] = rest[PARENTS_55[joint]] + generator.uniform(-0.3, 0.3, 3)
    return of_rest_joints(rest, "male", (0.1,) * 10)


@pytest.fixture
def tumbling(body):
    """12 frames at 30 fps in which every body joint turns in every way, gimbal lock included."""
    from dartenv.motion.motion import Motion
    from dartenv.motion.rotations import matrix_from_euler, matrix_from_quaternion

    generator = np.random.default_rng(6)
    rotations = matrix_from_quaternion(generator.standard_normal((12, 22, 4)))
    rotations[3] = matrix_from_euler(np.full((22, 3), np.pi / 2), "ZXY")
    rotations[4] = matrix_from_euler(np.tile([0.3, -np.pi / 2, 0.4], (22, 1)), "ZXY")
    rotations[5] = np.eye(3)
    translation = generator.uniform(-3, 3, (12, 3))
    return Motion(body, rotations, translation, 30, texts=("tumble",) * 12)
