"""A primitive's numbers outside the graph: where a motion begins, and where it is cut.

The fused graph does all of this for whole primitives. A host needs it when a new prompt comes in
the middle of one: the frames shown last become the history. Formulas: zkf1997/DART
utils/smpl_utils.py (get_blended_feature, transform_primitive_to_world).
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from dartenv.bundle.contract import Bundle
from dartenv.motion.rotations import matrix_from_6d, six_from_matrix
from dartenv.motion.skeleton import Skeleton, forward_kinematics


class World(NamedTuple):
    """Where a primitive's frame lies: rotation [B, 3, 3], translation [B, 1, 3] in metres."""

    rotation: Any
    translation: Any


class Placed(NamedTuple):
    """Frames in the world: rotations [B, T, 22, 3, 3], translation [B, T, 3], joints [B, T, 22, 3]."""

    rotations: Any
    translation: Any
    joints: Any


class Features:
    """The layout and statistics of a bundle's frames."""

    def __init__(self, bundle: Bundle) -> None:
        self._layout = {f.name: slice(f.start, f.start + f.width) for f in bundle.features}
        self._order: List[str] = [f.name for f in sorted(bundle.features, key=lambda f: f.start)]
        self._mean = np.asarray(bundle.statistics.mean, dtype=np.float32)
        self._std = np.asarray(bundle.statistics.std, dtype=np.float32)
        self._joints = bundle.sizes.joints
        self._pelvis = np.asarray(bundle.skeleton.pelvis_offset, dtype=np.float32)

    def normalised(self, frames: Any) -> Any:
        """(value - mean) / std of frames [..., F]."""
        return ((frames - self._mean) / self._std).astype(np.float32)

    def denormalised(self, frames: Any) -> Any:
        """value * std + mean of frames [..., F]."""
        return (frames * self._std + self._mean).astype(np.float32)

    def split(self, frames: Any) -> Dict[str, Any]:
        """The parts of frames [B, T, F] by name."""
        return {name: frames[..., place] for name, place in self._layout.items()}

    def _poses(self, parts: Dict[str, Any]) -> Any:
        six = parts["poses_6d"]
        return matrix_from_6d(six.reshape(*six.shape[:-1], self._joints, 6))

    def placed(self, frames: Any, world: World) -> Placed:
        """Frames [B, T, F] in units, of the primitive at ``world``, in the world."""
        parts = self.split(frames)
        rotations = self._poses(parts)
        rotations[:, :, 0] = world.rotation[:, None] @ rotations[:, :, 0]
        turned = _turn(world.rotation, parts["transl"] + self._pelvis)
        joints = parts["joints"].reshape(*frames.shape[:2], self._joints, 3)
        return Placed(
            rotations,
            turned - self._pelvis + world.translation,
            _turn(world.rotation, joints) + world.translation[:, None],
        )

    def canonical(
        self, frames: Any, world: World, body: Optional[Skeleton] = None
    ) -> tuple[Any, World]:
        """(history [B, H, F] normalised, its world) of frames [B, H, F] in units, of the primitive
        at ``world``: the new origin is the first frame's pelvis, x along the floor from the left
        hip to the right one. With ``body`` joints come from the body model, else as predicted.
        """
        # In double: what is rounded here is divided by small spreads and carried through the whole motion.
        parts = self.split(np.asarray(frames, dtype=np.float64))
        poses = self._poses(parts)
        shape = (*frames.shape[:2], self._joints, 3)
        joints = parts["joints"].reshape(shape)
        if body is not None:
            joints = forward_kinematics(body, poses, parts["transl"])
        axes, origin = _heading(joints[:, 0])
        back = np.swapaxes(axes, 1, 2)
        delta = matrix_from_6d(parts["global_orient_delta_6d"])
        poses[:, :, 0] = back[:, None] @ poses[:, :, 0]
        new = {
            "transl": _turn(back, parts["transl"] + self._pelvis - origin) - self._pelvis,
            "poses_6d": parts["poses_6d"].copy(),
            "transl_delta": _turn(back, parts["transl_delta"]),
            "joints_delta": _turn(back, parts["joints_delta"].reshape(shape)),
            "global_orient_delta_6d": six_from_matrix(back[:, None] @ delta @ axes[:, None]),
            "joints": _turn(back, joints - origin[:, None]),
        }
        new["poses_6d"][..., :6] = six_from_matrix(poses[:, :, 0])
        if body is not None:
            _from_body(new, poses)
        flat = [new[name].reshape(*shape[:2], -1) for name in self._order]
        moved = _turn(world.rotation, origin) + world.translation
        turned = World(
            (world.rotation @ axes).astype(np.float32), np.asarray(moved, dtype=np.float32)
        )
        return self.normalised(np.concatenate(flat, axis=-1)), turned


def _from_body(new: Dict[str, Any], poses: Any) -> None:
    """Deltas between the known frames from the body model; the last ones stay as predicted."""
    six = six_from_matrix(poses)
    new["poses_6d"] = six.reshape(*six.shape[:2], -1)
    new["transl_delta"][:, :-1] = np.diff(new["transl"], axis=1)
    new["joints_delta"][:, :-1] = np.diff(new["joints"], axis=1)
    turned = poses[:, 1:, 0] @ np.swapaxes(poses[:, :-1, 0], -1, -2)
    new["global_orient_delta_6d"][:, :-1] = six_from_matrix(turned)


def _turn(rotation: Any, points: Any) -> Any:
    """Points [B, ..., 3] turned by one matrix a sample [B, 3, 3]."""
    flat = points.reshape(points.shape[0], -1, 3) @ np.swapaxes(rotation, 1, 2)
    return flat.reshape(points.shape)


def _heading(joints: Any) -> tuple[Any, Any]:
    """The axes [B, 3, 3] (columns) and origin [B, 1, 3] of joints [B, 22, 3]."""
    x = (joints[:, 2] - joints[:, 1]) * np.array([1.0, 1.0, 0.0], dtype=joints.dtype)
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    z = np.zeros_like(x)
    z[:, 2] = 1.0
    return np.stack([x, np.cross(z, x), z], axis=-1), joints[:, :1]
