"""Samplers as tables: against the equations of the papers, step by step."""

from __future__ import annotations

import math
from typing import List

import pytest

from dartenv.errors import UsageFault

np = pytest.importorskip("numpy", reason="needs numpy")
pytestmark = pytest.mark.ort

from dartenv.model.config import DiffusionConfig  # noqa: E402
from dartenv.model.diffusion import betas, kept_steps, respacings, sampler  # noqa: E402

TEN = DiffusionConfig(10, "cosine", True)


def signals(kept: List[int]) -> List[float]:
    """What is left of the signal after each kept step, from the schedule's definition."""
    product, found = 1.0, []
    for step, beta in enumerate(betas(TEN)):
        product *= 1.0 - beta
        if step in kept:
            found.append(product)
    return found


def test_respacings_of_ten() -> None:
    assert respacings(10) == ["ddim10", "ddim5", "ddim4", "ddim3", "ddim2"]
    assert kept_steps(10, "ddim4") == [0, 3, 6, 9]
    assert kept_steps(10, "ddim3") == [0, 4, 8]


@pytest.mark.parametrize("respacing", ["ddim7", "ddim1", "ddim", "ddim99", "ddpm", "5,5", "ddim-5"])
def test_unknown_respacing(respacing: str) -> None:
    with pytest.raises(UsageFault, match=r"ddim10, ddim5, ddim4"):
        sampler(TEN, respacing)


@pytest.mark.parametrize("respacing", ["ddim10", "ddim5", "ddim2"])
def test_ddim_keeps_the_direction(respacing: str) -> None:
    """x at one step and x at the next hold the same noise, at each step's signal."""
    made = sampler(TEN, respacing)
    left = [*signals(kept_steps(10, respacing))[::-1], 1.0]
    x0, eps = 0.7, -1.3
    assert made.timesteps == tuple(reversed(kept_steps(10, respacing)))
    assert not made.stochastic
    for (a, b, c), now, after in zip(made.coefficients, left, left[1:]):
        x = math.sqrt(now) * x0 + math.sqrt(1 - now) * eps
        wanted = math.sqrt(after) * x0 + math.sqrt(1 - after) * eps
        assert a * x0 + b * x == pytest.approx(wanted, abs=1e-12)
        assert c == 0.0


def test_ddpm_keeps_mean_and_variance() -> None:
    """Drawing the posterior of a noised x0 gives the noised x0 of the step before."""
    made = sampler(TEN)
    left = [*signals(list(range(10)))[::-1], 1.0]
    assert made.name == "ddpm10"
    assert made.stochastic
    for (a, b, c), now, after in zip(made.coefficients, left, left[1:]):
        assert a + b * math.sqrt(now) == pytest.approx(math.sqrt(after), abs=1e-12)
        assert b * b * (1 - now) + c * c == pytest.approx(1 - after, abs=1e-12)
    assert made.coefficients[-1][2] == 0.0


def test_large_variance_adds_beta() -> None:
    made = sampler(DiffusionConfig(10, "cosine", False))
    assert np.allclose(made.coefficients[:-1, 2] ** 2, betas(TEN)[1:][::-1])


def test_linear_schedule() -> None:
    found = betas(DiffusionConfig(1000, "linear", True))
    assert found[0] == pytest.approx(1e-4)
    assert found[-1] == pytest.approx(2e-2)
