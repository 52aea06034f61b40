"""Rotations between matrix, quaternion, axis-angle, Euler angles and DART's six numbers.

Every function takes arrays with any leading dimensions. Matrices act on column vectors;
quaternions are (w, x, y, z) with w >= 0; angles are radians unless a name says degrees; Euler
angles are intrinsic: order "ZXY" means R = Rz(a) Rx(b) Ry(c), as BVH's channels read left to right.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
_NEAR = 1e-6


def matrix_from_6d(six: Any) -> Any:
    """Matrices [..., 3, 3] of their first two rows [..., 6], made orthonormal in that order.

    Source: zkf1997/DART utils/smpl_utils.py, after Zhou et al., arXiv 1812.07035.
    """
    six = np.asarray(six)
    first = _unit(six[..., :3])
    second = six[..., 3:] - (first * six[..., 3:]).sum(-1, keepdims=True) * first
    second = _unit(second)
    return np.stack([first, second, np.cross(first, second)], axis=-2)


def six_from_matrix(matrix: Any) -> Any:
    """The first two rows of matrices, [..., 6]."""
    matrix = np.asarray(matrix)
    return matrix[..., :2, :].reshape(*matrix.shape[:-2], 6)


def _unit(vectors: Any) -> Any:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-12)


def quaternion_from_matrix(matrix: Any) -> Any:
    """Unit quaternions [..., 4] (w, x, y, z), w >= 0, of rotation matrices.

    Of the four forms that there are, the one with the largest divisor is taken for each matrix, so
    half turns lose no digits.
    """
    m = np.asarray(matrix, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    zy, xz, yx = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    xy, xz_, yz = (
        m[..., 0, 1] + m[..., 1, 0],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 2] + m[..., 2, 1],
    )
    forms = np.stack(
        [
            np.stack([1 + xx + yy + zz, zy, xz, yx], axis=-1),
            np.stack([zy, 1 + xx - yy - zz, xy, xz_], axis=-1),
            np.stack([xz, xy, 1 - xx + yy - zz, yz], axis=-1),
            np.stack([yx, xz_, yz, 1 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    diagonal = np.stack([forms[..., i, i] for i in range(4)], axis=-1)
    best = diagonal.argmax(axis=-1)
    chosen = np.take_along_axis(forms, best[..., None, None], axis=-2)[..., 0, :]
    chosen = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    return np.where(chosen[..., :1] < 0, -chosen, chosen)


def matrix_from_quaternion(quaternion: Any) -> Any:
    """Rotation matrices of quaternions (w, x, y, z), which need not have length one."""
    q = np.asarray(quaternion, dtype=np.float64)
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    w, x, y, z = (q[..., i] for i in range(4))
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def axis_angle_from_matrix(matrix: Any) -> Any:
    """Axis times angle [..., 3] in radians, the angle between 0 and pi, as SMPL's poses are."""
    q = quaternion_from_matrix(matrix)
    length = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, q[..., :1])
    small = length < 1e-9
    return q[..., 1:] * np.where(small, 2.0, angle / np.where(small, 1.0, length))


def matrix_from_axis_angle(vectors: Any) -> Any:
    """Rotation matrices of axis times angle [..., 3]."""
    vectors = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    # sin(a/2)/a, which is 1/2 - a^2/48 near nothing
    small = angle < 1e-4
    ratio = np.where(small, 0.5 - angle**2 / 48, np.sin(angle / 2) / np.where(small, 1.0, angle))
    return matrix_from_quaternion(np.concatenate([np.cos(angle / 2), vectors * ratio], axis=-1))


def _axes(order: str) -> Tuple[List[int], float]:
    if order not in ORDERS:
        raise ValueError(f"Euler order {order!r}, expected one of {', '.join(ORDERS)}")
    i, j, k = ("XYZ".index(axis) for axis in order)
    return [i, j, k], 1.0 if (j - i) % 3 == 1 else -1.0


def matrix_from_euler(angles: Any, order: str) -> Any:
    """Rotation matrices of intrinsic Euler angles [..., 3] in radians. ValueError: the order."""
    angles = np.asarray(angles, dtype=np.float64)
    axes, _ = _axes(order)
    made = [_about(axis, angles[..., place]) for place, axis in enumerate(axes)]
    return made[0] @ made[1] @ made[2]


def _about(axis: int, angle: Any) -> Any:
    matrix = np.zeros((*np.shape(angle), 3, 3))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1
    matrix[..., one, one] = matrix[..., two, two] = np.cos(angle)
    matrix[..., one, two] = -np.sin(angle)
    matrix[..., two, one] = np.sin(angle)
    return matrix


def euler_from_matrix(matrix: Any, order: str) -> Any:
    """Intrinsic Euler angles [..., 3] in radians, the middle one within a quarter turn.

    Where the middle angle is a quarter turn the first and last turn about one line; the last is
    then zero. ValueError: the order.
    """
    m = np.asarray(matrix, dtype=np.float64)
    (i, j, k), sign = _axes(order)
    flat = np.hypot(m[..., i, i], m[..., i, j])
    middle = np.arctan2(sign * m[..., i, k], flat)
    locked = flat < _NEAR
    first = np.where(
        locked,
        np.arctan2(sign * m[..., k, j], m[..., j, j]),
        np.arctan2(-sign * m[..., j, k], m[..., k, k]),
    )
    last = np.where(locked, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    return np.stack([first, middle, last], axis=-1)


def nearest_euler(angles: Any, before: Any) -> Any:
    """The angles of the same rotations that lie nearest to ``before``, both [..., 3] in radians.

    A program that interpolates between frames does not spin then where an angle passes half a turn.
    """
    angles = np.asarray(angles, dtype=np.float64)
    other = np.stack(
        [angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], axis=-1
    )
    turn = 2 * np.pi
    near = [form - turn * np.round((form - before) / turn) for form in (angles, other)]
    far = [np.abs(form - before).sum(axis=-1, keepdims=True) for form in near]
    return np.where(far[1] < far[0], near[1], near[0])


def slerp(start: Any, end: Any, share: Any) -> Any:
    """Rotation matrices between two, the short way round; ``share`` [...] from 0 to 1."""
    one, two = quaternion_from_matrix(start), quaternion_from_matrix(end)
    dot = (one * two).sum(-1, keepdims=True)
    two = np.where(dot < 0, -two, two)
    dot = np.clip(np.abs(dot), 0.0, 1.0)
    angle = np.arccos(dot)
    sine = np.sin(angle)
    share = np.asarray(share, dtype=np.float64)[..., None]
    close = sine < _NEAR
    safe = np.where(close, 1.0, sine)
    left = np.where(close, 1 - share, np.sin((1 - share) * angle) / safe)
    right = np.where(close, share, np.sin(share * angle) / safe)
    return matrix_from_quaternion(left * one + right * two)
