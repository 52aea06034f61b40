"""Measure what a run wrote: numbers only, the judging is done elsewhere.

Request: ``{"samples": [path], "exports": [path], "keys": [...], "goal": path or null, "fps": 30,
"parents": [...], "bodies": {gender: path}, "repeats": [path], "motions": folder or null}``. Answer:
``{"samples": [...], "exports": [...], "versions": ..., "cuda": ...}``; a file that cannot be read
becomes an entry with ``problem``. Numbers that are not finite are null in the answer. Each
sample's joints are written to ``motions``, for pictures. World frame: z up, metres. Python 3.6
syntax; torch is needed only to read the tensors in the files.
"""

import hashlib
import json
import math
import pickle
import platform
import struct
from pathlib import Path
from typing import Any, Dict, List, Optional

from . import heavy, motion
from .body_rest import rest_joints
from .vectors import distance, flatten, groups, mean, plain, rotation_error, shape, worst

_ROTATIONS = ("global_orient", "body_pose")
_ARRAYS = ("transl", "global_orient", "body_pose", "joints", "betas")


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Read every file of the request and answer with its numbers."""
    goal = request.get("goal")
    aim = _joints(_sequence(goal)) if goal else None
    target = aim[-1] if aim else None
    answer: Dict[str, Any] = {
        "goal_frames": len(aim) if aim else None,
        "samples": [
            _sample(path, request, target, index) for index, path in enumerate(request["samples"])
        ],
        "exports": [_export(path) for path in request["exports"]],
        "versions": {"python": platform.python_version()},
        "cuda": None,
    }
    for name, module in (("torch", heavy.torch), ("numpy", heavy.numpy)):
        try:
            answer["versions"][name] = str(module().__version__)
        except (ImportError, AttributeError):
            continue
    if "torch" in answer["versions"]:
        answer["cuda"] = bool(heavy.torch().cuda.is_available())
    return answer


def _sequence(path: str) -> Dict[str, Any]:
    """The written dict with every tensor as nested lists."""
    with Path(path).open("rb") as stream:
        loaded = pickle.load(stream)
    if not isinstance(loaded, dict):
        raise TypeError(f"holds a {type(loaded).__name__}, not a dict")
    found = dict(loaded)
    for key in _ARRAYS:
        if key in found:
            found[key] = plain(found[key])
    return found


def _joints(sequence: Dict[str, Any]) -> List[List[List[float]]]:
    """Joint positions [T, 22, 3], whether they were written so or as [T, 66]."""
    return [groups(flatten(frame), 3) for frame in sequence["joints"]]


def _sample(path: str, request: Dict[str, Any], goal: Any, index: int) -> Dict[str, Any]:
    answer: Dict[str, Any] = {"path": path, "problem": None, "metrics": {}}
    try:
        sequence = _sequence(path)
        answer["missing"] = [key for key in request["keys"] if key not in sequence]
        answer["shapes"] = {key: shape(sequence[key]) for key in _ARRAYS if key in sequence}
        for key in ("gender", "history_length", "future_length"):
            if key in sequence:
                value = sequence[key]
                answer[key] = value if isinstance(value, str) else int(value)
        answer["texts"] = len(sequence.get("texts", ()))
        answer["digest"] = _digest(sequence)
        if not answer["missing"]:
            fps = float(sequence.get("mocap_framerate", request["fps"]))
            rest = _rest(sequence, request)
            metrics = metrics_of(sequence, fps, request["parents"], rest, goal)
            repeats = request.get("repeats") or []
            if index < len(repeats):
                metrics["repeat_difference"] = _difference(sequence, _sequence(repeats[index]))
            answer["metrics"] = {name: _finite(value) for name, value in metrics.items()}
            if request.get("motions"):
                answer["motion"] = _write_motion(path, sequence, fps, request, goal, index)
    except Exception as error:
        answer["problem"] = f"{type(error).__name__}: {error}"
    return answer


def metrics_of(
    sequence: Dict[str, Any], fps: float, parents: List[int], rest: Any, goal: Any = None
) -> Dict[str, float]:
    """Every number of one motion, its arrays as nested lists.

    ``rest`` [22][3] are the body model's rest joints, or ``None``; ``goal`` [22][3] is where the
    motion should end.
    """
    joints = _joints(sequence)
    bad = 0
    for key in _ARRAYS:
        if key in sequence:
            bad += sum(1 for value in flatten(sequence[key]) if not math.isfinite(value))
    floor = [[x, y] for x, y, _ in (frame[0] for frame in joints)]  # pelvis on the ground
    steps = [distance(a, b) for a, b in zip(floor, floor[1:])]
    found = {
        "frames": float(len(joints)),
        "seconds": len(joints) / fps,
        "not_finite": float(bad),
        "travel": distance(floor[0], floor[-1]),
        "path_length": math.fsum(steps),
        "mean_speed": mean(steps) * fps,
        "max_joint_speed": _fastest(joints) * fps,
        "mean_jerk": _mean_jerk(joints) * fps**3,
        "lowest_joint": min(joint[2] for frame in joints for joint in frame),
        "bone_drift": _bone_drift(joints, parents),
    }
    found.update(motion.feet(joints, fps))
    found.update(motion.heading(joints))
    found.update(motion.hands(joints, fps))
    if all(key in sequence for key in _ROTATIONS):
        found["rotation_error"] = _worst_rotation(sequence)
        if math.isfinite(found["rotation_error"]):
            pose = (sequence["global_orient"], sequence["body_pose"], sequence["transl"])
            found.update(motion.kinematics(joints, *pose, parents, rest))
    for name, value in sequence.get("measured", {}).items():  # numbers of our own driver
        found[name] = float(value)
    if goal is not None:
        found["goal_start"] = mean([distance(a, b) for a, b in zip(joints[0], goal)])
        found["goal_distance"] = mean([distance(a, b) for a, b in zip(joints[-1], goal)])
        found["goal_share"] = found["goal_distance"] / max(found["goal_start"], 1e-6)
    return found


def _rest(sequence: Dict[str, Any], request: Dict[str, Any]) -> Any:
    """The rest joints of the body model that the motion was made for, ``None`` without one."""
    body = request.get("bodies", {}).get(str(sequence.get("gender", "")))
    betas = sequence.get("betas", [[0.0]])
    return rest_joints(body, betas[0] if shape(betas)[1:] else betas)


def _difference(sequence: Dict[str, Any], again: Dict[str, Any]) -> float:
    """Largest difference of any joint over the frames that both have, metres."""
    largest = 0.0
    frames, others = _joints(sequence), _joints(again)
    if not others:
        return float("inf")
    for frame, other in zip(frames, others):
        for a, b in zip(frame, other):
            largest = worst(largest, distance(a, b))
    return largest


def _write_motion(
    path: str,
    sequence: Dict[str, Any],
    fps: float,
    request: Dict[str, Any],
    goal: Any,
    index: int,
) -> str:
    """The joints in whole millimetres as JSON, for whoever draws them; answers the file."""
    texts = [str(text) for text in sequence.get("texts", ())]

    def millimetres(frame: Any) -> List[int]:
        values = [value for joint in frame for value in joint]
        return [round(value * 1000.0) if math.isfinite(value) else 0 for value in values]

    data = {
        "fps": fps,
        "parents": request["parents"],
        "texts": texts,
        "history": int(sequence.get("history_length", 0)),
        "future": int(sequence.get("future_length", 0)),
        "frames": [millimetres(frame) for frame in _joints(sequence)],
        "goal": millimetres(goal) if goal is not None else None,
    }
    name = "{}-{}.motion.json".format(request.get("name") or "run", index)
    target = Path(request["motions"]) / name
    target.write_text(json.dumps(data, ensure_ascii=True), encoding="utf-8")
    return str(target)


def _worst_rotation(sequence: Dict[str, Any]) -> float:
    """Largest departure of any written rotation from a proper one; inf if none is 3 x 3."""
    error = 0.0
    for key in _ROTATIONS:
        if shape(sequence[key])[-2:] != [3, 3]:
            return float("inf")
        for matrix in groups(flatten(sequence[key]), 9):
            for part in rotation_error(matrix):
                error = worst(error, part)
    return error


def _fastest(joints: List[List[List[float]]]) -> float:
    """The largest step of any joint from one frame to the next, metres."""
    found = 0.0
    for before, after in zip(joints, joints[1:]):
        for a, b in zip(before, after):
            found = worst(found, distance(a, b))
    return found


def _mean_jerk(joints: List[List[List[float]]]) -> float:
    """Mean length of the third difference of the joints, metres per frame cubed."""
    found: List[float] = []
    for frames in zip(joints, joints[1:], joints[2:], joints[3:]):
        for a, b, c, d in zip(*frames):
            jerk = [w - 3.0 * z + 3.0 * y - x for x, y, z, w in zip(a, b, c, d)]
            found.append(math.sqrt(sum(part * part for part in jerk)))
    return mean(found)


def _bone_drift(joints: List[List[List[float]]], parents: List[int]) -> float:
    """How far any bone's length strays from its mean, metres."""
    drift = 0.0
    for joint, parent in enumerate(parents[: len(joints[0])]):
        if parent >= 0:
            lengths = [distance(frame[joint], frame[parent]) for frame in joints]
            usual = mean(lengths)
            for length in lengths:
                drift = worst(drift, abs(length - usual))
    return drift


def _digest(sequence: Dict[str, Any]) -> str:
    """SHA-256 of the motion in float32: equal for equal runs."""
    digest = hashlib.sha256()
    for key in _ARRAYS:
        if key in sequence:
            numbers = flatten(sequence[key])
            digest.update(struct.pack(f"<{len(numbers)}f", *numbers))
    return digest.hexdigest()


def _export(path: str) -> Dict[str, Any]:
    """Keys and shapes of one exported SMPL-X npz."""
    answer: Dict[str, Any] = {"path": path, "problem": None, "shapes": {}, "finite": True}
    try:
        np = heavy.numpy()
        with np.load(path) as arrays:
            answer["shapes"] = {name: list(arrays[name].shape) for name in arrays.files}
            for name in ("poses", "trans"):
                answer["finite"] = answer["finite"] and bool(np.isfinite(arrays[name]).all())
    except Exception as error:
        answer["problem"] = f"{type(error).__name__}: {error}"
    return answer


def _finite(value: float) -> Optional[float]:
    return float(value) if math.isfinite(value) else None
