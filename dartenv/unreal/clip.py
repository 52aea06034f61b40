"""Motions of every kind that dartenv and DART write, on the skeleton of one body."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.motion import UPS, Y_UP_OF_Z_UP, Motion, resample
from dartenv.motion.poses import Poses
from dartenv.motion.skeleton import Skeleton
from dartenv.unreal.smplx import BodyModel

KINDS = (".npz", ".bvh", ".pkl")
_FPS = 30.0  # DART's rate on BABEL; on HumanML3D it is 20
_MOST_BETA = 10.0  # as --betas has it
_FAR = 0.01  # metres between a BVH's bones and the body's that are worth a word


@dataclass(frozen=True)
class Options:
    """``up`` of the motion's world (None: what the file says, else its kind's), ``rate`` of a file
    that names none, ``fps`` to resample to, ``betas`` instead of the file's."""

    up: Optional[str] = None
    rate: Optional[float] = None
    fps: Optional[float] = None
    betas: Optional[Tuple[float, ...]] = None


@dataclass(frozen=True)
class Clip:
    """A motion, z up, and how its file was read, in words."""

    motion: Motion
    about: str
    notes: Tuple[str, ...] = ()


def read_clip(
    path: Path, model: Optional[BodyModel], skeleton: Optional[Skeleton], options: Options
) -> Clip:
    """The motion at ``path`` on ``model``'s skeleton with the motion's betas, or on ``skeleton``.

    Raises UsageFault: another kind of file, a wrong one, no skeleton where the file has none.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UsageFault(f"{path}", "a motion: " + ", ".join(KINDS))
    if options.up is not None and options.up not in UPS:
        raise UsageFault(f"--up {options.up}", "z or y")
    for name, rate in (("--rate", options.rate), ("--fps", options.fps)):
        if rate is not None and not 1 <= rate <= 1000:
            raise UsageFault(f"{name} {rate:g}", "1 to 1000; DART's own are 30 and 20")
    if kind == ".bvh":
        clip = _bvh(path, model, skeleton, options)
    elif model is None and skeleton is None:
        raise UsageFault(
            f"{path}: a {kind} has rotations, but no bones",
            "the body model that it moves, or the bundle that made it",
            "--smplx SMPLX_MALE.npz",
        )
    else:
        poses = _pickle(path) if kind == ".pkl" else _npz(path)
        clip = _on_bones(path, poses, model, skeleton, options)
    return replace(clip, motion=resample(clip.motion, options.fps or clip.motion.fps))


def _npz(path: Path) -> Poses:
    from dartenv.motion.npz_read import read_npz

    return read_npz(path)


def _pickle(path: Path) -> Poses:
    """DART's own, whose texts are left behind: they stand in its rollout's folder name."""
    from dartenv.motion.pickles import read_dart_poses

    return read_dart_poses(path)


def _on_bones(
    path: Path,
    poses: Poses,
    model: Optional[BodyModel],
    skeleton: Optional[Skeleton],
    options: Options,
) -> Clip:
    notes = []
    if model is not None:
        known = model.shape.shape[2]
        betas = poses.betas[:known] if options.betas is None else options.betas
        if options.betas is None and max(map(abs, betas), default=0) > _MOST_BETA:
            raise UsageFault(
                f"{path}: betas up to {max(map(abs, betas)):.3g}",
                f"within {_MOST_BETA:g}; people lie within 3 or so",
                "--betas 0 takes the model's own shape",
            )
        skeleton = model.skeleton(betas if any(betas) else ())
        if poses.gender in ("male", "female") and model.gender not in (poses.gender, "neutral"):
            notes.append(f"the motion is of a {poses.gender} body, the body model {model.gender}")
        if any(betas):
            shown = ",".join(f"{beta:.6g}" for beta in np.trim_zeros(betas, "b"))
            notes.append(f"bones of --betas={shown}, which the body wants too")
    if skeleton is None:
        raise UsageFault(f"{path}: no bones", "a body model", "--smplx SMPLX_MALE.npz")
    rate, up = poses.fps or options.rate, options.up or poses.up or "z"
    if rate is None:
        rate = _FPS
        notes.append(f"the file names no rate: {_FPS:g} frames a second taken, --rate for another")
    rotations, translation = poses.rotations, poses.translation
    if up == "y":
        rotations = rotations.copy()
        rotations[:, 0] = Y_UP_OF_Z_UP.T @ rotations[:, 0]
        translation = (translation + skeleton.pelvis) @ Y_UP_OF_Z_UP - skeleton.pelvis
    rotations = rotations[:, : len(skeleton.names)]
    motion = Motion(skeleton, rotations, translation, rate, label=poses.label)
    about = f"{path.name}: {len(motion)} frames at {rate:g} a second, {up} up"
    return Clip(motion, about, tuple(notes))


def _bvh(
    path: Path, model: Optional[BodyModel], skeleton: Optional[Skeleton], options: Options
) -> Clip:
    from dartenv.motion.bvh_read import read_bvh

    if model is not None:
        skeleton = model.skeleton(options.betas or ())
    if skeleton is None:
        motion, about = read_bvh(path, options.up)
        return Clip(motion, f"{path.name}: {about}", ("the bones are the BVH's own",))
    motion, about = read_bvh(path, options.up, skeleton.pelvis)
    count = min(len(skeleton.names), len(motion.skeleton.names))
    gap = np.abs(motion.skeleton.offsets[1:count] - skeleton.offsets[1:count]).max()
    notes: Tuple[str, ...] = ()
    if gap > _FAR:
        notes = (
            f"the BVH's bones differ from the body's by up to {100 * gap:.1f} cm; the body's count",
        )
    rotations = motion.rotations[:, : len(skeleton.names)]
    moved = replace(motion, skeleton=skeleton, rotations=rotations)
    return Clip(moved, f"{path.name}: {about}", notes)
