"""Motions in AMASS's npz layout, of SMPL-X or SMPL-H, read as data."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.motion import UPS
from dartenv.motion.poses import Poses, check_numbers, check_rate
from dartenv.motion.rotations import matrix_from_axis_angle
from dartenv.motion.skeleton import ALL_JOINTS, BODY_JOINTS, fill_rest

_LAYOUT = "AMASS's layout: poses or root_orient and pose_body, and trans"
_FACE = (22, 25)  # jaw and eyes, which SMPL-H has not
_HANDS = 30
# Both occur: DART's and the add-on's, AMASS's for SMPL-X, AMASS's for SMPL-H.
_RATES = ("mocap_frame_rate", "mocap_framerate", "fps")


def read_npz(path: Path) -> Poses:
    """The motion at ``path``.

    Raises UsageFault: not there, no npz, objects in the arrays that count, arrays missing, of
    another shape or with values that are no numbers.
    """
    arrays = _load(path)
    if "trans" not in arrays or not (
        {"poses"} <= set(arrays) or {"root_orient", "pose_body"} <= set(arrays)
    ):
        there = (", ".join(arrays) or "nothing")[:120]
        raise UsageFault(f"{path}: holds {there}", _LAYOUT)
    trans = _numbers(path, arrays, "trans")
    if trans.ndim != 2 or trans.shape[1] != 3 or not len(trans):
        raise UsageFault(f"{path}: trans of shape {trans.shape}", "[frames, 3]")
    frames = len(trans)
    if "poses" in arrays:
        poses = _numbers(path, arrays, "poses")
    else:
        parts = ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand")
        found = {name: _numbers(path, arrays, name) for name in parts if name in arrays}
        if any(part.ndim != 2 or len(part) != frames for part in found.values()):
            shown = ", ".join(f"{name} {part.shape}" for name, part in found.items())
            raise UsageFault(f"{path}: {shown} beside {frames} frames of trans", _LAYOUT)
        if not {"pose_jaw", "pose_eye"} <= set(found):
            found = {name: found[name] for name in found if name not in ("pose_jaw", "pose_eye")}
        poses = np.concatenate(list(found.values()), axis=1)
    widths = {3 * BODY_JOINTS, 3 * (BODY_JOINTS + _HANDS), 3 * ALL_JOINTS}
    if poses.ndim != 2 or len(poses) != frames or poses.shape[1] not in widths:
        raise UsageFault(
            f"{path}: poses of shape {poses.shape}",
            f"[{frames}, {', '.join(map(str, sorted(widths)))}]: 22, 52 or 55 joints, axis-angle",
        )
    rotations = matrix_from_axis_angle(poses.reshape(frames, -1, 3))
    if rotations.shape[1] == BODY_JOINTS + _HANDS:
        still = fill_rest(rotations[:, :BODY_JOINTS], _FACE[1])
        rotations = np.concatenate([still, rotations[:, BODY_JOINTS:]], axis=1)
    up = _text(arrays, "up_axis").lower()
    if up and up not in UPS:
        raise UsageFault(f"{path}: up_axis {up[:20]}", "y or z")
    betas = _numbers(path, arrays, "betas") if "betas" in arrays else np.zeros(0)
    betas = betas.reshape(-1, betas.shape[-1])[0] if betas.size else np.zeros(0)
    return Poses(
        rotations=rotations,
        translation=trans,
        fps=_rate(path, arrays),
        up=up or None,
        gender=_text(arrays, "gender") or "neutral",
        betas=tuple(float(beta) for beta in betas),
        label=_text(arrays, "label"),
    )


def _load(path: Path) -> Dict[str, Any]:
    """Every array that can be read as data; AMASS has some of objects, which are left out."""
    found: Dict[str, Any] = {}
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":
                raise UsageFault(f"{path}: no npz", _LAYOUT)
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                try:
                    found[name] = archive[name]
                except ValueError as error:
                    if "allow_pickle" not in str(error):
                        raise
    except FileNotFoundError:
        raise UsageFault(f"{path}: not there", "a motion as .npz") from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UsageFault(f"{path}: {error}", "a whole npz") from None
    return found


def _numbers(path: Path, arrays: Dict[str, Any], name: str) -> Any:
    return check_numbers(path, name, arrays[name])


def _rate(path: Path, arrays: Dict[str, Any]) -> Optional[float]:
    name = next((name for name in _RATES if name in arrays), None)
    if name is None or arrays[name].size != 1:
        return None
    return check_rate(path, name, float(_numbers(path, arrays, name).reshape(-1)[0]))


def _text(arrays: Dict[str, Any], name: str) -> str:
    value = arrays.get(name)
    if value is None or value.size != 1:
        return ""
    found = value.reshape(-1)[0]
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
