"""The body as glTF: what a reader of the specification finds, against the body model's numbers."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
from dartenv.errors import UsageFault  # noqa: E402
from dartenv.motion.skeleton import PARENTS_55  # noqa: E402
from dartenv.unreal.body import make_mesh, parse_betas, parse_morphs, top_weights  # noqa: E402
from dartenv.unreal.handover import hand_over_body  # noqa: E402
from dartenv.unreal.smplx import read_body_model  # noqa: E402

BETAS = "1.5,-2"


@pytest.fixture
def handed(smplx, tmp_path):
    return hand_over_body(smplx, tmp_path / "out", morphs="betas:3,expressions:2", betas=BETAS)


@pytest.fixture
def gltf(handed, taken_apart):
    return taken_apart(handed.files[0][0])


def _joints(contents):
    shaped = contents["v_template"] + contents["shapedirs"][:, :, :2] @ [1.5, -2]
    return shaped, contents["J_regressor"] @ shaped


def test_bones_stand_where_the_regressor_puts_them(gltf, contents):
    nodes = gltf.document["nodes"]
    _, rest = _joints(contents)
    world = np.zeros((55, 3))
    for joint in range(55):
        parent = PARENTS_55[joint]
        assert parent < 0 or joint in nodes[parent]["children"]
        world[joint] = np.add(nodes[joint]["translation"], world[parent] if parent >= 0 else 0)
        assert "rotation" not in nodes[joint]
    assert np.abs(world - rest).max() < 1e-6
    assert [nodes[j]["name"] for j in (0, 15, 20, 24, 54)] == [
        "pelvis",
        "head",
        "left_wrist",
        "right_eye_smplhf",
        "right_thumb3",
    ]
    inverse = gltf.array(gltf.document["skins"][0]["inverseBindMatrices"]).reshape(55, 4, 4)
    moved = np.concatenate([rest, np.ones((55, 1))], axis=1)
    # Column by column in the file: a row vector times what is read.
    assert np.abs(np.einsum("jr,jrc->jc", moved, inverse) - [0, 0, 0, 1]).max() < 1e-6


def test_points_and_texture_stand_as_in_the_model(gltf, contents):
    shaped, _ = _joints(contents)
    faces = gltf.array(gltf.primitive["indices"]).reshape(-1, 3)
    points, uv = gltf.attribute("POSITION"), gltf.attribute("TEXCOORD_0")
    assert np.abs(points[faces] - shaped[contents["f"]]).max() < 1e-6
    wanted = contents["vt"][contents["ft"]]
    assert np.abs(uv[faces] - np.stack([wanted[..., 0], 1 - wanted[..., 1]], -1)).max() < 1e-6
    assert np.abs(np.linalg.norm(gltf.attribute("NORMAL"), axis=1) - 1).max() < 1e-5
    bounds = gltf.document["accessors"][gltf.primitive["attributes"]["POSITION"]]
    assert np.array_equal(points.min(axis=0), np.float32(bounds["min"]))


def test_four_heaviest_joints_stay_and_sum_to_one(smplx, contents):
    mesh = make_mesh(read_body_model(smplx))
    point = int(np.flatnonzero(mesh.source == 0)[0])
    assert mesh.joints[point].tolist() == [1, 4, 7, 10]
    assert mesh.weights[point] == pytest.approx(np.array([0.3, 0.25, 0.2, 0.15]) / 0.9)
    assert np.abs(mesh.weights.sum(axis=1) - 1).max() < 1e-6
    lost = 1 - np.sort(contents["weights"], axis=1)[:, -4:].sum(axis=1)
    assert mesh.cut.most == pytest.approx(lost.max())
    assert mesh.cut.mean == pytest.approx(lost.mean())


def test_places_without_weight_name_joint_zero():
    joints, weights, cut = top_weights(np.array([[0.0, 0.0, 1.0, 0.0, 0.0]]))
    assert joints.tolist() == [[2, 0, 0, 0]]
    assert weights.tolist() == [[1, 0, 0, 0]]
    assert cut.points == 0


def test_morphs_are_columns_of_the_model_named_in_order(
    gltf, contents, smplx, tmp_path, taken_apart
):
    assert gltf.document["meshes"][0]["extras"]["targetNames"] == [
        "Shape000",
        "Shape001",
        "Shape002",
        "Exp000",
        "Exp001",
    ]
    faces = gltf.array(gltf.primitive["indices"]).reshape(-1, 3)
    for morph, column in enumerate((0, 1, 2, 300, 301)):
        moves = gltf.array(gltf.primitive["targets"][morph]["POSITION"])
        wanted = contents["shapedirs"][:, :, column][contents["f"]]
        assert np.abs(moves[faces] - wanted).max() < 2e-6
    plain = hand_over_body(smplx, tmp_path / "plain")
    assert "targets" not in taken_apart(plain.files[0][0]).primitive


def test_a_morph_of_few_points_takes_little_room(contents, tmp_path):
    local = dict(contents, shapedirs=np.zeros((len(contents["v_template"]), 3, 400)))
    local["shapedirs"][5:9, :, 300] = 0.01
    path = tmp_path / "SMPLX_FEMALE.npz"
    np.savez(path, **local)
    made = hand_over_body(path, tmp_path / "with", morphs="expressions:1")
    plain = hand_over_body(path, tmp_path / "without")
    grown = made.files[0][0].stat().st_size - plain.files[0][0].stat().st_size
    assert 0 < grown < 12 * len(contents["v_template"])


def test_sizes_with_and_without_and_the_cut_are_told(handed, smplx, tmp_path):
    assert "5 morph targets; without them" in handed.files[0][1]
    assert "no morph targets; 10 betas make it" in hand_over_body(smplx, tmp_path / "p").files[0][1]
    assert any("points lost weight" in note for note in handed.notes)


@pytest.mark.parametrize("how", ["a file beside it", "no shape of its own"])
def test_a_stand_in_says_so(how, contents, tmp_path, taken_apart):
    path = tmp_path / "SMPLX_MALE.npz"
    made = dict(contents)
    if how == "a file beside it":
        (tmp_path / "SMPLX_MALE.npz.stand-in").write_text("", encoding="ascii")
    else:
        made["shapedirs"] = np.zeros_like(contents["shapedirs"])
    np.savez(path, **made)
    handed = hand_over_body(path, tmp_path / "out")
    assert handed.label.startswith("stand-in")
    document = taken_apart(handed.files[0][0]).document
    assert document["asset"]["extras"]["dartenv"]["label"] == handed.label
    assert "stand_in" in document["meshes"][0]["name"]


def _broken(contents, what):
    made = dict(contents)
    if what == "missing":
        del made["weights"]
    elif what == "objects":
        made["weights"] = made["weights"].astype(object)
    elif what == "nan":
        made["v_template"] = np.full_like(made["v_template"], np.nan)
    elif what == "face":
        made["f"] = made["f"] + 5
    elif what == "tree":
        made["kintree_table"] = made["kintree_table"][:, ::-1]
    elif what == "sums":
        made["weights"] = made["weights"] * 2
    elif what == "shape":
        made["J_regressor"] = made["J_regressor"][:, :-1]
    elif what == "smplh":
        made["weights"] = made["weights"][:, :52]
    elif what == "texts":
        made["f"] = np.array(["a"])
    return made


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing", "no weights in it"),
        ("objects", "unpickled"),
        ("nan", "v_template has values that are no numbers"),
        ("face", "f names point"),
        ("tree", "another tree"),
        ("sums", "sum to 2"),
        ("shape", "J_regressor of shape"),
        ("smplh", "SMPL-H"),
        ("texts", "f is <U1"),
    ],
)
def test_a_wrong_body_model_is_refused_in_words(what, said, contents, tmp_path):
    path = tmp_path / "SMPLX_MALE.npz"
    np.savez(path, **_broken(contents, what))
    with pytest.raises(UsageFault, match=said):
        read_body_model(path)


def test_the_sandbox_s_body_is_named_as_what_it_is():
    import dartenv.sandbox

    project = Path(dartenv.sandbox.__file__).with_name("project")
    with pytest.raises(UsageFault, match=r"without a mesh, as dartenv's sandbox.*--bundle"):
        read_body_model(project / "data/sandbox-models/smplx/SMPLX_MALE.npz")


def test_files_that_are_no_npz_are_refused_in_words(tmp_path):
    with pytest.raises(UsageFault, match="not there"):
        read_body_model(tmp_path / "absent.npz")
    path = tmp_path / "SMPLX_MALE.pkl"
    path.write_bytes(pickle.dumps({"v_template": 1}, protocol=2))
    with pytest.raises(UsageFault, match="a pickle"):
        read_body_model(path)
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UsageFault, match="whole npz"):
        read_body_model(path)
    path.write_bytes(b"")
    with pytest.raises(UsageFault, match="no npz"):
        read_body_model(path)


@pytest.mark.parametrize("text", ["betas", "betas:0", "betas:301", "expressions:101", "pose:3", ""])
def test_morphs_that_the_model_has_not_are_refused(text, smplx):
    with pytest.raises(UsageFault, match="--morphs"):
        parse_morphs(text, read_body_model(smplx))


@pytest.mark.parametrize("text", ["a", "1,,2", "nan", "99", "inf"])
def test_betas_that_are_no_shape_are_refused(text):
    with pytest.raises(UsageFault, match="--betas"):
        parse_betas(text)


def test_files_of_the_first_release_have_ten_and_ten(contents, tmp_path):
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    np.savez(path, **dict(contents, shapedirs=contents["shapedirs"][:, :, :20]))
    model = read_body_model(path)
    assert (model.shape.shape[2], model.expression.shape[2]) == (10, 10)
    assert np.array_equal(model.expression[..., 0], contents["shapedirs"][:, :, 10])
