"""Quaternions (w, x, y, z) of the sandbox."""

import numpy as np

# This line is a fault the sandbox carries on purpose: numpy 1.24 removed the alias.
SMALLEST_STEP = np.finfo(np.float).eps


def quaternion_product(first, second):
    """The rotation ``second`` followed by ``first``; arrays [..., 4]."""
    w1, v1 = first[..., :1], first[..., 1:]
    w2, v2 = second[..., :1], second[..., 1:]
    w = w1 * w2 - (v1 * v2).sum(axis=-1, keepdims=True)
    v = w1 * v2 + w2 * v1 + np.cross(v1, v2)
    return np.concatenate([w, v], axis=-1)


def yaw_of(quaternion):
    """Angle about z in radians of arrays [..., 4]."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    return np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z) + SMALLEST_STEP)
