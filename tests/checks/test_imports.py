"""imports.torch, imports.pytorch3d, imports.dart and imports.viewer, from literal results."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from dartenv.checks.finding import Finding, Status
from dartenv.facts.model import GpuFacts, ImportResult, ImportsFacts, ModuleFacts
from tests.checks.target_literals import dist, judge, reference, source, windows

TORCH = ImportResult(name="imports.torch", ok=True, seconds=1.9, details={"version": "2.4.1+cu118"})
KERNEL = ImportResult(
    name="imports.torch:kernel",
    ok=True,
    details={
        "available": "True",
        "device": "cuda",
        "devices": "1",
        "name": "NVIDIA GeForce RTX 4070",
        "capability": "8.9",
        "architectures": "sm_80 sm_86 sm_90",
        "cudnn": "90100",
        "kernel": "ok",
    },
)
NO_CUDA = ImportResult(
    name="imports.torch:kernel",
    ok=True,
    details={"available": "False", "device": "cpu", "kernel": "ok", "reason": "no driver on it"},
)
PYTORCH3D = dist(
    "pytorch3d",
    "0.7.8+pt2.4.1cu118",
    tags=("cp38-cp38-win_amd64",),
    extensions=("pytorch3d/_C.cp38-win_amd64.pyd",),
)


def bad(name: str, outcome: str, **more: Any) -> ImportResult:
    values: Dict[str, Any] = {"error": "it went wrong", **more}
    return ImportResult(name=name, ok=False, outcome=outcome, **values)


def look(
    check: str, *results: ImportResult, profile: str = "windows-cu118", **facts: Any
) -> Finding:
    facts.setdefault("interpreter", reference(PYTORCH3D))
    facts.setdefault("source", source())
    (found,) = judge([check], profile, imports=ImportsFacts(results=results), **facts)
    return found


def test_a_kernel_on_the_gpu_is_the_proof() -> None:
    found = look("imports.torch", TORCH, KERNEL)
    assert found.status is Status.OK
    assert "1.9 s" in found.summary
    assert "NVIDIA GeForce RTX 4070 (8.9)" in found.summary
    assert "cuDNN 90100" in found.evidence


def test_a_cpu_profile_wants_a_kernel_on_the_processor() -> None:
    assert look("imports.torch", TORCH, NO_CUDA, profile="windows-cpu").status is Status.OK


@pytest.mark.parametrize(
    ("state", "status", "cause"),
    [
        (None, Status.FAIL, "gpu.driver"),
        ("devices", Status.FAIL, "gpu.driver"),
        ("unknown", Status.FAIL, "gpu.driver"),
        ("no-driver", Status.SKIP, "gpu.present"),
        ("no-devices", Status.SKIP, "gpu.present"),
    ],
)
def test_no_cuda_follows_from_no_gpu(
    state: Optional[str], status: Status, cause: Optional[str]
) -> None:
    gpu = GpuFacts(state=state) if state is not None else None
    found = look("imports.torch", TORCH, NO_CUDA, gpu=gpu)
    assert (found.status, found.cause) == (status, cause)
    assert status is Status.SKIP or "no driver on it" in found.summary


def test_a_kernel_that_does_not_run_shows_the_architectures() -> None:
    details = {k: v for k, v in KERNEL.details.items() if k != "kernel"}
    error = "CUDA error: no kernel image is available for execution on the device"
    found = look("imports.torch", TORCH, bad(KERNEL.name, "error", error=error, details=details))
    assert found.status is Status.FAIL
    assert found.found == error
    assert "built for sm_80 sm_86 sm_90" in found.evidence


def test_a_kernel_that_computes_wrongly_fails() -> None:
    wrong = ImportResult(
        name=KERNEL.name, ok=True, details={**KERNEL.details, "kernel": "sum 0.0 instead of 504.0"}
    )
    assert "sum 0.0" in look("imports.torch", TORCH, wrong).summary


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("crash", "torch crashes in torch._C"), ("timeout", "hangs"), ("error", "does not import")],
)
def test_a_torch_that_fails_names_the_module(outcome: str, said: str) -> None:
    result = bad(
        "imports.torch",
        outcome,
        module="torch._C",
        details={"missing_dll": "cudnn64_9.dll", "stderr": "one\ntwo"},
    )
    found = look("imports.torch", result)
    assert found.status is Status.FAIL
    assert said in found.summary
    assert found.evidence == ("cannot be loaded: cudnn64_9.dll", "one", "two")


def test_a_wrong_torch_comes_first() -> None:
    found = look("imports.torch", TORCH, interpreter=windows(dist("torch", "2.4.1+cpu")))
    assert (found.status, found.cause) == (Status.SKIP, "packages.torch")


def test_what_was_not_asked_is_skipped_and_not_called_broken() -> None:
    for check in ("imports.torch", "imports.dart", "imports.viewer"):
        found = look(check, ImportResult(name="other", ok=True))
        assert (found.status, found.cause) == (Status.SKIP, None)


def test_pytorch3d_with_both_parts_is_fine() -> None:
    parts = [ImportResult(name=f"imports.pytorch3d{x}", ok=True) for x in ("", ":compiled")]
    assert look("imports.pytorch3d", TORCH, KERNEL, *parts).status is Status.OK


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("missing", Status.OK), ("error", Status.INFO), ("crash", Status.INFO)],
)
def test_the_compiled_part_is_told_apart(outcome: str, status: Status) -> None:
    needed = ImportResult(name="imports.pytorch3d", ok=True)
    compiled = bad("imports.pytorch3d:compiled", outcome, module="pytorch3d._C")
    found = look("imports.pytorch3d", TORCH, KERNEL, needed, compiled)
    assert found.status is status


def test_transforms_that_do_not_import_fail() -> None:
    result = bad("imports.pytorch3d", "error", module="pytorch3d.common")
    found = look("imports.pytorch3d", TORCH, KERNEL, result)
    assert found.status is Status.FAIL
    assert "pytorch3d.common" in found.summary


GOOD: List[ImportResult] = [
    ImportResult(name="imports.dart:spacy", ok=True),
    ImportResult(name="imports.dart:clip", ok=True),
    ImportResult(name="imports.dart:tree", ok=True, details={"files": "34"}),
]


def test_all_modules_import() -> None:
    found = look("imports.dart", TORCH, *GOOD)
    assert found.status is Status.OK
    assert found.summary == "2 packages and 34 files of DART import"


@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("spacy", "packages.requirements"),
        ("clip", "packages.clip"),
        ("numpy", "packages.numpy"),
        ("torchvision.transforms", "packages.torch"),
        ("pytorch3d", "wheels.pytorch3d"),
        ("yaml", "packages.requirements"),
    ],
)
def test_a_missing_package_follows_from_its_own_check(module: str, cause: str) -> None:
    result = bad("imports.dart:spacy", "missing", module=module)
    found = look("imports.dart", TORCH, *GOOD[1:], result)
    assert (found.status, found.cause) == (Status.SKIP, cause)


def test_a_missing_module_that_nobody_answers_for_fails() -> None:
    result = bad("imports.dart:wandb", "missing", module="wandb", error="No module named 'wandb'")
    found = look("imports.dart", TORCH, *GOOD, result)
    assert found.status is Status.FAIL
    assert "wandb" in found.summary


def test_a_package_that_crashes_fails_and_names_the_others() -> None:
    crash = bad("imports.dart:spacy", "crash", module="thinc.backends", error="the process ended")
    other = bad("imports.dart:clip", "error", error_type="ImportError", error="no name x")
    found = look("imports.dart", TORCH, crash, other)
    assert found.status is Status.FAIL
    assert "spacy crashes in thinc.backends" in found.summary
    assert "clip: ImportError: no name x" in found.evidence


def test_a_file_of_the_tree_that_does_not_compile_fails() -> None:
    result = bad(
        "imports.dart:tree",
        "error",
        error="utils/a.py:3: invalid syntax",
        details={"problems": "utils/a.py:3: invalid syntax\nutils/b.py:1: no module c"},
    )
    found = look("imports.dart", TORCH, *GOOD[:2], result)
    assert found.status is Status.FAIL
    assert found.found == "utils/a.py:3: invalid syntax"
    assert found.evidence == ("utils/b.py:1: no module c",)


def test_without_torch_dart_follows_from_it() -> None:
    found = look("imports.dart", bad("imports.torch", "crash"))
    assert (found.status, found.cause) == (Status.SKIP, "imports.torch")


def viewer(*parts: ImportResult, **more: Any) -> Finding:
    return look("imports.viewer", *parts, **more)


VIEWER = ImportResult(name="imports.viewer", ok=True)
MESH = ImportResult(name="imports.viewer:mesh", ok=True)


def test_a_viewer_that_draws_is_fine() -> None:
    context = ImportResult(
        name="imports.viewer:context", ok=True, details={"renderer": "NVIDIA GeForce"}
    )
    found = viewer(VIEWER, MESH, context)
    assert found.status is Status.OK
    assert "NVIDIA GeForce" in found.summary


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((VIEWER, bad("imports.viewer:mesh", "error")), "measures no mesh"),
        ((VIEWER, MESH, bad("imports.viewer:context", "error")), "has no place to draw"),
        ((bad("imports.viewer", "crash"),), "crashes"),
    ],
)
def test_a_viewer_without_something_warns(parts: Any, said: str) -> None:
    found = viewer(*parts)
    assert found.status is Status.WARN
    assert said in found.summary
    assert found.remedy is not None


def test_a_viewer_that_is_not_installed_follows_from_the_requirements() -> None:
    found = viewer(bad("imports.viewer", "missing", module="pyrender"))
    assert (found.status, found.cause) == (Status.SKIP, "packages.requirements")


def test_the_sandbox_has_no_viewer_and_no_pytorch3d() -> None:
    stub = ModuleFacts(name="torchvision", path="D:\\x")
    inside = windows(dist("torch", "2.4.1+cpu"), version="3.11.9", modules=(stub,))
    for check in ("imports.viewer", "imports.pytorch3d"):
        found = look(check, TORCH, NO_CUDA, profile="sandbox", interpreter=inside)
        assert found.status is Status.OK
