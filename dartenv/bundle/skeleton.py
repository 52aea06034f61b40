"""Joint names of SMPL-X and SMPL-H, in the order of their body models' kinematic trees.

Source: the published models of smpl-x.is.tue.mpg.de and mano.is.tue.mpg.de (vchoutas/smplx
joint_names.py). The first 22 are the body, the same in both.
"""

from __future__ import annotations

from typing import List

BODY = [
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
]
FACE = ["jaw", "left_eye_smplhf", "right_eye_smplhf"]


def _hand(side: str) -> List[str]:
    fingers = ("index", "middle", "pinky", "ring", "thumb")
    return [f"{side}_{finger}{number}" for finger in fingers for number in (1, 2, 3)]


HANDS = [*_hand("left"), *_hand("right")]


def joint_names(count: int) -> List[str]:
    """The names of a body model's ``count`` joints: 55 (SMPL-X), 52 (SMPL-H) or 22."""
    names = {22: BODY, 52: [*BODY, *HANDS], 55: [*BODY, *FACE, *HANDS]}
    return list(names.get(count, [*BODY, *(f"joint_{i}" for i in range(22, count))]))
