"""ONNX Runtime sessions on the provider that was asked for, and on no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List, Optional, Tuple

from dartenv.bundle.contract import ModelFile
from dartenv.errors import UsageFault

CPU = "CPUExecutionProvider"
# Short names; the full ones of ONNX Runtime work too.
PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
PACKAGES = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
    "DmlExecutionProvider": "onnxruntime-directml",
}
MOST_THREADS = 512


def onnxruntime() -> Any:
    """The module. Raises UsageFault where it is not installed or its DLLs do not load."""
    try:
        import onnxruntime as found
    except ImportError as error:
        raise UsageFault(
            f"ONNX Runtime cannot be imported: {error}",
            "onnxruntime, which runs a bundle",
            'pip install "dartenv[ort]"',
        ) from None
    return found


def provider_name(name: str, available: Optional[List[str]] = None) -> str:
    """The full name of a provider that this ONNX Runtime has. Raises UsageFault where it has not."""
    full = PROVIDERS.get(name.lower(), name)
    known = list(onnxruntime().get_available_providers()) if available is None else available
    if full in known:
        return full
    short = {value: key for key, value in PROVIDERS.items()}
    here = ", ".join(short.get(p, p) for p in known if p in short or p == name)
    if full not in PROVIDERS.values():
        raise UsageFault(f"provider {name!r}", "one of: " + ", ".join(PROVIDERS))
    package = PACKAGES.get(full)
    raise UsageFault(
        f"provider {name}: this ONNX Runtime has no {full} (it has {here})",
        "a build with it; there is no silent change to the CPU",
        f"pip install {package} in place of onnxruntime" if package else "--provider cpu",
    )


def check_threads(threads: int) -> int:
    """``threads`` where it can be meant: 0 leaves it to ONNX Runtime."""
    if not 0 <= threads <= MOST_THREADS:
        raise UsageFault(f"{threads} threads", f"0 (ONNX Runtime's choice) to {MOST_THREADS}")
    return threads


def open_session(
    path: Path, file: ModelFile, provider: str, threads: int, spin: bool = False
) -> Any:
    """A session of ``path`` on ``provider`` (a full name) with every fallback turned off.

    ``spin``: threads that wait for one another keep their cores, which is quicker on a machine
    that does nothing else.

    Raises UsageFault: an older ONNX Runtime than the file needs, a provider that does not start,
    nodes that only the CPU could run, a file that is no model.
    """
    ort = onnxruntime()
    _check_version(str(ort.__version__), file)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4 if provider != CPU else 3
    # Waiting threads that spin take a core each from whoever else runs: with another process on two
    # cores a primitive took twice as long with it, and alone on them a third less.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    if provider != CPU:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        session = ort.InferenceSession(
            str(path), options, providers=[provider], enable_fallback=False
        )
    except Exception as error:  # ONNX Runtime's own classes have no common base of theirs
        raise UsageFault(
            f"{path.name} does not load on {provider}: {first_line(error)}",
            "a session on that provider alone",
            "dartenv doctor --select ort" if provider != CPU else None,
        ) from None
    if session.get_providers()[0] != provider:
        raise UsageFault(
            f"{path.name}: {provider} did not start, ONNX Runtime took {session.get_providers()[0]}",
            f"{provider} alone",
            "dartenv doctor --select ort",
        )
    return session


def first_line(error: Exception) -> str:
    """What ONNX Runtime says, without the lines of its source that follow."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _check_version(found: str, file: ModelFile) -> None:
    if _numbers(found) < _numbers(file.onnxruntime):
        raise UsageFault(
            f"ONNX Runtime {found}",
            f"{file.onnxruntime} or newer for {file.path}, as bundle.json says",
            f'pip install "onnxruntime>={file.onnxruntime}"',
        )


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def input_names(session: Any) -> List[str]:
    """Every input that may be given, those with a default included."""
    given = [value.name for value in session.get_inputs()]
    optional: List[Any] = getattr(session, "get_overridable_initializers", list)()
    return given + [value.name for value in optional]
