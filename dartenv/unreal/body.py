"""SMPL-X's body as a skinned mesh: betas baked in, four weights a point, morphs by choice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.skeleton import Skeleton
from dartenv.unreal.smplx import BodyModel

INFLUENCES = 4  # joints a point; what glTF's JOINTS_0 holds, and what phones draw
MORPHS = "none, betas:N, expressions:N, or both as betas:10,expressions:10"


@dataclass(frozen=True)
class Cut:
    """What four joints a point leave out: ``most`` of one point's weight, the ``mean`` over all
    points, and how many ``points`` lost any."""

    most: float
    mean: float
    points: int


@dataclass(frozen=True)
class Mesh:
    """A skinned mesh at rest, in metres, y up.

    ``points`` and ``normals`` [V, 3]; ``faces`` [F, 3]; ``joints`` [V, 4] with ``weights`` [V, 4]
    that sum to 1, heaviest first; ``uv`` [V, 2], v downwards as glTF has it, or None; ``morphs``
    name and moves [V, 3] for 1. ``source`` [V]: the body model's point, since a point on a seam of
    the texture stands twice.
    """

    skeleton: Skeleton
    points: Any
    normals: Any
    faces: Any
    joints: Any
    weights: Any
    uv: Optional[Any]
    morphs: Tuple[Tuple[str, Any], ...]
    source: Any
    cut: Cut
    label: str


def parse_morphs(text: str, model: BodyModel) -> Dict[str, int]:
    """{"betas": N, "expressions": N} of ``none``, ``betas:N``, ``expressions:N``. UsageFault."""
    counts = {"betas": 0, "expressions": 0}
    known = {"betas": model.shape.shape[2], "expressions": model.expression.shape[2]}
    for part in text.split(",") if text != "none" else []:
        found = re.fullmatch(r"\s*(betas|expressions):(\d{1,4})\s*", part)
        if found is None:
            raise UsageFault(f"--morphs {text!r}", MORPHS)
        name, count = found.group(1), int(found.group(2))
        if not 1 <= count <= known[name]:
            raise UsageFault(
                f"--morphs {part.strip()}", f"1 to {known[name]} {name}, which the body model has"
            )
        counts[name] = count
    return counts


def parse_betas(text: Optional[str]) -> Tuple[float, ...]:
    """``"0.5,-1"`` as numbers. UsageFault: something else, or a number beyond 10."""
    if text is None or not text.strip():
        return ()
    try:
        betas = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageFault(f"--betas {text!r}", "numbers with commas, as 0.5,-1.2") from None
    if not all(abs(beta) <= 10 for beta in betas):
        raise UsageFault(f"--betas {text!r}", "numbers from -10 to 10; people lie within 3 or so")
    return betas


def top_weights(weights: Any, keep: int = INFLUENCES) -> Tuple[Any, Any, Cut]:
    """(joints [V, keep], weights [V, keep], what was cut) of weights [V, J].

    The heaviest of each point, made to sum to 1. A place without weight names joint 0, as glTF
    wants.
    """
    weights = np.maximum(weights, 0.0)
    order = np.argsort(-weights, axis=1, kind="stable")[:, :keep]
    kept = np.take_along_axis(weights, order, axis=1)
    lost = np.maximum(weights.sum(axis=1) - kept.sum(axis=1), 0.0)
    kept = (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)
    kept /= kept.sum(axis=1, keepdims=True, dtype=np.float32)
    order = np.where(kept > 0, order, 0)
    return order, kept, Cut(float(lost.max()), float(lost.mean()), int((lost > 1e-7).sum()))


def normals_of(points: Any, faces: Any) -> Any:
    """Unit normals [V, 3], each face counting by its area; up for a point on no face."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for corner in range(3):
        np.add.at(total, faces[:, corner], across)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    flat = length[:, 0] < 1e-12
    total[flat], length[flat] = (0.0, 1.0, 0.0), 1.0
    return total / length


def make_mesh(
    model: BodyModel, betas: Tuple[float, ...] = (), morphs: Optional[Dict[str, int]] = None
) -> Mesh:
    """The body with ``betas`` in its points and joints. ``morphs`` as ``parse_morphs`` gives.

    A morph of a shape component moves points alone, not bones: bones move with ``betas`` only.
    """
    points = model.shaped(betas)
    normals = normals_of(points, model.faces)
    wanted = morphs or {}
    shapes = [(f"Shape{i:03d}", model.shape[:, :, i]) for i in range(wanted.get("betas", 0))]
    shapes += [
        (f"Exp{i:03d}", model.expression[:, :, i]) for i in range(wanted.get("expressions", 0))
    ]
    # Stand-ins fill up with triangles of no area, which a skinned mesh has no use for.
    whole = _whole(model.faces)
    source, uv, faces = np.arange(len(points)), None, model.faces[whole]
    if len(model.uv):
        source, uv, faces = _seams(faces, model.uv_faces[whole], model.uv, len(points))
    joints, weights, cut = top_weights(model.weights)
    return Mesh(
        skeleton=model.skeleton(betas),
        points=points[source],
        normals=normals[source],
        faces=faces,
        joints=joints[source],
        weights=weights[source],
        uv=uv,
        morphs=tuple((name, moves[source]) for name, moves in shapes),
        source=source,
        cut=cut,
        label=model.label,
    )


def _whole(faces: Any) -> Any:
    """[F] which triangles have three different corners."""
    a, b, c = faces.T
    return (a != b) & (b != c) & (c != a)


def _seams(faces: Any, uv_faces: Any, uv: Any, points: int) -> Tuple[Any, Any, Any]:
    """(source [V], uv [V, 2], faces): each pair of a point and its texture place as one point.

    Points on no triangle stay, at the end, so that none of the body model's is lost.
    """
    pairs = np.stack([faces.reshape(-1), uv_faces.reshape(-1)], axis=1)
    pairs, corners = np.unique(pairs, axis=0, return_inverse=True)
    alone = np.setdiff1d(np.arange(points), pairs[:, 0])
    source = np.concatenate([pairs[:, 0], alone])
    places = np.concatenate([uv[pairs[:, 1]], np.zeros((len(alone), 2))])
    places[:, 1] = 1 - places[:, 1]
    return source, places, corners.reshape(-1, 3)
