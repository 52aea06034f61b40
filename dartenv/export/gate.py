"""Reduced precisions held against the full one: what misses the gate is not written unasked."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

import numpy as np

from dartenv.bundle.contract import Parity
from dartenv.export.measure import (
    Rollout,
    motion_facts,
    noises,
    random_feed,
    relative,
    rollout,
    start_feed,
)
from dartenv.manifests.export import GateSpec
from dartenv.model.source import DartSource

REFERENCE = "the fp32 file"


def judge_primitive(
    reduced: Any,
    full: Any,
    source: DartSource,
    body: bool,
    texts: Sequence[Any],
    spec: GateSpec,
    guidance: float,
    steps: int,
) -> List[Parity]:
    """A reduced primitive graph: one primitive, then closed loops for each text [1, C]."""
    found: List[Parity] = []
    feed = start_feed(source, 1, guidance, body)
    fresh = noises(source, spec.primitives, steps, 1, seed=11)
    pairs = [
        (
            rollout(reduced, feed, [text] * len(fresh), fresh),
            rollout(full, feed, [text] * len(fresh), fresh),
        )
        for text in texts
    ]
    first = source.future_frames
    motion = max(_motion_error(a, b, source) for a, b in pairs)
    joint = max(_joint_error(a, b, first) for a, b in pairs)
    found.append(_line("motion of one primitive, normalised", motion, spec.motion, "relative"))
    found.append(_line("joints after one primitive, mean distance", joint, spec.joint, "m"))
    facts = [motion_facts(a, source.body_parents, source.fps) for a, _ in pairs]
    wanted = [motion_facts(b, source.body_parents, source.fps) for _, b in pairs]
    count = f"closed loops of {spec.primitives} primitives"
    rotation, speed = max(f.rotation for f in facts), max(f.joint_speed for f in facts)
    found.append(_line(f"{count}: |R R^T - I|", rotation, spec.rotation, "1"))
    found.append(_line(f"{count}: fastest joint", speed, spec.joint_speed, "m/s"))
    drift = max(f.bone_drift for f in facts)
    found.append(_line(f"{count}: bone lengths stray", drift, spec.bone_drift, "m"))
    ratio = max(abs(a.path - b.path) / max(a.path, b.path, 0.5) for a, b in zip(facts, wanted))
    found.append(_line(f"{count}: length of the pelvis's path", ratio, spec.path_ratio, "relative"))
    found.append(_drift(pairs, spec))
    return found


def _motion_error(a: Rollout, b: Rollout, source: DartSource) -> float:
    one, other = ((r.motion[:, 0] - source.mean) / source.std for r in (a, b))
    return relative(one, other)


def _joint_error(a: Rollout, b: Rollout, frames: int) -> float:
    gap = a.joints[:, :frames] - b.joints[:, :frames]
    return float(np.linalg.norm(gap, axis=-1).mean())


def _drift(pairs: Sequence[Sequence[Rollout]], spec: GateSpec) -> Parity:
    """How far the loops have walked apart at the end: told, not judged."""
    gap = max(
        float(np.linalg.norm(a.joints[:, -1] - b.joints[:, -1], axis=-1).mean()) for a, b in pairs
    )
    what = f"joints at the end of {spec.primitives} primitives with the same noise, mean distance"
    return Parity(
        reference=REFERENCE, what=what, error=gap, limit=None, unit="m", passed=True, gate=True
    )


def judge_tensors(
    reduced: Any, full: Any, name: str, source: DartSource, spec: GateSpec
) -> List[Parity]:
    """A reduced separate model on random inputs."""
    limit = spec.text if name == "clip_text" else spec.latent
    feed = random_feed(full, source, 4, seed=3)
    found, wanted = reduced.run(None, feed)[0], full.run(None, feed)[0]
    return [_line("random inputs, batch 4", relative(found, wanted), limit, "relative")]


def missed(judged: Sequence[Parity]) -> Optional[str]:
    """What the gate found wanting, in words; ``None`` where everything passed."""
    lines = [f"{p.what} {p.error:.3g}, limit {p.limit:g} {p.unit}" for p in judged if not p.passed]
    return "; ".join(lines) or None


def _line(what: str, error: float, limit: float, unit: str) -> Parity:
    return Parity(
        reference=REFERENCE,
        what=what,
        error=error,
        limit=limit,
        unit=unit,
        passed=bool(error <= limit),
        gate=True,
    )
