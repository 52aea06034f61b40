"""Faults of scripts/fault_matrix.py, those that only judges of motion can see."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
NEEDS = ("torch", "numpy", "tyro", "yaml", "tqdm")
MISSING = [name for name in NEEDS if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} in this interpreter"),
    pytest.mark.skipif(os.name == "nt", reason="the plain repair leaves Windows' faults in"),
]


@pytest.fixture(scope="module")
def matrix() -> Any:
    sys.path.insert(0, str(SCRIPTS))
    try:
        import fault_matrix

        yield fault_matrix
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def runner(matrix: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("faults")
    base = matrix._sandbox(folder / "base")
    return matrix.Runner(sys.executable, base, "sandbox", folder)


def test_without_a_fault_it_is_green(runner: Any) -> None:
    result = runner.run(None)
    assert result.verdict == "SANDBOX PASS"
    assert any(j.name == "skeleton" and j.passed for j in result.judged)


@pytest.mark.parametrize("name", ["NaN in the weights", "a rotation transposed"])
def test_a_fault_is_red_and_named(matrix: Any, runner: Any, name: str) -> None:
    fault = next(f for f in matrix.FAULTS if f.name == name)
    row = matrix.judge(fault, runner.run(fault), 0.0)
    assert row.red
    assert row.named, row.says
