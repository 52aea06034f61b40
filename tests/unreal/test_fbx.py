"""FBX: which Blender is taken, what it is given and told; with a real one where one is named.

``DARTENV_TEST_BLENDER`` names a Blender, or a Python with bpy, to write and read files with.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
from dartenv.errors import UsageFault  # noqa: E402
from dartenv.facts.runner import Completed  # noqa: E402
from dartenv.manifests.compat_editor import UnrealTable  # noqa: E402
from dartenv.manifests.loader import Manifests  # noqa: E402
from dartenv.motion.motion import Motion  # noqa: E402
from dartenv.motion.rotations import matrix_from_quaternion  # noqa: E402
from dartenv.unreal import fbx  # noqa: E402
from dartenv.unreal.body import make_mesh  # noqa: E402
from dartenv.unreal.smplx import read_body_model  # noqa: E402

NAME = "blender.exe" if os.name == "nt" else "blender"
REAL = os.environ.get("DARTENV_TEST_BLENDER")


class Scripted:
    """Answers by the program's path; ``writes`` makes the file that the last argument names."""

    def __init__(self, answers, writes=b""):
        self.answers, self.writes, self.seen, self.given = answers, writes, [], None

    def run(self, argv, timeout, env=None, cwd=None, stdin=None):
        self.seen.append(list(argv))
        if argv[-1].endswith(".fbx"):
            with np.load(argv[-2], allow_pickle=False) as found:
                self.given = dict(found)
            if self.writes:
                Path(argv[-1]).write_bytes(self.writes)
        rc, out, err = self.answers[argv[0]]
        return Completed(argv, rc, out, err)


@pytest.fixture
def table():
    return Manifests().read("compat", "unreal", UnrealTable)


def _program(folder):
    folder.mkdir(parents=True)
    path = folder / NAME
    path.write_bytes(b"")
    return path


def _nowhere(table):
    import msgspec

    return msgspec.structs.replace(table, blender_windows=(), blender_posix=())


def test_path_comes_before_the_standard_folders(table, tmp_path):
    import msgspec

    first, other = _program(tmp_path / "on path"), _program(tmp_path / "opt" / "blender-4")
    here = msgspec.structs.replace(
        table, blender_windows=(str(other),), blender_posix=(str(other),)
    )
    answers = {str(p): (0, b"Blender 4.5.3\n", b"") for p in (first, other)}
    env = {"PATH": str(first.parent)}
    assert fbx.find_blender(here, env=env, runner=Scripted(answers)).path == str(first)
    assert fbx.find_blender(here, env={}, runner=Scripted(answers)).path == str(other)
    # One that does not answer, or is too old, gives way to the next.
    for bad in ((1, b"", b"libGL: missing"), (0, b"Blender 2.79\n", b"")):
        answers[str(first)] = bad
        assert fbx.find_blender(here, env=env, runner=Scripted(answers)).path == str(other)


def test_no_blender_names_what_helps(table):
    with pytest.raises(UsageFault) as caught:
        fbx.find_blender(_nowhere(table), env={}, runner=Scripted({}))
    said = caught.value.render()
    assert table.fbx_blender_min in said
    assert "--format glb" in said
    assert "--bpy-python" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((0, b"Blender 2.93.1\n", b""), "Blender 2.93.1"),
        ((127, b"", b"error while loading libXi.so.6\n"), "libXi.so.6"),
        ((0, b"hello\n", b""), "no version"),
    ],
)
def test_a_named_blender_must_fit(answer, said, table, tmp_path):
    path = _program(tmp_path / "b")
    with pytest.raises(UsageFault, match=said):
        fbx.find_blender(table, blender=path, runner=Scripted({str(path): answer}))


def test_names_that_are_wrong(table, tmp_path):
    with pytest.raises(UsageFault, match="not there"):
        fbx.find_blender(table, blender=tmp_path / "no", runner=Scripted({}))
    with pytest.raises(UsageFault, match="one of them"):
        fbx.find_blender(table, tmp_path, tmp_path, runner=Scripted({}))


def test_a_version_nobody_tried_is_said(table, tmp_path):
    path = _program(tmp_path / "b")
    for version, tried in ((table.fbx_blender_tried[0], True), ("9.1", False)):
        answers = {str(path): (0, f"Blender {version}.2\n".encode(), b"")}
        found = fbx.find_blender(table, blender=path, runner=Scripted(answers))
        assert (found.note == "") == tried


