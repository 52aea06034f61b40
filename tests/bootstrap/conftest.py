"""A stack so small that a bootstrap of it takes seconds: no network, no torch, the sandbox's source."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import pytest

from dartenv.sandbox.writer import write_sandbox
from tests.install.made_wheels import make_wheel, sha256

REPOSITORY = Path(__file__).resolve().parents[2]
MINOR = "{}.{}".format(*sys.version_info[:2])

PROFILE = """
id = "tiny"
title = "a stack of two small packages"
source = "this test"
system = "any"
kind = "sandbox"
python = ["{minor}"]
compute = "cpu"
pytorch3d = "none"
gpu = "info"
torch_index = "same"
assets = []
entry_points = ["mld.rollout_mld"]
falls_back_to = []

[torch_by_python]
other = "9.9.0"

[[requirements]]
name = "left-hand"
spec = ">=2"
pin = "2.0"
"""
PACKAGE = """
[[package]]
name = "{name}"
version = "{version}"
index = "{index}"
role = "{role}"
sha256 = [{hashes}]
"""


class Tiny:
    """A folder to bootstrap into, and everything it is made from."""

    def __init__(self, folder: Path) -> None:
        self.base = folder
        self.folder = folder / "新 machine"
        self.wheels = folder / "wheels"
        self.state = folder / "state"
        self.manifests = folder / "manifests"
        self.source = folder / "DART-main.zip"
        left = make_wheel(self.wheels, "left-hand", "2.0", {"left_hand.py": ""}, ["palm"])
        palm = make_wheel(self.wheels, "palm", "1.5", {"palm.py": ""})
        make_wheel(self.wheels, "torch", "9.9.0", {"torch/version.py": "__version__ = '9.9.0'\n"})
        self._profile()
        self.lock([("left-hand", "2.0", "requirement", left), ("palm", "1.5", "dependency", palm)])
        self._source()

    def _profile(self) -> None:
        path = self.manifests / "profiles" / "tiny.toml"
        path.parent.mkdir(parents=True)
        path.write_text(PROFILE.format(minor=MINOR), encoding="utf-8")

    def lock(self, packages: Sequence[tuple]) -> None:
        """Write the lock; torch has no hash, as its own index gives none."""
        text = f'profile = "tiny"\npython = "{MINOR}"\nmade = "2026-11-27"\ncommand = "a test"\n'
        for name, version, role, wheel in packages:
            text += PACKAGE.format(
                name=name, version=version, index="pypi", role=role, hashes=f'"{sha256(wheel)}"'
            )
        text += PACKAGE.format(
            name="torch", version="9.9.0", index="torch", role="torch", hashes=""
        )
        path = self.manifests / "locks" / f"tiny-py{MINOR}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _source(self) -> None:
        write_sandbox(self.base / "sandbox")
        with zipfile.ZipFile(str(self.source), "w") as archive:
            for path in sorted((self.base / "sandbox").rglob("*")):
                if path.is_file():
                    name = path.relative_to(self.base / "sandbox").as_posix()
                    archive.write(str(path), f"DART-main/{name}")

    def command(self, *options: str) -> List[str]:
        """``dartenv bootstrap`` of this stack."""
        return [
            *(sys.executable, "-m", "dartenv", "bootstrap", "--dir", str(self.folder)),
            *("--manifests", str(self.manifests), "--profile", "tiny", "--backend", "venv"),
            *("--python", sys.executable, "--dart", str(self.source)),
            *("--no-index", "--find-links", str(self.wheels), "--no-smoke", "--yes"),
            *options,
        ]

    @property
    def env(self) -> Dict[str, str]:
        """The environment of a command: nothing of the user's own is touched."""
        return {
            **os.environ,
            "DARTENV_STATE_DIR": str(self.state),
            "DARTENV_CACHE_DIR": str(self.base / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUTF8": "1",
        }

    def run(self, *options: str) -> subprocess.CompletedProcess:
        """Run it to its end."""
        return self.start(self.command(*options))

    def start(self, command: Sequence[str]) -> subprocess.CompletedProcess:
        """Run a command of dartenv on this machine."""
        return subprocess.run(
            list(command),
            cwd=str(REPOSITORY),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=400,
        )

    def killed(self, moment: Callable[[str], bool]) -> None:
        """Run it, and kill it as soon as ``moment`` holds of what it has written."""
        path = self.base / "out.txt"
        with path.open("wb") as out:
            process = subprocess.Popen(
                self.command(),
                cwd=str(REPOSITORY),
                env={**self.env, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            until = time.monotonic() + 200
            while not moment(path.read_text(encoding="utf-8")):
                assert process.poll() is None, path.read_text(encoding="utf-8")
                assert time.monotonic() < until
                time.sleep(0.02)
            process.kill()
            process.wait()


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A stack of this test's own."""
    return Tiny(tmp_path)
