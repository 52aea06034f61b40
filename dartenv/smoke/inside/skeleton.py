"""A human-like rest skeleton of our own numbers, and the frames that DART puts it in.

Joint order and parents are SMPL-X's first 55 (FACTS: smplx joint_names); the positions are ours:
an adult of 1.70 m in T-pose, metres, y up, facing +z, left at +x, pelvis near the origin.
"""

from typing import Any, Dict, List, Tuple

from . import heavy

PARENTS: List[int] = [
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19,  # body
    15, 15, 15,  # jaw, eyes
    20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35, 20, 37, 38,  # left hand
    21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50, 21, 52, 53,  # right hand
]  # fmt: skip

BODY_JOINTS = 22
SMPLX_JOINTS = 55
SMPLH_JOINTS = 52

_PELVIS = (0.0, -0.36, 0.0)

# Offset of each left or middle joint from its parent; right ones are mirrored.
_LEFT_OFFSETS: Dict[int, Tuple[float, float, float]] = {
    1: (0.06, -0.09, 0.0),  # hip
    4: (0.04, -0.38, 0.0),  # knee
    7: (-0.01, -0.40, -0.04),  # ankle
    10: (0.02, -0.06, 0.12),  # foot
    13: (0.08, 0.13, -0.01),  # collar
    16: (0.10, 0.03, -0.01),  # shoulder
    18: (0.26, -0.01, -0.01),  # elbow
    20: (0.25, 0.01, 0.0),  # wrist
}
_MIDDLE_OFFSETS: Dict[int, Tuple[float, float, float]] = {
    3: (0.0, 0.11, -0.02),  # spine1
    6: (0.0, 0.13, 0.01),  # spine2
    9: (0.0, 0.06, 0.03),  # spine3
    12: (0.0, 0.20, -0.03),  # neck
    15: (0.0, 0.09, 0.05),  # head
    22: (0.0, 0.02, 0.03),  # jaw
}
_RIGHT_OF: Dict[int, int] = {1: 2, 4: 5, 7: 8, 10: 11, 13: 14, 16: 17, 18: 19, 20: 21}
_EYE = (0.03, 0.07, 0.06)
_FINGER_ROOTS = (  # index, middle, pinky, ring, thumb
    (0.10, 0.0, 0.025),
    (0.105, 0.0, 0.0),
    (0.085, -0.005, -0.045),
    (0.095, 0.0, -0.025),
    (0.04, -0.01, 0.035),
)
_FINGER_STEPS = ((0.032, 0.0, 0.0), (0.022, 0.0, 0.0))


def offsets() -> List[Tuple[float, float, float]]:
    """Offset of every joint from its parent, shape [55, 3], metres."""
    found: Dict[int, Tuple[float, float, float]] = {0: _PELVIS}
    found.update(_MIDDLE_OFFSETS)
    for left, (x, y, z) in _LEFT_OFFSETS.items():
        found[left] = (x, y, z)
        found[_RIGHT_OF[left]] = (-x, y, z)
    found[23] = _EYE
    found[24] = (-_EYE[0], _EYE[1], _EYE[2])
    for first, sign in ((25, 1.0), (40, -1.0)):
        for finger, (x, y, z) in enumerate(_FINGER_ROOTS):
            joint = first + 3 * finger
            found[joint] = (sign * x, y, z)
            for step, (dx, dy, dz) in enumerate(_FINGER_STEPS):
                found[joint + 1 + step] = (sign * dx, dy, dz)
    return [found[joint] for joint in range(SMPLX_JOINTS)]


def rest_joints(scale: float = 1.0) -> Any:
    """Rest positions as a numpy array [55, 3], metres, y up; ``scale`` 1.0 is 1.70 m tall."""
    np = heavy.numpy()

    step = offsets()
    joints = np.zeros((SMPLX_JOINTS, 3))
    for joint, parent in enumerate(PARENTS):
        base = joints[parent] if parent >= 0 else np.zeros(3)
        joints[joint] = base + np.asarray(step[joint]) * scale
    return joints


def mean_features(scale: float = 1.0) -> Any:
    """DART's 276 features of the standing skeleton in its own canonical frame, float64 [276].

    The frame has the pelvis at the origin, x to the body's right, y forward, z up. Order:
    translation 3, 22 rotations in 6D (first two rows) 132, translation delta 3, orientation
    delta 6, joints 66, joint deltas 66.
    """
    np = heavy.numpy()

    turn = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])  # rest -> canonical
    joints = rest_joints(scale)[:BODY_JOINTS]
    pelvis = joints[0]
    identity = np.eye(3)[:2].reshape(-1)
    return np.concatenate(
        [
            -pelvis,
            turn[:2].reshape(-1),
            np.tile(identity, BODY_JOINTS - 1),
            np.zeros(3),
            identity,
            ((joints - pelvis) @ turn.T).reshape(-1),
            np.zeros(3 * BODY_JOINTS),
        ]
    )
