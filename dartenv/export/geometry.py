"""Rotations, forward kinematics and places in the world, as ONNX nodes.

The same as :mod:`dartenv.model.features`, which says what each value is.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from dartenv.export.graph import Graph
from dartenv.model.layout import JOINTS, LAYOUT

TINY = 1e-12  # torch's normalize never divides by less


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


def length(g: Graph, x: str) -> str:
    """The length over the last axis, which stays."""
    if g.real is np.float64:  # up to ONNX Runtime 1.15 ReduceL2 knows no double
        return g.op("Sqrt", g.op("ReduceSum", g.op("Mul", x, x), g.ints(-1), keepdims=1))
    return g.op("ReduceL2", x, axes=[-1], keepdims=1)


def _unit(g: Graph, x: str) -> str:
    long = length(g, x)
    return g.op("Div", x, g.op("Max", long, g.const(np.float32(TINY))))


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
