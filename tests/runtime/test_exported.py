"""The runtime on the sandbox's own bundle: the host's arithmetic against the graph's."""

from __future__ import annotations

import json

import pytest

np = pytest.importorskip("numpy")


def _load(folder, **options):
    from dartenv.runtime import load

    return load(folder, **{"threads": 1, **options})


@pytest.mark.parametrize("joints", ["predicted", "body-model"])
def test_a_whole_primitive_cut_at_its_end_is_the_history_the_graph_gives(exported, joints):
    from dartenv.runtime.noise import Noise

    host = _load(exported, joints=joints)
    schedule = host.schedule()
    noise = Noise(host.bundle, schedule, 3, 2)
    state = host.start(2)
    for _ in range(3):
        made = host.step(state, host.embed("turn left"), next(noise), 5.0, schedule)
        cut = host.canonical(made.motion[:, -host.bundle.sizes.history :], state.world)
        assert np.abs(cut.history - made.after.history).max() < 2e-3  # normalised by small spreads
        assert np.abs(cut.world.rotation - made.after.world.rotation).max() < 1e-5
        assert np.abs(cut.world.translation - made.after.world.translation).max() < 1e-5
        placed = host.features.placed(made.motion, state.world)
        for one, two in zip(placed, made.placed):
            assert np.abs(one - two).max() < 1e-5
        state = made.after


def test_walking_walks_and_the_stream_goes_on_smoothly_where_the_prompt_changes(exported):
    host = _load(exported)
    walked = host.generate("walk forward*6", seed=0)[0]
    path = np.linalg.norm(np.diff(walked.translation[:, :2], axis=0), axis=-1)
    assert path.sum() > 0.5
    stream = host.stream("walk forward", seed=0)
    shown = stream.take(21)
    stream.prompt = "turn left"
    shown += stream.take(20)
    joints = np.array([frame.joints for frame in shown])
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=1)
    # The cut lies between frames 20 and 21; a wrong frame of reference would throw the body there.
    assert steps[20] < 2.5 * np.median(steps) + 0.02
    assert [frame.text for frame in shown[20:22]] == ["walk forward", "turn left"]


def test_predicted_joints_lie_near_kinematics(exported):
    motion = _load(exported).generate("stand*2")[0]
    assert np.linalg.norm(motion.joints - motion.positions(), axis=-1).mean() < 0.05


@pytest.fixture
def generate(capfd, monkeypatch, tmp_path):
    """``generate(arguments...)``: exit code, stdout, stderr of dartenv generate, in a folder."""
    import sys

    from dartenv.cli.app import assemble
    from dartenv.cli.ending import run

    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dartenv", "generate", *map(str, arguments)])
        capfd.readouterr()
        code = run(assemble())
        done = capfd.readouterr()
        return code, done.out, done.err

    return call


def test_generate_writes_what_the_name_ends_in(exported, generate, tmp_path):
    common = ("walk forward*1, turn left*1", "--bundle", exported, "--threads", 1)
    code, out, err = generate(*common, "-o", "动作.bvh", "--up", "z", "--unit", "m")
    assert (code, err) == (0, "")
    assert "18 frames" in out
    assert "22 joints, z up, metres, Euler ZXY" in out
    assert "sandbox" in out
    assert "Frames: 18" in (tmp_path / "动作.bvh").read_text(encoding="utf-8")
    code, out, _ = generate(*common, "-o", "m.npz", "--batch", 2, "--fps", 20, "--format", "json")
    assert code == 0
    document = json.loads(out)
    assert document["kind"] == "sandbox"
    assert [file["frames"] for file in document["files"]] == [12, 12]
    with np.load(str(tmp_path / "m-1.npz")) as found:
        assert float(found["mocap_framerate"]) == 20
        assert found["poses"].shape == (12, 165)


def test_generate_draws_a_picture_that_moves(exported, generate, tmp_path):
    image = pytest.importorskip("PIL.Image")
    code, out, _ = generate("walk*2", "--bundle", exported, "-o", "m.gif", "--threads", 1)
    assert code == 0
    assert "12 pictures" in out
    with image.open(str(tmp_path / "m.gif")) as picture:
        assert picture.n_frames >= 10  # equal pictures may be joined
        first = np.asarray(picture.convert("RGB"))
        picture.seek(picture.n_frames - 1)
        last = np.asarray(picture.convert("RGB"))
    assert first.std() > 5
    assert (first != last).any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("",), "an empty prompt"),
        (("walk",), "no *count"),
        (("walk*1", "--batch", 0), "batch 0"),
        (("walk*1", "--guidance", "nan"), "guidance nan"),
        (("walk*1", "--respacing", "ddim99"), "ddim99"),
        (("walk*1", "--provider", "cuda"), "provider cuda"),
        (("walk*1", "--precision", "int8"), "primitive is there as fp32"),
        (("walk*1", "--precision", "int4"), "--precision int4"),
        (("walk*1", "--joints", 55), "22 joints"),
        (("walk*1", "--up", "x"), "--up x"),
        (("walk*1", "--fps", 0), "--fps 0"),
        (("walk*1", "-o", "m.fbx"), "m.fbx"),
        (("walk*1", "-o", "no/m.bvh"), "no folder"),
        (("walk*1", "--bundle", "nowhere"), "nowhere"),
    ],
)
def test_generate_names_what_cannot_be(exported, generate, arguments, said):
    import onnxruntime

    if "cuda" in arguments and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    defaults = () if "--bundle" in arguments else ("--bundle", exported)
    if "-o" not in arguments:
        defaults += ("-o", "m.bvh")
    code, out, err = generate(*arguments, *defaults)
    assert code == 2
    assert said in err.replace("\n", " ")
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "prompt",
    ["向前走*1", "👋🏽 wave*1", "word " * 500 + "*1", "*1"],
    ids=["chinese", "emoji", "500 words", "none"],
)
def test_generate_takes_any_words(exported, generate, prompt):
    code, _, err = generate(prompt, "--bundle", exported, "-o", "m.bvh", "--guidance", 0)
    assert (code, err) == (0, "")
