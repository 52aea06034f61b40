"""packages.torch and packages.numpy."""

from __future__ import annotations

from typing import Any

import pytest

from dartenv.checks.finding import Status
from dartenv.facts.model import ModuleFacts
from tests.checks.target_literals import (
    dist,
    judge,
    linux,
    one,
    place,
    reference,
    source,
    torch_module,
    windows,
)

INSTALL = (
    '"D:\\envs\\dart 环境\\python.exe" -m pip install torch==2.4.1+cu118'
    " torchvision==0.19.1+cu118 torchaudio==2.4.1+cu118"
    " --index-url https://download.pytorch.org/whl/cu118"
)


def test_the_reference_torch_is_fine() -> None:
    found = one("packages.torch", interpreter=reference())
    assert found.status is Status.OK
    assert "2.4.1+cu118 (CUDA 11.8)" in found.summary


@pytest.mark.parametrize(
    "torch",
    [
        windows(dist("torch", "2.4.1+cpu")),
        windows(dist("torch", "2.4.1")),
        windows(dist("torch", "2.4.1"), modules=(torch_module("2.4.1+cpu", "None"),)),
    ],
)
def test_a_wheel_of_the_plain_index_on_windows_is_named_as_such(torch: Any) -> None:
    found = one("packages.torch", interpreter=torch)
    assert found.status is Status.FAIL
    assert found.wanted == "2.4.1+cu118"
    assert found.source == "profile windows-cu118"
    assert found.why == "pip took the plain index, whose Windows wheel has no CUDA"
    assert "D:\\envs\\dart 环境" in (found.found or "")
    assert found.remedy is not None
    assert found.remedy.commands == (INSTALL,)
    assert found.remedy.fix == "packages.torch"


def test_a_torch_without_a_tag_on_linux_is_not_called_a_cpu_build() -> None:
    found = one("packages.torch", "linux-cu118", interpreter=linux(dist("torch", "2.4.1")))
    assert found.status is Status.FAIL
    assert "an unknown CUDA" in found.summary
    assert "plain index" not in found.why


def test_no_torch_fails_with_the_command() -> None:
    found = one("packages.torch", interpreter=windows())
    assert found.status is Status.FAIL
    assert found.remedy is not None
    assert found.remedy.commands == (INSTALL,)


@pytest.mark.parametrize(
    ("version", "said"),
    [("2.4.1+cu121", "is a CUDA 12.1 build"), ("2.0.1+cu118", "older than 2.1.0")],
)
def test_a_torch_of_another_kind_fails(version: str, said: str) -> None:
    found = one("packages.torch", interpreter=reference(dist("torch", version)))
    assert found.status is Status.FAIL
    assert said in found.summary


def test_another_torch_for_the_right_cuda_is_accepted_and_the_reference_named() -> None:
    inside = reference(
        dist("torch", "2.3.1+cu118"),
        dist("torchvision", "0.18.1+cu118"),
        dist("torchaudio", "2.3.1+cu118"),
    )
    found = one("packages.torch", interpreter=inside)
    assert found.status is Status.OK
    assert "the profile's reference is 2.4.1+cu118" in found.evidence


def test_condas_build_is_known_by_its_build_string() -> None:
    inside = linux(
        dist("torch", "2.1.0", build="py3.8_cuda11.8_cudnn8.7.0_0"),
        dist("torchvision", "0.16.0", build="py38_cu118"),
    )
    assert one("packages.torch", "linux-cu118", interpreter=inside).status is Status.OK


@pytest.mark.parametrize("version", ["2.4.1+cu118", "2.13.0+cpu", "2.13.0"])
def test_a_cpu_profile_takes_any_build(version: str) -> None:
    public = version.split("+")[0]
    vision = {"2.4.1": "0.19.1", "2.13.0": "0.28.0"}[public]
    inside = windows(dist("torch", version), dist("torchvision", vision))
    assert one("packages.torch", "windows-cpu", interpreter=inside).status is Status.OK


def test_the_cpu_torch_of_each_python_is_the_one_that_exists_for_it() -> None:
    for version, torch in (("3.8.10", "torch==2.4.1"), ("3.11.9", "torch==2.13.0")):
        found = one("packages.torch", "windows-cpu", interpreter=windows(version=version))
        assert found.remedy is not None
        assert torch in found.remedy.commands[0]
        assert "https://download.pytorch.org/whl/cpu" in found.remedy.commands[0]


def test_the_sandbox_needs_no_torchvision() -> None:
    inside = linux(dist("torch", "2.13.0+cpu"), version="3.11.7")
    assert one("packages.torch", "sandbox", interpreter=inside).status is Status.OK


@pytest.mark.parametrize(
    ("vision", "said"),
    [
        ("0.18.1+cu118", "torchvision 0.18.1+cu118 does not belong to torch 2.4.1+cu118"),
        ("0.19.1+cpu", "does not belong"),
    ],
)
def test_a_torchvision_of_another_torch_fails(vision: str, said: str) -> None:
    found = one("packages.torch", interpreter=reference(dist("torchvision", vision)))
    assert found.status is Status.FAIL
    assert said in found.summary
    assert found.remedy is not None
    assert "torchvision==0.19.1+cu118" in found.remedy.commands[0]


