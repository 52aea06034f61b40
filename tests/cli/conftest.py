"""Running the command line inside the test's own process."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Callable, Dict, NamedTuple

import pytest

from dartenv.cli.app import assemble
from dartenv.cli.ending import run
from dartenv.sandbox.writer import write_sandbox


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """``cli("doctor", "--select", "source")``: exit code, stdout, stderr; nothing prompts."""
    monkeypatch.setenv("DARTENV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DARTENV_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["dartenv", *(str(a) for a in arguments)])
        capfd.readouterr()
        code = run(assemble())
        done = capfd.readouterr()
        return Ended(code, done.out, done.err)

    return call


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """A fresh sandbox in a folder with a space and Chinese characters."""
    return write_sandbox(tmp_path / "沙盒 one").root


def contents(root: Path) -> Dict[str, str]:
    """Every file of a tree by its hash."""
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }
