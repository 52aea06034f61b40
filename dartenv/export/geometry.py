"""Rotations, forward kinematics and the change of frame between primitives, as ONNX nodes.

The same as :mod:`dartenv.model.features`, which says what each value is.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from dartenv.export.graph import Graph
from dartenv.model.layout import JOINTS, LAYOUT

_TINY = 1e-12  # torch's normalize never divides by less


class WorldNames(NamedTuple):
    """A primitive's place: rotation [B, 3, 3], translation [B, 1, 3]."""

    rotation: str
    translation: str


class BodyNames(NamedTuple):
    """Rest joints [B, 22, 3] in metres, and each joint's parent."""

    rest_joints: str
    parents: Sequence[int]


def split(g: Graph, features: str) -> Dict[str, str]:
    """The parts of features [B, T, 276] by name."""
    sizes = g.ints(*(width for _, width in LAYOUT))
    parts = g.ops("Split", len(LAYOUT), features, sizes, axis=-1)
    return {name: part for (name, _), part in zip(LAYOUT, parts)}


def _length(g: Graph, x: str) -> str:
    """The length over the last axis, which stays."""
    if g.real is np.float64:  # up to ONNX Runtime 1.15 ReduceL2 knows no double
        return g.op("Sqrt", g.op("ReduceSum", g.op("Mul", x, x), g.ints(-1), keepdims=1))
    return g.op("ReduceL2", x, axes=[-1], keepdims=1)


def _unit(g: Graph, x: str) -> str:
    length = _length(g, x)
    return g.op("Div", x, g.op("Max", length, g.const(np.float32(_TINY))))


def cross(g: Graph, a: str, b: str) -> str:
    """The vector product over the last axis."""
    one, two = g.ints(1, 2, 0), g.ints(2, 0, 1)
    left = g.op("Mul", g.op("Gather", a, one, axis=-1), g.op("Gather", b, two, axis=-1))
    right = g.op("Mul", g.op("Gather", a, two, axis=-1), g.op("Gather", b, one, axis=-1))
    return g.op("Sub", left, right)


def matrix_of_6d(g: Graph, six: str) -> str:
    """Matrices [..., 3, 3] of their first two rows [..., 6]."""
    raw = g.ops("Split", 2, six, axis=-1)
    first = _unit(g, raw[0])
    along = g.op("ReduceSum", g.op("Mul", first, raw[1]), g.ints(-1), keepdims=1)
    second = _unit(g, g.op("Sub", raw[1], g.op("Mul", along, first)))
    third = cross(g, first, second)
    last = g.ints(-2)
    return g.op("Concat", *(g.op("Unsqueeze", r, last) for r in (first, second, third)), axis=-2)


def six_of_matrix(g: Graph, matrix: str, shape: str) -> str:
    """The first two rows of matrices, put into ``shape`` (a constant)."""
    top = g.op("Slice", matrix, g.ints(0), g.ints(2), g.ints(-2))
    return g.op("Reshape", top, shape)


def turn(g: Graph, back: str, points: str, shape: str) -> str:
    """Points rotated by the transposes of ``back`` [B, 3, 3], put into ``shape`` (a constant).

    ``points`` are row vectors: times the transpose of a rotation they are rotated by it.
    """
    flat = g.op("Reshape", points, g.ints(0, -1, 3))
    return g.op("Reshape", g.op("MatMul", flat, back), shape)


def to_world(
    g: Graph, motion: str, rotations: str, world: WorldNames, pelvis: str, frames: int
) -> Sequence[str]:
    """Rotations [B, N, 22, 3, 3], translation [B, N, 3], joints [B, N, 22, 3] in the world.

    ``rotations`` are the motion's own; ``pelvis`` [B, 1, 3].
    """
    parts = split(g, motion)
    back = g.swap(world.rotation, 3)
    sizes = g.ints(1, JOINTS - 1)
    root, local = g.ops("Split", 2, rotations, sizes, axis=2)
    wide = g.op("Unsqueeze", world.rotation, g.ints(1, 2))
    turned = g.op("Concat", g.op("MatMul", wide, root), local, axis=2)
    transl = turn(g, back, g.op("Add", parts["transl"], pelvis), g.ints(0, frames, 3))
    transl = g.op("Add", g.op("Sub", transl, pelvis), world.translation)
    joints = turn(g, back, parts["joints"], g.ints(0, frames, JOINTS, 3))
    moved = g.op("Add", joints, g.op("Unsqueeze", world.translation, g.ints(1)))
    return turned, transl, moved


def body_joints(g: Graph, body: BodyNames, rotations: str, transl: str) -> str:
    """Joints [B, T, 22, 3] by forward kinematics, one level of the skeleton at a time."""
    depth: List[int] = []
    for parent in body.parents:
        depth.append(0 if parent < 0 else depth[parent] + 1)
    levels = [[j for j in range(JOINTS) if depth[j] == d] for d in range(max(depth) + 1)]
    above = g.ints(*(max(parent, 0) for parent in body.parents))
    offsets = g.op("Sub", body.rest_joints, g.op("Gather", body.rest_joints, above, axis=1))
    root = g.op("Slice", body.rest_joints, g.ints(0), g.ints(1), g.ints(1))  # [B, 1, 3]
    place = g.op("Unsqueeze", g.op("Add", transl, root), g.ints(2))  # [B, T, 1, 3]
    turned = g.op("Gather", rotations, g.ints(0), axis=2)
    places, order = [place], list(levels[0])
    for level, joints in enumerate(levels[1:]):
        parents = g.ints(*(levels[level].index(body.parents[j]) for j in joints))
        chain = g.op("Gather", turned, parents, axis=2)
        bone = g.op("Unsqueeze", g.op("Gather", offsets, g.ints(*joints), axis=1), g.ints(1, -1))
        step = g.op("Squeeze", g.op("MatMul", chain, bone), g.ints(-1))
        place = g.op("Add", g.op("Gather", place, parents, axis=2), step)
        turned = g.op("MatMul", chain, g.op("Gather", rotations, g.ints(*joints), axis=2))
        places.append(place)
        order += joints
    every = g.op("Concat", *places, axis=2)
    return g.op("Gather", every, g.ints(*(order.index(j) for j in range(JOINTS))), axis=2)


