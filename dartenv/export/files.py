"""Writing one model in its formats: .onnx, and .ort by ONNX Runtime itself."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from dartenv.errors import UsageFault


def write_bytes(data: bytes, path: Path) -> None:
    """The file appears whole or not at all. Raises UsageFault."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise UsageFault(f"cannot write {path}: {error.strerror}", "a writable place") from None


def write_ort(model: bytes, path: Path, contrib: bool) -> None:
    """``model`` in ONNX Runtime's own format, as the runtime that is installed here writes it.

    Only with ``contrib`` are operators joined to ones of ONNX Runtime's own. Raises UsageFault
    where no onnxruntime is installed.
    """
    try:
        ort: Any = importlib.import_module("onnxruntime")
    except ImportError:
        raise UsageFault(
            ".ort files need onnxruntime", "dartenv's ort extra", "pip install dartenv[ort]"
        ) from None
    level = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = (
        level.ORT_ENABLE_EXTENDED if contrib else level.ORT_ENABLE_BASIC
    )
    part = path.with_name(path.name + ".part")
    options.optimized_model_filepath = os.fspath(part)
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    part.replace(path)
