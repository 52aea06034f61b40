"""Writing one model in its formats: .onnx, and .ort by ONNX Runtime itself."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from dartenv.errors import UsageFault
from dartenv.whole import whole_file

ROOM = "a writable place with room for it"


def write_bytes(data: bytes, path: Path) -> None:
    """The file appears whole or not at all. Raises UsageFault."""
    with whole_file(path, ROOM) as part:
        part.write_bytes(data)


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
    options.add_session_config_entry("session.save_model_format", "ORT")
    with whole_file(path, ROOM) as part:
        options.optimized_model_filepath = os.fspath(part)
        try:
            ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own classes have no common base of theirs
            raise UsageFault(
                f"ONNX Runtime cannot write {path}: {str(error).splitlines()[0]}", ROOM
            ) from None
