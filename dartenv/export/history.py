"""The next primitive's history out of the last frames of one, as ONNX nodes.

The same as :mod:`dartenv.model.features`, but for rounding: see :func:`_changed`.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from dartenv.export.geometry import (
    TINY,
    BodyNames,
    WorldNames,
    body_joints,
    length,
    matrix_of_6d,
    six_of_matrix,
    split,
    turn,
)
from dartenv.export.graph import Graph
from dartenv.model.layout import JOINTS, LAYOUT

_START = {name: sum(width for _, width in LAYOUT[:i]) for i, (name, _) in enumerate(LAYOUT)}


class LastNames(NamedTuple):
    """The last H frames: in units and normalised [B, H, 276], and their rotations [B, H, 22, 3, 3]."""

    motion: str
    normalised: str
    rotations: str


class Heading(NamedTuple):
    """The direction across [B, 1, 3], axes as columns [B, 3, 3], the origin [B, 1, 3]."""

    across: str
    axes: str
    origin: str


# A quarter turn about z: z cross x, for a row x in the plane.
_QUARTER = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 0]], dtype=np.float32)


def heading_frame(g: Graph, joints: str) -> Heading:
    """The frame of joints [B, 22, 3]: from the left hip to the right one, along the floor."""
    left = g.op("Slice", joints, g.ints(1), g.ints(2), g.ints(1))
    right = g.op("Slice", joints, g.ints(2), g.ints(3), g.ints(1))
    flat = g.const(np.array([1.0, 1.0, 0.0], dtype=np.float32))
    x = g.op("Mul", g.op("Sub", right, left), flat)  # [B, 1, 3]
    x = g.op("Div", x, length(g, x))
    y = g.op("MatMul", x, g.const(_QUARTER))
    up = g.op("Add", _none(g, x), g.const(np.float32([0, 0, 1])))
    axes = g.swap(g.op("Concat", x, y, up, axis=1), 3)
    return Heading(x, axes, g.op("Slice", joints, g.ints(0), g.ints(1), g.ints(1)))


def _none(g: Graph, like: str) -> str:
    return g.op("Mul", like, g.const(np.float32(0.0)))


def _less_one(g: Graph, across: str) -> str:
    """A heading's axes less the identity [B, 3, 3]. The cosine less one comes from the sine where it is
    small: taken away from one it would keep seven digits of one."""
    cosine = g.op("Slice", across, g.ints(0), g.ints(1), g.ints(2))
    sine = g.op("Slice", across, g.ints(1), g.ints(2), g.ints(2))
    zero, one = g.const(np.float32(0.0)), g.const(np.float32(1.0))
    above = g.op("Add", g.op("Max", cosine, zero), one)
    small = g.op("Neg", g.op("Div", g.op("Mul", sine, sine), above))
    less = g.op("Where", g.op("Greater", cosine, zero), small, g.op("Sub", cosine, one))
    x = g.op("Concat", less, sine, _none(g, sine), axis=2)
    y = g.op("MatMul", x, g.const(_QUARTER))
    return g.swap(g.op("Concat", x, y, _none(g, across), axis=1), 3)


def next_history(
    g: Graph,
    last: LastNames,
    world: WorldNames,
    pelvis: str,
    frames: int,
    statistics: Tuple[Any, Any],
    body: Optional[BodyNames],
) -> Sequence[str]:
    """(next history [B, H, 276] normalised by ``statistics``, its rotation, its translation)."""
    parts = split(g, last.motion)
    joints = g.op("Reshape", parts["joints"], g.ints(0, frames, JOINTS, 3))
    if body is not None:
        joints = body_joints(g, body, last.rotations, parts["transl"])
    head = g.op("Squeeze", g.op("Slice", joints, g.ints(0), g.ints(1), g.ints(1)), g.ints(1))
    heading = heading_frame(g, head)
    root = g.op("Slice", last.rotations, g.ints(0), g.ints(1), g.ints(2))
    known = _Known(
        parts,
        g.op("Squeeze", root, g.ints(2)),
        matrix_of_6d(g, parts["global_orient_delta_6d"]),
        g.op("Sub", g.op("Add", parts["transl"], pelvis), heading.origin),
        g.op("Sub", joints, g.op("Unsqueeze", heading.origin, g.ints(1))),
    )
    place = g.op("MatMul", heading.origin, g.swap(world.rotation, 3))
    place = g.op("Add", place, world.translation)
    # The world turns by the very numbers that the history was turned back by: what they are rounded by cancels.
    if body is None:
        less = _less_one(g, heading.across)
        history = _changed(g, last, known, less, heading.origin, frames, statistics)
        turned = g.op("Add", world.rotation, g.op("MatMul", world.rotation, less))
    else:
        history = _measured(g, last, known, heading.axes, pelvis, frames, statistics)
        turned = g.op("MatMul", world.rotation, heading.axes)
    return history, turned, place


class _Known(NamedTuple):
    """Of the last frames: parts in units, the root's rotations and their steps [B, H, 3, 3], and pelvis
    [B, H, 3] and joints [B, H, 22, 3] from the new origin."""

    parts: Dict[str, str]
    root: str
    delta: str
    transl: str
    joints: str


def _changed(
    g: Graph,
    last: LastNames,
    known: _Known,
    less: str,
    origin: str,
    frames: int,
    statistics: Tuple[Any, Any],
) -> str:
    """The history with the joints that the network predicted.

    It is not taken from metres, of which single precision keeps seven digits, which are then divided by spreads
    of a centimetre: only how much each number changes is worked out, and added to what was predicted.
    """
    vector, every = g.ints(0, frames, 3), g.ints(0, frames, 3 * JOINTS)
    parts = known.parts
    away = g.op("Tile", origin, g.ints(1, 1, JOINTS))
    change = {
        "transl": g.op("Sub", turn(g, less, known.transl, vector), origin),
        "transl_delta": turn(g, less, parts["transl_delta"], vector),
        "joints": g.op("Sub", turn(g, less, known.joints, every), away),
        "joints_delta": turn(g, less, parts["joints_delta"], every),
    }
    predicted = split(g, last.normalised)
    for name, matrix, both in (
        ("poses_6d", known.root, False),
        ("global_orient_delta_6d", known.delta, True),
    ):
        own = [value[_START[name] : _START[name] + 6] for value in statistics]
        six = g.op("Slice", predicted[name], g.ints(0), g.ints(6), g.ints(-1))
        turned = six_of_matrix(g, _turning(g, matrix, less, both), g.ints(0, frames, 6))
        change[name] = g.op("Add", _straightening(g, six, *own), turned)
    local = g.op("Slice", parts["poses_6d"], g.ints(6), g.ints(6 * JOINTS), g.ints(-1))
    change["poses_6d"] = g.op("Concat", change["poses_6d"], _none(g, local), axis=-1)
    changes = g.op("Concat", *(change[name] for name, _ in LAYOUT), axis=-1)
    scaled = g.op("Div", changes, g.const(statistics[1], "std"))
    return g.op("Add", last.normalised, scaled)


def _turning(g: Graph, matrix: str, less: str, both: bool) -> str:
    """How much matrices [B, H, 3, 3] change in a frame of axes I + ``less`` [B, 3, 3]; with ``both``
    they turn something in that frame, and change on both sides."""
    left = g.op("Unsqueeze", g.swap(less, 3), g.ints(1))
    if not both:
        return g.op("MatMul", left, matrix)
    # The identity stays what it is: only what a matrix is beside it changes.
    beside = g.op("Sub", matrix, g.const(np.eye(3, dtype=np.float32)))
    first = g.op("MatMul", left, beside)
    right = g.op("MatMul", g.op("Add", beside, first), g.op("Unsqueeze", less, g.ints(1)))
    return g.op("Add", first, right)


def _straightening(g: Graph, six: str, mean: Any, std: Any) -> str:
    """What the first two rows of a matrix [B, H, 6], given normalised, lack to the orthonormal ones.

    Means are rows of nearly length 1: lengths less one come from what the rows are beside their means.
    """
    mean = np.asarray(mean, dtype=np.float64)
    whole_a, whole_b = (g.const(part.astype(np.float32)) for part in (mean[:3], mean[3:]))

    def along(one: str, other: str, more: float) -> str:
        total = g.op("ReduceSum", g.op("Mul", one, other), g.ints(-1), keepdims=1)
        return g.op("Add", total, g.const(np.float32(more)))

    def lacking(excess: str) -> str:  # 1 / sqrt(1 + excess) - 1
        one = g.const(np.float32(1.0))
        length = g.op("Sqrt", g.op("Max", g.op("Add", excess, one), g.const(np.float32(TINY))))
        below = g.op("Mul", length, g.op("Add", length, one))
        return g.op("Neg", g.op("Div", excess, below))

    beside = g.op("Mul", six, g.const(np.asarray(std, dtype=np.float32)))
    beside_a, beside_b = g.ops("Split", 2, beside, axis=-1)
    a, b = g.op("Add", beside_a, whole_a), g.op("Add", beside_b, whole_b)
    excess_a = along(beside_a, g.op("Add", a, whole_a), mean[:3] @ mean[:3] - 1)
    excess_b = along(beside_b, g.op("Add", b, whole_b), mean[3:] @ mean[3:] - 1)
    cosine = g.op("Add", along(beside_a, b, mean[:3] @ mean[3:]), along(whole_a, beside_b, 0.0))
    square = g.op("Max", g.op("Add", excess_a, g.const(np.float32(1.0))), g.const(np.float32(TINY)))
    share = g.op("Div", cosine, square)
    apart = g.op("Mul", share, a)
    excess_b = g.op("Sub", excess_b, g.op("Mul", cosine, share))
    longer = g.op("Mul", g.op("Sub", b, apart), lacking(excess_b))
    return g.op("Concat", g.op("Mul", a, lacking(excess_a)), g.op("Sub", longer, apart), axis=-1)


def _measured(
    g: Graph,
    last: LastNames,
    known: _Known,
    axes: str,
    pelvis: str,
    frames: int,
    statistics: Tuple[Any, Any],
) -> str:
    """The history with the body model's joints, and poses and deltas from its frames; the last frame keeps
    its carried deltas."""
    parts = known.parts
    vector, every = g.ints(0, frames, 3), g.ints(0, frames, 3 * JOINTS)
    back = g.op("Unsqueeze", g.swap(axes, 3), g.ints(1))
    root = g.op("MatMul", back, known.root)
    delta = g.op("MatMul", back, known.delta)
    delta = g.op("MatMul", delta, g.op("Unsqueeze", axes, g.ints(1)))
    _, local = g.ops("Split", 2, last.rotations, g.ints(1, JOINTS - 1), axis=2)
    poses = g.op("Concat", g.op("Unsqueeze", root, g.ints(2)), local, axis=2)
    new = {
        "transl": g.op("Sub", turn(g, axes, known.transl, vector), pelvis),
        "poses_6d": six_of_matrix(g, poses, g.ints(0, frames, 6 * JOINTS)),
        "transl_delta": turn(g, axes, parts["transl_delta"], vector),
        "joints": turn(g, axes, known.joints, every),
        "joints_delta": turn(g, axes, parts["joints_delta"], every),
        "global_orient_delta_6d": six_of_matrix(g, delta, g.ints(0, frames, 6)),
    }
    if frames > 1:
        _stepped(g, new, root, frames)
    features = g.op("Concat", *(new[name] for name, _ in LAYOUT), axis=-1)
    mean, std = (g.const(value, "statistics") for value in statistics)
    return g.op("Div", g.op("Sub", features, mean), std)


def _stepped(g: Graph, new: Dict[str, str], root: str, frames: int) -> None:
    """Puts the steps between the frames in place of the predicted ones, but for the last frame's."""

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
