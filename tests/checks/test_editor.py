"""Checks of VS Code's files and Unreal's tools on literal facts."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    BlenderFacts,
    EditorFacts,
    EngineFacts,
    Facts,
    InterpreterFacts,
    LaunchFacts,
    SourceFacts,
    UnrealFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

ROOT = SourceFacts(root="D:\\DART", exists=True, is_dir=True, kind="dart")
PYTHON = InterpreterFacts(executable="C:\\Users\\李明\\envs\\dart\\python.exe", version="3.8.8")
CHECKPOINT = "D:/DART/mld_denoiser/x/checkpoint_300000.pt"


def only(check: str, **facts: Any) -> Finding:
    all_checks()
    profile = Profile(id="p", title="t", source="s", system="windows")
    facts.setdefault("source", ROOT)
    (one,) = run_checks(Context(Facts(**facts), profile, Manifests()), REGISTRY.select([check]))
    return one


def launch(*modules: str, checkpoint: str = CHECKPOINT) -> EditorFacts:
    return EditorFacts(
        folder="D:\\DART",
        launch_exists=True,
        launch=tuple(
            LaunchFacts(name=m, module=m, args=("--denoiser_checkpoint", checkpoint))
            for m in modules
        ),
    )


BOTH = ("mld.rollout_demo", "mld.optim_mld")


@pytest.mark.parametrize(
    ("editor", "status", "word"),
    [
        (launch(*BOTH), Status.OK, "launch.json"),
        (launch("mld.rollout_demo"), Status.INFO, "mld.optim_mld"),
        (launch(*BOTH, checkpoint="./mld_denoiser/x.pt"), Status.INFO, "relative"),
        (EditorFacts(folder="D:\\DART"), Status.INFO, "mld.rollout_demo or mld.optim_mld"),
        (EditorFacts(folder="D", launch_problem="not JSON: x"), Status.INFO, "not JSON"),
    ],
)
def test_launch_configurations(editor: EditorFacts, status: Status, word: str) -> None:
    one = only("editor.launch", editor=editor)
    assert one.status is status
    assert word in one.summary


@pytest.mark.parametrize(
    ("setting", "status"),
    [
        ("c:/users/李明/envs/dart/python.exe", Status.OK),
        ("C:\\Python311\\python.exe", Status.INFO),
        (None, Status.INFO),
    ],
)
def test_the_interpreter_of_the_editor(setting: Optional[str], status: Status) -> None:
    editor = EditorFacts(folder="D", interpreter=setting, interpreter_key="python.x")
    assert only("editor.interpreter", editor=editor, interpreter=PYTHON).status is status


def test_blender_and_the_addon() -> None:
    fine = UnrealFacts(
        blenders=(BlenderFacts(path="b", version="4.5.1"),), addons=("smplx_blender_addon.zip",)
    )
    assert only("unreal.blender", unreal=fine).status is Status.OK
    old = UnrealFacts(
        blenders=(BlenderFacts(path="b", version="3.4.1"),), code_archives=("main.zip",)
    )
    one = only("unreal.blender", unreal=old)
    assert one.status is Status.INFO
    assert "3.4.1" in one.summary
    assert "source without its models" in one.summary


def test_engines_and_what_a_bundle_may_use() -> None:
    engines = tuple(EngineFacts(path=f"UE_{v}", version=v) for v in ("5.5.4", "5.6.0", "4.27.2"))
    one = only("unreal.engine", unreal=UnrealFacts(engines=engines))
    assert "ONNX Runtime 1.17.1, opset up to 20, IR up to 9" in one.summary
    assert "not confirmed" in one.evidence[0]
    assert "opset 17, IR 8 is safe" in one.evidence[1]
    assert "no Unreal Engine" in only("unreal.engine", unreal=UnrealFacts()).summary


def test_a_bundle_is_found_or_not_and_never_called_tested() -> None:
    assert "no exported bundle" in only("unreal.bundle", unreal=UnrealFacts()).summary
    found = only("unreal.bundle", unreal=UnrealFacts(bundles=("D:/DART/bundle/bundle.json",)))
    assert "not run" in found.summary
