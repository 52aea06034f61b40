"""Finding the target: options, the active environment, the tree around us, dartenv.toml."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests
from dartenv.target import environment_python, find_target, tree_kind

MANIFESTS = Manifests()
BIN = "Scripts" if os.name == "nt" else "bin"
EXE = "python.exe" if os.name == "nt" else "python"


def environment(folder: Path) -> Path:
    python = folder / BIN / EXE
    python.parent.mkdir(parents=True)
    python.write_bytes(b"")
    return python


def dart(folder: Path) -> Path:
    for marker in next(t for t in MANIFESTS.trees() if t.id == "dart").markers:
        path = folder.joinpath(*marker.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return folder


def test_options_come_first_and_may_be_relative(tmp_path: Path) -> None:
    env = {"VIRTUAL_ENV": str(environment(tmp_path / "venv").parents[1])}
    dart(tmp_path / "here")
    target = find_target(
        MANIFESTS,
        dart_root="other 项目",
        python="py/python.exe",
        env=env,
        cwd=tmp_path / "here",
    )
    assert target.dart_root == str(tmp_path / "here" / "other 项目")
    assert target.python == str(tmp_path / "here" / "py" / "python.exe")
    assert (target.root_from, target.python_from) == ("option", "option")


def test_an_environments_folder_stands_for_its_python(tmp_path: Path) -> None:
    python = environment(tmp_path / "env 一")
    target = find_target(MANIFESTS, python="env 一", env={}, cwd=tmp_path)
    assert (target.python, target.python_from) == (str(python), "option")
    (tmp_path / "dartenv.toml").write_text('python = "env 一"\n', encoding="utf-8")
    assert find_target(MANIFESTS, env={}, cwd=tmp_path).python == str(python)
    (tmp_path / "empty").mkdir()  # what is wrong with it is the probe's to say
    target = find_target(MANIFESTS, python="empty", env={}, cwd=tmp_path)
    assert target.python == str(tmp_path / "empty")


@pytest.mark.parametrize(("variable", "kind"), [("VIRTUAL_ENV", "venv"), ("CONDA_PREFIX", "conda")])
def test_the_active_environment_is_the_target(tmp_path: Path, variable: str, kind: str) -> None:
    python = environment(tmp_path / "env 一")
    env = {variable: str(python.parents[1])}
    target = find_target(MANIFESTS, env=env, cwd=tmp_path)
    assert (target.python, target.python_from) == (str(python), kind)


def test_a_conda_environment_of_windows_has_its_python_at_the_top(tmp_path: Path) -> None:
    (tmp_path / "python.exe").write_bytes(b"")
    assert environment_python(tmp_path) == tmp_path / "python.exe"


def test_an_environment_without_a_python_is_none(tmp_path: Path) -> None:
    assert environment_python(tmp_path) is None
    target = find_target(MANIFESTS, env={"VIRTUAL_ENV": str(tmp_path)}, cwd=tmp_path)
    assert target.python is None


def test_the_tree_above_the_current_folder_is_the_target(tmp_path: Path) -> None:
    root = dart(tmp_path / "DART-main")
    target = find_target(MANIFESTS, env={}, cwd=root / "mld")
    assert (target.dart_root, target.root_from) == (str(root), "current folder")


def test_the_config_comes_last_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "dartenv.toml").write_text(
        'dart_root = "trees/dart"\npython = "env/python"\nprofile = "linux-cpu"\n', encoding="utf-8"
    )
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    target = find_target(MANIFESTS, env={}, cwd=deep)
    assert target.dart_root == str(tmp_path / "trees" / "dart")
    assert target.python == str(tmp_path / "env" / "python")
    assert target.profile == "linux-cpu"
    root = dart(deep / "DART")
    assert find_target(MANIFESTS, env={}, cwd=root).dart_root == str(root)


@pytest.mark.parametrize(
    ("text", "words"),
    [("dart_root = 1", "dart_root"), ("colour = 'x'", "colour"), ("=", "not TOML")],
)
def test_a_config_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "dartenv.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault, match=words):
        find_target(MANIFESTS, env={}, cwd=tmp_path)


def test_a_config_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "dartenv.toml").write_bytes("dart_root = '项目'".encode("gbk"))
    with pytest.raises(UsageFault, match="not TOML"):
        find_target(MANIFESTS, env={}, cwd=tmp_path)


def test_kinds_of_trees(tmp_path: Path) -> None:
    trees = MANIFESTS.trees()
    assert tree_kind(tmp_path, trees) is None
    real = tree_kind(dart(tmp_path / "d"), trees)
    assert real is not None
    assert real.kind == "dart"
    (tmp_path / "d" / "DARTENV_SANDBOX").write_text("", encoding="utf-8")
    ours = tree_kind(tmp_path / "d", trees)
    assert ours is not None
    assert ours.kind == "sandbox"


def test_a_root_that_no_system_takes_is_kept_as_it_was_given(tmp_path: Path) -> None:
    root = str(tmp_path / "/".join(["x" * 250] * 40))
    assert find_target(MANIFESTS, dart_root=root, env={}, cwd=tmp_path).dart_root == root
    assert tree_kind(Path(root), MANIFESTS.trees()) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the current folder")
def test_a_current_folder_that_is_gone_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert find_target(MANIFESTS, env={}).dart_root is None
