"""Kinematics, rates, frames, npz and DART's own pickles."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

np = pytest.importorskip("numpy")
from dartenv.errors import UsageFault  # noqa: E402
from dartenv.motion.motion import Motion, in_up, resample  # noqa: E402
from dartenv.motion.npz import write_npz  # noqa: E402
from dartenv.motion.pickles import read_dart_pickle  # noqa: E402
from dartenv.motion.rotations import matrix_from_axis_angle  # noqa: E402
from dartenv.motion.skeleton import (  # noqa: E402
    PARENTS_55,
    Skeleton,
    forward_kinematics,
    from_bundle,
    of_rest_joints,
)


def test_a_body_at_rest_is_its_rest_joints_moved(body):
    still = np.broadcast_to(np.eye(3), (22, 3, 3))
    places = forward_kinematics(body, still, np.array([1.0, 2, 3]))
    assert np.allclose(places, body.rest + np.array([1, 2, 3]))


def test_a_raised_arm_carries_the_hand_and_nothing_else(body):
    pose = np.broadcast_to(np.eye(3), (22, 3, 3)).copy()
    pose[16] = matrix_from_axis_angle([0, 0, np.pi / 2])  # left shoulder
    places = forward_kinematics(body, pose, np.zeros(3))
    arm = body.rest[20] - body.rest[16]
    assert np.allclose(places[20], body.rest[16] + [-arm[1], arm[0], arm[2]])
    moved = [j for j in range(55) if not np.allclose(places[j], body.rest[j])]
    assert moved == [18, 20, *range(25, 40)]


def test_the_pelvis_turns_about_itself(body):
    pose = np.broadcast_to(np.eye(3), (22, 3, 3)).copy()
    pose[0] = matrix_from_axis_angle([0.3, 2.0, -1.0])
    assert np.allclose(forward_kinematics(body, pose, np.zeros(3))[0], body.rest[0])


def test_fingers_hang_on_their_wrists():
    for first, wrist in ((25, 20), (40, 21)):
        assert [PARENTS_55[first + 3 * finger] for finger in range(5)] == [wrist] * 5
        assert PARENTS_55[first + 1] == first
        assert PARENTS_55[first + 2] == first + 1


def test_y_up_turns_the_world_and_leaves_the_pose(tumbling):
    rotations, translation = in_up(tumbling, "y")
    turned = forward_kinematics(tumbling.skeleton, rotations, translation)
    x, y, z = np.moveaxis(tumbling.positions(), -1, 0)
    assert np.allclose(turned, np.stack([x, z, -y], axis=-1))
    assert np.array_equal(rotations[:, 1:], tumbling.rotations[:, 1:])


def test_another_rate_keeps_the_first_frame_and_the_pace(tumbling):
    slow = resample(tumbling, 15)
    assert len(slow) == 6
    assert np.allclose(slow.rotations, tumbling.rotations[::2])
    assert np.allclose(slow.translation, tumbling.translation[::2])
    other = resample(tumbling, 20)
    assert len(other) == 8
    assert np.allclose(other.translation[1], tumbling.translation[1:3].mean(axis=0))
    assert other.texts == ("tumble",) * 8
    assert resample(tumbling, 30) is tumbling


def test_npz_has_what_the_add_on_reads(tumbling, tmp_path):
    path = tmp_path / "m.npz"
    write_npz(replace(tumbling, label="sandbox"), path)
    with np.load(str(path), allow_pickle=False) as found:
        assert found["poses"].shape == (12, 165)
        assert float(found["mocap_framerate"]) == float(found["mocap_frame_rate"]) == 30
        assert str(found["gender"]) == "male"
        assert str(found["label"]) == "sandbox"
        assert found["betas"].shape == (10,)
        body = matrix_from_axis_angle(found["poses"][:, :66].reshape(12, 22, 3))
        assert np.allclose(body, tumbling.rotations, atol=1e-5)
        assert np.allclose(found["trans"], tumbling.translation, atol=1e-6)
        assert not found["poses"][:, 66:].any()


def _dart_dictionary(motion):
    return {
        "texts": ["tumble", "roll"],
        "gender": "male",
        "transl": motion.translation.astype(np.float32),
        "global_orient": motion.rotations[:, 0].astype(np.float32),
        "body_pose": motion.rotations[:, 1:].astype(np.float32),
        "joints": motion.positions()[:, :22].reshape(12, 66).astype(np.float32),
        "history_length": 2,
        "future_length": 8,
    }


def test_darts_pickles_are_read(tumbling, tmp_path):
    path = tmp_path / "sample_0.pkl"
    path.write_bytes(pickle.dumps(_dart_dictionary(tumbling)))
    found = read_dart_pickle(path, tumbling.skeleton, 30)
    assert np.allclose(found.positions(), tumbling.positions(), atol=1e-5)
    assert found.texts == ("tumble",) * 10 + ("roll",) * 2
    assert np.allclose(found.joints, tumbling.positions()[:, :22], atol=1e-6)


class _Runs:
    def __reduce__(self):
        return (print, ("this ran",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"transl": None}, "transl"),
        ({"body_pose": np.zeros((12, 20, 3, 3))}, "body_pose"),
        ({"global_orient": _Runs()}, "print"),
        (None, "global_orient"),
    ],
)
def test_a_pickle_that_is_none_of_darts_is_refused(tumbling, tmp_path, capsys, change, said):
    data = {"poses": 1} if change is None else {**_dart_dictionary(tumbling), **change}
    path = tmp_path / "sample_0.pkl"
    path.write_bytes(pickle.dumps(data))
    with pytest.raises(UsageFault, match=said):
        read_dart_pickle(path, tumbling.skeleton, 30)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("parents", "rest", "said"),
    [
        ((0, 0), np.zeros((2, 3)), "-1"),
        ((-1, 1), np.zeros((2, 3)), "joint 1"),
        ((-1, 0), np.zeros((3, 3)), "shape"),
        ((-1, 0), np.full((2, 3), np.nan), "no numbers"),
    ],
)
def test_a_broken_skeleton_is_named(parents, rest, said):
    with pytest.raises(UsageFault, match=said):
        Skeleton(("a", "b"), parents, rest)


def test_a_broken_motion_is_named(body, tumbling):
    with pytest.raises(UsageFault, match="no numbers"):
        replace(tumbling, translation=tumbling.translation * np.nan)
    with pytest.raises(UsageFault, match="rotations of shape"):
        Motion(body, np.zeros((0, 22, 3, 3)), np.zeros((0, 3)), 30)
    with pytest.raises(UsageFault, match="7 rest joints"):
        of_rest_joints(np.zeros((7, 3)))


def test_fifty_five_joints_need_a_body_that_has_them(body):
    from dartenv.bundle.contract import Skeleton as BundleSkeleton

    small = BundleSkeleton(
        body="smplx",
        gender="male",
        betas=[0.0],
        names=list(body.names[:22]),
        parents=list(body.parents[:22]),
        rest_joints=body.rest[:22].tolist(),
        pelvis_offset=body.rest[0].tolist(),
    )
    assert np.allclose(from_bundle(small).rest, body.rest[:22])
    with pytest.raises(UsageFault, match="22 joints"):
        from_bundle(small, 55)
    with pytest.raises(UsageFault, match="23 joints"):
        from_bundle(small, 23)
