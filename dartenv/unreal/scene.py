"""A skeleton, a skinned mesh and an animation as glTF."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from dartenv.motion.motion import Motion, in_up
from dartenv.motion.rotations import quaternion_from_matrix
from dartenv.motion.skeleton import Skeleton, fill_rest
from dartenv.unreal.body import Mesh
from dartenv.unreal.glb import INDICES, VERTICES, Glb

# Moves of a morph below this many metres are left out of the file.
_SMALLEST = 1e-6
_STILL = 1e-7


def body_glb(mesh: Mesh) -> bytes:
    """The body at rest: 55 bones, skin, morphs."""
    glb = Glb(_extras(mesh.skeleton, mesh.label))
    skin = _bones(glb, mesh.skeleton)
    _scene(glb, [0, _mesh(glb, mesh, skin)])
    return glb.bytes()


def clip_glb(motion: Motion, mesh: Optional[Mesh], name: str) -> bytes:
    """``motion`` on its bones; with ``mesh`` the body is in the file too. y up, as glTF is."""
    label = motion.label or (mesh.label if mesh else "")
    glb = Glb(_extras(motion.skeleton, label))
    skin = _bones(glb, motion.skeleton)
    roots = [0, _mesh(glb, mesh, skin)] if mesh is not None else [0]
    _animation(glb, motion, name)
    _scene(glb, roots)
    return glb.bytes()


def _extras(skeleton: Skeleton, label: str) -> Dict[str, Any]:
    about: Dict[str, Any] = {
        "body": skeleton.body,
        "gender": skeleton.gender,
        "betas": [float(b) for b in skeleton.betas],
    }
    if label:
        about["label"] = label
    return {"dartenv": about}


def _scene(glb: Glb, roots: Sequence[int]) -> None:
    glb.document["scene"] = glb.add("scenes", {"name": "dartenv", "nodes": list(roots)})


def _bones(glb: Glb, skeleton: Skeleton) -> int:
    """Nodes 0 to J - 1 in the skeleton's order, unturned at rest; the skin's index."""
    count = len(skeleton.names)
    for joint, name in enumerate(skeleton.names):
        node: Dict[str, Any] = {
            "name": name,
            "translation": [float(x) for x in skeleton.offsets[joint]],
        }
        children = [j for j in range(count) if skeleton.parents[j] == joint]
        if children:
            node["children"] = children
        glb.add("nodes", node)
    inverse = np.tile(np.eye(4), (count, 1, 1))
    inverse[:, :3, 3] = -np.asarray(skeleton.rest)
    return glb.add(
        "skins",
        {
            "name": "smplx" if count == 55 else skeleton.body,
            "joints": list(range(count)),
            "skeleton": 0,
            "inverseBindMatrices": glb.accessor(inverse, "f4"),
        },
    )


def _mesh(glb: Glb, mesh: Mesh, skin: int) -> int:
    """The mesh's node."""
    attributes = {
        "POSITION": glb.accessor(mesh.points, "f4", VERTICES, bounds=True),
        "NORMAL": glb.accessor(mesh.normals, "f4", VERTICES),
        "JOINTS_0": glb.accessor(mesh.joints, "u1", VERTICES),
        "WEIGHTS_0": glb.accessor(mesh.weights, "f4", VERTICES),
    }
    if mesh.uv is not None:
        attributes["TEXCOORD_0"] = glb.accessor(mesh.uv, "f4", VERTICES)
    code = "u2" if len(mesh.points) < 65535 else "u4"
    primitive: Dict[str, Any] = {
        "attributes": attributes,
        "indices": glb.accessor(mesh.faces.reshape(-1), code, INDICES),
        "material": glb.add(
            "materials",
            {
                "name": "body",
                "pbrMetallicRoughness": {
                    "baseColorFactor": [0.72, 0.62, 0.55, 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.8,
                },
            },
        ),
    }
    name = mesh_name(mesh)
    entry: Dict[str, Any] = {"name": name, "primitives": [primitive]}
    if mesh.morphs:
        primitive["targets"] = [
            {"POSITION": glb.sparse(moves, _SMALLEST)} for _, moves in mesh.morphs
        ]
        entry["weights"] = [0.0] * len(mesh.morphs)
        entry["extras"] = {"targetNames": [morph for morph, _ in mesh.morphs]}
    return glb.add("nodes", {"name": name, "mesh": glb.add("meshes", entry), "skin": skin})


def mesh_name(mesh: Mesh) -> str:
    """What the mesh is called in a receiver; a stand-in's name says what it is."""
    return f"SMPLX_{mesh.skeleton.gender}" + ("_stand_in" if mesh.label else "")


def y_up(motion: Motion) -> Tuple[Any, Any]:
    """(quaternions [T, J, 4] w x y z without jumps of sign, pelvis's places [T, 3]), y up, metres."""
    rotations, translation = in_up(motion, "y")
    count = len(motion.skeleton.names)
    quaternions = quaternion_from_matrix(fill_rest(rotations, count))
    near = (quaternions[1:] * quaternions[:-1]).sum(-1)
    signs = np.cumprod(np.where(near < 0, -1.0, 1.0), axis=0)
    quaternions[1:] *= signs[..., None]
    return quaternions, translation + motion.skeleton.pelvis


def _animation(glb: Glb, motion: Motion, name: str) -> None:
    quaternions, places = y_up(motion)
    times = glb.accessor(np.arange(len(motion)) / motion.fps, "f4", bounds=True)
    samplers: List[Dict[str, Any]] = []
    channels: List[Dict[str, Any]] = []

    def track(node: int, path: str, values: Any) -> None:
        sampler = {"input": times, "output": glb.accessor(values, "f4"), "interpolation": "LINEAR"}
        samplers.append(sampler)
        target = {"node": node, "path": path}
        channels.append({"sampler": len(samplers) - 1, "target": target})

    track(0, "translation", places)
    for joint in range(quaternions.shape[1]):
        turned = quaternions[:, joint]
        # A bone that stays at rest needs no track.
        if joint == 0 or np.abs(turned[:, 1:]).max() > _STILL:
            track(joint, "rotation", turned[:, [1, 2, 3, 0]])
    animation: Dict[str, Any] = {"name": name, "channels": channels, "samplers": samplers}
    if motion.texts:
        animation["extras"] = {"texts": sorted(set(motion.texts), key=motion.texts.index)}
    glb.add("animations", animation)
