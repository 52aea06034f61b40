"""VS Code's files and Unreal's tools as they lie on a disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import pytest

from dartenv.facts import jsonc
from dartenv.facts.editor import probe_editor
from dartenv.facts.runner import Completed
from dartenv.facts.unreal import probe_unreal
from dartenv.facts.windows import NoRegistry
from dartenv.manifests.compat_editor import EditorTable, UnrealTable
from dartenv.manifests.loader import Manifests

EDITOR = Manifests().read("compat", "editor", EditorTable)
UNREAL = Manifests().read("compat", "unreal", UnrealTable)

LAUNCH = """\ufeff{
    // rollout, from the note "http://example/x"
    "version": "0.2.0", /* two
    lines */
    "configurations": [
        {"name": "a // b", "module": "mld.rollout_demo", "args": ["--x", "1",], },
    ],
}
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            '{"a": "// no comment, ]", /* x */ "b": [1, 2, ], }',
            {"a": "// no comment, ]", "b": [1, 2]},
        ),
        ("// only\n[]", []),
        ('{"a": "\\"//", "b": "/*"}', {"a": '"//', "b": "/*"}),
        ("[1 /* , ] */ ,\n // x\n ]", [1]),
    ],
)
def test_json_with_comments(text: str, value: Any) -> None:
    assert jsonc.loads(text) == value


@pytest.mark.parametrize("text", ["", "{", '{"a": }', "[1,,]", '"open', "// all comment"])
def test_what_is_no_json_even_so(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        jsonc.loads(text)


def put(root: Path, name: str, data: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_a_launch_file_with_comments_is_read(tmp_path: Path) -> None:
    put(tmp_path, ".vscode/launch.json", LAUNCH.encode("utf-8"))
    put(tmp_path, ".vscode/settings.json", b'{"python.pythonPath": "C:\\\\e\\\\python.exe"}')
    facts = probe_editor(str(tmp_path), EDITOR).value
    assert facts is not None
    assert facts.launch_problem is None
    assert [(c.name, c.module, c.args) for c in facts.launch] == [
        ("a // b", "mld.rollout_demo", ("--x", "1"))
    ]
    assert (facts.interpreter, facts.interpreter_key) == ("C:\\e\\python.exe", "python.pythonPath")


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000],
    ids=["cut off", "a list", "not text", "too deep"],
)
def test_a_broken_launch_file_is_told(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, ".vscode/launch.json", data)
    facts = probe_editor(str(tmp_path), EDITOR).value
    assert facts is not None
    assert facts.launch_exists
    assert facts.launch_problem
    assert facts.launch == ()


def test_no_editor_files_are_no_problem(tmp_path: Path) -> None:
    facts = probe_editor(str(tmp_path), EDITOR).value
    assert facts is not None
    assert (facts.launch_exists, facts.launch_problem, facts.interpreter) == (False, None, None)


class OneAnswer:
    def __init__(self, answer: Completed) -> None:
        self.answer = answer
        self.asked: List[Sequence[str]] = []

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        self.asked.append(argv)
        return self.answer


def posix(tmp_path: Path, runner: OneAnswer) -> Any:
    env: Dict[str, str] = {"HOME": str(tmp_path)}
    import msgspec

    table = msgspec.structs.replace(
        UNREAL,
        blender_posix=("%HOME%/blender*/blender",),
        engine_posix=("%HOME%/UnrealEngine*",),
    )
    return probe_unreal(env, runner, table, str(tmp_path), NoRegistry(), is_windows=False)


def test_blender_engine_and_addon_are_found(tmp_path: Path) -> None:
    put(tmp_path, "blender-4.5/blender", b"")
    put(
        tmp_path,
        "UnrealEngine-5.5/Engine/Build/Build.version",
        json.dumps({"MajorVersion": 5, "MinorVersion": 5, "PatchVersion": 4}).encode("utf-8"),
    )
    put(tmp_path, "Downloads/smplx_blender_addon_300_20220623.zip", b"PK")
    put(tmp_path, "Downloads/SMPLX_blender_addon-main.zip", b"PK")
    answer = Completed(["blender"], 0, b"Color management: ...\nBlender 4.5.1\n  build date\n")
    runner = OneAnswer(answer)
    probed = posix(tmp_path, runner)
    unreal = probed.value
    assert [b.version for b in unreal.blenders] == ["4.5.1"]
    assert [e.version for e in unreal.engines] == ["5.5.4"]
    assert "smplx_blender_addon_300_20220623.zip" in unreal.addons[0]
    assert "main" in unreal.code_archives[0]
    assert len(runner.asked) == 1


def test_a_blender_that_hangs_is_named_and_the_rest_stands(tmp_path: Path) -> None:
    put(tmp_path, "blender/blender", b"")
    put(tmp_path, "UnrealEngine/Engine/Build/Build.version", b"not json")
    probed = posix(tmp_path, OneAnswer(Completed(["b"], None, failure="timeout")))
    assert "no answer within 8 s" in probed.failures[0].reason
    assert probed.value.blenders[0].version is None
    assert probed.value.engines[0].version is None


def test_a_bundle_says_what_engines_get(tmp_path: Path) -> None:
    fixture = Path(__file__).resolve().parents[1] / "fixtures" / "hosts" / "bundle.json"
    document = json.loads(fixture.read_text(encoding="utf-8"))
    files = [f for m in document["models"] for f in m["files"] if f["portable"]]
    put(tmp_path, "bundle/bundle.json", json.dumps(document).encode("utf-8"))
    put(tmp_path, f"bundle/{files[0]['path']}", b"x" * files[0]["size"])
    for other in files[1:]:
        put(tmp_path, f"bundle/{other['path']}", b"x")
    probed = posix(tmp_path, OneAnswer(Completed(["b"], 0, b"")))
    (told,) = probed.value.told
    assert told.path == probed.value.bundles[0]
    assert told.kind == "sandbox"
    assert [(f.path, f.opset, f.ir) for f in told.portable] == [
        (f["path"], f["opset"], f["ir"]) for f in files
    ]
    assert told.portable[0].problem is None
    assert [f.problem for f in told.portable[1:]] == [
        f"1 bytes instead of {f['size']}" for f in files[1:]
    ]
    (tmp_path / "bundle" / files[0]["path"]).unlink()
    assert posix(tmp_path, OneAnswer(Completed(["b"], 0, b""))).value.told[0].portable[0].problem


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99}', '{"schema": 1}'])
def test_what_is_no_bundle_is_told(tmp_path: Path, text: str) -> None:
    put(tmp_path, "bundle.json", text.encode("utf-8"))
    (told,) = posix(tmp_path, OneAnswer(Completed(["b"], 0, b""))).value.told
    assert told.problem is not None
    assert "bundle" in told.problem
