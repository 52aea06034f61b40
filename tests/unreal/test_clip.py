"""Clips read back from each kind of file, against forward kinematics in float64."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

np = pytest.importorskip("numpy")
from dartenv.errors import UsageFault  # noqa: E402
from dartenv.motion.bvh import write_bvh  # noqa: E402
from dartenv.motion.bvh_read import read_bvh  # noqa: E402
from dartenv.motion.motion import Y_UP_OF_Z_UP, Motion  # noqa: E402
from dartenv.motion.npz import write_npz  # noqa: E402
from dartenv.motion.rotations import (  # noqa: E402
    axis_angle_from_matrix,
    matrix_from_quaternion,
)
from dartenv.motion.skeleton import forward_kinematics  # noqa: E402
from dartenv.unreal.clip import Options, read_clip  # noqa: E402
from dartenv.unreal.handover import hand_over_clip  # noqa: E402
from dartenv.unreal.smplx import read_body_model  # noqa: E402

BETAS = (1.5, -2.0)
NEAR = 1e-4  # metres


@pytest.fixture
def model(smplx):
    return read_body_model(smplx)


@pytest.fixture
def tumbling(model):
    """9 frames in which every joint of the body turns in every way, with the motion's own betas."""
    generator = np.random.default_rng(8)
    rotations = matrix_from_quaternion(generator.standard_normal((9, 22, 4)))
    rotations[:, 5] = np.eye(3)  # one that stays at rest
    translation = generator.uniform(-3, 3, (9, 3))
    return Motion(model.skeleton(BETAS), rotations, translation, 30)


def _places(gltf):
    """Joint places [T, J, 3] of a GLB's animation, by the specification: y up, metres."""
    nodes, animation = gltf.document["nodes"], gltf.document["animations"][0]
    joints = gltf.document["skins"][0]["joints"]
    parents = {c: n for n in joints for c in nodes[n].get("children", [])}
    times = gltf.array(animation["samplers"][0]["input"])[:, 0]
    rotations = {n: np.tile([0.0, 0, 0, 1], (len(times), 1)) for n in joints}
    moves = {n: np.tile(nodes[n]["translation"], (len(times), 1)) for n in joints}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        target = channel["target"]
        kept = rotations if target["path"] == "rotation" else moves
        kept[target["node"]] = gltf.array(sampler["output"]).astype(np.float64)
    places, turned = {}, {}
    for node in joints:
        local = matrix_from_quaternion(rotations[node][:, [3, 0, 1, 2]])
        parent = parents.get(node)
        if parent is None:
            places[node], turned[node] = moves[node], local
        else:
            step = np.einsum("tij,tj->ti", turned[parent], moves[node])
            places[node], turned[node] = places[parent] + step, turned[parent] @ local
    return times, np.stack([places[node] for node in joints], axis=1)


def _expected(motion):
    return motion.positions() @ Y_UP_OF_Z_UP.T


def test_npz_as_glb_stands_where_forward_kinematics_says(tumbling, smplx, tmp_path, taken_apart):
    write_npz(tumbling, tmp_path / "tumble.npz")
    out = tmp_path / "out" / "tumble.glb"
    handed = hand_over_clip(tmp_path / "tumble.npz", out, Options(), smplx)
    gltf = taken_apart(out)
    times, places = _places(gltf)
    assert np.abs(places - _expected(tumbling)).max() < NEAR
    assert times == pytest.approx(np.arange(9) / 30)
    # A bone that stays at rest has no track, and the body is there to be moved.
    assert len(gltf.document["animations"][0]["channels"]) == 1 + 21
    assert gltf.document["nodes"][55]["skin"] == 0
    assert any("--betas=1.5,-2" in note for note in handed.notes)


def test_quaternions_of_neighbours_lie_on_one_side(tumbling, smplx, tmp_path, taken_apart):
    slow = replace(tumbling, rotations=np.repeat(tumbling.rotations[:2], [5, 4], axis=0))
    write_npz(slow, tmp_path / "slow.npz")
    hand_over_clip(tmp_path / "slow.npz", tmp_path / "slow.glb", Options(), smplx, with_mesh=False)
    gltf = taken_apart(tmp_path / "slow.glb")
    assert "meshes" not in gltf.document
    for channel in gltf.document["animations"][0]["channels"][1:]:
        sampler = gltf.document["animations"][0]["samplers"][channel["sampler"]]
        values = gltf.array(sampler["output"])
        assert ((values[1:] * values[:-1]).sum(axis=1) >= -1e-6).all()


