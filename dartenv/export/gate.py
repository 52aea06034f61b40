"""Reduced precisions held against the full one: what misses the gate is not written unasked."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from dartenv.bundle.contract import Parity
from dartenv.export.conditions import Conditions
from dartenv.export.measure import (
    LATENT,
    Loop,
    MotionFacts,
    Rollout,
    closed_loop,
    motion_facts,
    noises,
    open_session,
    random_feed,
    relative,
    run_once,
    start_feed,
    with_latent,
)
from dartenv.manifests.export import GateSpec

REFERENCE = "the fp32 file"
JUDGES = "the smoke tests' judges"
# bundle.json holds no infinity: an error that is none, or not a number, is this.
_BEYOND = 1e30


class Verdict(NamedTuple):
    """What a judge of the smoke tests says of a motion: a number that is to lie within limits."""

    name: str
    value: Optional[float]
    unit: str
    low: Optional[float]
    high: Optional[float]
    passed: bool


# A prompt and the motion made for it, to what the smoke tests' judges say.
JudgeMotion = Callable[[str, Rollout], Sequence[Verdict]]


class PrimitiveGate:
    """A primitive's full model, over closed loops of each prompt; reduced ones are held against it.

    ``texts`` are embeddings [1, C] by prompt. ``judge`` is the smoke tests'; without it the
    motions' own numbers alone are judged.
    """

    def __init__(
        self,
        full: Any,
        conditions: Conditions,
        body: bool,
        texts: Dict[str, Any],
        spec: GateSpec,
        guidance: float,
        steps: int,
        judge: Optional[JudgeMotion] = None,
    ) -> None:
        self.conditions, self.texts, self.spec, self.judge = conditions, texts, spec, judge
        self.feed = start_feed(conditions, 1, guidance, body)
        self.fresh = noises(conditions, spec.primitives, steps, 1, seed=11)
        self.full = self._loops(open_session(with_latent(full)))
        self.wanted = {prompt: self._facts(loop) for prompt, loop in self.full.items()}
        self.verdicts = {prompt: self._verdicts(prompt, loop) for prompt, loop in self.full.items()}

    def judged(self, reduced: Any) -> List[Parity]:
        """Every line on the model ``reduced``; those with a limit judge."""
        session = open_session(with_latent(reduced))
        found = self._same_states(session)
        loops = self._loops(session)
        found += self._motions(loops)
        found += self._apart(loops)
        for prompt, loop in loops.items():
            found += self._smoke(prompt, self._verdicts(prompt, loop))
        return found

    def _loops(self, session: Any) -> Dict[str, Loop]:
        return {
            prompt: closed_loop(session, self.feed, [text] * len(self.fresh), self.fresh)
            for prompt, text in self.texts.items()
        }

    def _facts(self, loop: Loop) -> MotionFacts:
        c = self.conditions
        return motion_facts(loop.rollout(), c.body_parents, c.fps)

    def _verdicts(self, prompt: str, loop: Loop) -> Dict[str, Verdict]:
        if self.judge is None:
            return {}
        return {verdict.name: verdict for verdict in self.judge(prompt, loop.rollout())}

    def _same_states(self, session: Any) -> List[Parity]:
        """Every primitive of the full model's loops once more, from the same history: two loops
        that differ at all walk apart, and would tell of that alone."""
        latent, motion, joint = [], [], []
        for loop in self.full.values():
            outs = [run_once(session, feed) for feed in loop.feeds]
            latent.append(relative([o[LATENT] for o in outs], loop.latents()))
            motion.append(
                relative(*([self._normalised(o) for o in part] for part in (outs, loop.outs)))
            )
            joint += [_distance(o, w) for o, w in zip(outs, loop.outs)]
        spec, where = (
            self.spec,
            f"over the histories of closed loops of {len(self.fresh)} primitives",
        )
        return [
            line(f"latent {where}", worst(latent), spec.latent, "relative"),
            line(f"motion {where}, normalised", worst(motion), spec.motion, "relative"),
            line(f"joints {where}, mean distance, worst primitive", worst(joint), spec.joint, "m"),
        ]

    def _normalised(self, out: Dict[str, Any]) -> Any:
        return (out["motion"] - self.conditions.mean) / self.conditions.std

    def _motions(self, loops: Dict[str, Loop]) -> List[Parity]:
        """What the loops' motions are like by themselves, and how far they go."""
        spec, count = self.spec, f"closed loops of {len(self.fresh)} primitives"
        facts = {prompt: self._facts(loop) for prompt, loop in loops.items()}
        found = []
        for what, name, limit, unit in (
            ("|R R^T - I|", "rotation", spec.rotation, "1"),
            ("fastest joint", "joint_speed", spec.joint_speed, "m/s"),
            ("bone lengths stray", "bone_drift", spec.bone_drift, "m"),
        ):
            full = worst([getattr(f, name) for f in self.wanted.values()])
            value = worst([getattr(f, name) for f in facts.values()])
            found.append(_as_full(f"{count}: {what}", value, limit, unit, full <= limit))
        ratio = [
            abs(a.path - b.path) / max(a.path, b.path, 0.5)
            for a, b in ((facts[p], self.wanted[p]) for p in facts)
        ]
        what = f"{count}: length of the pelvis's path"
        found.append(line(what, worst(ratio), spec.path_ratio, "relative"))
        return found

    def _apart(self, loops: Dict[str, Loop]) -> List[Parity]:
        """How far the loops have walked apart at the end: told, not judged."""
        pairs = [(loop, self.full[prompt]) for prompt, loop in loops.items()]
        joint = worst([_distance(a.outs[-1], b.outs[-1], last=True) for a, b in pairs])
        latent = worst([relative(a.outs[-1][LATENT], b.outs[-1][LATENT]) for a, b in pairs])
        end = f"at the end of {len(self.fresh)} primitives with the same noise"
        return [
            line(f"joints {end}, mean distance", joint, None, "m"),
            line(f"latent {end}", latent, None, "relative"),
        ]

    def _smoke(self, prompt: str, verdicts: Dict[str, Verdict]) -> List[Parity]:
        """What the smoke tests' judges say, as far as the full model passes them."""
        return [
            _judge_line(prompt, verdict, self.verdicts[prompt][name].passed)
            for name, verdict in verdicts.items()
        ]


