"""A small body in SMPL-X's layout, and glTF files taken apart."""

from __future__ import annotations

import json
import struct

import pytest

try:
    import numpy as np
except ImportError:  # each test file skips itself then
    np = None

POINTS = 220
_TYPES = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def arrays(points=POINTS, joints=55):
    """The arrays of a body model file: 400 columns of shape, blended weights, a texture's seams."""
    from dartenv.motion.skeleton import PARENTS_55

    generator = np.random.default_rng(3)
    parents = list(PARENTS_55[:joints])
    weights = generator.dirichlet(np.full(joints, 0.05), points)
    weights[0] = 0
    weights[0, [1, 4, 7, 10, 15]] = [0.3, 0.25, 0.2, 0.15, 0.1]  # five joints: one is cut
    regressor = generator.dirichlet(np.full(points, 0.05), joints)
    faces = np.array([[i, i + 1, i + 2] for i in range(points - 2)])
    texture = faces.copy()
    texture[:20, 0] = points + np.arange(20)
    tree = np.array([[2**32 - 1, *parents[1:]], range(joints)], dtype=np.uint32)
    return {
        "v_template": generator.uniform(-1, 1, (points, 3)),
        "f": faces.astype(np.uint32),
        "weights": weights,
        "J_regressor": regressor,
        "shapedirs": generator.normal(0, 0.01, (points, 3, 400)),
        "posedirs": np.zeros((points, 3, 2)),
        "kintree_table": tree,
        "vt": generator.uniform(0, 1, (points + 20, 2)),
        "ft": texture.astype(np.uint32),
        # SMPL-X's own file has an array of objects too, which nobody needs to load.
        "joint2num": np.array({"pelvis": 0}, dtype=object),
    }


@pytest.fixture(scope="session")
def contents():
    return arrays()


@pytest.fixture
def smplx(tmp_path, contents):
    """SMPLX_MALE.npz, small."""
    path = tmp_path / "SMPLX_MALE.npz"
    np.savez(path, **contents)
    return path


class Gltf:
    """A GLB taken apart by the specification alone: ``document``, and accessors as arrays."""

    def __init__(self, data):
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        self.document = json.loads(data[20 : 20 + size])
        size_bin, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0"
        self.buffer = data[28 + size : 28 + size + size_bin]
        assert self.document["buffers"] == [{"byteLength": size_bin}]

    def _at(self, view, code, count):
        place = self.document["bufferViews"][view]["byteOffset"]
        return np.frombuffer(self.buffer, code, count, place)

    def array(self, index):
        entry = self.document["accessors"][index]
        width, count = _WIDTHS[entry["type"]], entry["count"]
        code = _TYPES[entry["componentType"]]
        if "bufferView" in entry:
            found = self._at(entry["bufferView"], code, count * width).reshape(count, width)
        else:
            found = np.zeros((count, width), code)
        if "sparse" in entry:
            sparse = entry["sparse"]
            kind = _TYPES[sparse["indices"]["componentType"]]
            where = self._at(sparse["indices"]["bufferView"], kind, sparse["count"])
            values = self._at(sparse["values"]["bufferView"], code, sparse["count"] * width)
            found = found.copy()
            found[where] = values.reshape(-1, width)
        return found

    @property
    def primitive(self):
        return self.document["meshes"][0]["primitives"][0]

    def attribute(self, name):
        return self.array(self.primitive["attributes"][name])


@pytest.fixture
def taken_apart():
    return lambda path: Gltf(path.read_bytes())
