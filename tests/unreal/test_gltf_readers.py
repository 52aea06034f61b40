"""GLB files before other people's eyes: Khronos' validator, and pygltflib.

The validator is npm's gltf-validator, which ``npm ci`` puts into hosts/js; another node_modules folder that
it lies in: ``DARTENV_TEST_NODE_MODULES``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
from dartenv.motion.motion import Motion  # noqa: E402
from dartenv.motion.rotations import matrix_from_quaternion  # noqa: E402
from dartenv.motion.skeleton import PARENTS_55  # noqa: E402
from dartenv.unreal.body import make_mesh  # noqa: E402
from dartenv.unreal.scene import body_glb, clip_glb  # noqa: E402
from dartenv.unreal.smplx import read_body_model  # noqa: E402

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = Path(
    os.environ.get("DARTENV_TEST_NODE_MODULES") or CHECKOUT / "hosts" / "js" / "node_modules"
).absolute()
_VALIDATE = """
const validator = require(process.argv[1]);
const read = require("fs").readFileSync;
Promise.all(process.argv.slice(2).map((f) => validator.validateBytes(new Uint8Array(read(f)))))
  .then((reports) => console.log(JSON.stringify(reports)));
"""


@pytest.fixture
def mesh(smplx):
    return make_mesh(read_body_model(smplx), (1.5, -2.0), {"betas": 2, "expressions": 1})


@pytest.fixture
def motion(mesh):
    generator = np.random.default_rng(4)
    rotations = matrix_from_quaternion(generator.standard_normal((6, 22, 4)))
    return Motion(mesh.skeleton, rotations, generator.uniform(-2, 2, (6, 3)), 30)


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "gltf-validator").is_dir(),
    reason="needs node, and gltf-validator from npm ci in hosts/js",
)
def test_khronos_validator_finds_nothing_wrong(mesh, motion, tmp_path):
    files = {
        "body": body_glb(mesh),
        "clip": clip_glb(motion, mesh, "clip"),
        "bones": clip_glb(motion, None, "bones"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    argv = ["node", "-e", _VALIDATE, str(MODULES / "gltf-validator")]
    done = subprocess.run(
        [*argv, *(str(tmp_path / name) for name in files)],
        check=True,
        timeout=120,
        stdout=subprocess.PIPE,
    )
    for name, report in zip(files, json.loads(done.stdout)):
        issues = report["issues"]
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), (name, issues["messages"])
        # No texture is there for the places on it, and no mesh for a skin of bones alone.
        assert {m["code"] for m in issues["messages"]} <= {"UNUSED_OBJECT"}
        assert report["info"]["hasSkins"]
        assert report["info"]["hasMorphTargets"] == (name != "bones")


def test_pygltflib_finds_bones_weights_and_morphs(mesh, contents, tmp_path):
    pygltflib = pytest.importorskip("pygltflib")
    path = tmp_path / "body.glb"
    path.write_bytes(body_glb(mesh))
    found = pygltflib.GLTF2().load(str(path))
    blob = found.binary_blob()

    def values(index, code, width):
        accessor = found.accessors[index]
        view = found.bufferViews[accessor.bufferView]
        start = view.byteOffset + (accessor.byteOffset or 0)
        return np.frombuffer(blob, code, accessor.count * width, start).reshape(-1, width)

    skin = found.skins[0]
    assert [found.nodes[j].name for j in skin.joints] == list(mesh.skeleton.names)
    for joint, parent in enumerate(PARENTS_55[1:], start=1):
        assert joint in found.nodes[parent].children
    inverse = values(skin.inverseBindMatrices, "<f4", 16).reshape(-1, 4, 4)
    assert np.abs(inverse[:, 3, :3] + mesh.skeleton.rest).max() < 1e-4
    primitive = found.meshes[0].primitives[0]
    joints = values(primitive.attributes.JOINTS_0, "<u1", 4)
    weights = values(primitive.attributes.WEIGHTS_0, "<f4", 4)
    full = np.zeros((len(weights), 55))
    for place in range(4):
        np.add.at(full, (np.arange(len(weights)), joints[:, place]), weights[:, place])
    # Each point's weights are the model's, but for what four joints cut.
    gap = np.abs(full - contents["weights"][mesh.source]).sum(axis=1)
    assert gap.max() < 2 * mesh.cut.most + 1e-5
    assert len(primitive.targets) == 3
