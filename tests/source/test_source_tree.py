from __future__ import annotations

import os
from pathlib import Path

import pytest

from dartenv.source.spec import SourceSpec
from dartenv.source.tree import SourceTree, read_tree

POSIX = pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")


def write(root: Path, path: str, data: bytes = b"a = 1\n") -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def reasons(tree: SourceTree) -> dict[str, str]:
    return {problem.path: problem.reason for problem in tree.problems}


def test_python_files_are_found_and_other_peoples_left_out(tmp_path: Path) -> None:
    root = tmp_path / "步行 tree"
    for path in ("a.py", "pkg/b.py", "数据/c.py", "runs/keep/d.py", "notes.txt"):
        write(root, path)
    for path in (
        ".git/hooks/x.py",
        "pkg/__pycache__/x.py",
        "node_modules/m/x.py",
        "myenv/pyvenv.cfg",
        "myenv/lib/x.py",
        "conda/conda-meta/history",
        "conda/x.py",
        "wandb/x.py",
    ):
        write(root, path)
    tree = read_tree(str(root), SourceSpec(), skip=("wandb",))
    assert sorted(tree.files) == ["a.py", "pkg/b.py", "runs/keep/d.py", "数据/c.py"]
    assert tree.python_files == 4
    assert tree.longest_path >= len(str(root)) + len("/runs/keep/d.py")
    assert not tree.problems


def test_a_folder_is_skipped_at_the_top_only(tmp_path: Path) -> None:
    write(tmp_path, "wandb/x.py")
    write(tmp_path, "pkg/wandb/y.py")
    assert list(read_tree(str(tmp_path), SourceSpec(), ("wandb",)).files) == ["pkg/wandb/y.py"]


def test_what_cannot_be_parsed_is_a_problem_once(tmp_path: Path) -> None:
    write(tmp_path, "syntax.py", b"def f(:\n")
    write(tmp_path, "zero.py", b"a = 1\0")
    write(tmp_path, "wrong.py", b"a = '\xff'\n")
    write(
        tmp_path,
        "newer.py",
        b"type X = int\nmatch a, b:\n  case {**rest} if rest: pass\nx = y = =\n",
    )
    write(tmp_path, "huge.py", b"#" * 101)
    tree = read_tree(str(tmp_path), SourceSpec(max_bytes=100))
    for path in sorted(tree.files):
        assert tree.module(path) is None
        assert tree.module(path) is None
    found = reasons(tree)
    assert set(found) == {"syntax.py", "zero.py", "wrong.py", "newer.py", "huge.py"}
    assert len(tree.problems) == 5
    assert "NUL" in found["zero.py"]
    assert found["syntax.py"].startswith("line 1")
    assert "101 bytes" in found["huge.py"]


def test_a_tree_without_end_is_left_at_its_limit(tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path, f"f{number}.py")
    tree = read_tree(str(tmp_path), SourceSpec(max_entries=5))
    assert len(tree.files) == 5
    assert "more than 5" in tree.problems[0].reason


def test_a_missing_root_is_a_problem(tmp_path: Path) -> None:
    tree = read_tree(str(tmp_path / "gone"), SourceSpec())
    assert not tree.files
    assert tree.problems[0].path == "."


@POSIX
def test_links_and_pipes_do_not_hold_the_walk(tmp_path: Path) -> None:
    write(tmp_path, "pkg/a.py")
    (tmp_path / "pkg" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "linked.py").symlink_to(tmp_path / "pkg" / "a.py")
    os.mkfifo(str(tmp_path / "pipe.py"))
    (tmp_path / "folder.py").mkdir()
    tree = read_tree(str(tmp_path), SourceSpec())
    assert sorted(tree.files) == ["linked.py", "pkg/a.py"]
    assert set(reasons(tree)) == {"self.py", "gone.py", "pipe.py"}


@POSIX
def test_a_name_that_is_no_unicode_is_a_problem_that_can_be_written(tmp_path: Path) -> None:
    place = os.fsencode(str(tmp_path)) + b"/\xff.py"
    try:
        with open(place, "wb") as file:  # noqa: PTH123 (a name in bytes)
            file.write(b"a = 1\n")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    write(tmp_path, "a.py")
    tree = read_tree(str(tmp_path), SourceSpec())
    assert list(tree.files) == ["a.py"]
    (problem,) = tree.problems
    assert problem.path.encode("utf-8")


@POSIX
def test_a_closed_file_and_a_closed_folder_are_problems(tmp_path: Path) -> None:
    write(tmp_path, "closed.py")
    write(tmp_path, "folder/a.py")
    write(tmp_path, "open.py")
    (tmp_path / "closed.py").chmod(0)
    (tmp_path / "folder").chmod(0)
    try:
        if os.access(str(tmp_path / "closed.py"), os.R_OK):
            pytest.skip("this user may read everything")
        tree = read_tree(str(tmp_path), SourceSpec())
        assert list(tree.files) == ["open.py"]
        assert set(reasons(tree)) == {"closed.py", "folder"}
    finally:
        (tmp_path / "folder").chmod(0o700)


def test_a_package_hides_the_module_of_its_name() -> None:
    tree = SourceTree({"a.py": b"", "a/__init__.py": b"", "ns/b.py": b""})
    assert tree.path_of("a") == "a/__init__.py"
    assert tree.path_of("ns") is None
    assert tree.has("ns")
    assert not tree.has("nowhere")
