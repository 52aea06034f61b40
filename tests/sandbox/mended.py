"""The sandbox with its faults repaired as plainly as may be, for tests that run its programs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from dartenv.sandbox.writer import write_sandbox

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def script(name: str) -> Any:
    """A module of scripts/, which is no package, by its path."""
    spec: Any = importlib.util.spec_from_file_location(name, str(SCRIPTS / f"{name}.py"))
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mended_sandbox(folder: Path) -> Path:
    """The root of a sandbox written to ``folder``, repaired."""
    root = write_sandbox(folder).root
    script("_sandbox_assets").mend(root)
    return root
