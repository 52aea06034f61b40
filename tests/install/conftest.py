"""An environment with pip, made once; each test leaves it as it found it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dartenv.target import environment_python


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a bare virtual environment, in a folder with a space and Chinese letters."""
    folder = tmp_path_factory.mktemp("environment") / "环境 env"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    found = environment_python(folder)
    assert found is not None
    return found
