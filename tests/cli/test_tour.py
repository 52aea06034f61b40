"""The whole loop on the sandbox: doctor finds, fix repairs, smoke moves, undo takes it back."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import Any

import pytest

NEEDS = ("torch", "numpy", "tyro", "yaml", "tqdm")
MISSING = [name for name in NEEDS if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)}"),
]


def test_the_tour_ends_well_and_says_what_it_was_made_on(cli: Any) -> None:
    done = cli("doctor", "--sandbox", "--python", sys.executable)
    assert done.code == 0, done.out + done.err
    for part in (
        "1  sandbox written",
        "3  dartenv fix",
        "5  dartenv smoke",
        "6  dartenv fix --undo",
    ):
        assert f"== {part}" in done.out
    assert "not DART itself" in done.out
    assert "repaired  source.numpy-aliases" in done.out
    assert "undone " in done.out


def test_doctor_goes_on_to_smoke_in_one_report(cli: Any, sandbox: Any) -> None:
    cli("fix", "source", "--dart-root", sandbox, "--yes")
    done = cli(
        "doctor",
        "--smoke",
        "--dart-root",
        sandbox,
        "--python",
        sys.executable,
        "--profile",
        "sandbox",
        "--select",
        "python,source",
        "--format",
        "json",
    )
    checks = {f["check"]: f["status"] for f in json.loads(done.out)["findings"]}
    assert checks["smoke.rollout"] == "ok", done.out
    assert checks["source.numpy-aliases"] == "ok"


def test_an_unrepaired_sandbox_fails_and_names_the_first_cause(cli: Any, sandbox: Any) -> None:
    done = cli("smoke", "rollout", "--dart-root", sandbox, "--python", sys.executable)
    assert done.code == 1
    assert "FAIL" in done.out
    assert "dartenv fix source." in done.out
