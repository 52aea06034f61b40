"""retarget.json: every bone once, chains along the tree, corrections that reach the A-pose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
import dartenv.unreal as package  # noqa: E402
from dartenv.manifests.compat_editor import MannequinTable  # noqa: E402
from dartenv.manifests.loader import Manifests  # noqa: E402
from dartenv.motion.rotations import matrix_from_quaternion  # noqa: E402
from dartenv.motion.skeleton import forward_kinematics, of_rest_joints  # noqa: E402
from dartenv.smoke.inside.skeleton import rest_joints  # noqa: E402
from dartenv.unreal.handover import hand_over_body  # noqa: E402
from dartenv.unreal.retarget import retarget_of, retarget_schema, to_json  # noqa: E402


@pytest.fixture(scope="module")
def table():
    return Manifests().read("compat", "mannequin", MannequinTable)


@pytest.fixture(scope="module")
def skeleton():
    return of_rest_joints(rest_joints())


@pytest.fixture(scope="module")
def document(skeleton, table):
    return json.loads(to_json(retarget_of(skeleton, "", table)))


def test_the_document_fits_the_schema_that_is_shipped(document):
    jsonschema = pytest.importorskip("jsonschema")
    shipped = Path(package.__file__).with_name("retarget.schema.json")
    schema = json.loads(shipped.read_text(encoding="utf-8"))
    assert schema == retarget_schema()
    jsonschema.validate(document, schema)


def test_every_bone_once_and_none_of_the_mannequins_twice(document, skeleton):
    assert [bone["smplx"] for bone in document["bones"]] == list(skeleton.names)
    mapped = [bone["unreal"] for bone in document["bones"] if bone["unreal"]]
    assert len(mapped) == len(set(mapped)) == 52
    assert not set(mapped) & set(document["unmapped"])
    for bone in document["bones"]:
        side = bone["smplx"].split("_")[0]
        ending = {"left": "_l", "right": "_r"}.get(side)
        if ending and bone["unreal"]:
            assert bone["unreal"].endswith(ending)


def test_chains_run_along_the_tree_and_share_no_bone(document):
    parents = {bone["smplx"]: bone["parent"] for bone in document["bones"]}
    seen = []
    for chain in document["chains"]:
        first, bone = chain["smplx"]
        while bone != first:
            seen.append(bone)
            bone = parents[bone]
            assert bone is not None, chain
        seen.append(first)
    assert len(seen) == len(set(seen))


def test_corrections_bring_the_arms_into_the_a_pose(document, skeleton, table):
    rotations = np.tile(np.eye(3), (1, 55, 1, 1))
    for row in document["corrections"]:
        x, y, z, w = row["quaternion"]
        joint = skeleton.names.index(row["smplx"])
        rotations[0, joint] = matrix_from_quaternion(np.array([w, x, y, z]))
        assert row["unreal_fbx"] == pytest.approx([-x, y, -z, w])
        assert row["unreal_glb"] == pytest.approx([-x, -z, -y, w])
        assert row["degrees"] == pytest.approx(np.degrees(2 * np.arccos(w)), abs=0.01)
        assert row["source"]
    places = forward_kinematics(skeleton, rotations, np.zeros((1, 3)))[0]
    place = dict(zip(skeleton.names, places))
    for side, out in (("left", 1), ("right", -1)):
        upper = place[f"{side}_elbow"] - place[f"{side}_shoulder"]
        lower = place[f"{side}_wrist"] - place[f"{side}_elbow"]
        upper, lower = upper / np.linalg.norm(upper), lower / np.linalg.norm(lower)
        assert np.degrees(np.arctan2(-upper[1], out * upper[0])) == pytest.approx(table.arms.down)
        assert upper[2] == pytest.approx(0, abs=1e-6)
        assert np.degrees(np.arccos(upper @ lower)) == pytest.approx(table.arms.forward, abs=1e-3)
        assert lower[2] > 0


def test_a_mirror_about_swapped_axes_is_what_the_quaternions_say():
    """R in the body's frame, seen where importers mirror y (FBX) or swap y and z (glTF)."""
    from dartenv.motion.rotations import quaternion_from_matrix

    w, x, y, z = 0.8, 0.3, -0.2, np.sqrt(1 - 0.64 - 0.09 - 0.04)
    turn = matrix_from_quaternion(np.array([w, x, y, z]))
    for flip, wanted in (
        (np.diag([1.0, -1, 1]), (w, -x, y, -z)),
        (np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]]), (w, -x, -z, -y)),
    ):
        assert quaternion_from_matrix(flip @ turn @ flip) == pytest.approx(wanted)


def test_it_lies_beside_the_body_and_names_a_stand_in(smplx, tmp_path):
    smplx.with_name(smplx.name + ".stand-in").write_text("", encoding="ascii")
    handed = hand_over_body(smplx, tmp_path / "out")
    path = tmp_path / "out" / "SMPLX_male_stand_in.retarget.json"
    assert path in [path for path, _ in handed.files]
    assert json.loads(path.read_bytes())["label"].startswith("stand-in")
