"""The real tree: DART's own functions, dartenv's networks and ONNX Runtime agree.

Needs DARTENV_TEST_DART_ROOT (repaired: dartenv fix) and, where it is another interpreter than
this, DARTENV_TEST_DART_PYTHON. Stand-ins fill what is missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest

from dartenv.assets.spec import AssetsSpec
from dartenv.manifests.loader import default_manifests
from dartenv.smoke import load_scenario, run_scenario

pytestmark = [pytest.mark.dart, pytest.mark.torch]
ROOT = os.environ.get("DARTENV_TEST_DART_ROOT", "")
PYTHON = os.environ.get("DARTENV_TEST_DART_PYTHON", sys.executable)


@pytest.mark.skipif(not ROOT, reason="DARTENV_TEST_DART_ROOT names no DART tree")
def test_a_hundred_primitives_of_dart(tmp_path: Path) -> None:
    scenario = load_scenario("ort")
    size = scenario.sizes["full"]
    values = {**size.values, "blocks": 1, "runs": 1, "cold": 1}
    result = run_scenario(
        ROOT,
        PYTHON,
        msgspec.structs.replace(
            scenario, sizes={"full": msgspec.structs.replace(size, values=values)}
        ),
        size="full",
        state_dir=str(tmp_path / "state"),
        cache_dir=os.environ.get("DARTENV_CACHE_DIR", str(tmp_path / "cache")),
        device="cpu",
        assets=default_manifests().read("assets", "dart", AssetsSpec),
    )
    assert result.failure is None, result.failure
    exact = [j for j in result.judged if j.unit.startswith("m") and j.passed is not None]
    assert len(exact) >= 4 * 2 + 6  # four cases of the networks, and the graphs' own
    assert [(j.run, j.name, j.value) for j in result.judged if j.passed is False] == []
