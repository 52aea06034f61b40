"""Stand-in SMPL-X and SMPL-H models: the real keys and shapes, a stick body of our own.

The joints are those of :mod:`skeleton`; the surface is a tube around every bone, rigidly bound
to it. Shape and pose corrections are zero, so the files compress to well under a megabyte.
Python 3.6 syntax.
"""

import pickle
from pathlib import Path
from typing import Any, Dict, List, Tuple

from . import heavy

# vertices, faces, joints, shape and expression columns, pose corrections
_LAYOUTS: Dict[str, Tuple[int, int, int, int, int]] = {
    "smplx": (10475, 20908, 55, 400, 486),
    "smplh": (6890, 13776, 52, 16, 459),
}
_SIDES = 12  # vertices of one ring of a tube
_SCALE = {"male": 1.04, "female": 0.97, "neutral": 1.0}
_FACE_JOINTS = (22, 23, 24)  # jaw and eyes: SMPL-H has none


def body_model(item: Dict[str, Any]) -> None:
    """Write ``item["path"]`` (npz or pkl by ``item["format"]``) of ``item["model"]``."""
    np = heavy.numpy()

    arrays = _arrays(str(item["model"]), str(item.get("gender", "neutral")))
    if item.get("format") == "pkl":
        with Path(item["path"]).open("wb") as stream:
            pickle.dump(arrays, stream, protocol=2)
    else:
        with Path(item["path"]).open("wb") as stream:
            np.savez_compressed(stream, **arrays)


def _arrays(model: str, gender: str) -> Dict[str, Any]:
    np = heavy.numpy()

    from .skeleton import PARENTS, SMPLX_JOINTS, rest_joints

    vertices, faces, joints, shapes, corrections = _LAYOUTS[model]
    kept = [j for j in range(SMPLX_JOINTS) if model == "smplx" or j not in _FACE_JOINTS]
    rest = rest_joints(_SCALE.get(gender, 1.0))[kept]
    parents = [kept.index(PARENTS[j]) if PARENTS[j] >= 0 else -1 for j in kept]
    points, owner, triangles = _tubes(rest, parents, vertices - joints)

    template = np.zeros((vertices, 3), dtype=np.float32)
    weights = np.zeros((vertices, joints), dtype=np.float32)
    regressor = np.zeros((joints, vertices), dtype=np.float32)
    used = len(points)
    template[:used], weights[np.arange(used), owner] = points, 1.0
    for joint in range(joints):  # the last vertices are the joints themselves
        vertex = vertices - joints + joint
        template[vertex], weights[vertex, joint], regressor[joint, vertex] = rest[joint], 1.0, 1.0
    weights[used : vertices - joints, 0] = 1.0
    template[used : vertices - joints] = rest[0]
    surface = np.zeros((faces, 3), dtype=np.int64)
    surface[: min(faces, len(triangles))] = triangles[:faces]

    tree = np.zeros((2, joints), dtype=np.int64)
    tree[0], tree[1] = parents, np.arange(joints)
    found = {
        "v_template": template,
        "shapedirs": np.zeros((vertices, 3, shapes), dtype=np.float32),
        "posedirs": np.zeros((vertices, 3, corrections), dtype=np.float32),
        "J_regressor": regressor,
        "weights": weights,
        "f": surface.astype(np.uint32),
        "kintree_table": tree,
    }
    for side in "lr":
        found["hands_components" + side] = np.eye(45, dtype=np.float32)
        found["hands_mean" + side] = np.zeros(45, dtype=np.float32)
        found["hands_coeffs" + side] = np.zeros((1554, 45), dtype=np.float32)
    if model == "smplx":
        corner = np.array([1.0, 0.0, 0.0], dtype=np.float32)
        found["lmk_faces_idx"] = np.zeros(51, dtype=np.int64)
        found["lmk_bary_coords"] = np.tile(corner, (51, 1))
        found["dynamic_lmk_faces_idx"] = np.zeros((79, 17), dtype=np.int64)
        found["dynamic_lmk_bary_coords"] = np.tile(corner, (79, 17, 1))
        found["vt"] = np.zeros((11313, 2), dtype=np.float32)
        found["ft"] = np.zeros((faces, 3), dtype=np.uint32)
    return found


def _tubes(rest: Any, parents: List[int], room: int) -> Tuple[Any, Any, Any]:
    """Points [n, 3], the joint each is bound to [n], triangles [m, 3]; n at most ``room``."""
    np = heavy.numpy()

    bones = [(joint, parent) for joint, parent in enumerate(parents) if parent >= 0]
    rings = max(2, room // (_SIDES * len(bones)))
    turn = np.linspace(0.0, 2.0 * np.pi, _SIDES, endpoint=False)
    points: List[Any] = []
    owner: List[int] = []
    triangles: List[Tuple[int, int, int]] = []
    for joint, parent in bones:
        start, end = rest[parent], rest[joint]
        along = end - start
        length = float(np.linalg.norm(along)) or 1e-6
        axis = along / length
        side = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
        side /= np.linalg.norm(side)
        other = np.cross(axis, side)
        thick = min(0.08, 0.25 * length + 0.005)
        for ring in range(rings):
            at = ring / (rings - 1.0)
            radius = thick * (1.0 - abs(2.0 * at - 1.0) ** 3 * 0.7)
            base = len(points)
            for angle in turn:
                spoke = radius * (np.cos(angle) * side + np.sin(angle) * other)
                points.append(start + at * along + spoke)
                owner.append(parent)
            if ring:
                for k in range(_SIDES):
                    a, b = base - _SIDES + k, base - _SIDES + (k + 1) % _SIDES
                    triangles.append((a, b, base + k))
                    triangles.append((b, base + (k + 1) % _SIDES, base + k))
    return np.asarray(points), np.asarray(owner), np.asarray(triangles)
