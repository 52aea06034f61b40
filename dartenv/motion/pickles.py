"""Motions that DART's own programs wrote (sample_0.pkl), read without running what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.motion import Motion
from dartenv.motion.poses import Poses, check_numbers, check_rate
from dartenv.motion.skeleton import BODY_JOINTS, Skeleton

_WANTED = {"transl": (3,), "global_orient": (3, 3), "body_pose": (BODY_JOINTS - 1, 3, 3)}
_KNOWN = (*_WANTED, "joints", "texts", "betas", "gender")
_NUMBERS = ("future_length", "history_length", "mocap_framerate")
# Networks' rotations are orthonormal to 1e-6; what is further off than this is none.
_SKEW = 1e-2


def read_dart_pickle(path: Path, skeleton: Skeleton, fps: float) -> Motion:
    """The motion in a pickle of mld.rollout_mld, mld.optim_mld and the like.

    Its pickle names no rest joints, and seldom a rate: ``skeleton`` and ``fps`` come from the bundle or
    body model. Raises UsageFault: not there, a pickle whose loading would run anything (never
    loaded), entries missing, of another shape, or with values that are no rotations or places.
    """
    found, arrays = _read(path)
    frames = len(arrays["transl"])
    joints = found.get("joints")
    if _is_numbers(joints) and np.size(joints) == frames * BODY_JOINTS * 3:
        joints = np.asarray(joints, dtype=np.float64).reshape(frames, BODY_JOINTS, 3)
    else:
        joints = None
    texts = found.get("texts")
    return Motion(
        skeleton,
        _rotations(arrays),
        arrays["transl"],
        fps,
        joints,
        _spread(texts, found, frames) if isinstance(texts, list) else (),
    )


def read_dart_poses(path: Path) -> Poses:
    """The same without a body, with the betas of its first frame. UsageFault likewise, and for a rate
    or betas that cannot be."""
    found, arrays = _read(path)
    betas: Any = np.zeros(0)
    if found.get("betas") is not None:
        betas = check_numbers(path, "betas", found["betas"])
        betas = betas.reshape(-1, betas.shape[-1])[0] if betas.size and betas.ndim else np.zeros(0)
    gender = found.get("gender")
    return Poses(
        rotations=_rotations(arrays),
        translation=arrays["transl"],
        fps=_rate(path, found.get("mocap_framerate")),
        up=None,
        gender=gender if isinstance(gender, str) else "neutral",
        betas=tuple(float(beta) for beta in betas),
        label="",
    )


def _read(path: Path) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """(what the pickle holds, the arrays of a motion in it). UsageFault as above."""
    from dartenv.assets.arrays import read_pickle

    # mld.optim_scene_mld adds paths and goals, and the control tests tensors of their own.
    found = read_pickle(path, only=(*_KNOWN, *_NUMBERS))
    if not isinstance(found, dict) or any(name not in found for name in _WANTED):
        names = ", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise UsageFault(
            f"{path}: holds {names[:120]}", "transl, global_orient and body_pose, as DART writes"
        )
    arrays: Dict[str, Any] = {name: check_numbers(path, name, found[name]) for name in _WANTED}
    frames = len(arrays["transl"]) if arrays["transl"].ndim else 0
    for name, shape in _WANTED.items():
        if arrays[name].shape != (frames, *shape) or not frames:
            raise UsageFault(
                f"{path}: {name} of shape {arrays[name].shape}",
                f"[frames, {', '.join(map(str, shape))}] with {frames or 'some'} frames, "
                "as DART writes",
            )
    for name in ("global_orient", "body_pose"):
        turns = arrays[name].reshape(-1, 3, 3)
        skew = np.abs(turns @ turns.transpose(0, 2, 1) - np.eye(3)).max()
        if skew > _SKEW or np.linalg.det(turns).min() < 0:
            raise UsageFault(
                f"{path}: {name} holds matrices that are no rotations",
                "rotation matrices, as DART writes",
            )
    return found, arrays


def _rotations(arrays: Dict[str, Any]) -> Any:
    return np.concatenate([arrays["global_orient"][:, None], arrays["body_pose"]], axis=1)


def _is_numbers(values: Any) -> bool:
    return values is not None and np.asarray(values).dtype.kind in "fiu"


def _rate(path: Path, value: Any) -> Optional[float]:
    if value is None:
        return None
    rate = check_numbers(path, "mocap_framerate", value)
    if rate.size != 1:
        raise UsageFault(f"{path}: mocap_framerate of shape {rate.shape}", "one number")
    return check_rate(path, "mocap_framerate", float(rate.reshape(-1)[0]))


def _spread(texts: Any, found: Dict[str, Any], frames: int) -> Any:
    """The text of each frame: DART keeps one a primitive, and the seed's frames before them."""
    future = found.get("future_length")
    seed = found.get("history_length")
    if type(future) is not int or type(seed) is not int or not texts or future < 1:
        return ()
    places = [min(max(0, (frame - seed) // future), len(texts) - 1) for frame in range(frames)]
    return tuple(str(texts[place]) for place in places)
