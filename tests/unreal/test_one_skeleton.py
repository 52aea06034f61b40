"""Live motion on the body that ``dartenv unreal body`` writes: the bones of a UDP datagram move the points of the
GLB and of the FBX, with the file's own bind pose and weights, to where SMPL's blend skinning has them.

In Unreal's axes and centimetres, as importers make them: y of an FBX is mirrored, y and z of a GLB are
swapped (docs/unreal.md). Nothing here was seen in Unreal.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
from dartenv.live.frame import live_frame  # noqa: E402
from dartenv.live.sinks.udp_json import pack_json  # noqa: E402
from dartenv.motion.rotations import (  # noqa: E402
    matrix_from_quaternion,
    quaternion_from_matrix,
)
from dartenv.motion.skeleton import fill_rest, of_rest_joints  # noqa: E402
from dartenv.unreal.body import make_mesh  # noqa: E402
from dartenv.unreal.handover import hand_over_body  # noqa: E402
from dartenv.unreal.smplx import read_body_model  # noqa: E402

REAL = os.environ.get("DARTENV_TEST_BLENDER")
MIRRORED = np.diag([1.0, -1, 1])  # an FBX's and DART's world to Unreal's
SWAPPED = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # a GLB's to Unreal's
NEAR = 0.01  # centimetres


@pytest.fixture
def mesh(smplx):
    return make_mesh(read_body_model(smplx), (1.5, -2.0))


@pytest.fixture
def pose():
    """(rotations [22, 3, 3], translation [3]) with every joint turned, in DART's world."""
    generator = np.random.default_rng(12)
    return matrix_from_quaternion(generator.standard_normal((22, 4))), generator.uniform(-2, 2, 3)


def transform(rotation, place):
    made = np.eye(4)
    made[:3, :3], made[:3, 3] = rotation, place
    return made


def skinned(mesh, pose):
    """Points [V, 3] in Unreal's world: linear blend skinning as SMPL has it, from the model's own arrays."""
    rotations = fill_rest(pose[0], 55)
    rest, parents = np.asarray(mesh.skeleton.rest), mesh.skeleton.parents
    bones = []
    for joint in range(55):
        around = transform(rotations[joint], rest[joint] - rotations[joint] @ rest[joint])
        bones.append(around if joint == 0 else bones[parents[joint]] @ around)
    world = transform(np.eye(3), pose[1])
    moved = blend(mesh.points, mesh, world @ np.array(bones))
    return 100 * moved @ MIRRORED


def blend(points, mesh, bones):
    """[V, 3]: each point under its four bones' matrices [J, 4, 4]."""
    ahead = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    each = np.einsum("vkij,vj->vki", bones[mesh.joints], ahead)
    return (each * mesh.weights[..., None]).sum(axis=1)[:, :3]


def received(mesh, pose):
    """{bone: (parent's name, rotation [3, 3], place [3])} of the datagram; bones it does not name stay at rest."""
    rotations, translation = pose
    body = of_rest_joints(np.asarray(mesh.skeleton.rest)[:22])
    (datagram,) = pack_json(body, "dartenv")(live_frame(0, 0, "", rotations, translation, body))
    (bones,) = json.loads(datagram).values()
    found = {}
    for bone in bones:
        x, y, z, w = bone["Rotation"]
        parent = bones[bone["Parent"]]["Name"] if bone["Parent"] >= 0 else ""
        turn = matrix_from_quaternion(np.array([w, x, y, z]))
        found[bone["Name"]] = (parent, turn, np.array(bone["Location"]))
    return found


def applied(mesh, sent, bind):
    """[55, 4, 4] in Unreal's world: what is sent on a skeleton that stands in ``bind`` [55, 4, 4]."""
    names, parents = mesh.skeleton.names, mesh.skeleton.parents
    made = []
    for joint, name in enumerate(names):
        above = made[parents[joint]] if joint else np.eye(4)
        if name in sent:
            parent, turn, place = sent[name]
            assert parent == ("" if joint == 0 else names[parents[joint]])
            made.append(above @ transform(turn, place))
        else:  # fingers and face
            made.append(above @ np.linalg.inv(bind[parents[joint]]) @ bind[joint])
    return np.array(made)


def for_glb(sent):
    """The conversion of docs/unreal.md: a datagram's bones to those of a GLB."""
    found = {}
    turn_down = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, y, z) to (x, z, -y)
    for name, (parent, turn, place) in sent.items():
        if parent:
            w, a, b, c = quaternion_from_matrix(turn)
            turn = matrix_from_quaternion(np.array([w, a, c, -b]))
            found[name] = (parent, turn, place[[0, 2, 1]] * [1, 1, -1])
        else:
            found[name] = (parent, turn @ turn_down.T, place)
    return found


def test_a_datagram_moves_the_glb_after_the_conversion(mesh, pose, smplx, tmp_path, taken_apart):
    handed = hand_over_body(smplx, tmp_path, betas="1.5,-2")
    gltf = taken_apart(handed.files[0][0])
    skin = gltf.document["skins"][0]
    inverse = gltf.array(skin["inverseBindMatrices"]).reshape(55, 4, 4).transpose(0, 2, 1)
    nodes = [gltf.document["nodes"][node]["name"] for node in skin["joints"]]
    assert nodes == list(mesh.skeleton.names)
    into = np.diag([100.0, 100, 100, 1]) @ transform(SWAPPED, [0, 0, 0])
    bind = into @ np.linalg.inv(inverse.astype(np.float64)) @ np.linalg.inv(into)
    points = 100 * gltf.attribute("POSITION").astype(np.float64) @ SWAPPED.T
    moved = applied(mesh, for_glb(received(mesh, pose)), bind)
    assert (
        np.abs(blend(points, mesh, moved @ np.linalg.inv(bind)) - skinned(mesh, pose)).max() < NEAR
    )
    # Without it the bones' own axes are others, and the body is torn.
    plain = applied(mesh, received(mesh, pose), bind)
    torn = blend(points, mesh, plain @ np.linalg.inv(bind))
    assert np.abs(torn - skinned(mesh, pose)).max() > 10