@pytest.mark.parametrize("up", ["z", "y"])
def test_the_up_axis_is_the_files_own_or_the_users(up, tumbling, model, tmp_path):
    path = tmp_path / "tumble.npz"
    write_npz(tumbling, path, up)
    found = read_clip(path, model, None, Options()).motion
    assert np.abs(found.positions() - tumbling.positions()).max() < NEAR
    silent = {k: v for k, v in np.load(path).items() if k != "up_axis"}
    np.savez(path, **silent)
    told = read_clip(path, model, None, Options(up=up)).motion
    assert np.abs(told.positions() - tumbling.positions()).max() < NEAR
    plain = read_clip(path, model, None, Options()).motion
    assert (np.abs(plain.positions() - tumbling.positions()).max() < NEAR) == (up == "z")


def test_darts_pickle_moves_the_body_with_its_betas(tumbling, smplx, tmp_path, taken_apart):
    path = tmp_path / "sample_0.pkl"
    found = {
        "gender": "male",
        "betas": np.tile(np.float32([*BETAS, *[0] * 8]), (9, 1)),
        "transl": tumbling.translation.astype(np.float32),
        "global_orient": tumbling.rotations[:, 0].astype(np.float32),
        "body_pose": tumbling.rotations[:, 1:].astype(np.float32),
    }
    path.write_bytes(pickle.dumps(found))
    handed = hand_over_clip(path, tmp_path / "a.glb", Options(rate=20), smplx)
    times, places = _places(taken_apart(tmp_path / "a.glb"))
    assert np.abs(places - _expected(tumbling)).max() < NEAR
    assert times[1] == pytest.approx(1 / 20)
    assert handed.facts["fps"] == 20
    silent = hand_over_clip(path, tmp_path / "b.glb", Options(), smplx)
    assert any("names no rate" in note for note in silent.notes)


@pytest.mark.parametrize("up", ["y", "z"])
@pytest.mark.parametrize("unit", ["m", "cm"])
@pytest.mark.parametrize("joints", [22, 55])
def test_bvh_comes_back_whatever_its_axes_and_unit(up, unit, joints, tmp_path):
    from dartenv.motion.skeleton import of_rest_joints
    from dartenv.smoke.inside.skeleton import rest_joints

    generator = np.random.default_rng(9)
    rotations = matrix_from_quaternion(generator.standard_normal((4, joints, 4)))
    moves = generator.uniform(-2, 2, (4, 3))
    motion = Motion(of_rest_joints(rest_joints()[:joints]), rotations, moves, 20)
    path = tmp_path / "walk.bvh"
    write_bvh(motion, path, up, unit)
    found, about = read_bvh(path)
    assert np.abs(found.positions() - motion.positions()).max() < NEAR
    assert found.fps == pytest.approx(20)
    assert f"{up} up" in about
    assert f"{unit}," in about
    again, _ = read_bvh(path, pelvis=motion.skeleton.pelvis)
    assert np.abs(again.translation - moves).max() < NEAR
    assert np.abs(again.skeleton.rest - motion.skeleton.rest).max() < NEAR


def test_npz_to_bvh_to_glb_stays_the_same_motion(tumbling, smplx, tmp_path, taken_apart):
    write_npz(tumbling, tmp_path / "a.npz")
    hand_over_clip(tmp_path / "a.npz", tmp_path / "a.bvh", Options(), smplx)
    handed = hand_over_clip(tmp_path / "a.bvh", tmp_path / "a.glb", Options(up="y"), None)
    _, places = _places(taken_apart(tmp_path / "a.glb"))
    assert np.abs(places - _expected(tumbling)).max() < NEAR
    assert any("own" in note for note in handed.notes)


def test_smplh_poses_get_a_face_at_rest(tumbling, model, tmp_path):
    generator = np.random.default_rng(2)
    poses = generator.uniform(-1, 1, (3, 52 * 3))
    path = tmp_path / "amass.npz"
    # AMASS has arrays of objects beside the motion, which nobody needs.
    marker = np.array([{"a": 1}], dtype=object)
    np.savez(path, poses=poses, trans=np.zeros((3, 3)), mocap_framerate=120.0, labels=marker)
    motion = read_clip(path, model, None, Options()).motion
    assert motion.fps == 120
    found = axis_angle_from_matrix(motion.rotations)
    assert np.abs(found[:, 25:].reshape(3, -1) - poses[:, 66:]).max() < 1e-9
    assert not found[:, 22:25].any()


def test_parts_are_read_where_there_are_no_poses(model, tmp_path):
    path = tmp_path / "parts.npz"
    turned = np.full((2, 63), 0.1)
    np.savez(path, root_orient=np.zeros((2, 3)), pose_body=turned, trans=np.zeros((2, 3)))
    motion = read_clip(path, model, None, Options(rate=30)).motion
    assert motion.rotations.shape == (2, 22, 3, 3)


def test_another_rate_keeps_the_motion(tumbling, smplx, tmp_path, taken_apart):
    write_npz(tumbling, tmp_path / "a.npz")
    hand_over_clip(tmp_path / "a.npz", tmp_path / "a.glb", Options(fps=60), smplx, with_mesh=False)
    times, places = _places(taken_apart(tmp_path / "a.glb"))
    assert times == pytest.approx(np.arange(17) / 60)
    assert np.abs(places[::2] - _expected(tumbling)).max() < NEAR


