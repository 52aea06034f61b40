"""Asks NVML, in a process of its own: a hung driver call cannot be interrupted, only left behind.

Run as ``python -m dartenv.facts.nvml_child``. Prints one JSON object and ends with status 0,
whatever NVML says.
"""

from __future__ import annotations

import importlib
import json
import sys
from functools import partial
from typing import Any, Callable, Dict, List, Optional

# NVML's status codes by what they mean for us; nvidia-smi exits with the same numbers.
REASONS = {
    4: "no-permission",
    9: "not-loaded",
    12: "library-not-found",
    15: "gpu-lost",
    18: "version-mismatch",
}


def ask(nvml: Any) -> Dict[str, Any]:
    """What ``nvml``, a module with nvidia-ml-py's functions, tells; never raises."""
    problems: List[str] = []

    def told(part: str, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except Exception as error:  # one call that fails must not hide the others
            problems.append(f"{part}: {_words(error)}")
            return None

    try:
        nvml.nvmlInit()
    except Exception as error:
        reason = _reason(error)
        absent = reason in ("library-not-found", "not-loaded")
        return {
            "state": "no-driver" if absent else "unknown",
            "reason": reason,
            "problems": [_words(error)],
        }
    count = told("number of GPUs", nvml.nvmlDeviceGetCount)
    devices = []
    for index in range(count or 0):
        handle = told(f"GPU {index}", partial(nvml.nvmlDeviceGetHandleByIndex, index))
        if handle is not None:
            devices.append(_device(nvml, index, handle, told))
    answer = {
        "state": "unknown" if count is None else "devices" if devices else "no-devices",
        "driver": _text(told("driver version", _bare(nvml.nvmlSystemGetDriverVersion))),
        "cuda": _cuda(told("CUDA version", nvml.nvmlSystemGetCudaDriverVersion)),
        "devices": devices,
        "problems": problems,
    }
    if count and not devices:
        answer.update(state="unknown", reason="gpu-lost")
    told("shutdown", nvml.nvmlShutdown)
    return answer


def _device(
    nvml: Any, index: int, handle: Any, told: Callable[[str, Callable[[], Any]], Any]
) -> Dict[str, Any]:
    gpu = f"GPU {index}"
    name = told(f"name of {gpu}", partial(_bare(nvml.nvmlDeviceGetName), handle))
    capability = told(
        f"capability of {gpu}", partial(nvml.nvmlDeviceGetCudaComputeCapability, handle)
    )
    memory = told(f"memory of {gpu}", partial(nvml.nvmlDeviceGetMemoryInfo, handle))
    uuid = told(f"UUID of {gpu}", partial(_bare(nvml.nvmlDeviceGetUUID), handle))
    return {
        "name": _text(name) or gpu,
        "capability": f"{capability[0]}.{capability[1]}" if capability else None,
        "memory_total": int(memory.total) if memory else None,
        "memory_free": int(memory.free) if memory else None,
        "uuid": _text(uuid),
    }


def _cuda(number: Optional[int]) -> Optional[str]:
    """12040 as "12.4"."""
    return f"{number // 1000}.{number % 1000 // 10}" if number else None


def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function below nvidia-ml-py's decoding, which is strict and refuses foreign bytes."""
    return getattr(function, "__wrapped__", function)


def _text(value: Any) -> Optional[str]:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return None if value is None else str(value)


def _reason(error: Exception) -> str:
    return REASONS.get(getattr(error, "value", -1), "other")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def main() -> int:
    """Ask and print."""
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError as error:
        answer: Dict[str, Any] = {
            "state": "unknown",
            "reason": "other",
            "problems": [f"nvidia-ml-py is not installed: {error}"],
        }
    else:
        answer = ask(nvml)
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
