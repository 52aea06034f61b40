"""A night's time is shared by what a scenario runs in this kind of tree, and by nothing else."""

from __future__ import annotations

import pytest

from dartenv.prove import _limited
from dartenv.smoke import load_scenario


@pytest.mark.parametrize(
    ("name", "size", "tree", "runs"),
    [
        ("rollout", "quick", "dart", 2),  # one variant, and the same seed again
        ("rollout", "quick", "sandbox", 5),  # four variants, of which the walk is repeated
        ("inbetween", "quick", "dart", 2),  # history and repeat mode
        ("inbetween", "full", "dart", 3),  # history mode is repeated
        ("viewer", "quick", "dart", 1),
    ],
)
def test_each_run_gets_its_share(name: str, size: str, tree: str, runs: int) -> None:
    scenario = _limited(load_scenario(name), size, tree, 60.0)
    assert scenario.size(size).time_limit == pytest.approx(60.0 / runs)


def test_the_scenarios_own_limit_stays_where_it_is_less() -> None:
    own = load_scenario("rollout").size("quick").time_limit
    assert _limited(load_scenario("rollout"), "quick", "dart", 1e6).size("quick").time_limit == own
