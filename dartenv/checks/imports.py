"""Deep checks: what really loads in the target, from the results of its child processes."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence

import msgspec

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import import_name, shown_compute
from dartenv.facts.model import GpuFacts, ImportResult, ImportsFacts, InterpreterFacts
from dartenv.manifests.compat import ImportTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

_OUTCOMES = {
    "crash": "crashes",
    "timeout": "hangs",
    "missing": "is missing",
    "error": "does not import",
}


@check("imports.torch", needs=("packages.torch",))
def imports_torch(
    imports: ImportsFacts, profile: Profile, gpu: Optional[GpuFacts]
) -> Iterator[Finding]:
    """torch imports, and a kernel really runs on the profile's device."""
    found = _results(imports, "imports.torch")
    loaded = found.get("imports.torch")
    if loaded is None:
        yield _not_looked_at()
        return
    if not loaded.ok:
        yield failed(loaded, "torch", why="DART's networks are torch modules")
        return
    kernel = found.get("imports.torch:kernel")
    version = f"torch {loaded.details.get('version', '?')}"
    took = f"{loaded.seconds:.1f} s" if loaded.seconds is not None else "a while"
    if kernel is None:
        yield finding(Status.WARN, f"{version} imports in {took}; no kernel was run")
        return
    if profile.compute != "cpu" and kernel.details.get("available") == "False":
        yield _no_cuda(version, kernel, gpu)
        return
    if not kernel.ok or kernel.details.get("kernel") != "ok":
        yield _bad_kernel(version, kernel, profile)
        return
    yield finding(
        Status.OK,
        f"{version} imports in {took}; a kernel ran on {_device(kernel)}",
        found=version,
        evidence=_device_evidence(kernel),
    )


def _device(kernel: ImportResult) -> str:
    details = kernel.details
    if details.get("device") != "cuda":
        return "the processor"
    return f"{details.get('name', 'the GPU')} ({details.get('capability', '?')})"


def _device_evidence(kernel: ImportResult) -> List[str]:
    shown = [("built for", "architectures"), ("cuDNN", "cudnn"), ("GPUs seen", "devices")]
    return [f"{word} {kernel.details[key]}" for word, key in shown if kernel.details.get(key)]


def _no_cuda(version: str, kernel: ImportResult, gpu: Optional[GpuFacts]) -> Finding:
    if gpu is not None and gpu.state in ("no-driver", "no-devices"):
        value = finding(
            Status.SKIP, f"{version} imports; its CUDA was not looked at: no GPU is there"
        )
        return msgspec.structs.replace(value, cause="gpu.present")
    reason = kernel.details.get("reason", "torch does not say why")
    return finding(
        Status.FAIL,
        f"{version} imports and finds no CUDA: {reason}",
        found=f"torch.cuda.is_available() is False: {reason}",
        wanted="a GPU that torch can use",
        why="DART runs on the processor alone then, far from real time",
        remedy="look at gpu.driver and gpu.capability first; CUDA_VISIBLE_DEVICES may hide the GPU",
        commands=("dartenv doctor --select gpu",),
        source="torch.cuda",
    )


def _bad_kernel(version: str, kernel: ImportResult, profile: Profile) -> Finding:
    if kernel.ok:
        error = f"it computed {kernel.details.get('kernel', 'nothing')}"
    else:
        error = kernel.error or kernel.outcome
    return finding(
        Status.FAIL,
        f"{version} imports, but no kernel runs on {_device(kernel)}: {error}",
        found=error,
        wanted=f"a kernel that runs with {shown_compute(profile.compute)}",
        evidence=[*_device_evidence(kernel), *_words(kernel)],
        why="every network of DART would end the same way",
        remedy="compare the GPU's capability with the list that torch was built for",
        commands=("dartenv explain gpu.capability",),
        source="torch.cuda",
    )


@check("imports.pytorch3d", needs=("wheels.pytorch3d", "imports.torch"))
def imports_pytorch3d(imports: ImportsFacts, profile: Profile) -> Iterator[Finding]:
    """pytorch3d's transforms import; its compiled part is told apart."""
    if profile.pytorch3d == "none":
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    found = _results(imports, "imports.pytorch3d")
    needed = found.get("imports.pytorch3d")
    if needed is None:
        yield _not_looked_at()
        return
    if not needed.ok:
        yield failed(
            needed,
            "pytorch3d.transforms",
            why="every entry point of DART imports it",
            fix="wheels.pytorch3d",
        )
        return
    compiled = found.get("imports.pytorch3d:compiled")
    if compiled is None or compiled.ok:
        yield finding(Status.OK, "pytorch3d's transforms and compiled part import")
    elif compiled.outcome == "missing":
        yield finding(Status.OK, "pytorch3d's transforms import; it has no compiled part")
    else:
        yield finding(
            Status.INFO,
            f"pytorch3d's transforms import; its compiled part {_OUTCOMES[compiled.outcome]}:"
            f" {compiled.error}",
            evidence=_words(compiled),
            why="DART's entry points use the transforms alone",
            source="an import closure of DART@4db72d3f",
        )


