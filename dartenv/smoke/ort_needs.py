"""What the ONNX Runtime smoke test needs: an interpreter that can export, and a runtime in the target."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Optional

_NEEDED = "import numpy, onnx, msgspec, typer, yaml, packaging, platformdirs, filelock, psutil"


def ort_hindrance(python: str) -> Optional[str]:
    """Why the test cannot run with the target ``python``, or ``None``; nothing heavy is imported."""
    here = [name for name in ("numpy", "onnx") if importlib.util.find_spec(name) is None]
    if here and exporter(python) is None:
        missing = " and ".join(here)
        return (
            f'{missing} missing beside dartenv: {sys.executable} -m pip install "dartenv[export]"'
        )
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('onnxruntime') is None)"
    if not _runs(python, code):
        return "onnxruntime is not installed in the target"
    return None


def exporter(target: str) -> Optional[str]:
    """The interpreter that can export: dartenv's own, else the target's, else none."""
    return next((p for p in (sys.executable, target) if _runs(p, _NEEDED)), None)


def _runs(python: str, code: str) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
