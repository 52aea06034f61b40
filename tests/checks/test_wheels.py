"""wheels.pytorch3d and the table behind it."""

from __future__ import annotations

from typing import Any

import pytest

from dartenv.checks.finding import Status
from dartenv.errors import UsageFault
from dartenv.facts.model import DistributionFacts, ModuleFacts
from dartenv.manifests.wheels import wheel_for
from tests.checks.target_literals import (
    LINUX_SITE,
    MANIFESTS,
    dist,
    linux,
    one,
    reference,
    torch_module,
    windows,
)

FIT = "0.7.8+pt2.4.1cu118"


def pytorch3d(version: str = FIT, **more: Any) -> DistributionFacts:
    values = {
        "tags": ("cp38-cp38-win_amd64",),
        "extensions": ("pytorch3d/_C.cp38-win_amd64.pyd",),
        **more,
    }
    return dist("pytorch3d", version, **values)


def test_the_reference_wheel_fits() -> None:
    found = one("wheels.pytorch3d", interpreter=reference(pytorch3d()))
    assert found.status is Status.OK


def test_where_it_is_absent_the_exact_wheel_is_named() -> None:
    found = one("wheels.pytorch3d", interpreter=reference())
    assert found.status is Status.FAIL
    assert "pytorch3d-0.7.8+pt2.4.1cu118-cp38-cp38-win_amd64.whl" in (found.wanted or "")
    assert found.remedy is not None
    (command,) = found.remedy.commands
    assert command == (
        '"D:\\envs\\dart 环境\\python.exe" -m pip install --extra-index-url'
        " https://miropsota.github.io/torch_packages_builder pytorch3d==0.7.8+pt2.4.1cu118"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "0.7.8+pt2.3.1cu118"}, "built for torch 2.3.1, not 2.4.1"),
        ({"version": "0.7.8+5043d15pt2.4.1cu121"}, "built for cu121, not cu118"),
        ({"tags": ("cp39-cp39-win_amd64",)}, "cp39-cp39-win_amd64, not cp38-cp38-win_amd64"),
        ({"tags": ("cp38-cp38-linux_x86_64",)}, "cp38-cp38-linux_x86_64"),
        (
            {"tags": (), "extensions": ("pytorch3d/_C.cp310-win_amd64.pyd",)},
            "_C.cp310-win_amd64.pyd is not for Python 3.8",
        ),
        (
            {"tags": (), "extensions": ("pytorch3d/_C.cpython-38-x86_64-linux-gnu.so",)},
            "is not for Python 3.8 on windows",
        ),
        ({"problem": "no METADATA in pytorch3d-0.7.8.dist-info"}, "no METADATA"),
    ],
)
def test_a_wheel_for_something_else_fails_and_says_for_what(change: Any, said: str) -> None:
    found = one("wheels.pytorch3d", interpreter=reference(pytorch3d(**change)))
    assert found.status is Status.FAIL
    assert said in found.summary
    assert FIT in (found.wanted or "")


def test_what_torch_says_of_itself_counts_before_its_metadata() -> None:
    plain = dist("torch", "2.1.0", build="py3.8_cuda11.8_cudnn8.7.0_0", location=LINUX_SITE)
    conda = pytorch3d(
        "0.7.5",
        build="py38_cu118_pyt210",
        tags=(),
        extensions=("pytorch3d/_C.cpython-38-x86_64-linux-gnu.so",),
    )
    assert one("wheels.pytorch3d", "linux-cu118", interpreter=linux(plain, conda)).status is (
        Status.OK
    )
    inside = linux(plain, conda, modules=(torch_module("2.1.2", "11.8"),))
    found = one("wheels.pytorch3d", "linux-cu118", interpreter=inside)
    assert found.status is Status.FAIL
    assert "built for torch 2.1.0, not 2.1.2" in found.summary


def test_absent_on_upstreams_environment_names_condas_build() -> None:
    torch = dist("torch", "2.1.0+cu118", location=LINUX_SITE)
    inside = linux(torch, conda_prefix="/opt/envs/dart")
    found = one("wheels.pytorch3d", "linux-cu118", interpreter=inside)
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith("=py38_cu118_pyt210 -c pytorch3d -p /opt/envs/dart")


def test_a_wrong_torch_does_not_choose_the_wheel() -> None:
    inside = reference(dist("torch", "2.3.1+cpu"))
    found = one("wheels.pytorch3d", interpreter=inside)
    assert FIT in (found.wanted or "")


