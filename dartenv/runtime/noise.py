"""The noise that sampling starts from and adds: the same numbers for the same seed."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from dartenv.bundle.contract import Bundle, Schedule
from dartenv.errors import UsageFault


class Noise(Iterator[Any]):
    """Standard normal noise [S + 1, B, T, Z] a primitive; sample b's depends on seed and b alone."""

    def __init__(self, bundle: Bundle, schedule: Schedule, seed: int, batch: int) -> None:
        if type(seed) is not int or not 0 <= seed < 2**63:
            raise UsageFault(f"seed {seed}", "a whole number from 0 to 2^63 - 1")
        steps = len(schedule.timesteps)
        self._shape = (steps + 1, bundle.sizes.tokens, bundle.sizes.latent)
        self._sources = [np.random.default_rng([seed, sample]) for sample in range(batch)]

    def __next__(self) -> Any:
        drawn = [s.standard_normal(self._shape, dtype=np.float32) for s in self._sources]
        return np.stack(drawn, axis=1)
