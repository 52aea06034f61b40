"""A small tree, a state folder, and the few lines that every test of the engine needs."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import pytest

from dartenv.facts.model import TargetFacts
from dartenv.fixes.acts import Hands
from dartenv.fixes.apply import apply
from dartenv.fixes.paths import sha256
from dartenv.fixes.plan import Plan, new_plan
from dartenv.fixes.report import ApplyReport, FixResult
from dartenv.fixes.steps import AnyStep, EditFile
from dartenv.fixes.undo import UndoReport, undo

REPOSITORY = Path(__file__).resolve().parents[2]
OLD_TIME = 1_500_000_000_987_654_300


class Bench:
    """A tree with a space and Chinese characters in its path, and a state folder beside it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "DART 主 tree"
        self.state = folder / "state"
        self.root.mkdir()

    def put(self, name: str, data: bytes, mode: Optional[int] = None) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(str(path), ns=(OLD_TIME, OLD_TIME))
        if mode is not None:
            path.chmod(mode)
        return path

    def edit(self, path: Path, content: bytes, *fixes: str, **more: Any) -> EditFile:
        fixes = fixes or ("fix.one",)
        return EditFile(
            id=f"{fixes[0]}:{path.name}",
            fixes=fixes,
            reason="test",
            path=str(path),
            old_sha256=sha256(path.read_bytes()),
            content=content,
            **more,
        )

    def plan(self, *steps: AnyStep) -> Plan:
        return new_plan(TargetFacts(dart_root=str(self.root)), steps)

    def apply(self, *steps: AnyStep, **more: Any) -> ApplyReport:
        plan = self.plan(*steps)
        return apply(plan, [step.id for step in steps], state=self.state, **more)

    def undo(self, run: Optional[str] = None, hands: Optional[Hands] = None) -> UndoReport:
        return undo(self.state, run, hands=hands)

    def files(self) -> Dict[str, Tuple[bytes, int, int]]:
        """Every file with its content, mode and time; folders too, without time."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            info = os.lstat(str(path))
            name = path.relative_to(self.root).as_posix()
            if path.is_dir():
                found[name] = (b"", 0, 0)
            else:
                found[name] = (path.read_bytes(), info.st_mode, info.st_mtime_ns)
        return found

    @staticmethod
    def results(report: ApplyReport) -> Dict[str, FixResult]:
        """The results by fix."""
        return {result.fix: result for result in report.results}

    @staticmethod
    def outcomes(report: ApplyReport) -> Dict[str, str]:
        """The outcomes by fix."""
        return {result.fix: result.outcome.value for result in report.results}

    @staticmethod
    def passes(fixes: Sequence[str]) -> Dict[str, Tuple[Optional[bool], str]]:
        """A verification in which every check passes."""
        return dict.fromkeys(fixes, (True, ""))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def new_bench(tmp_path: Path) -> Callable[[], Bench]:
    """Makes benches, for tests that hypothesis calls many times."""
    count = itertools.count()

    def make() -> Bench:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return Bench(folder)

    return make


@pytest.fixture(scope="session")
def crash() -> ModuleType:
    """scripts/crash_matrix.py as a module."""
    spec = importlib.util.spec_from_file_location(
        "crash_matrix", str(REPOSITORY / "scripts" / "crash_matrix.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["crash_matrix"] = module
    spec.loader.exec_module(module)
    return module
