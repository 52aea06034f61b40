"""Runs in the target after inside_run.py: does ONNX Runtime really run on a provider.

``get_available_providers()`` lists what was compiled in, not what works. Here a session is made
with the fallback to the CPU turned off, its providers are read back, and its result is checked.
"""

import os

MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from dartenv.facts.inside_run import missing_libraries, step


def task_ort(asked: "Dict[str, Any]") -> "None":
    """A session by itself, then with the libraries that the package or torch can load for it."""
    parts = asked["ort"]
    name = "ort.providers:" + parts["provider"]
    if not step("ort.providers", import_runtime):
        return
    if step(name, lambda details: run_session(details, parts)):
        return
    if step(name + ":preloaded", lambda details: preloaded(details, parts)):
        return
    if parts.get("torch"):
        step(name + ":torch", lambda details: after_torch(details, parts), asked["gpu_idle"])


def import_runtime(details: "Dict[str, str]") -> "None":
    import onnxruntime

    details["version"] = str(onnxruntime.__version__)
    details["available"] = " ".join(onnxruntime.get_available_providers())
    details["file"] = str(onnxruntime.__file__)


def run_session(details: "Dict[str, str]", parts: "Dict[str, Any]") -> "None":
    """Raises RuntimeError where the session does not run on the provider that was asked for."""
    import numpy
    import onnxruntime

    provider = parts["provider"]
    options = onnxruntime.SessionOptions()
    if provider != "CPUExecutionProvider":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        session = onnxruntime.InferenceSession(tiny_model(), options, providers=[provider])
    except Exception:
        note_missing(details, onnxruntime, parts)
        raise
    details["providers"] = " ".join(session.get_providers())
    if provider not in session.get_providers():
        note_missing(details, onnxruntime, parts)
        raise RuntimeError("the session runs on %s" % details["providers"])
    image: Any = numpy.arange(16, dtype=numpy.float32).reshape(1, 1, 4, 4)
    (result,) = session.run(None, {"x": image})
    if result.tolist() != [[[[45.0, 54.0], [81.0, 90.0]]]]:
        raise RuntimeError("a convolution gave %r" % (result.tolist(),))


def preloaded(details: "Dict[str, str]", parts: "Dict[str, Any]") -> "None":
    import onnxruntime

    if not hasattr(onnxruntime, "preload_dlls"):
        raise RuntimeError("this release has no preload_dlls")
    onnxruntime.preload_dlls()
    run_session(details, parts)


def after_torch(details: "Dict[str, str]", parts: "Dict[str, Any]") -> "None":
    import torch

    details["torch"] = str(torch.__version__)
    run_session(details, parts)


def note_missing(details: "Dict[str, str]", runtime: "Any", parts: "Dict[str, Any]") -> "None":
    """On Windows, the libraries without which the provider's own cannot be loaded."""
    if os.name != "nt" or not parts.get("library"):
        return
    folder = os.path.join(os.path.dirname(runtime.__file__), "capi")
    lost = missing_libraries(os.path.join(folder, parts["library"] + ".dll"))
    if lost:
        details["missing_dll"] = ", ".join(lost)


def tiny_model() -> "bytes":
    """An ONNX model of one convolution: x [1, 1, 4, 4] with a 3 x 3 kernel of ones.

    Written out field by field in the wire format of protocol buffers, with the field numbers of
    onnx.proto3, so that no onnx package is needed. Opset 11 and IR 6 load everywhere.
    """
    kernel = message(
        (1, 1), (1, 1), (1, 3), (1, 3), (2, 1), (8, "w"), (9, floats([1.0] * 9))
    )  # TensorProto: dims, data_type FLOAT, name, raw_data
    node = message((1, "x"), (1, "w"), (2, "y"), (4, "Conv"))
    graph = message(
        (1, node),
        (2, "one"),
        (5, kernel),
        (11, tensor_value("x", [1, 1, 4, 4])),
        (12, tensor_value("y", [1, 1, 2, 2])),
    )
    return message((1, 6), (2, "dartenv"), (7, graph), (8, message((1, ""), (2, 11))))


def tensor_value(name: "str", shape: "List[int]") -> "bytes":
    """ValueInfoProto of a float tensor."""
    dims = message(*[(1, message((1, size))) for size in shape])
    return message((1, name), (2, message((1, message((1, 1), (2, dims))))))


def message(*fields: "Any") -> "bytes":
    """Protocol buffer fields: whole numbers as varints, texts and bytes with their length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode("ascii") if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def varint(value: "int") -> "bytes":
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def floats(values: "List[float]") -> "bytes":
    import struct

    return struct.pack("<%df" % len(values), *values)
