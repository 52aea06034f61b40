"""Every external tool hangs for ever: doctor still ends, and says which ones hung."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

import pytest

from dartenv.facts.collect import Scope, collect
from dartenv.facts.probes import PLANS
from dartenv.facts.runner import Completed
from dartenv.manifests.loader import default_manifests
from dartenv.sandbox.writer import write_sandbox
from dartenv.target import tree_kind

LIMIT = 20.0
SLACK = 1.5  # for starting, killing and reading, of all tools together


class HangingRunner:
    """Every program takes all the time it is given. The time is counted, not spent."""

    def __init__(self) -> None:
        self.spent: Dict[threading.Thread, float] = defaultdict(float)
        self.hung: List[str] = []

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        self.spent[threading.current_thread()] += timeout
        self.hung.append(Path(argv[0]).name)
        return Completed(argv, None, failure="timeout", seconds=timeout)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of every program that a probe looks for on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("git", "conda", "mamba", "micromamba", "nvcc", "gcc", "cc", "cl", "python"):
        program = folder / (f"{name}.exe" if os.name == "nt" else name)
        program.write_bytes(b"#!/bin/sh\nsleep 1000000\n")
        program.chmod(0o755)
    return folder


def test_all_tools_hang_at_once(tmp_path: Path, programs: Path) -> None:
    manifests = default_manifests()
    root = tmp_path / "sandbox"
    write_sandbox(root)
    (root / ".git").mkdir(exist_ok=True)
    runner = HangingRunner()
    scope = Scope(
        manifests=manifests,
        dart_root=str(root),
        python=str(next(p for p in programs.iterdir() if p.stem == "python")),
        tree=tree_kind(root, manifests.trees()),
        env={
            "PATH": str(programs),
            "HOME": str(tmp_path),
            "USERPROFILE": str(tmp_path),
        },
        runner=runner,
    )
    facts = collect(scope, PLANS, [plan.name for plan in PLANS])

    assert max(runner.spent.values()) <= LIMIT - SLACK
    # What waits for a hanging probe adds its own time to it.
    limits = {plan.name: plan.limit for plan in PLANS if plan.name not in ("imports", "assets")}
    assert max(limits.values()) <= LIMIT - SLACK
    told = {failure.probe: failure.reason for failure in facts.probe_failures}
    assert "no answer within 15 s" in told["interpreter"]
    assert "no interpreter to import in" in told["imports"]
    assert "no answer within" in told["gpu"]
    hung = set(runner.hung)
    assert any(name.startswith("conda") for name in hung), hung
    assert "conda" in told["conda"]
    assert "no answer within" in told["conda"]
    if any(name.startswith("nvcc") for name in hung):  # run only from where toolkits live
        assert "nvcc" in told["cuda"]
    assert "status: no answer within 8 s" in told["source"]
    assert facts.source is not None
    assert [p.reason for p in facts.source.problems if p.path == ".git"] == [
        f"{programs / ('git.exe' if os.name == 'nt' else 'git')} status: no answer within 8 s"
    ]