@check("imports.dart", needs=("source.root", "packages.torch"))
def imports_dart(
    imports: ImportsFacts,
    interpreter: InterpreterFacts,
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """Every module that the entry points need imports."""
    table = manifests.read("compat", "imports", ImportTable)
    found = _results(imports, "imports.dart")
    loaded = _results(imports, "imports.torch").get("imports.torch")
    if not found:
        if loaded is not None and not loaded.ok:
            yield _follows("imports.torch")
        else:
            yield _not_looked_at()
        return
    bad = [result for result in found.values() if not result.ok]
    own = [result for result in bad if _cause(result, profile, table) is None]
    if own:
        yield _broken_imports(own, bad)
    elif bad:
        yield _follows(_cause(bad[0], profile, table) or "packages.requirements")
    else:
        tree = found.get("imports.dart:tree")
        files = f" and {tree.details['files']} files of DART" if tree is not None else ""
        count = len(found) - (tree is not None)
        yield finding(Status.OK, f"{count} packages{files} import")


def _cause(result: ImportResult, profile: Profile, table: ImportTable) -> Optional[str]:
    """The check that answers for a module that is not there at all."""
    if result.outcome != "missing" or result.module is None:
        return None
    first = result.module.split(".")[0]
    for one in table.modules:
        if one.name.split(".")[0] == first:
            return one.check
    if first in ("torch", "torchvision"):
        return "packages.torch"
    if first == "pytorch3d":
        return "wheels.pytorch3d"
    if any(import_name(one) == first for one in profile.requirements):
        return "packages.requirements"
    return None


def _broken_imports(own: Sequence[ImportResult], bad: Sequence[ImportResult]) -> Finding:
    first = own[0]
    name = first.name.partition(":")[2]
    if name == "tree":
        problems = first.details.get("problems", "").splitlines()
        return finding(
            Status.FAIL,
            f"the tree itself does not import: {first.error}",
            found=first.error,
            wanted="files that this Python can compile, and every module they import",
            evidence=problems[1:],
            why="the entry points import them",
            remedy="restore the file, or take a Python that can read it",
            source="the tree, read by the target's own Python",
        )
    others = [f"{r.name.partition(':')[2]}: {_told(r)}" for r in bad if r is not first]
    return failed(first, name, why="an entry point imports it", more=others)


@check("imports.viewer", needs=("packages.torch",))
def imports_viewer(
    imports: ImportsFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """The viewer's packages import, and there is a place to draw."""
    table = manifests.read("compat", "imports", ImportTable)
    if not any(one.name == table.viewer for one in profile.requirements):
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    found = _results(imports, "imports.viewer")
    loaded = found.get("imports.viewer")
    if loaded is None:
        yield _not_looked_at()
        return
    if loaded.outcome == "missing" and (loaded.module or "").split(".")[0] == table.viewer:
        yield _follows("packages.requirements")
        return
    bad = [result for result in found.values() if not result.ok]
    if not bad:
        context = found.get("imports.viewer:context")
        where = context.details.get("renderer") if context is not None else None
        yield finding(
            Status.OK, "pyrender draws" + (f" with {where}" if where else ""), evidence=()
        )
        return
    first = bad[0]
    part = first.name.partition(":")[2] or "import"
    what = {"mesh": "measures no mesh", "context": "has no place to draw"}.get(
        part, _OUTCOMES.get(first.outcome, "does not import")
    )
    yield finding(
        Status.WARN,
        f"pyrender {what}: {first.error}",
        found=_told(first),
        wanted="a display, or EGL or OSMesa on Linux, and a numpy that pyrender knows",
        evidence=[f"{r.name}: {_told(r)}" for r in bad[1:]] + _words(first),
        why="the interactive demo (mld.rollout_demo) draws with it; rollouts to files do not",
        remedy=_VIEWER_REMEDY.get(part, "install pyrender with what it needs again"),
        source="pyrender 0.1.45; its documentation on offscreen rendering",
    )


_VIEWER_REMEDY: Dict[str, str] = {
    "mesh": "take a numpy below 2: packages.numpy says which",
    "context": "run it where a display is: on Linux without one, `xvfb-run -a`, or set"
    " PYOPENGL_PLATFORM to egl before the program starts; Windows has neither EGL nor OSMesa",
}


def failed(
    result: ImportResult,
    name: str,
    *,
    why: str,
    fix: Optional[str] = None,
    more: Sequence[str] = (),
) -> Finding:
    """A failing import as a finding that names the module it happened in."""
    missing = result.details.get("missing_dll")
    deeper = result.module if result.module not in (None, name) else None
    inside = f" in {deeper}" if deeper else ""
    what = _OUTCOMES.get(result.outcome, "does not import")
    evidence = [f"cannot be loaded: {missing}"] if missing else []
    evidence += [*more, *_words(result)]
    return finding(
        Status.FAIL,
        f"{name} {what}{inside}: {result.error}",
        found=f"importing {name}{inside}: {_told(result)}",
        wanted="an import that ends without an error",
        evidence=evidence,
        why=why,
        fix=fix,
        remedy=_remedy(result, name),
    )


def _remedy(result: ImportResult, name: str) -> str:
    if result.details.get("missing_dll"):
        return "bring the libraries named above: most often the Microsoft Visual C++ runtime"
    if result.outcome == "crash":
        return "a crash comes from compiled code: install that package again, built for this Python"
    if result.outcome == "timeout":
        return "see what it waits for: a network drive, a virus scanner, a lock"
    package = (result.module or name).split(".")[0]
    return f"install {package} again, in a version that fits this Python and its other packages"


def _told(result: ImportResult) -> str:
    kind = f"{result.error_type}: " if result.error_type else ""
    return f"{kind}{result.error or result.outcome}"


def _words(result: ImportResult) -> List[str]:
    return result.details.get("stderr", "").splitlines()[-4:]


def _results(imports: ImportsFacts, check_id: str) -> Dict[str, ImportResult]:
    return {
        result.name: result
        for result in imports.results
        if result.name == check_id or result.name.startswith(check_id + ":")
    }


def _not_looked_at() -> Finding:
    return finding(Status.SKIP, "not looked at: the import was not tried")


def _follows(cause: str) -> Finding:
    value = finding(Status.SKIP, f"not looked at: {cause} comes first")
    return msgspec.structs.replace(value, cause=cause)