class Fbx:
    """What an importer takes from a binary FBX: nodes' transforms, and the clusters' bind poses.

    By the layout that Blender's developers describe (code.blender.org, FBX binary file format): a node is its end,
    how many properties, their length, its name, the properties and then its children.
    """

    def __init__(self, data):
        assert data[:20] == b"Kaydara FBX Binary  "
        (self.version,) = struct.unpack_from("<I", data, 23)
        self._data, self._head = data, "<QQQB" if self.version >= 7500 else "<IIIB"
        self.top = self._children(27, len(data))

    def _children(self, at, end):
        found = []
        size = struct.calcsize(self._head)
        while at + size <= end:
            stop, count, length, letters = struct.unpack_from(self._head, self._data, at)
            if stop == 0:
                break
            at += size
            name = self._data[at : at + letters].decode("ascii")
            at += letters
            values = self._values(at, count)
            found.append((name, values, self._children(at + length, stop)))
            at = stop
        return found

    def _values(self, at, count):
        values = []
        scalars = {"Y": "<h", "C": "<?", "B": "<?", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
        for _ in range(count):
            kind = chr(self._data[at])
            at += 1
            if kind in scalars:
                values.append(struct.unpack_from(scalars[kind], self._data, at)[0])
                at += struct.calcsize(scalars[kind])
            elif kind in "SR":
                (length,) = struct.unpack_from("<I", self._data, at)
                values.append(self._data[at + 4 : at + 4 + length])
                at += 4 + length
            else:
                length, packed, stored = struct.unpack_from("<III", self._data, at)
                raw = self._data[at + 12 : at + 12 + stored]
                raw = zlib.decompress(raw) if packed else raw
                code = {"f": "<f4", "d": "<f8", "i": "<i4", "l": "<i8", "b": "<u1"}[kind]
                values.append(np.frombuffer(raw, code, length))
                at += 12 + stored
        return values

    def section(self, name):
        return next(children for found, _, children in self.top if found == name)

    def objects(self, kind):
        """[(id, name, {child: values}, {property: values})] of that kind."""
        found = []
        for name, values, children in self.section("Objects"):
            if name == kind:
                rows = next((c for n, _, c in children if n == "Properties70"), [])
                properties = {row[1][0].decode(): row[1][4:] for row in rows}
                plain = {child: given for child, given, _ in children}
                found.append((values[0], values[1].split(b"\0")[0].decode(), plain, properties))
        return found

    def settings(self):
        rows = next(c for n, _, c in self.section("GlobalSettings") if n == "Properties70")
        return {row[1][0].decode(): row[1][4] for row in rows if len(row[1]) == 5}


@pytest.mark.skipif(not REAL, reason="DARTENV_TEST_BLENDER names no Blender")
def test_a_datagram_moves_the_fbx_as_it_is(mesh, pose, smplx, tmp_path):
    named = Path(str(REAL))
    which = {"bpy_python" if "python" in named.name else "blender": named}
    handed = hand_over_body(smplx, tmp_path, file_format="fbx", betas="1.5,-2", **which)
    fbx = Fbx(handed.files[0][0].read_bytes())
    settings = fbx.settings()
    assert (settings["UpAxis"], settings["UpAxisSign"]) == (2, 1)
    assert settings["UnitScaleFactor"] == pytest.approx(1)  # centimetres
    # The node above the bones, which Unreal drops, moves nothing.
    models = {number: (name, given) for number, name, _, given in fbx.objects("Model")}
    (armature,) = (given for name, given in models.values() if name == "Armature")
    for what, still in (("Lcl Translation", 0), ("Lcl Rotation", 0), ("Lcl Scaling", 1)):
        assert armature.get(what, [still] * 3) == pytest.approx([still] * 3, abs=1e-5)
    clusters = {number: given for number, _, given, _ in fbx.objects("Deformer")}
    bind = {}
    for _, link, _ in fbx.section("Connections"):
        if link[2] in clusters and link[1] in models and "TransformLink" in clusters[link[2]]:
            matrix = clusters[link[2]]["TransformLink"][0].reshape(4, 4).T
            bind[models[link[1]][0]] = matrix
    assert set(bind) <= set(mesh.skeleton.names)
    into = transform(MIRRORED, [0, 0, 0])
    rest = np.asarray(mesh.skeleton.rest)
    upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    whole = []
    for joint, name in enumerate(mesh.skeleton.names):
        expected = transform(upright, 100 * upright @ rest[joint])
        if name in bind:  # Blender leaves out the clusters of bones without a point
            assert np.abs(bind[name] - expected).max() < NEAR, name
        whole.append(into @ bind.get(name, expected) @ into)
    whole = np.array(whole)
    assert len(bind) > 40
    points = 100 * (mesh.points @ upright.T) @ MIRRORED
    moved = applied(mesh, received(mesh, pose), whole)
    assert (
        np.abs(blend(points, mesh, moved @ np.linalg.inv(whole)) - skinned(mesh, pose)).max() < NEAR
    )
