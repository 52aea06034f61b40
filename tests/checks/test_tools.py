"""Checks of conda, pip and git on literal facts."""

from __future__ import annotations

from typing import Any, List

import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    CondaEnvironment,
    CondaFacts,
    CondarcFacts,
    ConfigValue,
    Facts,
    FileProblem,
    GitFacts,
    HostFacts,
    PipFacts,
    ShellFacts,
    TargetFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

HOST = HostFacts(system="windows", release="10", version="10.0", machine="amd64", bits=64)
CONDA = CondaFacts(kind="conda", executable="C:\\a\\Scripts\\conda.exe", version="24.1.2")
INDEX = "https://download.pytorch.org/whl/cu118"


def judge(check: str, *, backend: str = "any", **facts: Any) -> List[Finding]:
    all_checks()
    profile = Profile(
        id="p",
        title="t",
        source="s",
        system="windows",
        backend=backend,
        torch_index=INDEX,
        python=("3.8",),
    )
    facts.setdefault("host", HOST)
    context = Context(Facts(**facts), profile, Manifests())
    return run_checks(context, REGISTRY.select([check]))


def only(check: str, **facts: Any) -> Finding:
    (one,) = judge(check, **facts)
    return one


@pytest.mark.parametrize(("backend", "status"), [("any", Status.INFO), ("conda", Status.FAIL)])
def test_no_conda_matters_only_where_the_profile_builds_with_it(
    backend: str, status: Status
) -> None:
    one = only("conda.installed", conda=CondaFacts(registered=("C:\\Anaconda3",)), backend=backend)
    assert one.status is status
    assert "C:\\Anaconda3" in one.summary


def test_a_conda_that_answers_is_fine_and_a_silent_one_is_named() -> None:
    assert only("conda.installed", conda=CONDA).status is Status.OK
    silent = CondaFacts(kind="conda", executable="C:\\a\\Scripts\\conda.exe")
    assert "does not answer" in only("conda.installed", conda=silent).summary


def environment(**more: Any) -> CondaFacts:
    fields = {"path": "C:\\a\\envs\\dart", "name": "dart", "has_history": True}
    fields["python"] = "C:\\a\\envs\\dart\\python.exe"
    fields.update(more)
    return CondaFacts(
        kind="conda",
        executable="C:\\a\\Scripts\\conda.exe",
        version="24",
        environments=(CondaEnvironment(**fields),),
    )


@pytest.mark.parametrize(
    ("conda", "status", "word"),
    [
        (environment(), Status.OK, "dart"),
        (environment(is_base=True), Status.FAIL, "base"),
        (environment(has_history=False), Status.FAIL, "half made"),
        (
            environment(path="C:\\a\\envs\\other", python="C:\\a\\envs\\other\\python.exe"),
            Status.OK,
            "no conda",
        ),
    ],
)
def test_the_targets_environment(conda: CondaFacts, status: Status, word: str) -> None:
    target = TargetFacts(python="C:\\A\\envs\\dart\\python.exe")
    one = only("conda.env", conda=conda, target=target)
    assert one.status is status
    assert word in one.summary


@pytest.mark.parametrize(
    ("channel", "status"),
    [
        ("https://mirrors.example.cn/pypi/web/simple/", Status.FAIL),
        ("https://pypi.example/simple", Status.FAIL),
        ("https://mirrors.example.cn/anaconda/pkgs/main", Status.OK),
        ("conda-forge", Status.OK),
        ("https://repo.continuum.io/pkgs/free", Status.FAIL),
    ],
)
def test_a_python_index_is_no_channel(channel: str, status: Status) -> None:
    rc = CondarcFacts(path="C:\\Users\\李明\\.condarc", channels=(channel, "defaults"))
    one = only("conda.channels", conda=CondaFacts(condarcs=(rc,)))
    assert one.status is status
    if status is Status.FAIL:
        assert one.remedy is not None
        assert one.remedy.fix == "conda.channels"
        assert channel in (one.found or "")
        assert rc.path in (one.found or "")