def judge_tensors(
    reduced: Any, full: Any, name: str, conditions: Conditions, spec: GateSpec
) -> List[Parity]:
    """A reduced separate model's session on random inputs."""
    limit = spec.text if name == "clip_text" else spec.latent
    feed = random_feed(full, conditions, 4, seed=3)
    found, wanted = reduced.run(None, feed)[0], full.run(None, feed)[0]
    return [line("random inputs, batch 4", relative(found, wanted), limit, "relative")]


def missed(judged: Sequence[Parity]) -> Optional[str]:
    """What the gate found wanting, in words; ``None`` where everything passed."""
    lines = [f"{p.what} {p.error:.3g}, limit {p.limit:g} {p.unit}" for p in judged if not p.passed]
    return "; ".join(lines) or None


def line(
    what: str, error: float, limit: Optional[float], unit: str, reference: str = REFERENCE
) -> Parity:
    """One line of the gate; without a limit it is told and not judged."""
    error = min(error, _BEYOND) if error == error else _BEYOND
    return Parity(
        reference=reference,
        what=what,
        error=error,
        limit=limit,
        unit=unit,
        passed=limit is None or bool(error <= limit),
        gate=True,
    )


def _as_full(what: str, error: float, limit: float, unit: str, full: bool) -> Parity:
    """A line on the motion alone, which judges only where the full model holds it."""
    if full:
        return line(what, error, limit, unit, JUDGES)
    return line(f"{what} (fp32 is over {limit:g} too)", error, None, unit, JUDGES)


def _judge_line(prompt: str, verdict: Verdict, full: bool) -> Parity:
    what = f"{prompt}: {verdict.name}"
    value = math.inf if verdict.value is None else verdict.value
    if verdict.low is None and verdict.high:  # an error is read as a share of its limit
        return _as_full(what, value, verdict.high, verdict.unit, full)
    limits = [
        f"at {word} {limit:g}"
        for word, limit in (("least", verdict.low), ("most", verdict.high))
        if limit is not None
    ]
    what += f" {value:.3g} {verdict.unit}, {' and '.join(limits)}: missed"
    return _as_full(what, 0.0 if verdict.passed else 1.0, 0.5, "yes or no", full)


def _distance(a: Dict[str, Any], b: Dict[str, Any], last: bool = False) -> float:
    """The mean distance of a joint in metres, over a primitive's frames or in the last of them."""
    frames = slice(-1, None) if last else slice(None)
    return float(np.linalg.norm(a["joints"][:, frames] - b["joints"][:, frames], axis=-1).mean())


def worst(values: Sequence[float]) -> float:
    """The largest; NaN is larger than everything."""
    return max(values, key=lambda value: math.inf if value != value else value)
