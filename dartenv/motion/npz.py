"""npz in the layout of AMASS, which the SMPL-X Blender add-on reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import numpy as np

from dartenv.motion.motion import Motion, in_up
from dartenv.motion.rotations import axis_angle_from_matrix
from dartenv.motion.skeleton import ALL_JOINTS, BODY_JOINTS, fill_rest
from dartenv.whole import whole_file

# The add-on and AMASS know ten shape numbers for bodies made like DART's.
BETAS = 10


def amass_arrays(motion: Motion, up: str = "z") -> Dict[str, Any]:
    """What the file holds: poses [T, 165] axis-angle in radians, trans [T, 3] in metres, betas
    [10], gender, surface_model_type, and the rate under both names in use (mocap_framerate as
    DART and the add-on have it, mocap_frame_rate as AMASS for SMPL-X has it).

    Source of the names: zkf1997/DART mld/rollout_mld.py (export_smpl), AMASS SMPL-X npz files.
    """
    rotations, translation = in_up(motion, up)
    joints = ALL_JOINTS if motion.skeleton.body == "smplx" else 52
    poses = axis_angle_from_matrix(fill_rest(rotations, joints)).reshape(len(motion), -1)
    betas: Any = np.zeros(BETAS, dtype=np.float32)
    known = np.asarray(motion.skeleton.betas[:BETAS], dtype=np.float32)
    betas[: known.size] = known
    body = 3 * BODY_JOINTS
    arrays = {
        "poses": poses.astype(np.float32),
        "root_orient": poses[:, :3].astype(np.float32),
        "pose_body": poses[:, 3:body].astype(np.float32),
        "trans": translation.astype(np.float32),
        "betas": betas,
        "gender": np.array(motion.skeleton.gender),
        "surface_model_type": np.array(motion.skeleton.body),
        "mocap_framerate": np.array(float(motion.fps)),
        "mocap_frame_rate": np.array(float(motion.fps)),
        "up_axis": np.array(up),
    }
    if motion.label:
        arrays["label"] = np.array(motion.label)
    return arrays


def write_npz(motion: Motion, path: Path, up: str = "z") -> None:
    """Write ``motion``. Raises UsageFault: a wrong ``up``, a place that cannot be written."""
    arrays = amass_arrays(motion, up)
    with whole_file(path) as part, part.open("wb") as stream:
        np.savez(stream, **arrays)
