"""One frame as every receiver gets it, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dartenv.motion.rotations import quaternion_from_matrix
from dartenv.motion.skeleton import Skeleton, forward_kinematics


@dataclass(frozen=True)
class LiveFrame:
    """A frame in DART's world (right-handed, z up, metres).

    ``number`` counts from 0 since the start and never falls; ``prompt`` is the number of the prompt
    it shows. ``rotations`` [22, 3, 3] and ``translation`` [3] as in
    :class:`dartenv.runtime.stream.Frame`; ``quaternions`` [22, 4] are the same rotations as
    (w, x, y, z); ``places`` [22, 3] are the joints by forward kinematics, ``places[0]`` the pelvis.
    ``due`` is the time at which it was given out, seconds since 1970.
    """

    number: int
    prompt: int
    text: str
    rotations: Any
    translation: Any
    quaternions: Any
    places: Any
    due: float = 0.0


def live_frame(
    number: int, prompt: int, text: str, rotations: Any, translation: Any, skeleton: Skeleton
) -> LiveFrame:
    """The frame of ``rotations`` and ``translation`` on ``skeleton``."""
    return LiveFrame(
        number,
        prompt,
        text,
        rotations,
        translation,
        quaternion_from_matrix(rotations),
        forward_kinematics(skeleton, rotations, translation),
    )


def is_sound(frame: LiveFrame) -> bool:
    """Whether every number of it is one."""
    return bool(np.isfinite(frame.quaternions).all() and np.isfinite(frame.places).all())
