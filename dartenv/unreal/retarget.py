"""retarget.json: how the body's bones and rest pose meet Unreal Engine 5's mannequin.

``python -m dartenv.unreal.retarget`` prints its JSON Schema; retarget.schema.json beside this file
is its output.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import numpy as np

from dartenv.manifests.compat_editor import MannequinTable
from dartenv.motion.rotations import matrix_from_axis_angle, quaternion_from_matrix
from dartenv.motion.skeleton import Skeleton
from dartenv.schema import schema_of

SCHEMA = 1
_OURS = "dartenv: read back by other importers, not seen in Unreal"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Axes and unit of one kind of file, or of Unreal. ``sure`` is false where nobody here saw it."""

    hand: str
    up: str
    facing: str
    left: str
    unit: str
    sure: bool
    source: str


class Bone(msgspec.Struct, frozen=True, kw_only=True):
    """One bone: its parent, its rest place [3] in metres (y up, as the GLB has it), and the
    mannequin's bone, if there is one. Unturned at rest."""

    smplx: str
    parent: Optional[str]
    rest: List[float]
    unreal: Optional[str]
    sure: bool = True
    why: str = ""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """First and last bone of a chain for Unreal's IK Rig, on both skeletons."""

    name: str
    smplx: Tuple[str, str]
    unreal: Tuple[str, str]


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """The turn that takes a bone from this body's rest pose to the mannequin's, relative to its
    parent, as x y z w: ``quaternion`` in the body model's frame, which the GLB has; ``unreal_fbx`` and
    ``unreal_glb`` in the bone's own axes as Unreal has them after an import of that file (-x, y, -z, w
    and -x, -z, -y, w: FBX importers mirror y, the glTF importer swaps y and z). All other bones:
    none."""

    smplx: str
    quaternion: List[float]
    unreal_fbx: List[float]
    unreal_glb: List[float]
    degrees: float
    sure: bool
    source: str


class Retarget(msgspec.Struct, frozen=True, kw_only=True):
    """The whole document. ``label`` says what a stand-in is, "" for SMPL-X's own model."""

    schema: int
    label: str
    gender: str
    betas: List[float]
    frames: Dict[str, Frame]
    bones: List[Bone]
    unmapped: List[str]
    chains: List[Chain]
    corrections: List[Correction]
    sources: Dict[str, str]


def retarget_of(skeleton: Skeleton, label: str, table: MannequinTable) -> Retarget:
    """The document for the body with ``skeleton``: corrections are worked out from its own bones."""
    rows = {row.smplx: row for row in table.bones}
    bones = []
    for joint, name in enumerate(skeleton.names):
        row, parent = rows.get(name), skeleton.parents[joint]
        bones.append(
            Bone(
                smplx=name,
                parent=skeleton.names[parent] if parent >= 0 else None,
                rest=[round(float(x), 6) for x in skeleton.rest[joint]],
                unreal=row.unreal if row else None,
                sure=row.sure if row else True,
                why=row.why if row else "the mannequin has no such bone",
            )
        )
    return Retarget(
        schema=SCHEMA,
        label=label,
        gender=skeleton.gender,
        betas=[float(beta) for beta in skeleton.betas],
        frames=_frames(table),
        bones=bones,
        unmapped=list(table.unmapped),
        chains=[Chain(name=c.name, smplx=c.smplx, unreal=c.unreal) for c in table.chains],
        corrections=_corrections(skeleton, table),
        sources={
            "smplx": "joint names and tree: vchoutas/smplx; rest places: this body model's regressor",
            "unreal": table.names_source,
            "arms": table.arms.source,
            "chains": "dartenv's choice, after the chains that Unreal's own IK rigs have",
        },
    )


def _frames(table: MannequinTable) -> Dict[str, Frame]:
    return {
        "glb": Frame(
            hand="right", up="+y", facing="+z", left="+x", unit="metre", sure=True,
            source="Khronos glTF 2.0, section 3.4",
        ),
        "fbx": Frame(
            hand="right", up="+z", facing="-y", left="+x", unit="centimetre", sure=True,
            source=_OURS,
        ),
        "unreal": Frame(
            hand="left", up="+z", facing=table.facing.lower(), left="+x", unit="centimetre",
            sure=False, source=f"{table.facing_source}; importers there mirror y of an FBX, and swap y and z of a GLB",
        ),
    }  # fmt: skip


def _corrections(skeleton: Skeleton, table: MannequinTable) -> List[Correction]:
    """The arms: every other bone's rest direction is left as it is."""
    arms = table.arms
    down, forward = np.radians([arms.down, arms.forward])
    found: List[Correction] = []
    for side, out in (("left", 1.0), ("right", -1.0)):
        places = {
            part: np.asarray(skeleton.rest[skeleton.names.index(f"{side}_{part}")])
            for part in ("shoulder", "elbow", "wrist")
        }
        upper = np.array([out * np.cos(down), -np.sin(down), 0.0])
        lower = np.cos(forward) * upper + np.sin(forward) * np.array([0.0, 0.0, 1.0])
        turned = _arc(places["elbow"] - places["shoulder"], upper)
        bent = _arc(turned @ (places["wrist"] - places["elbow"]), lower) @ turned
        for part, local in (("shoulder", turned), ("elbow", turned.T @ bent)):
            w, x, y, z = (round(float(q), 7) for q in quaternion_from_matrix(local))
            found.append(
                Correction(
                    smplx=f"{side}_{part}",
                    quaternion=[x, y, z, w],
                    # Adding zero turns -0.0 into 0.0.
                    unreal_fbx=[-x + 0.0, y, -z + 0.0, w],
                    unreal_glb=[-x + 0.0, -z + 0.0, -y + 0.0, w],
                    degrees=round(float(np.degrees(2 * np.arccos(min(1.0, w)))), 3),
                    sure=arms.sure,
                    source=arms.source,
                )
            )
    return found


def _arc(start: Any, end: Any) -> Any:
    """The shortest turn [3, 3] from one direction to another; none where one has no length."""
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if min(lengths) < 1e-9:
        return np.eye(3)
    axis = np.cross(start / lengths[0], end / lengths[1])
    sine, cosine = np.linalg.norm(axis), float(np.dot(start, end) / (lengths[0] * lengths[1]))
    if sine < 1e-9:
        # Straight on, or half a turn about the body's front.
        return np.eye(3) if cosine > 0 else matrix_from_axis_angle([0.0, 0.0, np.pi])
    return matrix_from_axis_angle(axis / sine * np.arctan2(sine, cosine))


def to_json(document: Retarget) -> bytes:
    """The file's text."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def retarget_schema() -> Dict[str, Any]:
    """The JSON Schema of :class:`Retarget`."""
    return schema_of(Retarget, f"dartenv retarget.json, schema {SCHEMA}")


def main() -> None:
    """Print the schema."""
    data = msgspec.json.format(msgspec.json.encode(retarget_schema()), indent=1)
    sys.stdout.write(data.decode("utf-8") + "\n")


if __name__ == "__main__":
    main()
