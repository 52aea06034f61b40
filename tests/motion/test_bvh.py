"""BVH read back by other people's readers, at the places forward kinematics gives."""

from __future__ import annotations

import sys
from itertools import product

import pytest

np = pytest.importorskip("numpy")
from dartenv.errors import UsageFault  # noqa: E402
from dartenv.motion import bvh  # noqa: E402
from dartenv.motion.motion import Y_UP_OF_Z_UP, resample  # noqa: E402
from dartenv.motion.rotations import ORDERS, matrix_from_euler  # noqa: E402
from dartenv.motion.skeleton import Skeleton, of_rest_joints  # noqa: E402


def _expected(motion, up):
    places = motion.positions()
    return places @ Y_UP_OF_Z_UP.T if up == "y" else places


def _skeleton(body, joints):
    return of_rest_joints(body.rest[:joints], body.gender, body.betas)


def _read_plainly(path):
    """{joint: [T, 3]} and seconds a frame, by a reader written from BVH's description alone."""
    words = path.read_text(encoding="utf-8").split()
    place, joints, stack, channels = 0, [], [], []
    while words[place] != "MOTION":
        word = words[place]
        if word in ("ROOT", "JOINT"):
            joints.append([words[place + 1], stack[-1] if stack else None, None])
            current = len(joints) - 1
        elif word == "End":
            current = None
        elif word == "{":
            stack.append(current)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET" and stack[-1] is not None:
            joints[stack[-1]][2] = np.array([float(w) for w in words[place + 1 : place + 4]])
        elif word == "CHANNELS":
            count = int(words[place + 1])
            channels += [(stack[-1], name) for name in words[place + 2 : place + 2 + count]]
        place += 1
    frames, step = int(words[place + 2]), float(words[place + 5])
    values = np.array([float(w) for w in words[place + 6 :]]).reshape(frames, len(channels))
    found = {name: np.zeros((frames, 3)) for name, _, _ in joints}
    for t in range(frames):
        turned = []
        for index, (name, parent, offset) in enumerate(joints):
            own, at = np.eye(3), offset.copy()
            for (joint, channel), value in zip(channels, values[t]):
                if joint != index:
                    continue
                axis = "XYZ".index(channel[0])
                if channel.endswith("position"):
                    at[axis] = value
                else:
                    angles = np.zeros(3)
                    angles[axis] = np.radians(value)
                    own = own @ matrix_from_euler(angles, "XYZ")
            up = turned[parent] if parent is not None else None
            found[name][t] = at if up is None else up[1] + up[0] @ at
            turned.append((own if up is None else up[0] @ own, found[name][t]))
    return found, step


MATRIX = list(product("yz", (20, 30), (22, 55), ("m", "cm")))


@pytest.mark.parametrize(("up", "fps", "joints", "unit"), MATRIX)
def test_another_reader_finds_the_joints_where_kinematics_puts_them(
    body, tumbling, tmp_path, up, fps, joints, unit
):
    if sys.version_info < (3, 9):
        pytest.skip("bvhio does not import on Python 3.8; the plain reader below does")
    bvhio = pytest.importorskip("bvhio")
    from dataclasses import replace

    motion = resample(replace(tumbling, skeleton=_skeleton(body, joints)), fps)
    path = tmp_path / "m.bvh"
    bvh.write_bvh(motion, path, up, unit)
    expected = _expected(motion, up) * bvh.UNITS[unit]
    root = bvhio.readAsHierarchy(str(path))
    found = {}
    for frame in range(len(motion)):
        root.loadPose(frame)
        for joint, _, _ in root.layout():
            found.setdefault(joint.Name, []).append(tuple(joint.PositionWorld))
    assert bvhio.readAsBvh(str(path)).FrameTime == pytest.approx(1 / fps, abs=1e-7)
    assert sorted(found) == sorted(motion.skeleton.names)
    for index, name in enumerate(motion.skeleton.names):
        error = np.abs(np.array(found[name]) - expected[:, index]).max() / bvh.UNITS[unit]
        assert error < 1e-4, name


@pytest.mark.parametrize(("up", "order"), [("y", "ZXY"), ("z", "XYZ"), ("y", "ZYX"), ("z", "YXZ")])
def test_a_plain_reader_finds_the_same(tumbling, tmp_path, up, order):
    path = tmp_path / "m.bvh"
    bvh.write_bvh(tumbling, path, up, "m", order)
    found, step = _read_plainly(path)
    expected = _expected(tumbling, up)
    assert step == pytest.approx(1 / 30)
    for index, name in enumerate(tumbling.skeleton.names):
        assert np.abs(found[name] - expected[:, index]).max() < 1e-4, name


@pytest.mark.parametrize(("up", "axis"), [("y", 1), ("z", 2)])
def test_the_rest_pose_stands_along_the_up_axis(body, up, axis):
    rest = np.zeros((22, 3))
    rest[15] = [0, 0.6, 0]  # the head, above the pelvis in the body model's frame
    stream = bvh.BvhStream(Skeleton(body.names[:22], body.parents[:22], rest), 30, up, "m")
    head = stream.header(1).split("JOINT head")[1].split("OFFSET")[1].split("\n")[0]
    assert [float(v) for v in head.split()][axis] == pytest.approx(0.6)


def test_single_frames_are_the_lines_of_the_whole_clip(tumbling, tmp_path):
    path = tmp_path / "m.bvh"
    bvh.write_bvh(tumbling, path)
    stream = bvh.BvhStream(tumbling.skeleton, 30)
    lines = [stream.line(r, t) for r, t in zip(tumbling.rotations, tumbling.translation)]
    assert path.read_text(encoding="utf-8") == stream.header(12) + "".join(lines)
    one = bvh.frame_document(
        bvh.BvhStream(tumbling.skeleton, 30), tumbling.rotations[0], tumbling.translation[0]
    )
    assert one == bvh.BvhStream(tumbling.skeleton, 30).header(1) + lines[0]


def test_angles_do_not_jump_where_the_motion_does_not(body):
    from dartenv.motion.rotations import matrix_from_axis_angle

    stream = bvh.BvhStream(body, 30, "z")
    spin = [matrix_from_axis_angle([[0, 0, 0.1 * t]] * 22) for t in range(200)]
    channels = np.array([stream.channels(rotations, np.zeros(3)) for rotations in spin])
    assert np.abs(np.diff(channels[:, 3:], axis=0)).max() < 6


@pytest.mark.parametrize("wrong", [{"up": "x"}, {"unit": "inch"}, {"order": "ZXZ"}, {"fps": 0}])
def test_a_wrong_option_is_named(body, wrong):
    with pytest.raises(UsageFault, match=str(next(iter(wrong.values())))):
        bvh.BvhStream(body, **{"fps": 30, **wrong})


def test_a_place_that_cannot_be_written_is_named(tumbling, tmp_path):
    with pytest.raises(UsageFault, match="cannot write"):
        bvh.write_bvh(tumbling, tmp_path / "no" / "m.bvh")


def test_every_order_is_offered():
    assert set(ORDERS) == {"XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"}
