"""The scripts that run in the target, called here in the namespace they get there."""

from __future__ import annotations

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from dartenv.facts.interpreter import SCRIPTS, script_path


@pytest.fixture
def space() -> Dict[str, Any]:
    """The scripts executed one after the other, as in the target."""
    names: Dict[str, Any] = {"__name__": "dartenv_inside"}
    for script in SCRIPTS:
        path = script_path(script)
        exec(compile(path.read_bytes(), str(path), "exec"), names)
    return names


@pytest.mark.parametrize("script", sorted(p.name for p in script_path("").glob("inside*.py")))
def test_scripts_keep_to_the_syntax_of_python_36(script: str) -> None:
    tree = ast.parse(script_path(script).read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported <= {"ast", "faulthandler", "gc", "json", "os", "re", "struct", "sys", "time"}
    assert not any(isinstance(node, ast.NamedExpr) for node in ast.walk(tree))


@pytest.mark.parametrize(
    ("text", "requires"),
    [
        ("numpy>=1.2\n\n[dev]\npytest\n", ["numpy>=1.2"]),
        ('[:python_version < "3.8"]\ntyping\n', ['typing; python_version < "3.8"']),
        ('[gpu:os_name == "nt"]\ncupy\n', []),
        ("", []),
    ],
)
def test_requirements_of_an_egg_leave_extras_out(
    space: Dict[str, Any], text: str, requires: List[str]
) -> None:
    assert space["egg_requires"](text) == requires


@pytest.mark.parametrize(
    ("requirement", "extra"),
    [
        ("numpy (>=1.2)", False),
        ("pytest ; extra == 'dev'", True),
        ('pytest; python_version >= "3.8" and extra=="dev"', True),
        ("extras-lib>=1 ; os_name == 'nt'", False),
    ],
)
def test_requirements_of_an_extra_are_told(
    space: Dict[str, Any], requirement: str, extra: bool
) -> None:
    assert space["for_extra"](requirement) is extra


def test_an_address_is_kept_without_its_password(space: Dict[str, Any]) -> None:
    data = {
        "url": "https://user:secret@example.org/x.git",
        "vcs_info": {"vcs": "git", "commit_id": "abc"},
    }
    assert space["direct_url"](json.dumps(data)) == ("git+https://example.org/x.git@abc", False)
    data = {"url": "file:///C:/work/x", "dir_info": {"editable": True}}
    assert space["direct_url"](json.dumps(data)) == ("file:///C:/work/x", True)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("cuda = '11.8'", "11.8"),
        ("cuda: Optional[str] = None", "None"),
        ('cuda="12.1"  # a remark', "12.1"),
        ("    cuda = 'indented'", None),
        ("cudart = '11'", None),
        ("cuda = '11.8'\ncuda = '12.1'", "12.1"),
    ],
)
def test_literals_are_read_from_source_text(space: Dict[str, Any], line: str, value: Any) -> None:
    assert space["literal"]("import os\n" + line + "\n", "cuda") == value


def test_headers_end_at_the_empty_line_and_continue_on_indented_ones(
    space: Dict[str, Any],
) -> None:
    text = (
        "Name: X\r\nSummary: a\r\n  b\r\nRequires-Dist: y\r\nRequires-Dist: z\r\n\r\nName: not\r\n"
    )
    headers = space["parsed_headers"](text)
    assert headers == {"name": ["X"], "summary": ["a b"], "requires-dist": ["y", "z"]}


def test_conda_builds_are_found_by_record(
    space: Dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = tmp_path / "conda-meta"
    records.mkdir()
    (records / "pytorch-2.1.0-py3.8_cuda11.8_cudnn8.7.0_0.json").write_text("{}")
    (records / "pytorch3d-0.7.5-py38_cu118_pyt210.json").write_text("{}")
    (records / "history").write_text("")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    found = [
        {"name": "torch", "version": "2.1.0", "build": None},
        {"name": "pytorch3d", "version": "0.7.5", "build": None},
        {"name": "numpy", "version": "1.21.5", "build": None},
    ]
    space["add_conda_builds"](found)
    builds = [one["build"] for one in found]
    assert builds == ["py3.8_cuda11.8_cudnn8.7.0_0", "py38_cu118_pyt210", None]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cudnn64_9.dll", True),
        ("cudart64_110.dll", True),
        ("libcudnn.so.9", True),
        ("libcublasLt.so.11", True),
        ("onnxruntime_providers_cuda.dll", True),
        ("DirectML.dll", True),
        ("libtorch.so", False),
        ("cudnn.h", False),
        ("fbgemm.dll", False),
    ],
)
def test_libraries_are_known_by_name(
    space: Dict[str, Any], tmp_path: Path, name: str, kept: bool
) -> None:
    folder = tmp_path / "torch" / "lib"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"")
    found = [one for one in space["libraries"]([str(tmp_path)]) if one["owner"] == "torch"]
    assert [one["name"] for one in found] == ([name] if kept else [])


def test_text_that_is_not_unicode_is_escaped(space: Dict[str, Any]) -> None:
    assert space["plain"]({"a\udcff": ["b\ud800", 1, None]}) == {"a\\udcff": ["b\\ud800", 1, None]}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_metadata_that_is_no_file_is_not_waited_for(space: Dict[str, Any], tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe-1.dist-info", tmp_path / "device-1.dist-info"
    for folder in (pipe, device):
        folder.mkdir()
    os.mkfifo(pipe / "METADATA")
    (device / "METADATA").symlink_to("/dev/zero")
    found = {one["name"]: one["problem"] for one in space["distributions_in"](str(tmp_path))}
    assert found == {
        "pipe": "no METADATA in pipe-1.dist-info",
        "device": "no METADATA in device-1.dist-info",
    }


def test_what_may_not_be_read_is_told(
    space: Dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shut-1.dist-info").mkdir()
    real = os.scandir

    def denied(path: str) -> Any:
        if str(path).endswith("shut-1.dist-info") or str(path) == str(tmp_path / "other"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    (one,) = space["distributions_in"](str(tmp_path))
    assert one["problem"] == "shut-1.dist-info cannot be read: Permission denied"
    assert space["distributions_in"](str(tmp_path / "other")) == []
    assert space["unreadable"][str(tmp_path / "other")] == "cannot be read: Permission denied"
