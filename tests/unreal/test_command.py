"""``dartenv unreal``: what it prints, and how it ends on wrong input."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("numpy")
from dartenv.cli.app import assemble
from dartenv.errors import UsageFault


def _run(*words):
    return CliRunner().invoke(assemble(), ["unreal", *map(str, words)])


def test_body_says_sizes_bones_and_the_cut(smplx, tmp_path):
    done = _run("body", "--smplx", smplx, "--out", tmp_path / "out", "--morphs", "betas:2")
    assert done.exit_code == 0, done.output
    assert "2 morph targets; without them" in done.output
    assert "55 bones" in done.output
    assert "points lost weight" in done.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["SMPLX_male.glb", "SMPLX_male.retarget.json"]


def test_body_and_clip_as_json(smplx, tmp_path):
    import numpy as np

    np.savez(tmp_path / "a.npz", poses=np.zeros((3, 66)), trans=np.zeros((3, 3)), fps=20.0)
    done = _run("body", "--smplx", smplx, "--out", tmp_path, "--json")
    body = json.loads(done.output)
    assert body["bones"] == 55
    assert body["files"][0]["bytes"] == (tmp_path / "SMPLX_male.glb").stat().st_size
    done = _run("clip", tmp_path / "a.npz", "--smplx", smplx, "-o", tmp_path / "c.glb", "--json")
    clip = json.loads(done.output)
    assert (clip["frames"], clip["fps"], clip["mesh"]) == (3, 20.0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--smplx", "absent.npz"),
        ("--smplx", "REAL", "--format", "obj"),
        ("--smplx", "REAL", "--morphs", "pose:9"),
        ("--smplx", "REAL", "--betas", "x"),
        ("--smplx", "REAL", "--format", "fbx", "--blender", "absent"),
    ],
)
def test_wrong_input_is_a_usage_fault_and_writes_nothing(words, smplx, tmp_path):
    given = [smplx if word == "REAL" else word for word in words]
    done = _run("body", *given, "--out", tmp_path / "out")
    assert isinstance(done.exception, UsageFault)
    assert not (tmp_path / "out").exists()
