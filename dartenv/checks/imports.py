"""Deep checks: what really loads in the target, from the results of its child processes."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence

import msgspec

from dartenv.checks.finding import Finding, Status
from dartenv.checks.imported import (
    OUTCOMES,
    failed,
    follows,
    not_looked_at,
    results_of,
    told,
    words_of,
)
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import import_name, shown_compute
from dartenv.facts.model import GpuFacts, ImportResult, ImportsFacts, InterpreterFacts
from dartenv.manifests.compat import ImportTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("imports.torch", needs=("packages.torch",))
def imports_torch(
    imports: ImportsFacts, profile: Profile, gpu: Optional[GpuFacts]
) -> Iterator[Finding]:
    """torch imports, and a kernel really runs on the profile's device."""
    found = results_of(imports, "imports.torch")
    loaded = found.get("imports.torch")
    if loaded is None:
        yield not_looked_at()
        return
    if not loaded.ok:
        yield failed(loaded, "torch", why="DART's networks are torch modules")
        return
    kernel = found.get("imports.torch:kernel")
    version = f"torch {loaded.details.get('version', '?')}"
    took = f"{loaded.seconds:.1f} s" if loaded.seconds is not None else "a while"
    if kernel is None:
        yield finding(
            Status.WARN,
            f"{version} imports in {took}; no kernel was run",
            found="no answer from the kernel that was to run",
            wanted=f"a kernel that runs with {shown_compute(profile.compute)}",
            why="whether DART's networks can compute there is not known",
            remedy="look again",
            commands=("dartenv doctor --select imports.torch",),
            source="torch, in a process of its own",
        )
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
    value = finding(
        Status.FAIL,
        f"{version} imports and finds no CUDA: {reason}",
        found=f"torch.cuda.is_available() is False: {reason}",
        wanted="a GPU that torch can use",
        why="DART runs on the processor alone then, far from real time",
        remedy="look at gpu.driver and gpu.capability first; CUDA_VISIBLE_DEVICES may hide the GPU",
        commands=("dartenv doctor --select gpu",),
        source="torch.cuda",
    )
    return msgspec.structs.replace(value, cause="gpu.driver")


def _bad_kernel(version: str, kernel: ImportResult, profile: Profile) -> Finding:
    if kernel.ok:
        error = f"it computed {kernel.details.get('kernel', 'nothing')}"
    else:
        error = kernel.error or kernel.outcome
    value = finding(
        Status.FAIL,
        f"{version} imports, but no kernel runs on {_device(kernel)}: {error}",
        found=error,
        wanted=f"a kernel that runs with {shown_compute(profile.compute)}",
        evidence=[*_device_evidence(kernel), *words_of(kernel)],
        why="every network of DART would end the same way",
        remedy="compare the GPU's capability with the list that torch was built for",
        commands=("dartenv explain gpu.capability",),
        source="torch.cuda",
    )
    return msgspec.structs.replace(value, cause="gpu.capability")


@check("imports.pytorch3d", needs=("wheels.pytorch3d", "imports.torch"))
def imports_pytorch3d(imports: ImportsFacts, profile: Profile) -> Iterator[Finding]:
    """pytorch3d's transforms import; its compiled part is told apart."""
    if profile.pytorch3d == "none":
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    found = results_of(imports, "imports.pytorch3d")
    needed = found.get("imports.pytorch3d")
    if needed is None:
        yield not_looked_at()
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
            f"pytorch3d's transforms import; its compiled part {OUTCOMES[compiled.outcome]}:"
            f" {compiled.error}",
            evidence=words_of(compiled),
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
    found = results_of(imports, "imports.dart")
    loaded = results_of(imports, "imports.torch").get("imports.torch")
    if not found:
        if loaded is not None and not loaded.ok:
            yield follows("imports.torch")
        else:
            yield not_looked_at()
        return
    bad = [result for result in found.values() if not result.ok]
    own = [result for result in bad if _cause(result, profile, table) is None]
    if own:
        yield _broken_imports(own, bad)
    elif bad:
        yield follows(_cause(bad[0], profile, table) or "packages.requirements")
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
            commands=("git diff", "dartenv doctor --select source"),
            source="the tree, read by the target's own Python",
        )
    others = [f"{r.name.partition(':')[2]}: {told(r)}" for r in bad if r is not first]
    return failed(first, name, why="an entry point imports it", more=others)