@pytest.mark.parametrize(
    "channel",
    ["https://jane:hunter2@pypi.example/simple", "https://x.example/t/hunter2/pypi/simple"],
)
def test_a_secret_in_a_channel_is_not_shown(channel: str) -> None:
    rc = CondarcFacts(path="rc", channels=(channel, channel))
    one = only("conda.channels", conda=CondaFacts(condarcs=(rc,)))
    assert one.status is Status.FAIL
    assert "hunter2" not in str(one)
    assert "***" in (one.found or "")


def test_what_is_left_of_an_environment_is_removed_as_conda_can() -> None:
    target = TargetFacts(python="C:\\A\\envs\\dart\\python.exe")
    left = only("conda.env", conda=environment(has_history=False), target=target)
    assert left.remedy is not None
    assert left.remedy.commands[0].startswith("cmd /c rmdir")
    empty = only("conda.env", conda=environment(python=None), target=target)
    assert empty.remedy is not None
    assert empty.remedy.commands[0].startswith("conda env remove")


def test_a_channel_listed_twice_fails_and_is_named_with_its_file() -> None:
    twice = CondarcFacts(path="rc", channels=("a", "b", "a/"), default_channels=("b",))
    one = only("conda.channels", conda=CondaFacts(condarcs=(twice,)))
    assert (one.status, one.found) == (Status.FAIL, "a/ is listed twice in rc")
    assert one.remedy is not None
    assert one.remedy.fix == "conda.channels"
    # conda's own command would take out both.
    assert not any("conda config" in command for command in one.remedy.commands)


def test_each_list_of_channels_and_each_file_stands_for_itself() -> None:
    one = CondarcFacts(path="rc", channels=("a", "defaults"), default_channels=("a",))
    other = CondarcFacts(path="rc2", channels=("a",))
    assert only("conda.channels", conda=CondaFacts(condarcs=(one, other))).status is Status.OK


def test_an_unreadable_condarc_is_a_doubt() -> None:
    broken = CondarcFacts(path="rc", problem="not YAML: x")
    assert "not YAML" in only("conda.channels", conda=CondaFacts(condarcs=(broken,))).summary


def test_shells_that_cannot_activate_are_named_with_the_command() -> None:
    shells = (
        ShellFacts(shell="powershell", initialised=False, path="profile.ps1"),
        ShellFacts(shell="cmd", initialised=True),
    )
    conda = CondaFacts(kind="conda", executable="C:\\c.exe", version="24", shells=shells)
    one = only("conda.shell", conda=conda)
    assert one.status is Status.INFO
    assert one.remedy is not None
    assert one.remedy.commands == ("conda init powershell",)


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("global.extra-index-url", INDEX + "/", Status.OK),
        ("global.index-url", "https://mirror.example/simple", Status.WARN),
        ("global.trusted-host", "mirror.example", Status.WARN),
        ("global.proxy", "http://u:secret@proxy:8080", Status.WARN),
        ("global.no-index", "true", Status.WARN),
    ],
)
def test_pip_settings_that_get_in_torchs_way(key: str, value: str, status: Status) -> None:
    one = only(
        "pip.index", pip=PipFacts(values=(ConfigValue(key=key, value=value, where="pip.ini"),))
    )
    assert one.status is status
    assert "secret" not in one.summary + "".join(one.evidence)


@pytest.mark.parametrize(
    ("value", "status"), [("false", Status.WARN), ("0", Status.WARN), ("true", Status.OK)]
)
def test_gits_server_check(value: str, status: Status) -> None:
    git = GitFacts(values=(ConfigValue(key="http.sslverify", value=value, where=".gitconfig"),))
    assert only("git.tls", git=git).status is status
    assert only("git.tls", git=GitFacts()).status is Status.OK


def test_a_git_configuration_that_cannot_be_read_is_a_doubt() -> None:
    problems = (FileProblem(path="/home/x/.gitconfig", reason="not a file"),)
    one = only("git.tls", git=GitFacts(problems=problems))
    assert one.status is Status.WARN
    assert one.found == "/home/x/.gitconfig: not a file"
