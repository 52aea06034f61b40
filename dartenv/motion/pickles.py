"""Motions that DART's own programs wrote (sample_0.pkl), read without running what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.motion import Motion
from dartenv.motion.skeleton import BODY_JOINTS, Skeleton


def read_dart_pickle(path: Path, skeleton: Skeleton, fps: float) -> Motion:
    """The motion in a pickle of mld.rollout_mld, mld.optim_mld and the like.

    Its pickle names neither rate nor rest joints: ``skeleton`` and ``fps`` come from the bundle or
    body model. Raises UsageFault: not there, a pickle whose loading would run anything (never
    loaded), entries missing or of another shape.
    """
    from dartenv.assets.arrays import read_pickle

    found = read_pickle(path)
    wanted = {"transl": (3,), "global_orient": (3, 3), "body_pose": (BODY_JOINTS - 1, 3, 3)}
    if not isinstance(found, dict) or any(name not in found for name in wanted):
        names = ", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise UsageFault(
            f"{path}: holds {names[:120]}", "transl, global_orient and body_pose, as DART writes"
        )
    frames = np.shape(found["transl"])[0] if np.ndim(found["transl"]) else 0
    arrays: Dict[str, Any] = {}
    for name, shape in wanted.items():
        arrays[name] = np.asarray(found[name], dtype=np.float64)
        if arrays[name].shape != (frames, *shape):
            raise UsageFault(
                f"{path}: {name} of shape {arrays[name].shape}",
                f"[frames, {', '.join(map(str, shape))}] with {frames} frames, as DART writes",
            )
    joints = found.get("joints")
    if joints is not None and np.size(joints) == frames * BODY_JOINTS * 3:
        joints = np.asarray(joints, dtype=np.float64).reshape(frames, BODY_JOINTS, 3)
    else:
        joints = None
    rotations = np.concatenate([arrays["global_orient"][:, None], arrays["body_pose"]], axis=1)
    texts = found.get("texts")
    return Motion(
        skeleton,
        rotations,
        arrays["transl"],
        fps,
        joints,
        _spread(texts, found, frames) if isinstance(texts, list) else (),
    )


def _spread(texts: Any, found: Dict[str, Any], frames: int) -> Any:
    """The text of each frame: DART keeps one a primitive, and the seed's frames before them."""
    future = found.get("future_length")
    seed = found.get("history_length")
    if type(future) is not int or type(seed) is not int or not texts or future < 1:
        return ()
    places = [min(max(0, (frame - seed) // future), len(texts) - 1) for frame in range(frames)]
    return tuple(str(texts[place]) for place in places)
