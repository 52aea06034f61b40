"""The real tree with a real interpreter: it moves, or the reason has a name."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Dict, Tuple

import pytest

from dartenv.assets.spec import AssetsSpec
from dartenv.manifests.loader import default_manifests
from dartenv.smoke import load_scenario, run_scenario, to_findings

pytestmark = pytest.mark.dart
ROOT = os.environ.get("DARTENV_TEST_DART_ROOT", "")
PYTHON = os.environ.get("DARTENV_TEST_DART_PYTHON", sys.executable)


def states(root: Path) -> Dict[str, Tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.skipif(not ROOT, reason="DARTENV_TEST_DART_ROOT names no DART tree")
def test_a_real_tree_moves_or_the_reason_has_a_name(tmp_path: Path) -> None:
    before = states(Path(ROOT))
    result = run_scenario(
        ROOT,
        PYTHON,
        load_scenario("rollout"),
        state_dir=str(tmp_path / "state"),
        cache_dir=os.environ.get("DARTENV_CACHE_DIR", str(tmp_path / "cache")),
        device="cpu",
        assets=default_manifests().read("assets", "dart", AssetsSpec),
    )
    assert states(Path(ROOT)) == before
    if result.passed:
        assert {judged.name: judged.value for judged in result.judged}["frames"] == 26.0
    else:
        assert result.failure is not None
        assert result.failure.check is not None, to_findings(result)