def test_a_label_goes_with_the_clip(tumbling, smplx, tmp_path, taken_apart):
    write_npz(replace(tumbling, label="sandbox: not DART's"), tmp_path / "a.npz")
    handed = hand_over_clip(tmp_path / "a.npz", tmp_path / "a.glb", Options(), smplx)
    assert handed.label == "sandbox: not DART's"
    smplx.with_name(smplx.name + ".stand-in").write_text("", encoding="ascii")
    handed = hand_over_clip(tmp_path / "a.npz", tmp_path / "a.glb", Options(), smplx)
    assert handed.label.startswith("sandbox: not DART's; stand-in body")
    extras = taken_apart(tmp_path / "a.glb").document["asset"]["extras"]
    assert extras["dartenv"]["label"] == handed.label


def test_other_betas_than_the_motions_move_the_bones(tumbling, model, tmp_path):
    write_npz(tumbling, tmp_path / "a.npz")
    found = read_clip(tmp_path / "a.npz", model, None, Options(betas=(0.5,))).motion
    bones = model.skeleton((0.5,))
    wanted = forward_kinematics(bones, tumbling.rotations, tumbling.translation)
    assert np.abs(found.positions() - wanted).max() < NEAR


def _npz(tmp_path, **changes):
    arrays = {"poses": np.zeros((2, 66)), "trans": np.zeros((2, 3)), "mocap_framerate": 30.0}
    arrays.update(changes)
    path = tmp_path / "a.npz"
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"poses": None}, "holds trans"),
        ({"trans": np.zeros((2, 2))}, "trans of shape"),
        ({"trans": np.zeros((0, 3)), "poses": np.zeros((0, 66))}, "trans of shape"),
        ({"poses": np.zeros((2, 72))}, "poses of shape"),
        ({"poses": np.zeros((3, 66))}, "poses of shape"),
        ({"poses": np.full((2, 66), np.nan)}, "no numbers"),
        ({"mocap_framerate": 0.0}, "mocap_framerate 0"),
        ({"trans": np.array([["a"] * 3] * 2)}, "trans is <U1"),
    ],
)
def test_a_wrong_npz_is_refused_in_words(changes, said, model, tmp_path):
    with pytest.raises(UsageFault, match=said):
        read_clip(_npz(tmp_path, **changes), model, None, Options())


def test_wrong_usage_is_refused_in_words(model, smplx, tmp_path):
    path = _npz(tmp_path)
    with pytest.raises(UsageFault, match="no bones"):
        read_clip(path, None, None, Options())
    with pytest.raises(UsageFault, match="--up"):
        read_clip(path, model, None, Options(up="x"))
    for wrong in (Options(rate=0.0), Options(rate=float("inf")), Options(fps=float("nan"))):
        with pytest.raises(UsageFault, match="1 to 1000"):
            read_clip(path, model, None, wrong)
    (tmp_path / "file").write_text("", encoding="ascii")
    for name in ("a.bvh", "a.glb"):
        with pytest.raises(UsageFault, match="cannot write"):
            hand_over_clip(path, tmp_path / "file" / name, Options(), smplx)
    with pytest.raises(UsageFault, match="a motion"):
        read_clip(tmp_path / "a.txt", model, None, Options())
    with pytest.raises(UsageFault, match="ending"):
        hand_over_clip(path, tmp_path / "a.gif", Options(), smplx)
    with pytest.raises(UsageFault, match="--mesh"):
        hand_over_clip(path, tmp_path / "a.bvh", Options(), smplx, with_mesh=True)
    with pytest.raises(UsageFault, match="not there"):
        read_clip(tmp_path / "absent.npz", model, None, Options())
    (tmp_path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UsageFault, match=r"os\.system|posix\.system|would call"):
        read_clip(tmp_path / "evil.pkl", model, None, Options())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("HIERARCHY", "HELLO", "HIERARCHY"),
        ("left_knee", "LeftLeg", "LeftLeg"),
        ("Frames: 2", "Frames: 3", "numbers after 3 frames"),
        ("Frame Time: 0.0", "Frame Time: -0.0", "frames a second"),
        ("OFFSET 0.", "OFFSET x.", "a number"),
        ("MOTION", "", "'Frames:'"),
    ],
)
def test_a_wrong_bvh_is_refused_in_words(old, new, said, tumbling, tmp_path):
    path = tmp_path / "a.bvh"
    short = replace(tumbling, rotations=tumbling.rotations[:2], translation=np.zeros((2, 3)))
    write_bvh(short, path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageFault, match=said):
        read_bvh(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(UsageFault, match="too early"):
        read_bvh(path)
