"""Checks of VS Code's files on literal facts."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    EditorFacts,
    Facts,
    InterpreterFacts,
    LaunchFacts,
    SourceFacts,
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
