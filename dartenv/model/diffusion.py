"""DART's samplers as tables: which steps, and how each mixes prediction, latent and noise.

The network predicts the clean latent x0, so one step of DDPM (Ho et al. 2020) and one of DDIM
without noise (Song et al. 2021) are both ``x = a * x0 + b * x + c * noise``. Betas, respacing and
variances follow guided-diffusion, as zkf1997/DART diffusion/gaussian_diffusion.py and respace.py
do: a respaced process has the betas that keep the full one's signal at the steps that are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.model.config import DiffusionConfig


@dataclass(frozen=True)
class Sampler:
    """S steps, the noisiest first.

    ``timesteps`` are what the network is told; ``coefficients`` float64 [S, 3] holds a, b, c.
    """

    name: str
    respacing: str
    timesteps: Tuple[int, ...]
    coefficients: Any

    @property
    def steps(self) -> int:
        return len(self.timesteps)

    @property
    def stochastic(self) -> bool:
        return bool(np.any(self.coefficients[:, 2] != 0.0))


def betas(config: DiffusionConfig) -> Any:
    """The full process's betas, float64 [steps]."""
    steps = config.steps
    if config.noise_schedule == "linear":
        scale = 1000.0 / steps
        return np.linspace(scale * 1e-4, scale * 2e-2, steps, dtype=np.float64)

    def signal(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    ratio = [signal((i + 1) / steps) / signal(i / steps) for i in range(steps)]
    return np.minimum(1.0 - np.array(ratio, dtype=np.float64), 0.999)


def kept_steps(steps: int, respacing: str) -> List[int]:
    """The steps of the full process that ``respacing`` keeps, ascending.

    "" keeps all; "ddimN" takes the one whole stride that leaves N. Raises UsageFault where no
    stride does, with those that there are.
    """
    if not respacing:
        return list(range(steps))
    if respacing in respacings(steps):
        count = int(respacing[len("ddim") :])
        for stride in range(1, steps):
            if len(range(0, steps, stride)) == count:
                return list(range(0, steps, stride))
    raise UsageFault(
        f"respacing {respacing!r} of {steps} diffusion steps",
        'one of: "" (all steps with noise), ' + ", ".join(respacings(steps)),
    )


def respacings(steps: int) -> List[str]:
    """Every "ddimN" that a process of ``steps`` steps has, the longest first."""
    counts = {len(range(0, steps, stride)) for stride in range(1, steps)}
    return [f"ddim{count}" for count in sorted(counts, reverse=True)]


def sampler(config: DiffusionConfig, respacing: str = "") -> Sampler:
    """The sampler that DART's rollouts use: DDPM for "", else DDIM without noise.

    Raises UsageFault for a respacing that the process does not have.
    """
    kept = kept_steps(config.steps, respacing)
    full = np.cumprod(1.0 - betas(config))[kept]
    before: Any = np.append(1.0, full[:-1])
    own = 1.0 - full / before  # the respaced process's betas
    rows = []
    for index in reversed(range(len(kept))):
        now, past, beta = full[index], before[index], own[index]
        if respacing:
            b = math.sqrt((1.0 - past) / (1.0 - now))
            rows.append((math.sqrt(past) - b * math.sqrt(now), b, 0.0))
        else:
            a = beta * math.sqrt(past) / (1.0 - now)
            b = (1.0 - past) * math.sqrt(1.0 - beta) / (1.0 - now)
            rows.append((a, b, _deviation(config, own, full, before, index)))
    return Sampler(
        name=respacing or f"ddpm{config.steps}",
        respacing=respacing,
        timesteps=tuple(reversed(kept)),
        coefficients=np.array(rows, dtype=np.float64),
    )


def _deviation(config: DiffusionConfig, own: Any, full: Any, before: Any, index: int) -> float:
    """The noise's standard deviation in step ``index`` of DDPM; the last step has none."""
    if index == 0:
        return 0.0
    if not config.sigma_small:
        return math.sqrt(own[index])
    return math.sqrt(own[index] * (1.0 - before[index]) / (1.0 - full[index]))
