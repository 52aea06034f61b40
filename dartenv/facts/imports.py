"""Deep imports: what really loads in the target, in child processes that may crash or hang.

Up to three processes run at once: torch with all that loads torch, the other packages with the
viewer, and ONNX Runtime where it loads a GPU's libraries; without those it comes after the other
packages. A step that crashes or hangs is a result that names the import; the process is started
again for the steps that are left.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple

import msgspec

from dartenv.facts import places
from dartenv.facts.imports_answer import read_answers, unfinished
from dartenv.facts.interpreter import STARTER, child_env, neutral_folder, script_path
from dartenv.facts.lookup import distribution, module, requirements
from dartenv.facts.model import ImportResult, ImportsFacts, InterpreterFacts, ProbeFailure
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Completed, Runner
from dartenv.manifests.compat import (
    ImportedModule,
    ImportTable,
    OnnxRuntimePackage,
    OnnxRuntimeTable,
    Pytorch3dTable,
)
from dartenv.manifests.loader import Manifests, default_manifests
from dartenv.manifests.schema import Profile

if TYPE_CHECKING:
    from dartenv.facts.head_start import HeadStart

PROBE = "imports"
TORCH = "imports.torch"
SCRIPTS: Dict[str, Tuple[str, ...]] = {
    "torch": ("inside_run.py", "inside_torch.py", "inside_dart.py", "inside_aside.py"),
    "plain": (
        "inside_run.py",
        "inside_torch.py",
        "inside_dart.py",
        "inside_viewer.py",
        "inside_ort.py",
    ),
    "ort": ("inside_run.py", "inside_ort.py"),
}


@dataclass(frozen=True)
class Job:
    """One process: the scripts it executes and what it is asked."""

    name: str
    request: Dict[str, Any]


Finished = Tuple[List[ImportResult], Optional[ProbeFailure]]


def probe_imports(
    interpreter: InterpreterFacts,
    profile: Optional[Profile],
    dart_root: Optional[str],
    runner: Runner,
    manifests: Optional[Manifests] = None,
    kind: str = "dart",
    begun: Optional[HeadStart] = None,
) -> Probed[ImportsFacts]:
    """Import what the profile needs in ``interpreter``, with ``dart_root`` first on its path.

    Without a profile, what a tree of ``kind`` needs on this system: the profiles of one kind
    differ in versions, not in what is imported. What ``begun`` has done of it is not done again.

    Results carry the check's id as name, with ``:`` and a part where a check has several:
    ``imports.torch:kernel``, ``imports.dart:spacy``, ``ort.providers:CUDAExecutionProvider``.
    """
    from concurrent.futures import ThreadPoolExecutor  # not needed to begin with torch

    manifests = manifests or default_manifests()
    table = manifests.read("compat", "imports", ImportTable)
    root = tree_folder(dart_root)
    profile = profile or _any_profile(interpreter, kind, manifests)
    jobs = _jobs(interpreter, profile, root, manifests, table)

    def result_of(job: Job) -> Finished:
        taken = begun.take(job, interpreter) if begun is not None and job.name == "torch" else None
        return taken or finish_job(job, interpreter, runner, cwd, table)

    with neutral_folder() as neutral, ThreadPoolExecutor(_at_once(len(jobs))) as pool:
        cwd = root or neutral
        running = [pool.submit(result_of, job) for job in jobs]
        parts = [one.result() for one in running]
    results = tuple(result for found, _ in parts for result in found)
    failures = tuple(failure for _, failure in parts if failure is not None)
    return Probed(ImportsFacts(results=results) if results else None, failures)


def _at_once(jobs: int) -> int:
    """How many jobs run at a time: the one with torch, and beside it as many as have a processor.

    The one with torch is as long as all others together: these must not take its processor.
    """
    return min(jobs, max(2, os.cpu_count() or 2))


def tree_folder(dart_root: Optional[str]) -> Optional[str]:
    """The tree as the children get it; ``None`` where there is no such folder."""
    return str(Path(dart_root)) if dart_root and places.is_dir(dart_root) else None


def torch_job(
    interpreter: InterpreterFacts,
    profile: Optional[Profile],
    root: Optional[str],
    manifests: Manifests,
    kind: str,
) -> Job:
    """The job that loads torch, as :func:`probe_imports` would ask for it."""
    profile = profile or _any_profile(interpreter, kind, manifests)
    table = manifests.read("compat", "imports", ImportTable)
    return _torch_job(_base(profile, root, table), interpreter, profile, manifests, table)


def _any_profile(interpreter: InterpreterFacts, kind: str, manifests: Manifests) -> Profile:
    profiles = [one for one in manifests.profiles() if one.kind == kind]
    system = "windows" if (interpreter.platform or "").startswith("win") else "linux"
    fitting = [one for one in profiles if one.system in (system, "any")]
    return (fitting or profiles)[0]


def imports_limit(manifests: Manifests) -> float:
    """The most seconds that :func:`probe_imports` can take."""
    return manifests.read("compat", "imports", ImportTable).cap + 10


def _jobs(
    interpreter: InterpreterFacts,
    profile: Profile,
    root: Optional[str],
    manifests: Manifests,
    table: ImportTable,
) -> List[Job]:
    needed = _modules(interpreter, profile, table)
    base = _base(profile, root, table)
    plain: Dict[str, Any] = {**base, "tasks": ["modules"], "modules": _named(needed, "plain")}
    if root is not None:
        plain["tasks"].append("tree")
        plain["entries"] = list(profile.entry_points)
        plain["known"] = [m.name for m in table.modules] + ["torch", "torchvision", "pytorch3d"]
    if any(r.name == table.viewer for r in profile.requirements):
        plain["tasks"].append("viewer")
        plain.setdefault("known", []).append(table.viewer)
    jobs = [_torch_job(base, interpreter, profile, manifests, table), Job("plain", plain)]
    package = runtime_package(
        interpreter, manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    )
    if package is not None:
        part = {
            "provider": package.provider,
            "library": package.library,
            "torch": bool(package.library),
        }
        if package.library:
            jobs.append(Job("ort", {**base, "tasks": ["ort"], "ort": part}))
        else:  # a process of its own would load numpy once more, and find nothing else
            plain["tasks"].append("ort")
            plain["ort"] = part
    return jobs


def _base(profile: Profile, root: Optional[str], table: ImportTable) -> Dict[str, Any]:
    return {
        "idle": table.idle,
        "gpu_idle": table.gpu_idle,
        "root": root,
        "compute": profile.compute,
    }


def _torch_job(
    base: Dict[str, Any],
    interpreter: InterpreterFacts,
    profile: Profile,
    manifests: Manifests,
    table: ImportTable,
) -> Job:
    needed = _modules(interpreter, profile, table)
    request: Dict[str, Any] = {
        **base,
        "tasks": ["ahead", "torch", "modules", "aside"],
        "ahead": _named(needed, "ahead"),
        "modules": _named(needed, "torch"),
        "aside": _named(needed, "aside"),
    }
    if profile.pytorch3d != "none":
        names = manifests.read("compat", "pytorch3d", Pytorch3dTable)
        request["pytorch3d"] = {
            "needed": f"pytorch3d.{names.needed_module}",
            "compiled": f"pytorch3d.{names.compiled_module}",
        }
    return Job("torch", request)


def _modules(
    interpreter: InterpreterFacts, profile: Profile, table: ImportTable
) -> List[ImportedModule]:
    brought = {one.name for one in requirements(profile, interpreter)}
    if profile.kind == "dart":
        brought.add("clip")
    return [one for one in table.modules if one.requirement in brought]


def _named(modules: Sequence[ImportedModule], group: str) -> List[str]:
    return [one.name for one in modules if one.group == group]


def runtime_package(
    interpreter: InterpreterFacts, table: OnnxRuntimeTable
) -> Optional[OnnxRuntimePackage]:
    """The ONNX Runtime distribution in the target; the one for a GPU before the plain one."""
    for package in sorted(table.packages, key=lambda p: p.provider == "CPUExecutionProvider"):
        if distribution(interpreter, package.name) is not None:
            return package
    if module(interpreter, "onnxruntime") is not None:
        return next(p for p in table.packages if p.provider == "CPUExecutionProvider")
    return None


def finish_job(
    job: Job,
    interpreter: InterpreterFacts,
    runner: Runner,
    cwd: str,
    table: ImportTable,
    wanted: Callable[[], bool] = lambda: True,
) -> Finished:
    """Run a job until all its steps are done, are lost, or its reruns or its time are used up."""
    results: List[ImportResult] = []
    started = time.monotonic()
    for _ in range(table.reruns + 1):
        left = table.cap - (time.monotonic() - started)
        if left < 1 or not wanted():
            break
        skip = [result.name for result in results]
        passed = [result.name for result in results if result.ok]
        request = {**job.request, "skip": skip, "passed": passed}
        done = _run(job, request, interpreter, runner, cwd, left)
        answers = read_answers(done)
        results.extend(answers.results)
        lost = unfinished(answers, done, left)
        if lost is not None:
            results.append(lost)
            if lost.name == TORCH:
                break  # nothing that loads torch can do better
            continue
        if not answers.ended:
            why = done.failure or f"exit status {done.rc}"
            words = done.error_text().strip().splitlines()
            reason = f"the process for {job.name} did not start: {why}" + (
                f": {words[-1][:200]}" if words else ""
            )
            return results, ProbeFailure(probe=PROBE, reason=reason)
        break
    return results, None


def _run(
    job: Job,
    request: Dict[str, Any],
    interpreter: InterpreterFacts,
    runner: Runner,
    cwd: str,
    limit: float,
) -> Completed:
    text = json.dumps(msgspec.to_builtins(request))
    scripts = [str(script_path(name)) for name in SCRIPTS[job.name]]
    argv = [interpreter.executable, "-c", STARTER, text, *scripts]
    return runner.run(argv, limit, env=activated(interpreter), cwd=cwd)


def activated(interpreter: InterpreterFacts) -> Dict[str, str]:
    """The environment as activating the target would make it.

    conda's packages on Windows find their DLLs through PATH; without this an import fails in
    dartenv that works in the user's shell.
    """
    env = child_env()
    # OpenBLAS starts a thread a processor when it is loaded, and waiting they spin.
    env.setdefault("OPENBLAS_NUM_THREADS", "1")
    prefix = interpreter.prefix
    if not prefix:
        return env
    windows = (interpreter.platform or "").startswith("win")
    if interpreter.conda_prefix and windows:
        below = ["", "Library/mingw-w64/bin", "Library/usr/bin", "Library/bin", "Scripts", "bin"]
        env["CONDA_PREFIX"] = prefix
    else:
        below = ["Scripts"] if windows else ["bin"]
    separator, joint = (";", "\\") if windows else (":", "/")
    front = [joint.join([prefix, *part.split("/")]) if part else prefix for part in below]
    env["PATH"] = separator.join([*front, env.get("PATH", "")])
    return env