def test_a_python_with_bpy_runs_the_script_itself(table, tmp_path):
    path = _program(tmp_path / "b")
    answers = {str(path): (0, b"bpy 4.5.15\n", b"")}
    found = fbx.find_blender(table, bpy_python=path, runner=Scripted(answers))
    argv = found.argv("in", "out")
    assert argv[0] == str(path)
    assert argv[1].endswith("blender_script.py")
    assert argv[2:] == ["--", "in", "out"]
    answers[str(path)] = (1, b"", b"Traceback\nModuleNotFoundError: No module named 'bpy'\n")
    with pytest.raises(UsageFault, match="No module named 'bpy'"):
        fbx.find_blender(table, bpy_python=path, runner=Scripted(answers))


def test_the_script_gets_plain_arrays_of_the_models_own_points(smplx, contents, tmp_path):
    mesh = make_mesh(read_body_model(smplx), (), {"betas": 2})
    runner = Scripted({"B": (0, b"DARTENV-FBX {}\n", b"")}, b"FBX")
    out = tmp_path / "new" / "body.fbx"
    fbx.write_fbx(fbx.body_arrays(mesh), out, fbx.Blender("B", "4.5"), runner)
    assert out.read_bytes() == b"FBX"
    given = runner.given
    assert np.array_equal(given["points"], contents["v_template"])
    assert np.array_equal(given["faces"], contents["f"])
    assert np.abs(given["uv"] - contents["vt"][contents["ft"]]).max() < 1e-12
    assert np.abs(given["morphs"][1] - contents["shapedirs"][:, :, 1]).max() < 1e-6
    assert "--factory-startup" in runner.seen[0]


@pytest.mark.parametrize(
    ("answer", "writes", "said"),
    [
        ((9, b"", b"ModuleNotFoundError: No module named 'numpy'"), b"", "numpy"),
        ((0, b"", b""), b"FBX", "wrote no FBX"),
        ((0, b"DARTENV-FBX {}\n", b""), b"", "wrote no FBX"),
    ],
)
def test_a_blender_that_fails_says_why(answer, writes, said, smplx, tmp_path):
    mesh = make_mesh(read_body_model(smplx))
    runner = Scripted({"B": answer}, writes)
    with pytest.raises(UsageFault, match=said):
        fbx.write_fbx(fbx.body_arrays(mesh), tmp_path / "b.fbx", fbx.Blender("B", "4.5"), runner)
    assert not (tmp_path / "b.fbx").exists()


@pytest.mark.skipif(not REAL, reason="DARTENV_TEST_BLENDER names no Blender")
def test_blender_reads_back_what_it_wrote(table, smplx, tmp_path):
    named = Path(str(REAL))
    module = "python" in named.name
    blender = fbx.find_blender(table, None if module else named, named if module else None)
    model = read_body_model(smplx)
    mesh = make_mesh(model, (1.5, -2.0), {"betas": 2})
    generator = np.random.default_rng(4)
    rotations = matrix_from_quaternion(generator.standard_normal((6, 22, 4)))
    motion = Motion(mesh.skeleton, rotations, generator.uniform(-2, 2, (6, 3)), 30)
    cases = (
        ("body", fbx.body_arrays(mesh)),
        ("clip", fbx.clip_arrays(motion, None, "clip")),
        ("both", fbx.clip_arrays(motion, mesh, "both")),
    )
    read = str(Path(__file__).with_name("read_fbx.py"))
    for name, arrays in cases:
        path = fbx.write_fbx(arrays, tmp_path / f"{name}.fbx", blender)
        target = str(tmp_path / f"{name}.npz")
        argv = [
            word if word != str(fbx._SCRIPT) else read for word in blender.argv(str(path), target)
        ]
        subprocess.run(argv, check=True, timeout=300, stdout=subprocess.DEVNULL)
        with np.load(target) as archive:
            found = dict(archive)
        names = list(found["names"])
        order = [names.index(bone) for bone in mesh.skeleton.names]
        assert len(names) == 55
        parents = ["" if p < 0 else mesh.skeleton.names[p] for p in mesh.skeleton.parents]
        assert [str(found["parents"][i]) for i in order] == parents
        assert not found["turned"].any()
        rest = np.asarray(mesh.skeleton.rest)
        z_up = np.stack([rest[:, 0], -rest[:, 2], rest[:, 1]], axis=1)
        assert np.abs(found["rest"][order] - z_up).max() < 1e-4
        if name != "body":
            assert np.abs(found["frames"][:, order] - motion.positions()).max() < 1e-4
        if name != "clip":
            first = np.unique(mesh.source, return_index=True)[1]
            weights = np.zeros((len(first), 55))
            np.put_along_axis(weights, mesh.joints[first], mesh.weights[first], 1)
            assert np.abs(found["weights"][:, order] - weights).max() < 1e-5
            assert list(found["morphs"]) == ["Shape000", "Shape001"]
