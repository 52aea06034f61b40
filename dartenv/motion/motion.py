"""A motion: rotations and translation over time, its frame of reference and its rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Optional, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.rotations import slerp
from dartenv.motion.skeleton import BODY_JOINTS, Skeleton, forward_kinematics

UPS = ("z", "y")
# World z-up to world y-up: x stays, z becomes y, y becomes -z.
Y_UP_OF_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@dataclass(frozen=True)
class Motion:
    """``rotations`` [T, J, 3, 3]: the root's in the world, the others' relative to their parents.
    ``translation`` [T, 3] in metres: SMPL's transl, so the pelvis lies at translation + rest[0].
    ``joints`` [T, 22, 3]: what a network predicted, if it did. ``fps`` frames a second; ``texts``
    what each frame was asked to show; ``label`` says what a sandbox's or stand-in's motion is."""

    skeleton: Skeleton
    rotations: Any
    translation: Any
    fps: float
    joints: Optional[Any] = None
    texts: Tuple[str, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        frames = np.shape(self.rotations)[0] if np.ndim(self.rotations) == 4 else -1
        if frames < 1 or np.shape(self.rotations)[2:] != (3, 3):
            raise UsageFault(
                f"rotations of shape {np.shape(self.rotations)}", "[frames, joints, 3, 3]"
            )
        if np.shape(self.translation) != (frames, 3):
            raise UsageFault(f"translation of shape {np.shape(self.translation)}", f"[{frames}, 3]")
        if not (np.isfinite(self.rotations).all() and np.isfinite(self.translation).all()):
            raise UsageFault("a motion with values that are no numbers", "finite rotations")
        if not self.fps > 0:
            raise UsageFault(f"{self.fps} frames a second", "more than none")

    def __len__(self) -> int:
        return int(np.shape(self.rotations)[0])

    @property
    def seconds(self) -> float:
        """How long it is, frame for frame."""
        return len(self) / self.fps

    def positions(self) -> Any:
        """Joint positions [T, J, 3] in metres by forward kinematics."""
        return forward_kinematics(self.skeleton, self.rotations, self.translation)


def resample(motion: Motion, fps: float) -> Motion:
    """The same motion at another rate: rotations along the shortest arc, positions in a line.

    The first frame stays; the last new frame lies at or before the last old one.
    """
    if not 1 <= fps <= 1000:
        raise UsageFault(f"{fps:g} frames a second", "1 to 1000; DART's own are 30 and 20")
    if fps == motion.fps:
        return motion
    count = int((len(motion) - 1) * fps / motion.fps + 1e-9) + 1
    times = np.arange(count) * motion.fps / fps
    low = np.minimum(times.astype(np.int64), len(motion) - 1)
    high = np.minimum(low + 1, len(motion) - 1)
    share = times - low

    def line(values: Any) -> Any:
        values = np.asarray(values, dtype=np.float64)
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return values[low] * (1 - weight) + values[high] * weight

    rotations = np.asarray(motion.rotations, dtype=np.float64)
    return replace(
        motion,
        rotations=slerp(rotations[low], rotations[high], share[:, None]),
        translation=line(motion.translation),
        joints=None if motion.joints is None else line(motion.joints),
        texts=tuple(motion.texts[i] for i in low) if motion.texts else (),
        fps=fps,
    )


def in_up(motion: Motion, up: str) -> Tuple[Any, Any]:
    """(rotations, translation) of a z-up motion in a world with ``up`` z or y. UsageFault: other.

    Only the world turns: the body model's own frame stays y up, as SMPL's is.
    """
    rotations = np.asarray(motion.rotations, dtype=np.float64)
    translation = np.asarray(motion.translation, dtype=np.float64)
    if up not in UPS:
        raise UsageFault(f"up {up!r}", "z (DART, AMASS, Blender, Unreal) or y (most BVH, Maya)")
    if up == "z":
        return rotations, translation
    turned = rotations.copy()
    turned[:, 0] = Y_UP_OF_Z_UP @ rotations[:, 0]
    pelvis = motion.skeleton.pelvis
    return turned, (translation + pelvis) @ Y_UP_OF_Z_UP.T - pelvis


def body_of(motion: Motion) -> Any:
    """Rotations [T, 22, 3, 3] of the body alone."""
    return motion.rotations[:, :BODY_JOINTS]
