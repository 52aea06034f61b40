"""Rotations, forward kinematics and the first history in numpy, for what is worked out once.

Formulas: zkf1997/DART utils/smpl_utils.py (canonicalize, calc_features), pytorch3d's transforms
for the six-number rotation (Zhou et al. 2019: the first two rows of the matrix).
"""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

import numpy as np


def axis_angle_to_matrix(vectors: Any) -> Any:
    """Rotation matrices [..., 3, 3] of axis times angle in radians [..., 3]."""
    vectors = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = cross.reshape((*vectors.shape[:-1], 3, 3))
    # sinc(a / pi) is sin(a) / a, whole at 0
    half = np.sinc(angle / (2.0 * np.pi))
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * half * half * (cross @ cross)


def joints_of(rest: Any, parents: Sequence[int], rotations: Any, transl: Any) -> Any:
    """Joints [T, J, 3] by forward kinematics; ``transl`` is added after all rotations.

    ``rest`` [J, 3] in metres, ``rotations`` [T, J, 3, 3], ``transl`` [T, 3].
    """
    turned, joints = [rotations[:, 0]], [np.broadcast_to(rest[0], transl.shape)]
    for joint in range(1, len(parents)):
        parent = parents[joint]
        offset = rest[joint] - rest[parent]
        joints.append(joints[parent] + turned[parent] @ offset)
        turned.append(turned[parent] @ rotations[:, joint])
    return np.stack(joints, axis=1) + transl[:, None]


def heading_frame(joints: Any) -> Tuple[Any, Any]:
    """The frame [3, 3] (axes as columns) and origin [3] of one body's joints [J, 3].

    The origin is the pelvis (joint 0), z is up, x runs along the floor from the left hip (1) to
    the right one (2).
    """
    x = joints[2] - joints[1]
    x = np.array([x[0], x[1], 0.0])
    x = x / np.linalg.norm(x)
    z = np.array([0.0, 0.0, 1.0])
    return np.stack([x, np.cross(z, x), z], axis=1), joints[0]


def first_features(motion: Dict[str, Any], rest: Any, parents: Sequence[int], frames: int) -> Any:
    """Features [frames, 276] of the first frames of a motion, in the frame of its first body.

    ``motion`` holds transl [T, 3], global_orient and body_pose as axis-angle or matrices. Each
    delta is the next frame less this one, so ``frames`` + 1 are read; the last one is repeated
    where there are fewer.
    """
    transl = _padded(np.asarray(motion["transl"], dtype=np.float64), frames + 1)
    orient = _matrices(motion["global_orient"], 1, frames + 1)
    rotations = np.concatenate([orient, _matrices(motion["body_pose"], 21, frames + 1)], axis=1)
    axes, origin = heading_frame(joints_of(rest, parents, rotations[:1], transl[:1])[0])
    rotations[:, 0] = axes.T @ rotations[:, 0]
    # rotating about the pelvis: it lies rest[0] away from transl
    transl = (transl + rest[0] - origin) @ axes - rest[0]
    joints = joints_of(rest, parents, rotations, transl)
    turn = rotations[1:, 0] @ np.swapaxes(rotations[:-1, 0], 1, 2)
    parts = [
        transl[:-1],
        rotations[:-1, :, :2].reshape(frames, -1),
        transl[1:] - transl[:-1],
        turn[:, :2].reshape(frames, 6),
        joints[:-1].reshape(frames, -1),
        (joints[1:] - joints[:-1]).reshape(frames, -1),
    ]
    return np.concatenate(parts, axis=1)


def _matrices(value: Any, joints: int, frames: int) -> Any:
    value = np.asarray(value, dtype=np.float64)
    if value.size == value.shape[0] * joints * 9:
        matrices = value.reshape(-1, joints, 3, 3)
    else:
        matrices = axis_angle_to_matrix(value.reshape(-1, joints, 3))
    return _padded(matrices, frames)


def _padded(value: Any, frames: int) -> Any:
    missing = max(0, frames - value.shape[0])
    return np.concatenate([value, np.repeat(value[-1:], missing, axis=0)])[:frames].copy()