def test_where_no_wheel_exists_the_nearest_is_named() -> None:
    inside = windows(dist("torch", "2.1.0+cu118"), version="3.8.8")
    found = one("wheels.pytorch3d", interpreter=inside)
    assert found.status is Status.FAIL
    assert "none exists" in (found.wanted or "")
    assert "torch 2.3.1 instead of 2.1.0" in (found.wanted or "")
    assert found.remedy is not None
    (command,) = found.remedy.commands
    assert command.startswith('cmd /c "set PYTORCH3D_NO_EXTENSION=1&& ')


@pytest.mark.parametrize(
    ("profile", "status"), [("windows-cu118", Status.INFO), ("windows-cpu", Status.OK)]
)
def test_the_pure_part_is_enough_for_dart(profile: str, status: Status) -> None:
    inside = reference(pytorch3d("0.7.8", tags=("py3-none-any",), extensions=()))
    assert one("wheels.pytorch3d", profile, interpreter=inside).status is status
    loose = ModuleFacts(name="pytorch3d", path="D:\\p3d\\pytorch3d")
    inside = reference(modules=(loose,))
    assert one("wheels.pytorch3d", profile, interpreter=inside).status is status


def test_a_misfit_is_only_told_where_the_pure_part_is_enough() -> None:
    inside = reference(pytorch3d("0.7.8+pt2.3.1cu118"))
    assert one("wheels.pytorch3d", "windows-cpu", interpreter=inside).status is Status.INFO


def test_one_built_from_source_says_nothing_of_its_torch() -> None:
    inside = reference(pytorch3d("0.7.8", tags=(), editable=True))
    found = one("wheels.pytorch3d", interpreter=inside)
    assert found.status is Status.INFO


def test_the_sandbox_needs_none() -> None:
    assert one("wheels.pytorch3d", "sandbox", interpreter=linux()).status is Status.OK


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        (("3.8", "2.4.1", "11.8", "windows"), "0.7.8+pt2.4.1cu118"),
        (("3.8.8", "2.4.1+cu118", "cu118", "windows"), "0.7.8+pt2.4.1cu118"),
        (("3.11", "2.7.0", "12.8", "linux"), "0.7.8+pt2.7.0cu128"),
        (("3.11", "2.7.0", "12.8", "windows"), "0.7.8+366eff2pt2.7.0cu128"),
        (("3.11", "2.13.0", "cpu", "linux"), "0.7.9+pt2.13.0cpu"),
        (("3.13", "2.5.1", "12.4", "linux"), "0.7.8+pt2.5.1cu124"),
    ],
)
def test_the_table_answers(asked: Any, version: str) -> None:
    python, torch, cuda, system = asked
    answer = wheel_for(python, torch, cuda, system, MANIFESTS)
    assert answer.wheel is not None
    assert answer.wheel.version == version
    assert answer.wheel.source
    assert answer.nearest is None


@pytest.mark.parametrize(
    ("asked", "differs"),
    [
        (("3.13", "2.5.1", "12.4", "windows"), ("torch 2.6.0 instead of 2.5.1",)),
        (("3.8", "2.7.0", "12.8", "windows"), ("Python 3.9 instead of 3.8",)),
        (
            ("3.8", "2.4.0", "12.8", "windows"),
            ("torch 2.7.1 instead of 2.4.0", "Python 3.9 instead of 3.8"),
        ),
        (("3.12", "2.13.0", "11.8", "linux"), ("torch 2.7.1 instead of 2.13.0",)),
    ],
)
def test_the_table_says_what_is_nearest(asked: Any, differs: Any) -> None:
    python, torch, cuda, system = asked
    answer = wheel_for(python, torch, cuda, system, MANIFESTS)
    assert answer.wheel is None
    assert answer.differs == differs


def test_a_file_that_was_seen_is_told_from_one_that_follows() -> None:
    seen = wheel_for("3.8", "2.4.1", "11.8", "windows", MANIFESTS).wheel
    derived = wheel_for("3.9", "2.4.0", "11.8", "windows", MANIFESTS).wheel
    assert seen is not None
    assert derived is not None
    assert (seen.seen, derived.seen) == (True, False)
    assert (seen.url or "").endswith("/pytorch3d-0.7.8%2Bpt2.4.1cu118-cp38-cp38-win_amd64.whl")


def test_a_system_without_wheels_has_no_nearest() -> None:
    answer = wheel_for("3.11", "2.7.0", None, "haiku", MANIFESTS)
    assert (answer.wheel, answer.nearest) == (None, None)


@pytest.mark.parametrize("cuda", ["eleven", "cu", "1"])
def test_what_is_no_cuda_version_is_refused(cuda: str) -> None:
    with pytest.raises(UsageFault, match="is not a CUDA version"):
        wheel_for("3.8", "2.4.1", cuda, "windows", MANIFESTS)