def test_a_torchaudio_of_another_torch_only_warns() -> None:
    found = one("packages.torch", interpreter=reference(dist("torchaudio", "2.3.1+cu118")))
    assert found.status is Status.WARN


def test_a_missing_torchvision_fails_since_clip_imports_it() -> None:
    inside = windows(dist("torch", "2.4.1+cu118"))
    found = one("packages.torch", interpreter=inside)
    assert found.status is Status.FAIL
    assert "torchvision==0.19.1+cu118" in (found.remedy.commands[0] if found.remedy else "")
    stub = ModuleFacts(name="torchvision", path="D:\\stub\\torchvision")
    inside = windows(dist("torch", "2.4.1+cu118"), modules=(stub,))
    assert one("packages.torch", interpreter=inside).status is Status.OK


def test_broken_metadata_of_torch_fails() -> None:
    broken = dist("torch", "2.4.1+cu118", problem="no METADATA in torch-2.4.1.dist-info")
    found = one("packages.torch", interpreter=reference(broken))
    assert found.status is Status.FAIL
    assert "no METADATA" in found.summary


ALIAS = place("np.float", "data_loaders/humanml/common/quaternion.py")


@pytest.mark.parametrize(
    ("version", "status"), [("1.21.5", Status.OK), ("1.23.5", Status.OK), ("1.24.4", Status.FAIL)]
)
def test_an_alias_breaks_from_the_numpy_that_removed_it(version: str, status: Status) -> None:
    inside = reference(dist("numpy", version))
    found = one("packages.numpy", interpreter=inside, source=source(numpy_aliases=(ALIAS,)))
    assert found.status is status


def test_the_source_is_repaired_first_and_numpy_pinned_second() -> None:
    found = one("packages.numpy", interpreter=reference(), source=source(numpy_aliases=(ALIAS,)))
    assert found.cause == "source.numpy-aliases"
    assert found.remedy is not None
    assert found.remedy.fix == "source.numpy-aliases"
    assert "quaternion.py:13" in found.summary


@pytest.mark.parametrize(
    "alias",
    [
        place("np.float", state="repaired"),
        place("np.float", live=False),
        place("np.infty"),
    ],
)
def test_what_is_repaired_dead_or_still_there_does_not_count(alias: Any) -> None:
    found = one("packages.numpy", interpreter=reference(), source=source(numpy_aliases=(alias,)))
    assert found.status is Status.OK


def test_a_name_that_came_back_is_not_missed() -> None:
    inside = linux(dist("numpy", "2.0.2"), version="3.11.7")
    tree = source(numpy_aliases=(place("np.bool"),))
    assert one("packages.numpy", "sandbox", interpreter=inside, source=tree).status is Status.OK
    inside = linux(dist("numpy", "1.26.4"), version="3.11.7")
    assert one("packages.numpy", "sandbox", interpreter=inside, source=tree).status is Status.FAIL


def test_numpy_2_with_pyrender_fails_and_pins() -> None:
    inside = linux(dist("numpy", "2.4.6"), dist("pyrender", "0.1.45"), version="3.11.7")
    found = one("packages.numpy", "linux-cpu", interpreter=inside)
    assert found.status is Status.FAIL
    assert "pyrender 0.1.45" in found.summary
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith("--prefer-binary numpy==1.26.4")


def test_what_refuses_the_pin_is_changed_with_it() -> None:
    inside = linux(
        dist("numpy", "2.4.6"),
        dist("pyrender", "0.1.45"),
        dist("spacy", "3.9.0", requires=("thinc>=9", "numpy>=1.19; python_version >= '3.9'")),
        dist("thinc", "9.0.0", requires=("numpy>=2.0.0,<3.0.0",)),
        dist("scipy", "1.17.1", requires=("numpy<2.7,>=1.26.4",)),
        version="3.11.7",
    )
    found = one("packages.numpy", "linux-cpu", interpreter=inside)
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith("numpy==1.26.4 spacy==3.7.5")


def test_an_old_torch_does_not_take_numpy_2() -> None:
    inside = linux(dist("numpy", "2.0.2"), dist("torch", "2.1.0+cu118"), version="3.11.7")
    found = one("packages.numpy", "sandbox", interpreter=inside)
    assert found.status is Status.FAIL
    assert "torch 2.1.0" in found.summary


def test_no_numpy_fails() -> None:
    found = one("packages.numpy", interpreter=windows())
    assert found.status is Status.FAIL
    assert found.remedy is not None
    assert "numpy==1.24.4" in found.remedy.commands[0]


def test_no_source_is_no_reason_to_skip() -> None:
    (found,) = judge(["packages.numpy"], interpreter=reference())
    assert found.status is Status.OK
