"""Time DART's own loop and exported models in one process, in alternating blocks.

Request: ``{"checkpoint", "motion", "clip", "respacing", "guidance", "threads": [..],
"blocks", "runs", "models": [{"name", "path"}], "dart": bool, "read_bytes": n}``. Answer:
``{"rows": [{"name", "threads", "runs", "median_ms", "min_ms"}], "limits": [{"threads",
"gflops", "read_gb_s"}], "versions"}``. A block is one warm run that is not counted and ``runs``
that are, so that a busy machine troubles all alike. Python 3.6 syntax.
"""

import importlib
import time
from typing import Any, Callable, Dict, List

from . import heavy
from .dart_loop import Dart

Run = Callable[[], Any]


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Measure everything that ``request`` names."""
    torch = heavy.torch()
    dart = Dart(request["checkpoint"], request["motion"], request.get("clip"))
    state = dart.start(1)
    text = dart.texts(["walk in circles"])
    feed = feed_of(dart, state, text, request)
    rows: List[Dict[str, Any]] = []
    limits: List[Dict[str, Any]] = []
    for threads in request["threads"]:
        torch.set_num_threads(threads)
        runs: Dict[str, Run] = {}
        if request.get("dart", True):
            runs["dart"] = dart_run(dart, state, text, request)
        for model in request["models"]:
            runs[model["name"]] = session_run(model["path"], threads, feed)
        rows += [dict(row, threads=threads) for row in alternate(runs, request)]
        limits.append(dict(physical(int(request["read_bytes"])), threads=threads))
    runtime: Any = importlib.import_module("onnxruntime")
    versions = {"torch": torch.__version__, "onnxruntime": runtime.__version__}
    return {"rows": rows, "limits": limits, "versions": versions}


def feed_of(dart: Dart, state: Any, text: Any, request: Dict[str, Any]) -> Dict[str, Any]:
    """The inputs of a primitive graph for ``state``."""
    torch = heavy.torch()
    steps = dart.diffusion(request["respacing"]).num_timesteps
    names = ("history", "world_rotation", "world_translation", "pelvis_offset")
    feed = {name: state[name].numpy() for name in names}
    feed["text"] = text.numpy()
    feed["noise"] = dart.noise(0, text.shape[0], steps).numpy()
    feed["guidance"] = torch.full((text.shape[0], 1), float(request["guidance"])).numpy()
    return feed


def dart_run(dart: Dart, state: Any, text: Any, request: Dict[str, Any]) -> Run:
    """One primitive by DART's own functions."""
    diffusion, respacing = dart.diffusion(request["respacing"]), request["respacing"]

    def once() -> Any:
        guidance = float(request["guidance"])
        return dart.primitive(diffusion, respacing, state, text, guidance, True, 0)

    return once


def session_run(path: str, threads: int, feed: Dict[str, Any]) -> Run:
    """One run of the model at ``path``; inputs that it does not have are left out."""
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    given = {name: value for name, value in feed.items() if name in wanted}
    return lambda: session.run(None, given)


def alternate(runs: Dict[str, Run], request: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Medians and minima in milliseconds of every run, block by block in turn."""
    times: Dict[str, List[float]] = {name: [] for name in runs}
    for _ in range(int(request["blocks"])):
        for name, once in runs.items():
            once()
            for _ in range(int(request["runs"])):
                began = time.perf_counter()
                once()
                times[name].append((time.perf_counter() - began) * 1e3)
    found = []
    for name, values in times.items():
        ordered = sorted(values)
        found.append(
            {
                "name": name,
                "runs": len(ordered),
                "median_ms": ordered[len(ordered) // 2],
                "min_ms": ordered[0],
            }
        )
    return found


def physical(size: int) -> Dict[str, float]:
    """What this machine can do at most: a large product in GFLOP/s, and reading ``size`` bytes
    again and again in GB/s; the best of several tries, with torch's threads."""
    torch = heavy.torch()
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    weights = torch.randn(max(1, size // 4))
    multiply = best(lambda: torch.mm(a, b), 12)
    read = best(lambda: weights.sum(), 12)
    return {"gflops": 2 * 1024**3 / multiply / 1e9, "read_gb_s": weights.numel() * 4 / read / 1e9}


def best(once: Run, times: int) -> float:
    """The least seconds of ``times`` runs."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        once()
        found.append(time.perf_counter() - began)
    return min(found)
