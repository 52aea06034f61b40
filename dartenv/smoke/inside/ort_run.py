"""Run exported models on one execution provider and hold them against DART's own numbers.

Request: ``{"provider", "threads", "runs", "std", "models": [{"name", "path", "cases": [{"name",
"path", "exact", "table": [timesteps, coefficients] or null}]}]}``. Fallback to the CPU is turned off for
every other provider. Answer: ``{"models": [{"name", "problem", "strict", "providers", "load_ms",
"median_ms", "min_ms", "cases": [{"name", "primitive", "loop", "path", "exact"}]}], "versions"}``,
where ``primitive`` is the largest difference in the first primitive by output, ``loop`` that of
the joints over all, ``exact`` theirs from the file ``exact``, where that is there. numpy and
onnxruntime alone. Python 3.6 syntax.
"""

import importlib
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from . import heavy

NEXT = ("history", "world_rotation", "world_translation")
CPU = "CPUExecutionProvider"


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Load and run every model of ``request``."""
    runtime: Any = importlib.import_module("onnxruntime")
    found = [_model(runtime, model, request) for model in request["models"]]
    versions = {"onnxruntime": runtime.__version__, "numpy": heavy.numpy().__version__}
    return {"models": found, "versions": versions, "available": runtime.get_available_providers()}


def open_session(runtime: Any, path: str, provider: str, threads: int) -> Tuple[Optional[Any], str]:
    """(session, "") on ``provider`` alone, or (None, why not)."""
    if provider not in runtime.get_available_providers():
        here = ", ".join(runtime.get_available_providers())
        return None, f"this onnxruntime has no {provider}; it has {here}"
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if provider != CPU:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        session = _created(runtime, path, options, provider)
    except Exception as error:
        return None, f"{provider}: {' '.join(str(error).split())[:400]}"
    used = session.get_providers()
    if used[0] != provider:
        return None, f"asked for {provider}, got {', '.join(used)}"
    return session, ""


def _created(runtime: Any, path: str, options: Any, provider: str) -> Any:
    """A session in full float32: NVIDIA's 19-bit products would pass for a fault of the model."""
    if provider != "CUDAExecutionProvider":
        return runtime.InferenceSession(path, options, providers=[provider])
    try:
        exact = [(provider, {"use_tf32": "0"})]
        return runtime.InferenceSession(path, options, providers=exact)
    except Exception as error:
        if "use_tf32" not in str(error):  # an older runtime does not know the option
            raise
    return runtime.InferenceSession(path, options, providers=[provider])


def _model(runtime: Any, model: Dict[str, Any], request: Dict[str, Any]) -> Dict[str, Any]:
    began = time.perf_counter()
    session, problem = open_session(
        runtime, model["path"], request["provider"], int(request["threads"])
    )
    answer: Dict[str, Any] = {"name": model["name"], "problem": problem, "cases": []}
    if session is None:
        return answer
    answer["load_ms"] = (time.perf_counter() - began) * 1e3
    answer["providers"] = session.get_providers()
    for case in model["cases"]:
        answer["cases"].append(_case(session, case, request["std"]))
    answer.update(_speed(session, model["cases"][0], int(request["runs"])))
    return answer


def _feed(session: Any, data: Any, case: Dict[str, Any]) -> Dict[str, Any]:
    """The inputs that the model has, but for noise."""
    np = heavy.numpy()
    wanted = [value.name for value in session.get_inputs()]
    feed = {name: data["in_" + name] for name in wanted if "in_" + name in data.files}
    table = case.get("table")
    # Inputs with a default stand in a list of their own.
    optional = [value.name for value in session.get_overridable_initializers()]
    if table and "sampler_timesteps" in optional:
        feed["sampler_timesteps"] = np.array(table[0], dtype=np.int64)
        feed["sampler_coefficients"] = np.array(table[1], dtype=np.float32)
    return feed


def _case(session: Any, case: Dict[str, Any], std: List[float]) -> Dict[str, Any]:
    np = heavy.numpy()
    data = np.load(case["path"])
    feed = _feed(session, data, case)
    names = [value.name for value in session.get_outputs()]
    first: Dict[str, float] = {}
    loop, path, strays = 0.0, 0.0, 0.0
    right = exact_joints(case)
    place = feed["world_translation"]
    finite = True
    for index, noise in enumerate(data["noise"]):
        feed.update(text=data["texts"][index], noise=noise)
        out = dict(zip(names, session.run(None, feed)))
        if index == 0:
            for name in names:
                wanted = data["out_" + name][0].reshape(out[name].shape)
                gap = np.abs(out[name] - wanted)
                if name == "next_history":  # in units: small deviations enlarge rounding
                    gap = gap * np.array(std, dtype=np.float32)
                first[name] = float(gap.max())
        wanted = data["out_joints"][index].reshape(out["joints"].shape)
        loop = max(loop, float(np.abs(out["joints"] - wanted).max()))
        if right is not None:
            strays = max(strays, float(np.abs(out["joints"] - right[index]).max()))
        finite = finite and all(bool(np.isfinite(value).all()) for value in out.values())
        for name in NEXT:
            feed[name] = out["next_" + name]
        path += float(np.linalg.norm(feed["world_translation"] - place, axis=-1).max())
        place = feed["world_translation"]
    found = {"name": case["name"], "primitive": first, "loop": loop, "path": path, "finite": finite}
    if right is not None:
        found["exact"] = strays
    return found


def exact_joints(case: Dict[str, Any]) -> Any:
    """The joints of a case in double precision [K, B, N, 22, 3], where they were worked out."""
    path = Path(case["exact"]) if case.get("exact") else None
    return heavy.numpy().load(str(path)) if path is not None and path.exists() else None


def keep_exact(case: Dict[str, Any], joints: Any) -> None:
    """Write the joints that :func:`exact_joints` reads."""
    with Path(case["exact"]).open("wb") as stream:
        heavy.numpy().save(stream, joints)


def _speed(session: Any, case: Dict[str, Any], runs: int) -> Dict[str, Any]:
    np = heavy.numpy()
    data = np.load(case["path"])
    feed = dict(_feed(session, data, case), noise=data["noise"][0])
    session.run(None, feed)
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - began) * 1e3)
    return {"median_ms": sorted(times)[len(times) // 2], "min_ms": min(times)}
