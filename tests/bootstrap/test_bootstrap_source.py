"""Where DART's source comes from: git, an archive, a folder; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dartenv.bootstrap.layout import layout
from dartenv.bootstrap.source import source_steps
from dartenv.errors import UsageFault
from dartenv.fixes.steps import FetchFile, RunCommand
from dartenv.install.mirrors import index_address
from dartenv.manifests.loader import default_manifests
from dartenv.sandbox.writer import write_sandbox

TREES = default_manifests().trees()


@pytest.fixture
def git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dartenv.bootstrap.source.on_path", lambda name: "/usr/bin/git")


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dartenv.bootstrap.source.on_path", lambda name: None)


@pytest.mark.usefixtures("git")
def test_by_default_it_is_cloned_from_where_it_is_published(tmp_path: Path) -> None:
    (step,) = source_steps(layout(tmp_path), None, TREES)
    assert isinstance(step, RunCommand)
    assert "https://github.com/zkf1997/DART.git" in step.argv
    assert step.argv[-1] == str(tmp_path / "DART")
    assert step.undo_argv is not None
    assert step.undo_argv[-1] == str(tmp_path / "DART")


@pytest.mark.usefixtures("no_git")
def test_without_git_it_comes_as_a_zip(tmp_path: Path) -> None:
    fetch, unpack = source_steps(layout(tmp_path), None, TREES)
    assert isinstance(fetch, FetchFile)
    assert fetch.remote.url == "https://github.com/zkf1997/DART/archive/refs/heads/main.zip"
    assert isinstance(unpack, RunCommand)
    assert fetch.path in unpack.argv


@pytest.mark.usefixtures("no_git")
def test_a_repository_without_git_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="git is not on PATH"):
        source_steps(layout(tmp_path), "https://example.org/fork.git", TREES)


def test_a_tree_that_is_there_is_used(tmp_path: Path) -> None:
    write_sandbox(tmp_path / "DART")
    assert source_steps(layout(tmp_path), None, TREES) == []


def test_something_else_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "DART").mkdir()
    (tmp_path / "DART" / "thesis.docx").write_bytes(b"1")
    with pytest.raises(UsageFault, match="not a DART tree, and not empty"):
        source_steps(layout(tmp_path), None, TREES)


def test_a_source_that_is_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no such file or folder"):
        source_steps(layout(tmp_path), str(tmp_path / "nowhere"), TREES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageFault, match="not a DART tree"):
        source_steps(layout(tmp_path), str(tmp_path / "empty"), TREES)


def test_a_mirror_may_be_named_in_a_word() -> None:
    manifests = default_manifests()
    assert index_address("tuna", manifests) == "https://pypi.tuna.tsinghua.edu.cn/simple"
    assert index_address("https://mirror.example/simple", manifests).endswith("/simple")
    with pytest.raises(UsageFault, match="one of: tuna"):
        index_address("tunna", manifests)
