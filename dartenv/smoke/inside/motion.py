"""What a motion is like, as numbers: its feet, its heading, its skeleton.

A frame is a list of 22 joint positions in metres, world frame, z up; SMPL-X's order, pelvis
first. Python 3.6 syntax, neither numpy nor torch.
"""

import math
from typing import Any, Dict, List, Optional, Sequence

from .vectors import distance, mean, worst

Point = Sequence[float]
Frame = Sequence[Point]

LEFT_HIP, RIGHT_HIP = 1, 2
LEFT_WRIST, RIGHT_WRIST = 20, 21
FEET = (10, 11)  # the balls of the feet
ANKLES = (7, 8)
# A foot within this height of the floor carries weight: a ball of the foot is some 2 cm up.
CONTACT_HEIGHT = 0.05


def feet(frames: Sequence[Frame], fps: float) -> Dict[str, float]:
    """How the feet meet the floor, which is where the first frame's lowest foot is.

    ``foot_skate``: mean speed along the floor of feet that are within CONTACT_HEIGHT of it in two
    frames in a row, m/s. ``floor_depth``: how far any joint goes below the floor, m. ``float``:
    how far above it the lowest joint is, on average, m.
    """
    floor = floor_height(frames)
    slides = [speed for joint in FEET for speed in sliding(frames, joint, fps) if speed is not None]
    lowest = [min(joint[2] for joint in frame) - floor for frame in frames]
    return {
        "foot_skate": mean(slides),
        "floor_depth": max(0.0, -min(lowest)),
        "float": mean([max(0.0, height) for height in lowest]),
    }


def floor_height(frames: Sequence[Frame]) -> float:
    """Where the first frame's lowest foot is, metres."""
    return min(frames[0][joint][2] for joint in (*FEET, *ANKLES))


def sliding(frames: Sequence[Frame], joint: int, fps: float) -> List[Optional[float]]:
    """Speed of a foot along the floor from each frame to the next, m/s; ``None`` in the air."""
    floor = floor_height(frames)
    found: List[Optional[float]] = []
    for before, after in zip(frames, frames[1:]):
        down = max(before[joint][2], after[joint][2]) - floor < CONTACT_HEIGHT
        found.append(distance(before[joint][:2], after[joint][:2]) * fps if down else None)
    return found


def turning(frames: Sequence[Frame]) -> List[float]:
    """Degrees turned since the first frame, left positive, whole turns counted."""
    turned = 0.0
    found = [turned]
    angles = [_angle(frame) for frame in frames]
    for before, after in zip(angles, angles[1:]):
        turned += (after - before + math.pi) % (2.0 * math.pi) - math.pi
        found.append(math.degrees(turned))
    return found


def heading(frames: Sequence[Frame]) -> Dict[str, float]:
    """Where the body goes and turns.

    ``forward``: metres the pelvis ends ahead of its start, the way the first frame looks.
    ``turn``: degrees from the first heading to the last, left positive, whole turns counted.
    """
    first = frames[0]
    right = [first[RIGHT_HIP][k] - first[LEFT_HIP][k] for k in (0, 1)]
    length = math.hypot(*right) or float("nan")
    step = [frames[-1][0][k] - first[0][k] for k in (0, 1)]
    return {
        "forward": (step[1] * right[0] - step[0] * right[1]) / length,
        "turn": turning(frames)[-1],
    }


def hands(frames: Sequence[Frame], fps: float) -> Dict[str, float]:
    """Mean speed of each wrist against the pelvis, m/s, and how much faster the right one is."""
    speeds: List[float] = []
    for wrist in (LEFT_WRIST, RIGHT_WRIST):
        path = [[frame[wrist][k] - frame[0][k] for k in range(3)] for frame in frames]
        speeds.append(mean([distance(a, b) for a, b in zip(path, path[1:])]) * fps)
    return {
        "left_wrist_speed": speeds[0],
        "right_wrist_speed": speeds[1],
        "right_over_left": speeds[1] / max(speeds[0], 1e-3),
    }


def kinematics(
    frames: Sequence[Frame],
    orient: Sequence[Any],
    pose: Sequence[Any],
    transl: Sequence[Point],
    parents: Sequence[int],
    rest: Optional[Sequence[Point]],
) -> Dict[str, float]:
    """The written joints against forward kinematics of the written pose, metres.

    ``orient`` [T][3][3], ``pose`` [T][21][3][3], ``transl`` [T][3]; ``rest`` [22][3] are the body
    model's rest joints. Without them the bones are those that the motion itself has on average.
    ``fk_error`` is the mean distance, ``fk_worst`` the largest.
    """
    turns = [_chain(o, p, parents) for o, p in zip(orient, pose)]
    bones = _bones(frames, turns, parents) if rest is None else _offsets(rest, parents)
    distances: List[float] = []
    largest = 0.0
    for frame, turned, moved in zip(frames, turns, transl):
        if rest is None:
            made = [list(frame[0])]
        else:
            made = [[rest[0][k] + moved[k] for k in range(3)]]
        for joint in range(1, len(frame)):
            parent = parents[joint]
            bone = _turned(turned[parent], bones[joint])
            made.append([made[parent][k] + bone[k] for k in range(3)])
        for a, b in zip(frame, made):
            apart = distance(a, b)
            distances.append(apart)
            largest = worst(largest, apart)
    return {"fk_error": mean(distances), "fk_worst": largest}


def _chain(orient: Any, pose: Any, parents: Sequence[int]) -> List[Any]:
    """World rotation of every joint."""
    found = [orient]
    for joint in range(1, len(pose) + 1):
        found.append(_product(found[parents[joint]], pose[joint - 1]))
    return found


def _bones(frames: Sequence[Frame], turns: Sequence[Any], parents: Sequence[int]) -> List[Point]:
    """Each joint's place seen from its parent, averaged over the frames."""
    found: List[Point] = [[0.0, 0.0, 0.0]]
    for joint in range(1, len(frames[0])):
        parent = parents[joint]
        local: List[List[float]] = []
        for frame, turned in zip(frames, turns):
            away = [frame[joint][k] - frame[parent][k] for k in range(3)]
            local.append(_turned_back(turned[parent], away))
        found.append([mean([one[k] for one in local]) for k in range(3)])
    return found


def _offsets(rest: Sequence[Point], parents: Sequence[int]) -> List[Point]:
    found: List[Point] = [[0.0, 0.0, 0.0]]
    for joint in range(1, len(rest)):
        found.append([rest[joint][k] - rest[parents[joint]][k] for k in range(3)])
    return found


def _product(a: Any, b: Any) -> List[List[float]]:
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def _turned(matrix: Any, vector: Point) -> List[float]:
    return [sum(matrix[i][k] * vector[k] for k in range(3)) for i in range(3)]


def _turned_back(matrix: Any, vector: Point) -> List[float]:
    return [sum(matrix[k][i] * vector[k] for k in range(3)) for i in range(3)]


def _angle(frame: Frame) -> float:
    left = [frame[LEFT_HIP][k] - frame[RIGHT_HIP][k] for k in (0, 1)]
    return math.atan2(left[1], left[0])
