"""The C++ node's retarget on the body that ``dartenv unreal body`` writes, against what ``dartenv live`` sends
and against retarget.json: one bone map, one rest-pose correction, one set of axes. Needs g++."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.hosts.core import FIXTURES, run

np = pytest.importorskip("numpy")
pytest.importorskip("msgspec")

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or os.name == "nt", reason="needs g++ on Linux"
)

HALF = 0.5**0.5
# Body model (y up) to what Unreal's importers make of each file's bones, in centimetres: docs/unreal.md.
AXES = {"fbx": np.diag([1.0, -1, 1]), "glb": np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])}


def product(a, b):
    """Of quaternions w x y z: b first."""
    v = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.array([a[0] * b[0] - a[1:] @ b[1:], *v])


@pytest.fixture(scope="module")
def skeleton():
    from dartenv.bundle.files import load_bundle
    from dartenv.motion.skeleton import from_bundle

    # Hashes of models that are not here are nobody's affair: only the bones are read.
    return from_bundle(load_bundle(FIXTURES).skeleton)


@pytest.fixture(scope="module")
def corrections(skeleton):
    from dartenv.manifests.compat_editor import MannequinTable
    from dartenv.manifests.loader import Manifests
    from dartenv.unreal.retarget import retarget_of, to_json

    table = Manifests().read("compat", "mannequin", MannequinTable)
    document = json.loads(to_json(retarget_of(skeleton, "", table)))
    assert len(document["corrections"]) == 4
    return document["corrections"]


@pytest.fixture(scope="module")
def poses():
    from dartenv.motion.rotations import matrix_from_quaternion

    generator = np.random.default_rng(11)
    quaternions = generator.standard_normal((5, 22, 4))
    rotations = matrix_from_quaternion(
        quaternions / np.linalg.norm(quaternions, axis=-1)[..., None]
    )
    return rotations, generator.uniform(-2, 2, (5, 3))


def reference(skeleton, file, corrections=()):
    """The body's bones as they stand in Unreal after an import of ``file``, in its A-pose with corrections."""
    places = 100 * skeleton.offsets @ AXES[file].T
    turns = np.tile([1.0, 0, 0, 0], (22, 1))
    if file == "fbx":  # its pelvis stands upright in a file with z up
        places[0] = 100 * np.diag([1.0, -1, 1]) @ (skeleton.pelvis * [1, -1, 1])[[0, 2, 1]]
        turns[0] = [HALF, -HALF, 0, 0]
    for row in corrections:
        joint = skeleton.names.index(row["smplx"])
        x, y, z, w = row[f"unreal_{file}"]
        turns[joint] = product(turns[joint], np.array([w, x, y, z]))
    return turns, places


def follow(program, skeleton, poses, turns, places):
    """(height ratio, [poses, 22, 7]) of the C++ node: w x y z, and a place in centimetres."""
    from dartenv.motion.rotations import quaternion_from_matrix

    rows = [
        " ".join(map(repr, [*map(float, turn), *map(float, place)]))
        for turn, place in zip(turns, places)
    ]
    lines = ["22"]
    lines += [f"{n} {p} {row}" for n, p, row in zip(skeleton.names, skeleton.parents, rows)]
    for rotations, translation in zip(*poses):
        numbers = [*quaternion_from_matrix(rotations).reshape(-1), *translation]
        lines.append(" ".join(repr(float(number)) for number in numbers))
    done = run(program, "bones", FIXTURES / "bundle.json", stdin="\n".join(lines).encode("ascii"))
    assert done.returncode == 0, done.stdout
    words = done.stdout.split()
    found = np.array([float(word) for word in words[1:]]).reshape(len(poses[0]), 22, 7)
    return float(words[0]), found


def sent(skeleton, poses, file):
    """The same of ``dartenv live --udp``, for the bones of ``file`` as docs/unreal.md converts them."""
    from dartenv.live.frame import live_frame
    from dartenv.live.sinks.udp_json import pack_json

    found = []
    pack = pack_json(skeleton, "dartenv")
    for rotations, translation in zip(*poses):
        (datagram,) = pack(live_frame(0, 0, "", rotations, translation, skeleton))
        rows = []
        for joint, bone in enumerate(json.loads(datagram)["dartenv"]):
            (x, y, z), (a, b, c, w) = bone["Location"], bone["Rotation"]
            turn, place = np.array([w, a, b, c]), np.array([x, y, z])
            if file == "glb" and joint == 0:
                turn = product(turn, np.array([HALF, HALF, 0, 0]))
            elif file == "glb":
                turn, place = np.array([w, a, c, -b]), np.array([x, z, -y])
            rows.append([*turn, *place])
        found.append(rows)
    return np.array(found)


def apart(one, two):
    """(quaternions, centimetres) by which transforms differ; a quaternion's sign means nothing."""
    same = np.abs(one[..., :4] - two[..., :4]).max(axis=-1)
    other = np.abs(one[..., :4] + two[..., :4]).max(axis=-1)
    return np.minimum(same, other).max(), np.abs(one[..., 4:] - two[..., 4:]).max()


@pytest.mark.parametrize("file", ["fbx", "glb"])
def test_the_node_gives_the_body_s_bones_what_live_sends(program, skeleton, poses, file):
    ratio, made = follow(program, skeleton, poses, *reference(skeleton, file))
    assert ratio == pytest.approx(1, abs=1e-6)
    turns, places = apart(made, sent(skeleton, poses, file))
    assert turns < 1e-6
    assert places < 2e-4  # what is sent is rounded to a thousandth of a millimetre


@pytest.mark.parametrize("file", ["fbx", "glb"])
def test_the_node_takes_back_what_retarget_json_corrects(
    program,
    skeleton,
    poses,
    corrections,
    file,
):
    """A reference pose is only a pose: the same bones, standing in the A-pose of retarget.json, end the same."""
    turns, places = reference(skeleton, file, corrections)
    _, made = follow(program, skeleton, poses, turns, places)
    turned, placed = apart(made, sent(skeleton, poses, file))
    assert turned < 1e-5  # retarget.json has seven digits
    assert placed < 2e-4
