"""Every kind of motion into every kind of clip, and files that are none: DART's own layouts, key by key."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
from pathlib import Path

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
from dartenv.unreal import handover  # noqa: E402
from dartenv.unreal.clip import Options, read_clip  # noqa: E402
from dartenv.unreal.handover import hand_over_clip  # noqa: E402
from dartenv.unreal.smplx import read_body_model  # noqa: E402
from tests.unreal.test_clip import _places  # noqa: E402

REAL = os.environ.get("DARTENV_TEST_BLENDER")
FRAMES = 7
BETAS = (1.5, -2.0, *[0.0] * 8)
NEAR = 1e-4  # metres


@pytest.fixture
def model(smplx):
    return read_body_model(smplx)


@pytest.fixture
def motion(model):
    generator = np.random.default_rng(21)
    rotations = matrix_from_quaternion(generator.standard_normal((FRAMES, 22, 4)))
    return Motion(model.skeleton(BETAS), rotations, generator.uniform(-2, 2, (FRAMES, 3)), 20)


def sequence(motion, **changes):
    """What DART's programs pickle, with numpy arrays; ``None`` leaves an entry out."""
    made = {
        "texts": ["walk", "turn left"],
        "gender": "male",
        "betas": np.tile(np.float32(BETAS), (FRAMES, 1)),
        "transl": motion.translation.astype(np.float32),
        "global_orient": motion.rotations[:, 0].astype(np.float32),
        "body_pose": motion.rotations[:, 1:].astype(np.float32),
        "joints": motion.positions()[:, :22].astype(np.float32),
        "history_length": 2,
        "future_length": 8,
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def pickled(motion, path, **changes):
    path.write_bytes(pickle.dumps(sequence(motion, **changes)))


def rollout(motion, path):
    """mld.rollout_mld: torch's tensors, no rate."""
    torch = pytest.importorskip("torch")
    found = sequence(motion)
    tensors = {k: torch.tensor(v) for k, v in found.items() if isinstance(v, np.ndarray)}
    path.write_bytes(pickle.dumps({**found, **tensors}))


def optim(motion, path):
    """mld.optim_mld: a rate of its own, which numpy may hold."""
    pickled(motion, path, mocap_framerate=np.float64(20))


def scene(motion, path):
    """mld.optim_scene_mld: a path, goals, and no rate."""
    pickled(motion, path, scene_path=pathlib.PurePosixPath("a/scene.obj"), goal_location_idx=[0, 1])


def exported(motion, path):
    """DART's export_smpl, as mld.rollout_demo writes it."""
    poses = axis_angle_from_matrix(motion.rotations).reshape(FRAMES, 66)
    np.savez(
        path,
        mocap_framerate=20,
        gender="male",
        betas=np.float32(BETAS),
        poses=np.concatenate([poses, np.zeros((FRAMES, 99))], axis=1),
        trans=motion.translation,
    )


def own_bvh(motion, path):
    write_bvh(motion, path)


KINDS = {
    "rollout 动作.pkl": rollout,
    "optim 动作.pkl": optim,
    "scene 动作.pkl": scene,
    "export 动作.npz": exported,
    "own 动作.npz": write_npz,
    "own 动作.bvh": own_bvh,
}


def places_of_fbx(monkeypatch, tmp_path, run, really):
    """Joint places of an FBX: by Blender, or of what Blender would be given."""
    if really:
        from dartenv.unreal import fbx

        named = Path(REAL)
        path = run(**{"bpy_python" if "python" in named.name else "blender": named})
        blender = fbx.Blender(str(named), "", "python" in named.name)
        target = str(tmp_path / "read.npz")
        reader = str(Path(__file__).with_name("read_fbx.py"))
        argv = [reader if w == str(fbx._SCRIPT) else w for w in blender.argv(str(path), target)]
        subprocess.run(argv, check=True, timeout=300, stdout=subprocess.DEVNULL)
        with np.load(target) as found:
            names = list(found["names"])
            return names, found["frames"]
    given = {}

    def write(arrays, out, blender):
        given.update(arrays)
        out.parent.mkdir()
        out.write_bytes(b"FBX")
        return out

    monkeypatch.setattr(handover, "write_fbx", write)
    monkeypatch.setattr(handover, "blender_of", lambda *_: handover.Blender("b", "4.5"))
    run()
    rotations = matrix_from_quaternion(given["quaternions"])
    from dartenv.motion.skeleton import of_rest_joints

    bones = of_rest_joints(given["rest"])
    where = forward_kinematics(bones, rotations, given["places"] - given["rest"][0])
    return list(given["names"]), where @ Y_UP_OF_Z_UP


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("ending", ["glb", "bvh", "fbx"])
def test_every_motion_into_every_clip(
    name, ending, motion, smplx, tmp_path, taken_apart, monkeypatch
):
    path, out = tmp_path / name, tmp_path / "新 out" / f"clip 片段.{ending}"
    KINDS[name](motion, path)
    # A rollout names no rate; a BVH names no betas, and this made-up body stands on no feet that show its axis.
    options = Options(rate=20)
    if name.endswith("bvh"):
        options = Options(up="y", betas=BETAS)

    def run(**more):
        handed = hand_over_clip(path, out, options, smplx, **more)
        assert handed.facts["frames"] == FRAMES
        assert handed.facts["fps"] == pytest.approx(20)
        return out

    names = list(motion.skeleton.names)
    if ending == "fbx":
        found, places = places_of_fbx(monkeypatch, tmp_path, run, REAL and name.startswith("scene"))
        places = places[:, [found.index(bone) for bone in names]]
    elif ending == "glb":
        _, places = _places(taken_apart(run()))
        places = places @ Y_UP_OF_Z_UP
    else:
        places = read_bvh(run(), "y")[0].positions()
    assert np.abs(places - motion.positions()).max() < NEAR


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"transl": None}, "holds texts, gender"),
        ({"transl": np.full((FRAMES, 3), np.nan)}, "transl has values that are no numbers"),
        ({"transl": np.full((FRAMES, 3), 1e30)}, "transl goes up to 1e.30"),
        ({"transl": "hello"}, "transl is <U5"),
        ({"transl": [[1.0], [2.0, 3.0]]}, "transl is"),
        ({"transl": np.zeros((FRAMES - 1, 3))}, "global_orient of shape"),
        ({"transl": np.zeros((0, 3))}, r"transl of shape \(0, 3\)"),
        ({"body_pose": np.zeros((FRAMES, 20, 3, 3))}, "body_pose of shape"),
        ({"body_pose": np.zeros((FRAMES, 63))}, "body_pose of shape"),
        ({"global_orient": np.zeros((FRAMES, 3, 3))}, "no rotations"),
        ({"global_orient": np.tile(np.diag([1.0, 1, -1]), (FRAMES, 1, 1))}, "no rotations"),
        ({"mocap_framerate": -3}, "mocap_framerate -3"),
        ({"mocap_framerate": np.zeros(2)}, "one number"),
        ({"mocap_framerate": "30"}, "mocap_framerate is <U2"),
        ({"betas": "x"}, "betas is <U1"),
        ({"betas": np.full((FRAMES, 10), np.nan)}, "betas has values"),
        ({"betas": np.full((FRAMES, 10), 40.0)}, "betas up to 40"),
    ],
)
def test_a_wrong_pickle_is_refused_in_words(changes, said, motion, model, tmp_path):
    path = tmp_path / "动作.pkl"
    pickled(motion, path, **changes)
    with pytest.raises(UsageFault, match=said) as caught:
        read_clip(path, model, None, Options())
    assert "动作.pkl" in str(caught.value)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9, 0.999])
