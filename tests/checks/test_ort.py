"""ort.package and ort.providers."""

from __future__ import annotations

from typing import Any

import pytest

from dartenv.checks.finding import Finding, Status
from dartenv.facts.model import DllFacts, ImportResult, ImportsFacts, ModuleFacts
from tests.checks.target_literals import dist, judge, linux, one, reference

CUDNN_8 = DllFacts(name="cudnn64_8.dll", path="D:\\x\\cudnn64_8.dll", owner="nvidia/cudnn")
CUDNN_9 = DllFacts(name="cudnn64_9.dll", path="D:\\x\\cudnn64_9.dll", owner="torch")


def gpu(version: str, *dlls: DllFacts, **more: Any) -> Any:
    return reference(dist("onnxruntime-gpu", version), dlls=dlls, **more)


def test_none_is_fine() -> None:
    found = one("ort.package", interpreter=reference())
    assert found.status is Status.OK
    assert "onnxruntime-gpu==1.18.1" in found.evidence[0]


def test_the_profiles_choice_with_its_cudnn_is_fine() -> None:
    found = one("ort.package", interpreter=gpu("1.18.1", CUDNN_8, CUDNN_9))
    assert found.status is Status.OK
    assert "CUDA 11.8 and cuDNN 8" in found.summary


def test_what_an_unpinned_pip_takes_on_python_38_is_named() -> None:
    found = one("ort.package", interpreter=gpu("1.19.2", CUDNN_9))
    assert found.status is Status.FAIL
    assert "CUDA 12 and cuDNN 9, the profile has CUDA 11.8" in found.summary
    assert "unpinned pip" in found.summary
    assert found.remedy is not None
    (command,) = found.remedy.commands
    assert command.endswith("install onnxruntime-gpu==1.18.1 nvidia-cudnn-cu11==8.9.5.29")


def test_the_same_version_from_the_cuda_11_feed_is_told_by_its_files() -> None:
    own = ModuleFacts(
        name="onnxruntime", path="D:\\x", constants={"cuda_version": "11.8", "use_cuda": "True"}
    )
    found = one("ort.package", interpreter=gpu("1.19.2", CUDNN_8, modules=(own,)))
    assert found.status is Status.OK


def test_a_cudnn_that_is_nowhere_fails() -> None:
    found = one("ort.package", interpreter=gpu("1.18.1", CUDNN_9))
    assert found.status is Status.FAIL
    assert "cuDNN 8, which is nowhere in the target" in found.summary
    assert found.remedy is not None
    assert "nvidia-cudnn-cu11==8.9.5.29" in found.remedy.commands[0]


def test_linux_libraries_count_too() -> None:
    cudnn = DllFacts(name="libcudnn.so.9", path="/x/libcudnn.so.9", owner="nvidia/cudnn")
    inside = linux(dist("onnxruntime-gpu", "1.23.2"), version="3.11.7", dlls=(cudnn,))
    assert one("ort.package", "linux-cu128", interpreter=inside).status is Status.OK
    inside = linux(dist("onnxruntime-gpu", "1.18.1"), version="3.11.7", dlls=(cudnn,))
    assert one("ort.package", "linux-cu128", interpreter=inside).status is Status.FAIL


def test_a_release_without_wheels_for_this_python_fails() -> None:
    inside = linux(dist("onnxruntime-gpu", "1.23.2"), version="3.9.18")
    found = one("ort.package", "linux-cu128", interpreter=inside)
    assert found.status is Status.FAIL
    assert "no wheels for Python 3.9" in found.summary


def test_the_plain_package_in_a_gpu_profile_is_told() -> None:
    found = one("ort.package", interpreter=reference(dist("onnxruntime", "1.19.2")))
    assert found.status is Status.INFO
    inside = reference(dist("onnxruntime", "1.19.2"))
    assert one("ort.package", "windows-cpu", interpreter=inside).status is Status.OK


def test_a_gpu_package_in_a_cpu_profile_fails() -> None:
    found = one("ort.package", "windows-cpu", interpreter=gpu("1.18.1"))
    assert found.status is Status.FAIL
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith("uninstall -y onnxruntime-gpu")


def test_directml_needs_no_cuda() -> None:
    inside = reference(dist("onnxruntime-directml", "1.19.2"))
    assert one("ort.package", interpreter=inside).status is Status.OK


def test_broken_metadata_fails() -> None:
    inside = reference(dist("onnxruntime-gpu", "1.18.1", problem="no METADATA"))
    assert one("ort.package", interpreter=inside).status is Status.FAIL


NAME = "ort.providers:CUDAExecutionProvider"
LOADED = ImportResult(name="ort.providers", ok=True, details={"version": "1.18.1"})
FAILED = ImportResult(
    name=NAME,
    ok=False,
    outcome="error",
    error="the session runs on CPUExecutionProvider",
    details={"missing_dll": "cudnn64_8.dll", "stderr": "LoadLibrary failed with error 126"},
)


def providers(*results: ImportResult, **more: Any) -> Finding:
    inside = gpu("1.18.1", CUDNN_8, *more.pop("dlls", ()))
    (found,) = judge(
        ["ort.providers"], interpreter=inside, imports=ImportsFacts(results=results), **more
    )
    return found


def test_a_session_that_ran_is_the_proof() -> None:
    found = providers(LOADED, ImportResult(name=NAME, ok=True))
    assert found.status is Status.OK
    assert "1.18.1 runs on CUDAExecutionProvider" in found.summary


@pytest.mark.parametrize(
    ("way", "said"), [("preloaded", "preload_dlls"), ("torch", "after torch is imported")]
)
def test_a_session_that_needs_help_is_told(way: str, said: str) -> None:
    found = providers(LOADED, FAILED, ImportResult(name=f"{NAME}:{way}", ok=True))
    assert found.status is Status.INFO
    assert said in found.summary


def test_a_session_that_fell_back_fails_and_names_the_library() -> None:
    found = providers(LOADED, FAILED)
    assert found.status is Status.FAIL
    assert found.found == "cudnn64_8.dll cannot be loaded"
    assert "the session runs on CPUExecutionProvider" in found.evidence
    assert "LoadLibrary failed with error 126" in found.evidence


def test_a_copy_in_the_system_folder_is_named() -> None:
    system = DllFacts(
        name="onnxruntime.dll", path="C:\\Windows\\System32\\onnxruntime.dll", owner="System32"
    )
    found = providers(LOADED, ImportResult(name=NAME, ok=True), dlls=(system,))
    assert found.status is Status.OK
    assert "C:\\Windows\\System32\\onnxruntime.dll" in found.evidence[0]


def test_a_runtime_that_does_not_import_fails() -> None:
    broken = ImportResult(
        name="ort.providers", ok=False, outcome="crash", error="the process ended"
    )
    assert "does not import" in providers(broken).summary


def test_without_a_package_there_is_nothing_to_run() -> None:
    (found,) = judge(["ort.providers"], interpreter=reference(), imports=None)
    assert found.status is Status.OK


def test_a_package_that_does_not_fit_comes_first() -> None:
    (found,) = judge(["ort.providers"], interpreter=gpu("1.19.2"), imports=ImportsFacts())
    assert (found.status, found.cause) == (Status.SKIP, "ort.package")
