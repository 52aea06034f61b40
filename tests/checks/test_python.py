"""python.version and python.isolation."""

from __future__ import annotations

import pytest

from dartenv.checks.finding import Status
from dartenv.facts.model import ProbeFailure, TargetFacts
from tests.checks.target_literals import (
    by_check,
    dist,
    host,
    judge,
    linux,
    one,
    place,
    reference,
    source,
    windows,
)


def test_the_reference_python_is_fine() -> None:
    found = one("python.version", interpreter=windows())
    assert found.status is Status.OK
    assert found.summary == "Python 3.8.8 in conda dart 环境"


def test_another_python_of_the_profile_is_fine_and_the_reference_is_named() -> None:
    found = one("python.version", interpreter=windows(version="3.10.9"))
    assert found.status is Status.OK
    assert "3.8.8" in found.summary


@pytest.mark.parametrize(
    ("profile", "version"), [("windows-cu118", "3.13.0"), ("windows-cu128", "3.8.8")]
)
def test_a_python_the_profile_does_not_take_fails(profile: str, version: str) -> None:
    found = one("python.version", profile, interpreter=windows(version=version))
    assert found.status is Status.FAIL
    assert version in (found.found or "")
    assert found.remedy is not None
    assert found.remedy.commands[0] == "dartenv bootstrap"
    assert found.remedy.commands[1].startswith("conda create -n dart python=3.")


def test_a_32_bit_python_fails() -> None:
    found = one("python.version", interpreter=windows(bits=32))
    assert found.status is Status.FAIL
    assert "64-bit" in (found.wanted or "")


@pytest.mark.parametrize(
    ("version", "state", "status"),
    [
        ("3.11.9", "needed", Status.INFO),
        ("3.11.9", "repaired", Status.OK),
        ("3.10.9", "needed", Status.OK),
    ],
)
def test_dataclass_defaults_matter_from_311_on(version: str, state: str, status: Status) -> None:
    tree = source(dataclass_defaults=(place("MLDArgs.train_args", state=state),))
    found = one("python.version", interpreter=windows(version=version), source=tree)
    assert found.status is status


def test_no_interpreter_is_one_finding_and_the_rest_follows() -> None:
    reason = "C:\\x\\python.exe is Python 2.7.18, older than 3.6"
    failure = ProbeFailure(probe="interpreter", reason=reason)
    found = by_check(
        judge(["python", "packages", "wheels"], interpreter=None, probe_failures=(failure,))
    )
    (version,) = found.pop("python.version")
    assert version.status is Status.FAIL
    assert version.found == reason
    assert len(found) >= 4
    for (item,) in found.values():
        assert item.status is Status.SKIP
        assert item.cause == "python.version"


def test_no_interpreter_named_says_how_to_name_one() -> None:
    found = one("python.version", interpreter=None, target=TargetFacts())
    assert found.status is Status.FAIL
    assert found.remedy is not None
    assert found.remedy.commands[0] == "dartenv doctor --python EXE"


def test_a_python_of_another_version_hides_no_package_check() -> None:
    found = by_check(judge(["python", "packages.torch"], interpreter=windows(version="3.13.0")))
    assert found["python.version"][0].status is Status.FAIL
    assert found["packages.torch"][0].status is Status.FAIL
    assert found["packages.torch"][0].cause is None


def test_a_missing_fact_is_folded_though_its_check_was_not_selected() -> None:
    failure = ProbeFailure(probe="interpreter", reason="it hangs")
    found = one("packages.torch", interpreter=None, probe_failures=(failure,))
    assert (found.status, found.cause) == (Status.SKIP, "python.version")
    assert "it hangs" in found.summary


def test_an_isolated_environment_is_fine() -> None:
    assert one("python.isolation", interpreter=reference()).status is Status.OK
    on = reference(user_site_enabled=True)
    found = one("python.isolation", interpreter=on)
    assert found.status is Status.OK
    assert "on and empty" in found.summary


def test_user_packages_that_leak_are_named_with_the_command_for_conda() -> None:
    inside = reference(
        dist("numpy", "2.0.2"), user_site_enabled=True, user_site_packages=("numpy", "tqdm")
    )
    found = one("python.isolation", interpreter=inside, host=host())
    assert found.status is Status.WARN
    assert "numpy, tqdm" in (found.found or "")
    assert found.remedy is not None
    assert found.remedy.fix == "python.isolation"
    assert found.remedy.commands == (
        'conda env config vars set -p "D:\\envs\\dart 环境" PYTHONNOUSERSITE=1',
    )


def test_variables_that_leak_are_unset_as_the_system_does() -> None:
    leaky = {"PYTHONPATH": "/opt/x", "PYTHONHOME": "/usr"}
    found = one("python.isolation", interpreter=linux(env=leaky), host=host("linux"))
    assert found.status is Status.WARN
    assert found.remedy is not None
    assert found.remedy.commands == ("unset PYTHONPATH", "unset PYTHONHOME")
    found = one("python.isolation", interpreter=windows(env=leaky), host=host())
    assert found.remedy is not None
    assert found.remedy.commands[0] == "set PYTHONPATH="


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/usr/lib/python3.11/sitecustomize.py", Status.OK),
        ("/home/me/hooks/sitecustomize.py", Status.WARN),
    ],
)
def test_a_sitecustomize_counts_where_it_is_not_the_installations(
    path: str, status: Status
) -> None:
    assert one("python.isolation", interpreter=linux(sitecustomize=path)).status is status
