"""Numbers of a motion, on motions whose numbers are known."""

from __future__ import annotations

import math
from typing import List

import pytest

from dartenv.smoke.inside import motion
from dartenv.smoke.inside.skeleton import PARENTS, offsets

Frame = List[List[float]]
BODY = PARENTS[:22]
IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def rest() -> Frame:
    """The rest pose, y up."""
    found: Frame = []
    for joint, (x, y, z) in enumerate(offsets()[:22]):
        base = found[BODY[joint]] if joint else [0.0, 0.0, 0.0]
        found.append([base[0] + x, base[1] + y, base[2] + z])
    return found


def turned(matrix: List[List[float]], point: List[float]) -> List[float]:
    return [sum(matrix[i][k] * point[k] for k in range(3)) for i in range(3)]


def standing(x: float = 0.0, y: float = 0.0, turn: float = 0.0) -> Frame:
    """The rest pose upright in the world, z up, looking along +y, moved and turned left."""
    c, s = math.cos(turn), math.sin(turn)
    found: Frame = []
    for a, b, h in rest():
        # y up, facing +z, left at +x  ->  z up, facing +y, left at -x
        right, ahead = -a, b * 0.0 + h
        found.append([c * right - s * ahead + x, s * right + c * ahead + y, b])
    return found


def test_walking_ahead_is_forward_and_no_turn() -> None:
    frames = [standing(y=0.05 * t) for t in range(11)]
    found = motion.heading(frames)
    assert found["forward"] == pytest.approx(0.5)
    assert found["turn"] == pytest.approx(0.0, abs=1e-9)
    sideways = [standing(x=0.05 * t) for t in range(11)]
    assert motion.heading(sideways)["forward"] == pytest.approx(0.0, abs=1e-9)


def test_turns_are_counted_whole_and_left_is_positive() -> None:
    left = [standing(turn=math.radians(15 * t)) for t in range(31)]
    assert motion.heading(left)["turn"] == pytest.approx(450.0)
    right = [standing(turn=-math.radians(15 * t)) for t in range(7)]
    assert motion.heading(right)["turn"] == pytest.approx(-90.0)


def test_a_gliding_body_skates_and_a_sinking_one_goes_below_the_floor() -> None:
    still = motion.feet([standing()] * 5, 30.0)
    assert still["foot_skate"] == 0.0
    assert still["floor_depth"] == 0.0
    gliding = motion.feet([standing(y=0.02 * t) for t in range(5)], 30.0)
    assert gliding["foot_skate"] == pytest.approx(0.6)
    sunk = [[[x, y, z - 0.1] for x, y, z in standing()]]
    assert motion.feet([standing(), *sunk], 30.0)["floor_depth"] == pytest.approx(0.1)
    lifted = [[[x, y, z + 0.2] for x, y, z in standing(y=0.3)]] * 3
    assert motion.feet([standing(), *lifted], 30.0)["foot_skate"] == 0.0


def test_the_hand_that_waves_is_named() -> None:
    frames = [standing() for _ in range(10)]
    for t, frame in enumerate(frames):
        frame[motion.RIGHT_WRIST][2] += 0.1 * (t % 2)
    found = motion.hands(frames, 30.0)
    assert found["right_wrist_speed"] == pytest.approx(3.0)
    assert found["right_over_left"] > 100


def posed(frames: int) -> List[List[List[List[float]]]]:
    """Body pose: both shoulders and one knee bend more with each frame."""
    poses = []
    for t in range(frames):
        pose = [[row[:] for row in IDENTITY] for _ in range(21)]
        c, s = math.cos(0.1 * t), math.sin(0.1 * t)
        for joint in (4, 16, 17, 18):
            pose[joint - 1] = [[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]
        poses.append(pose)
    return poses


def kinematic(
    orient: List[List[float]], pose: List[List[List[float]]], transl: List[float]
) -> Frame:
    """Forward kinematics written down joint by joint, as SMPL defines it."""
    joints, turns = [], []
    at_rest = rest()
    for joint in range(22):
        parent = BODY[joint]
        own = orient if joint == 0 else pose[joint - 1]
        if joint == 0:
            turns.append(own)
            joints.append([at_rest[0][k] + transl[k] for k in range(3)])
            continue
        above = turns[parent]
        turns.append(
            [[sum(above[i][k] * own[k][j] for k in range(3)) for j in range(3)] for i in range(3)]
        )
        bone = [at_rest[joint][k] - at_rest[parent][k] for k in range(3)]
        moved = turned(above, bone)
        joints.append([joints[parent][k] + moved[k] for k in range(3)])
    return joints


class TestKinematics:
    def setup_method(self) -> None:
        self.pose = posed(6)
        self.orient = [[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]] * 6
        self.transl = [[0.1 * t, 0.2, 0.9] for t in range(6)]
        self.frames = [kinematic(o, p, t) for o, p, t in zip(self.orient, self.pose, self.transl)]

    def error(self, frames: List[Frame], with_body: bool) -> float:
        body = rest() if with_body else None
        found = motion.kinematics(frames, self.orient, self.pose, self.transl, BODY, body)
        return found["fk_error"]

    @pytest.mark.parametrize("with_body", [True, False])
    def test_right_joints_have_no_error(self, with_body: bool) -> None:
        assert self.error(self.frames, with_body) < 1e-12

    def test_left_and_right_swapped_shows_against_the_body(self) -> None:
        swapped = []
        for frame in self.frames:
            wrong = [list(joint) for joint in frame]
            wrong[4], wrong[5] = wrong[5], wrong[4]
            wrong[18], wrong[19] = wrong[19], wrong[18]
            swapped.append(wrong)
        assert self.error(swapped, True) > 0.01

    def test_a_transposed_rotation(self) -> None:
        self.pose = [
            [[[m[j][i] for j in range(3)] for i in range(3)] for m in pose] for pose in self.pose
        ]
        assert self.error(self.frames, True) > 0.02
        assert self.error(self.frames, False) > 0.01

    def test_a_body_of_another_size_shows_only_with_the_body(self) -> None:
        larger = [[[1.1 * v for v in joint] for joint in frame] for frame in self.frames]
        assert self.error(larger, True) > 0.03
        assert self.error(larger, False) < 1e-9
