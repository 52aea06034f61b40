"""The separate models' gate: on what goes through them in the closed loops of the full primitive."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np

from dartenv.bundle.contract import Parity
from dartenv.export.conditions import Conditions
from dartenv.export.gate import line, worst
from dartenv.export.measure import LATENT, Loop, relative
from dartenv.manifests.export import GateSpec
from dartenv.model.diffusion import Sampler
from dartenv.model.layout import JOINTS, LAYOUT

# Of the loops' primitives, every so many are sampled step by step.
_EVERY = 10


class PartsGate:
    """What the separate models are given in ``loops``, by prompt, of the full primitive."""

    def __init__(
        self,
        loops: Dict[str, Loop],
        conditions: Conditions,
        spec: GateSpec,
        sampler: Sampler,
        guidance: float,
    ) -> None:
        self.loops, self.conditions, self.spec = loops, conditions, spec
        self.sampler, self.guidance = sampler, guidance
        primitives = sum(len(loop.outs) for loop in loops.values())
        self.where = f"over {primitives} primitives of closed loops"

    def judged(self, name: str, reduced: Any, full: Any) -> List[Parity]:
        """Every line on the session ``reduced`` of the model ``name``."""
        makers = {
            "denoiser": self._denoiser,
            "vae_decoder": self._decoder,
            "vae_encoder": self._encoder,
        }
        return makers[name](reduced, full)

    def _denoiser(self, reduced: Any, full: Any) -> List[Parity]:
        """Every step of the sampler, with and without text, along the full model's way."""
        errors = []
        for loop in self.loops.values():
            for feed in loop.feeds[::_EVERY]:
                errors.append(self._sampled(reduced, full, feed))
        what = f"predicted latent at each step, {len(errors)} primitives of closed loops"
        return [line(what, worst(errors), self.spec.latent, "relative")]

    def _sampled(self, reduced: Any, full: Any, feed: Dict[str, Any]) -> float:
        x, found, wanted = feed["noise"][0], [], []
        steps = zip(self.sampler.timesteps, self.sampler.coefficients, feed["noise"][1:])
        for timestep, (a, b, c), fresh in steps:
            given = {
                "x_t": x,
                "timesteps": np.full(len(x), timestep, dtype=np.int64),
                "history": feed["history"],
            }
            both = []
            for text in (feed["text"], np.zeros_like(feed["text"])):
                both.append(full.run(None, {**given, "text": text})[0])
                found.append(reduced.run(None, {**given, "text": text})[0])
            wanted += both
            clean = both[1] + self.guidance * (both[0] - both[1])
            x = (a * clean + b * x + c * fresh).astype(np.float32)
        return relative(found, wanted)

    def _decoder(self, reduced: Any, full: Any) -> List[Parity]:
        c = self.conditions
        motion, joint = [], []
        start = sum(width for name, width in LAYOUT[: [n for n, _ in LAYOUT].index("joints")])
        for loop in self.loops.values():
            found, wanted = [], []
            for feed, out in zip(loop.feeds, loop.outs):
                latent = (out[LATENT] * np.float32(c.latent_scale)).astype(np.float32)
                given = {"latent": latent, "history": feed["history"]}
                found.append(reduced.run(None, given)[0])
                wanted.append(full.run(None, given)[0])
            motion.append(relative(found, wanted))
            places = slice(start, start + 3 * JOINTS)
            gap = ((np.array(found) - np.array(wanted)) * c.std)[..., places]
            apart = np.linalg.norm(gap.reshape(len(found), -1, 3), axis=-1).mean(axis=1)
            joint += [float(value) for value in apart]
        spec, where = self.spec, self.where
        return [
            line(f"motion {where}, normalised", worst(motion), spec.motion, "relative"),
            line(f"joints {where}, mean distance, worst primitive", worst(joint), spec.joint, "m"),
        ]

    def _encoder(self, reduced: Any, full: Any) -> List[Parity]:
        c, errors = self.conditions, []
        for loop in self.loops.values():
            found, wanted = [], []
            for feed, out in zip(loop.feeds, loop.outs):
                future = ((out["motion"] - c.mean) / c.std).astype(np.float32)
                given = {"history": feed["history"], "future": future}
                found.append(reduced.run(["mean"], given)[0])
                wanted.append(full.run(["mean"], given)[0])
            errors.append(relative(found, wanted))
        return [line(f"latent's mean {self.where}", worst(errors), self.spec.latent, "relative")]


def judge_texts(
    reduced: Any, full: Any, feeds: Sequence[Dict[str, Any]], spec: GateSpec
) -> List[Parity]:
    """A reduced text tower on the gate's prompts."""
    pairs = [(reduced.run(None, feed)[0], full.run(None, feed)[0]) for feed in feeds]
    what = f"embeddings of {len(feeds)} prompts, the worst"
    return [line(what, worst([relative(a, b) for a, b in pairs]), spec.text, "relative")]
