"""A cold start: from the program's launch to the first frames, and to a hundred primitives.

Request: ``{"launched", "model", "case", "primitives", "threads", "clip": {"model", "table",
"tokens"} or null}``; ``launched`` is time.time() of the parent just before. Answer: ``{"first_s",
"all_s", "frames", "torch"}``; ``torch`` says whether torch came to be imported. numpy and
onnxruntime alone. Python 3.6 syntax.
"""

import importlib
import sys
import time
from typing import Any, Dict

from . import heavy
from .ort_run import NEXT


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Load the model and generate."""
    np = heavy.numpy()
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = int(request["threads"])
    options.log_severity_level = 3

    def opened(path: str) -> Any:
        return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    # The text tower first: it is let go of before the other weights come.
    text = _text(np, opened, request["clip"]) if request.get("clip") else None
    session = opened(request["model"])
    data = np.load(request["case"])
    wanted = [value.name for value in session.get_inputs()]
    feed = {name: data["in_" + name] for name in wanted if "in_" + name in data.files}
    if text is not None:
        feed["text"] = text
    names = [value.name for value in session.get_outputs()]
    generator = np.random.default_rng(0)
    shape = data["noise"].shape[1:]
    first, frames = 0.0, 0
    for _ in range(int(request["primitives"])):
        noise = generator.standard_normal(shape).astype(np.float32)
        out = dict(zip(names, session.run(None, dict(feed, noise=noise))))
        for name in NEXT:
            feed[name] = out["next_" + name]
        frames += out["joints"].shape[1]
        first = first or time.time() - float(request["launched"])
    return {
        "first_s": first,
        "all_s": time.time() - float(request["launched"]),
        "frames": frames,
        "torch": "torch" in sys.modules,
    }


def _text(np: Any, opened: Any, clip: Dict[str, Any]) -> Any:
    """The embedding of the tokens, from the memory-mapped table and the text tower."""
    table = np.load(clip["table"], mmap_mode="r")
    tokens = np.array(clip["tokens"], dtype=np.int64)
    embeddings = np.asarray(table[tokens], dtype=np.float32)[None]
    last = np.array([len(tokens) - 1], dtype=np.int64)
    return opened(clip["model"]).run(None, {"embeddings": embeddings, "eot": last})[0]