def test_a_pickle_or_npz_that_was_cut_off_is_refused_in_words(share, motion, model, tmp_path):
    for name in ("rollout 动作.pkl", "own 动作.npz"):
        path = tmp_path / name
        (pickled if name.endswith("pkl") else write_npz)(motion, path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(UsageFault, match="动作"):
            read_clip(path, model, None, Options())


class Runs:
    """Touches a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("where", ["an entry more", "among the numbers", "the whole file"])
def test_nothing_in_a_pickle_is_run(where, motion, model, tmp_path):
    ran, path = tmp_path / "ran", tmp_path / "a.pkl"
    if where == "the whole file":
        path.write_bytes(pickle.dumps(Runs(ran)))
    else:
        pickled(motion, path, **{"extra" if "more" in where else "betas": Runs(ran)})
    with pytest.raises(UsageFault, match=r"would call (posix|nt)\.mkdir"):
        read_clip(path, model, None, Options())
    assert not ran.exists()
    pickle.loads(path.read_bytes())  # it would have
    assert ran.exists()


def test_a_rate_that_numpy_holds_is_the_rate(motion, model, tmp_path):
    path = tmp_path / "a.pkl"
    for rate in (np.float64(20), np.array(20), np.int64(20), 20, 20.0):
        pickled(motion, path, mocap_framerate=rate)
        clip = read_clip(path, model, None, Options())
        assert clip.motion.fps == 20
        assert not any("no rate" in note for note in clip.notes)


def test_an_archive_that_is_called_a_pickle_is_named(motion, model, tmp_path):
    path = tmp_path / "a.pkl"
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    (tmp_path / "a.npz").replace(path)
    with pytest.raises(UsageFault, match=r"a zip, as torch\.save"):
        read_clip(path, model, None, Options())


def test_betas_of_nobody_can_be_overridden(motion, model, tmp_path):
    path = tmp_path / "a.pkl"
    pickled(motion, path, betas=np.full((FRAMES, 10), 40.0))
    assert read_clip(path, model, None, Options(betas=(0.0,))).motion.skeleton.betas == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"up_axis": "x"}, "up_axis x"),
        ({"poses": np.full((2, 66), 1e300)}, "poses goes up to 1e.300"),
        ({"mocap_framerate": "30"}, "mocap_framerate is <U2"),
        ({"betas": np.full(10, np.nan)}, "betas has values"),
    ],
)
def test_an_npz_that_no_motion_can_have(changes, said, model, tmp_path):
    arrays = {"poses": np.zeros((2, 66)), "trans": np.zeros((2, 3)), "mocap_framerate": 30.0}
    np.savez(tmp_path / "a.npz", **{**arrays, **changes})
    with pytest.raises(UsageFault, match=said):
        read_clip(tmp_path / "a.npz", model, None, Options())


def test_a_bvh_of_another_skeleton_is_named(motion, model, tmp_path):
    path = tmp_path / "别的 other.bvh"
    path.write_text(
        "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\n"
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
        "End Site\n{\nOFFSET 0 10 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.033\n0 0 0 0 0 0\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageFault, match="1 joints, among them Hips; expected SMPL-X's 22 or 55"):
        read_clip(path, model, None, Options())
    own_bvh(motion, path)
    text = path.read_text(encoding="utf-8").splitlines()
    text[-1] = " ".join(["1e30", *text[-1].split()[1:]])
    path.write_text("\n".join(text), encoding="utf-8")
    with pytest.raises(UsageFault, match=r"a frame goes up to 1e\+30"):
        read_clip(path, model, None, Options())