def heading_frame(g: Graph, joints: str) -> Sequence[str]:
    """(axes as columns [B, 3, 3], origin [B, 1, 3]) of joints [B, 22, 3]."""
    left = g.op("Slice", joints, g.ints(1), g.ints(2), g.ints(1))
    right = g.op("Slice", joints, g.ints(2), g.ints(3), g.ints(1))
    flat = g.const(np.array([1.0, 1.0, 0.0], dtype=np.float32))
    x = g.op("Mul", g.op("Sub", right, left), flat)  # [B, 1, 3]
    x = g.op("Div", x, _length(g, x))
    quarter = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 0]], dtype=np.float32)
    y = g.op("MatMul", x, g.const(quarter))  # z cross x, for x in the plane
    up = g.op("Add", g.op("Mul", x, g.const(np.float32(0.0))), g.const(np.float32([0, 0, 1])))
    axes = g.swap(g.op("Concat", x, y, up, axis=1), 3)
    return axes, g.op("Slice", joints, g.ints(0), g.ints(1), g.ints(1))


def next_history(
    g: Graph,
    last: str,
    rotations: str,
    world: WorldNames,
    pelvis: str,
    frames: int,
    body: Optional[BodyNames],
) -> Sequence[str]:
    """(next history [B, H, 276] in units, its rotation, its translation).

    ``last`` are the last H frames in units, ``rotations`` [B, H, 22, 3, 3] theirs.
    """
    parts = split(g, last)
    joints = g.op("Reshape", parts["joints"], g.ints(0, frames, JOINTS, 3))
    if body is not None:
        joints = body_joints(g, body, rotations, parts["transl"])
    head = g.op("Squeeze", g.op("Slice", joints, g.ints(0), g.ints(1), g.ints(1)), g.ints(1))
    axes, origin = heading_frame(g, head)
    vector = g.ints(0, frames, 3)
    every = g.ints(0, frames, 3 * JOINTS)
    back = g.op("Unsqueeze", g.swap(axes, 3), g.ints(1))
    forth = g.op("Unsqueeze", axes, g.ints(1))
    transl = g.op("Sub", g.op("Add", parts["transl"], pelvis), origin)
    root = g.op("Squeeze", g.op("Slice", rotations, g.ints(0), g.ints(1), g.ints(2)), g.ints(2))
    root = g.op("MatMul", back, root)  # [B, H, 3, 3]
    delta = matrix_of_6d(g, parts["global_orient_delta_6d"])
    delta = g.op("MatMul", g.op("MatMul", back, delta), forth)
    moved = g.op("Sub", joints, g.op("Unsqueeze", origin, g.ints(1)))
    new = {
        "transl": g.op("Sub", turn(g, axes, transl, vector), pelvis),
        "transl_delta": turn(g, axes, parts["transl_delta"], vector),
        "joints": turn(g, axes, moved, every),
        "joints_delta": turn(g, axes, parts["joints_delta"], every),
        "global_orient_delta_6d": six_of_matrix(g, delta, g.ints(0, frames, 6)),
    }
    if body is None:
        _, local = g.ops("Split", 2, parts["poses_6d"], g.ints(6, 6 * (JOINTS - 1)), axis=-1)
        first = six_of_matrix(g, root, g.ints(0, frames, 6))
        new["poses_6d"] = g.op("Concat", first, local, axis=-1)
    else:
        _measured(g, new, root, rotations, frames)
    back_world = g.swap(world.rotation, 3)
    place = g.op("Add", g.op("MatMul", origin, back_world), world.translation)
    features = g.op("Concat", *(new[name] for name, _ in LAYOUT), axis=-1)
    return features, g.op("MatMul", world.rotation, axes), place


def _measured(g: Graph, new: Dict[str, str], root: str, rotations: str, frames: int) -> None:
    """Poses and deltas from the body model's frames; the last frame keeps its carried deltas."""
    _, local = g.ops("Split", 2, rotations, g.ints(1, JOINTS - 1), axis=2)
    every = g.op("Concat", g.op("Unsqueeze", root, g.ints(2)), local, axis=2)
    new["poses_6d"] = six_of_matrix(g, every, g.ints(0, frames, 6 * JOINTS))
    if frames == 1:
        return

    def shifted(value: str, start: int) -> str:
        end = frames - 1 if start == 0 else frames
        return g.op("Slice", value, g.ints(start), g.ints(end), g.ints(1))

    before = g.swap(shifted(root, 0), 4)
    steps = g.op("MatMul", shifted(root, 1), before)
    known = {
        "transl_delta": g.op("Sub", shifted(new["transl"], 1), shifted(new["transl"], 0)),
        "joints_delta": g.op("Sub", shifted(new["joints"], 1), shifted(new["joints"], 0)),
        "global_orient_delta_6d": six_of_matrix(g, steps, g.ints(0, frames - 1, 6)),
    }
    for name, value in known.items():
        last = g.op("Slice", new[name], g.ints(frames - 1), g.ints(frames), g.ints(1))
        new[name] = g.op("Concat", value, last, axis=1)
