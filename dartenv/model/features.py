"""DART's motion features in torch: 276 numbers a frame, and the way from one primitive to the next.

Layout: transl 3, poses_6d 132, transl_delta 3, global_orient_delta_6d 6, joints 66,
joints_delta 66. A primitive lives in its own frame: the origin at the pelvis of its first frame,
z up, x along the floor from the left hip to the right one. Lengths are metres. Formulas:
zkf1997/DART utils/smpl_utils.py (get_blended_feature, transform_primitive_to_world).
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import torch

from dartenv.model.layout import JOINTS, LAYOUT


class World(NamedTuple):
    """Where a primitive's frame lies: rotation [B, 3, 3] and translation [B, 1, 3] to the world."""

    rotation: Any
    translation: Any


class Body(NamedTuple):
    """What body-model joints need: rest joints [B, 22, 3] in metres, and each joint's parent."""

    rest_joints: Any
    parents: Sequence[int]


def split(features: Any) -> Dict[str, Any]:
    """The parts of features [..., 276] by name."""
    parts = torch.split(features, [width for _, width in LAYOUT], dim=-1)
    return {name: part for (name, _), part in zip(LAYOUT, parts)}


def matrix_of_6d(six: Any) -> Any:
    """Rotation matrices [..., 3, 3] of their first two rows [..., 6], made orthonormal."""
    first = torch.nn.functional.normalize(six[..., :3], dim=-1)
    second = six[..., 3:] - (first * six[..., 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second, dim=-1)], dim=-2)


def six_of_matrix(matrix: Any) -> Any:
    """The first two rows of rotation matrices, [..., 6]."""
    return matrix[..., :2, :].reshape(*matrix.shape[:-2], 6)


def turn(rotation: Any, points: Any) -> Any:
    """Points [B, ..., 3] rotated by one matrix a sample [B, 3, 3]."""
    flat = points.reshape(points.shape[0], -1, 3)
    return (flat @ rotation.transpose(1, 2)).reshape(points.shape)


def body_joints(body: Body, rotations: Any, transl: Any) -> Any:
    """Joints [B, T, 22, 3] by forward kinematics of local rotations [B, T, 22, 3, 3]."""
    rest = body.rest_joints[:, None]
    turned, joints = [rotations[:, :, 0]], [rest[:, :, 0].expand_as(transl)]
    for joint in range(1, JOINTS):
        parent = body.parents[joint]
        offset = (rest[:, :, joint] - rest[:, :, parent])[..., None]
        joints.append(joints[parent] + (turned[parent] @ offset)[..., 0])
        turned.append(turned[parent] @ rotations[:, :, joint])
    return torch.stack(joints, dim=2) + transl[:, :, None]


def heading_frame(joints: Any) -> Tuple[Any, Any]:
    """The frame [B, 3, 3] (axes as columns) and origin [B, 1, 3] of joints [B, 22, 3]."""
    x = joints[:, 2] - joints[:, 1]
    x = torch.cat([x[:, :2], torch.zeros_like(x[:, 2:])], dim=-1)
    x = x / x.norm(dim=-1, keepdim=True)
    z = torch.zeros_like(x)
    z[:, 2] = 1.0
    return torch.stack([x, torch.linalg.cross(z, x, dim=-1), z], dim=-1), joints[:, :1]


def to_world(features: Any, world: World, pelvis: Any) -> Tuple[Any, Any, Any]:
    """Rotations [B, T, 22, 3, 3], translation [B, T, 3] and joints [B, T, 22, 3] in the world.

    Only the first rotation is turned: the others are relative to their parents. ``pelvis``
    [B, 3] is the rest pose's pelvis, about which SMPL bodies turn.
    """
    parts, pelvis = split(features), pelvis[:, None]
    batch, frames = features.shape[:2]
    rotations = matrix_of_6d(parts["poses_6d"].reshape(batch, frames, JOINTS, 6))
    root = world.rotation[:, None] @ rotations[:, :, 0]
    rotations = torch.cat([root[:, :, None], rotations[:, :, 1:]], dim=2)
    transl = turn(world.rotation, parts["transl"] + pelvis) - pelvis + world.translation
    joints = turn(world.rotation, parts["joints"].reshape(batch, frames, JOINTS, 3))
    return rotations, transl, joints + world.translation[:, None]


def next_history(
    last: Any, world: World, pelvis: Any, body: Optional[Body] = None
) -> Tuple[Any, World]:
    """The last frames of a primitive [B, H, 276] as the history of the next, and its world.

    Without ``body`` every feature is carried over as predicted; with it, joints and deltas come
    from the body model but for the last frame's deltas, whose next frame does not exist yet.
    """
    parts = split(last)
    batch, frames = last.shape[:2]
    poses = matrix_of_6d(parts["poses_6d"].reshape(batch, frames, JOINTS, 6))
    joints = parts["joints"].reshape(batch, frames, JOINTS, 3)
    if body is not None:
        joints = body_joints(body, poses[:, :1], parts["transl"][:, :1])
    axes, origin = heading_frame(joints[:, 0])
    back = axes.transpose(1, 2)
    offset = pelvis[:, None]
    root = back[:, None] @ poses[:, :, 0]
    delta = matrix_of_6d(parts["global_orient_delta_6d"])
    new = {
        "transl": turn(back, parts["transl"] + offset - origin) - offset,
        "transl_delta": turn(back, parts["transl_delta"]),
        "joints_delta": turn(back, parts["joints_delta"]),
        "global_orient_delta_6d": six_of_matrix(back[:, None] @ delta @ axes[:, None]),
    }
    if body is None:
        local = parts["poses_6d"][..., 6:]
        moved = turn(back, joints - origin[:, None])
        new["poses_6d"] = torch.cat([six_of_matrix(root), local], dim=-1)
        new["joints"] = moved.reshape(batch, frames, 3 * JOINTS)
    else:
        rotations = torch.cat([root[:, :, None], poses[:, :, 1:]], dim=2)
        _from_body(new, body, rotations)
    moved_world = World(world.rotation @ axes, turn(world.rotation, origin) + world.translation)
    return torch.cat([new[name] for name, _ in LAYOUT], dim=-1), moved_world


def _from_body(new: Dict[str, Any], body: Body, rotations: Any) -> None:
    """Lay the body model's joints and deltas over the carried ones; the last deltas stay."""
    batch, frames = rotations.shape[:2]
    transl = new["transl"]
    joints = body_joints(body, rotations, transl).reshape(batch, frames, 3 * JOINTS)
    steps = six_of_matrix(rotations[:, 1:, 0] @ rotations[:, :-1, 0].transpose(2, 3))
    known = {
        "transl_delta": transl[:, 1:] - transl[:, :-1],
        "joints_delta": joints[:, 1:] - joints[:, :-1],
        "global_orient_delta_6d": steps,
    }
    for name, value in known.items():
        new[name] = torch.cat([value, new[name][:, -1:]], dim=1)
    new["joints"] = joints
    new["poses_6d"] = six_of_matrix(rotations).reshape(batch, frames, 6 * JOINTS)
