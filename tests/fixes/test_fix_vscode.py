"""launch.json and settings.json: merged, seen right by the checks, taken back byte for byte."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY
from dartenv.facts import jsonc
from dartenv.facts.editor import probe_editor
from dartenv.facts.model import (
    EditorFacts,
    Facts,
    HostFacts,
    InterpreterFacts,
    SourceFacts,
    TargetFacts,
)
from dartenv.fixes.apply import apply
from dartenv.fixes.plan import Refusal, new_plan
from dartenv.fixes.steps import AnyStep, EditFile, WriteFile
from dartenv.fixes.undo import undo
from dartenv.fixes.vscode import plan_interpreter, plan_launch
from dartenv.manifests.compat_editor import EditorTable
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()
TABLE = MANIFESTS.read("compat", "editor", EditorTable)
HERE = "windows" if os.name == "nt" else "linux"
PYTHON = "C:\\envs\\李 dart\\python.exe" if os.name == "nt" else "/envs/李 dart/bin/python"


def host(system: str) -> HostFacts:
    return HostFacts(system=system, release="1", version="1", machine="x86_64", bits=64)


def facts_of(root: Path, profile: str = "linux-cu118") -> Facts:
    manifests_root = str(root)
    source = SourceFacts(
        root=manifests_root, exists=True, is_dir=True, kind="dart", markers_found=("x",)
    )
    return Facts(
        editor=probe_editor(manifests_root, TABLE).value,
        interpreter=InterpreterFacts(executable=PYTHON, version="3.8.8"),
        host=host(HERE),
        source=source,
        target=TargetFacts(dart_root=manifests_root, profile=profile),
    )


def planned(facts: Facts, fix: str) -> Tuple[List[AnyStep], List[Refusal]]:
    plan = plan_launch if fix == "editor.launch" else plan_interpreter
    found = plan(facts, MANIFESTS, facts.target)
    steps = [item for item in found if not isinstance(item, Refusal)]
    return steps, [item for item in found if isinstance(item, Refusal)]


def judged(facts: Facts, check: str) -> Finding:
    """The check alone: what it needs is not what is asked here."""
    all_checks()
    one = REGISTRY.checks[check]
    arguments = {name: getattr(facts, name, MANIFESTS) for name in one.parameters}
    (found,) = one.function(**arguments)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "DART 主"
    folder.mkdir()
    return folder


def put(root: Path, name: str, content: bytes) -> Path:
    path = root / ".vscode" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def round_trip(root: Path, state: Path, fix: str, old: Optional[bytes]) -> bytes:
    """Plan, apply, check, plan again (nothing), undo; returns what was written."""
    name = "launch.json" if fix == "editor.launch" else "settings.json"
    path = root / ".vscode" / name
    facts = facts_of(root)
    before = judged(facts, fix)
    assert before.remedy is not None
    assert before.remedy.fix == fix
    steps, refusals = planned(facts, fix)
    assert refusals == []
    (step,) = steps
    assert isinstance(step, WriteFile if old is None else EditFile)
    assert step.diff
    report = apply(new_plan(facts.target, steps), [step.id], state=state)
    assert report.exit_code == 0
    again = facts_of(root)
    assert judged(again, fix).status is Status.OK, judged(again, fix)
    assert planned(again, fix) == ([], [])
    new = path.read_bytes()
    undo(state)
    if old is None:
        assert not path.parent.exists()
    else:
        assert path.read_bytes() == old
    return new


def test_a_tree_without_vscode_gets_both_configurations(root: Path, tmp_path: Path) -> None:
    new = round_trip(root, tmp_path / "state", "editor.launch", None)
    assert (b"\r\n" in new) is (os.name == "nt")
    data = json.loads(new.decode("utf-8"))
    rollout, inbetween = data["configurations"]
    assert rollout["module"] == "mld.rollout_demo"
    assert inbetween["module"] == "mld.optim_mld"
    folder = str(root).replace("\\", "/")
    for one in (rollout, inbetween):
        checkpoint = one["args"][one["args"].index("--denoiser_checkpoint") + 1]
        assert checkpoint == f"{folder}/{TABLE.checkpoint}"
        assert one["cwd"] == folder
        assert one["console"] == "integratedTerminal"
        assert "{" not in " ".join(one["args"])
        assert one["args"][-2:] == ["--device", "cuda"]
    assert f"{folder}/data/inbetween/pace_in_circles/babel_2f.pkl" in inbetween["args"]


COMMENTED = (
    "{\r\n"
    "\t// Use IntelliSense 智能感知\r\n"
    '\t"version": "0.2.0",\r\n'
    '\t"configurations": [\r\n'
    "\t\t{\r\n"
    '\t\t\t"name": "Mine", // keep, me ]\r\n'
    '\t\t\t"type": "python", "request": "launch",\r\n'
    '\t\t\t"program": "${file}",\r\n'
    "\t\t}, // the last of mine\r\n"
    "\t],\r\n"
    '\t"compounds": [], /* end */\r\n'
    "}"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_what_is_there_is_kept(root: Path, tmp_path: Path, encoding: str) -> None:
    old = COMMENTED.encode(encoding)
    put(root, "launch.json", old)
    new = round_trip(root, tmp_path / "state", "editor.launch", old)
    text = new.decode(encoding)
    if encoding == "utf-8-sig":
        assert new.startswith(b"\xef\xbb\xbf")
    head, tail = COMMENTED.split("\r\n\t],")
    assert text.startswith(head + '\r\n\t\t{\r\n\t\t\t"name": "DART')
    assert text.endswith("\r\n\t\t},\r\n\t]," + tail)
    assert "\n" not in text.replace("\r\n", "")


def test_only_the_missing_one_is_added(root: Path, tmp_path: Path) -> None:
    mine = {"name": "x", "module": "mld.optim_mld", "args": ["--denoiser_checkpoint", "/abs/c.pt"]}
    old = json.dumps({"version": "0.2.0", "configurations": [mine]}).encode("ascii")
    put(root, "launch.json", old)
    new = json.loads(round_trip(root, tmp_path / "state", "editor.launch", old).decode("utf-8"))
    assert new["configurations"][0] == mine
    assert [c["module"] for c in new["configurations"][1:]] == ["mld.rollout_demo"]


def test_a_relative_checkpoint_becomes_absolute_and_nothing_else_changes(
    root: Path, tmp_path: Path
) -> None:
    text = """{
  "configurations": [
    { "name": "a", "module": "mld.optim_mld", "cwd": "/x",
      "args": ["--denoiser_checkpoint", "rel.pt"] },
    {
      "name": "b", "module": "mld.rollout_demo",
      "args": [
        "--seed", "7", // mine
        "--denoiser_checkpoint", "./mld_denoiser/mine/checkpoint_200000.pt", // old
      ],
    },
  ]
}
"""
    put(root, "launch.json", text.encode("utf-8"))
    new = round_trip(root, tmp_path / "state", "editor.launch", text.encode("utf-8"))
    folder = str(root).replace("\\", "/")
    value = f'"{folder}/mld_denoiser/mine/checkpoint_200000.pt"'
    assert new.decode("utf-8") == text.replace('"./mld_denoiser/mine/checkpoint_200000.pt"', value)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": "0.2.0"}',
        "{}",
        '{\n    "configurations": []\n}\n',
        '{\n    "configurations": [ // none yet\n    ],\n}\n',
        '{"configurations": [{"name": "a", "module": "m"}]}',
        '{"configurations": [1, "x"], "configurations": []}',
    ],
)
def test_thin_files_are_filled(root: Path, tmp_path: Path, text: str) -> None:
    put(root, "launch.json", text.encode("utf-8"))
    new = round_trip(root, tmp_path / "state", "editor.launch", text.encode("utf-8"))
    data = jsonc.loads(new.decode("utf-8"))
    assert [c["module"] for c in data["configurations"]][-2:] == [r.module for r in TABLE.launch]
    assert ("none yet" in text) is (b"none yet" in new)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"configurations": {}}', "no list"),
        (b"[]", "not an object"),
        (b"", "not JSON"),
        (b'{"configurations": [', "not JSON"),
        (b'{"a": "\xff\xff"}', "neither UTF-8 nor GBK"),
        (
            b'{"configurations": [{"module": "mld.optim_mld", "args": "--denoiser_checkpoint a"}]}',
            "one string",
        ),
    ],
)
def test_what_cannot_be_merged_is_refused(root: Path, content: bytes, why: str) -> None:
    path = put(root, "launch.json", content)
    steps, refusals = planned(facts_of(root), "editor.launch")
    assert steps == []
    assert why in refusals[0].reason
    assert refusals[0].path == str(path)


def test_a_read_only_file_is_refused(root: Path) -> None:
    path = put(root, "launch.json", b"{}")
    path.chmod(0o444)
    _, refusals = planned(facts_of(root), "editor.launch")
    path.chmod(0o644)
    assert "read-only" in refusals[0].reason


def test_gbk_that_does_not_hold_this_path_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "DART \u0e14"
    root.mkdir()
    put(root, "launch.json", "{ // 智能\n}".encode("gbk"))
    _, refusals = planned(facts_of(root), "editor.launch")
    assert "GBK" in refusals[0].reason


def test_windows_facts_give_forward_slashes_and_a_windows_file() -> None:
    facts = Facts(
        editor=EditorFacts(folder="C:\\DART main\\"),
        interpreter=InterpreterFacts(executable="C:\\a\\envs\\dart\\python.exe", version="3.8.8"),
        host=host("windows"),
        target=TargetFacts(profile="windows-cpu"),
    )
    (step,), _ = planned(facts, "editor.launch")
    assert isinstance(step, WriteFile)
    assert step.path == "C:\\DART main\\.vscode\\launch.json"
    assert step.content.endswith(b"}\r\n")
    args = json.loads(step.content.decode("utf-8"))["configurations"][0]["args"]
    assert args[1] == "C:/DART main/" + TABLE.checkpoint
    assert args[-1] == "cpu"
    (step,), _ = planned(facts, "editor.interpreter")
    assert isinstance(step, WriteFile)
    assert step.path == "C:\\DART main\\.vscode\\settings.json"
    settings: Dict[str, Any] = json.loads(step.content.decode("utf-8"))
    assert settings == {"python.defaultInterpreterPath": "C:\\a\\envs\\dart\\python.exe"}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{}\n",
        '{\n  // mine\n  "editor.rulers": [100], // r\n}\n',
        '{"python.defaultInterpreterPath": "/other/python", "a": 1}',
        '{\r\n    "python.defaultInterpreterPath": null, // ?\r\n}\r\n',
        '{"python.pythonPath": "/old/python"}',
    ],
)
def test_the_interpreter_is_one_setting(root: Path, tmp_path: Path, text: Optional[str]) -> None:
    old = None if text is None else text.encode("utf-8")
    if old is not None:
        put(root, "settings.json", old)
    new = round_trip(root, tmp_path / "state", "editor.interpreter", old).decode("utf-8")
    data = jsonc.loads(new)
    assert data.pop("python.defaultInterpreterPath") == PYTHON
    rest = jsonc.loads(text or "{}")
    rest.pop("python.defaultInterpreterPath", None)
    assert data == rest
    for comment in ("// mine", "// r", "// ?"):
        assert (comment in (text or "")) is (comment in new)


def test_the_old_setting_is_enough_where_it_is_right(root: Path) -> None:
    put(root, "settings.json", json.dumps({"python.pythonPath": PYTHON}).encode("utf-8"))
    assert planned(facts_of(root), "editor.interpreter") == ([], [])


def test_without_a_tree_or_an_interpreter_there_is_nothing_to_write(root: Path) -> None:
    assert planned(Facts(), "editor.launch")[1]
    facts = msgspec.structs.replace(facts_of(root), interpreter=None)
    assert planned(facts, "editor.interpreter")[1]
