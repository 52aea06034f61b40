"""The manifests agree with each other, and a contradiction is named."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from dartenv.every_manifest import every_problem as validate
from dartenv.manifests.loader import Manifests, default_manifests

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = """
id = "odd"
title = "odd"
source = "this test"
system = "windows"
python = ["3.8"]
compute = "cu118"
cuda = "11.8"
torch = "2.4.1+cu118"
torch_index = "https://download.pytorch.org/whl/cu118"
pytorch3d = "wheel"
numpy = ">=1.21,<2"
onnxruntime = "onnxruntime-gpu==1.18.1"
entry_points = ["mld.rollout_mld"]
"""


def lines(tmp_path: Path, text: str, name: str = "profiles/odd.toml") -> List[str]:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [problem.line() for problem in validate(Manifests([tmp_path]))]


def test_the_packaged_manifests_agree() -> None:
    assert [problem.line() for problem in validate(default_manifests())] == []


def test_a_profile_that_the_tables_support_has_no_problem(tmp_path: Path) -> None:
    assert lines(tmp_path, HEAD) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('python = ["3.8"]', 'python = ["3.13"]', "torch 2.4.1 has no wheels for Python 3.13"),
        ('python = ["3.8"]', 'python = ["3.13"]', "no wheel for Python 3.13, torch 2.4.1, cu118"),
        ('torch = "2.4.1+cu118"', 'torch = "2.8.0+cu118"', "torch 2.8.0 has no cu118 wheels"),
        ('torch = "2.4.1+cu118"', 'torch = "2.4.1+cu121"', "torch 2.4.1 has no cu118 wheels"),
        ('torch = "2.4.1+cu118"', 'torch = "2.99.0+cu118"', "torch 2.99.0 is not in compat/torch"),
        ('torch = "2.4.1+cu118"', 'torch = "2.1.0+cu118"', "no wheel for Python 3.8, torch 2.1.0"),
        ('cuda = "11.8"', 'cuda = "12.8"', "cu118 does not go with cuda 12.8"),
        ("whl/cu118", "whl/cu121", "torch_index"),
        ('numpy = ">=1.21,<2"', 'numpy = ">=1.26"', "does not exist for Python 3.8"),
        ('numpy = ">=1.21,<2"', 'numpy = "one"', "is not a specifier"),
        ("==1.18.1", "==1.19.2", "onnxruntime-gpu==1.19.2 is built for CUDA 12"),
        ("onnxruntime-gpu==", "onnxruntime-rocm==", "onnxruntime-rocm is not in"),
        ('source = "this test"', 'source = ""', "no source is named"),
        ("mld.rollout_mld", "mld.no_such", "mld.no_such is no entry point"),
        ('pytorch3d = "wheel"', 'pytorch3d = "maybe"', "'maybe' is not wheel"),
        ('system = "windows"', 'system = "plan9"', "'plan9' is not windows"),
    ],
)
def test_a_contradiction_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in HEAD
    found = lines(tmp_path, HEAD.replace(before, after))
    assert any(said in line for line in found), found
    assert any(line.startswith("profiles/odd: ") for line in found)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('falls_back_to = ["nowhere"]', "no profile nowhere"),
        ('torchvision = "0.18.1+cu118"', "does not belong to torch 2.4.1: 0.19.1"),
        ('torchaudio = "2.4.1+cpu"', "is not built for cu118"),
        ('pytorch3d_version = "0.7.5"', "0.7.5 is not 0.7.8+pt2.4.1cu118"),
        ('python_reference = "3.9.1"', "3.9.1 is not among"),
        ('[[requirements]]\nname = "x"\nspec = ">=2"\npin = "1"', "pin 1 is not >=2"),
        ('[[requirements]]\nname = "x"\nmarkers = "python is nice"', "cannot be read"),
        ('[[requirements]]\nname = "x"\nneeded_by = ["mld.other"]', "is not an entry point of"),
    ],
)
def test_a_contradiction_in_what_is_optional_is_named(
    tmp_path: Path, extra: str, said: str
) -> None:
    found = lines(tmp_path, HEAD + extra + "\n")
    assert any(said in line for line in found), found


def test_a_manifest_that_cannot_be_read_is_a_problem_and_not_an_end(tmp_path: Path) -> None:
    found = lines(tmp_path, "id = 3\n")
    assert len(found) == 1
    assert found[0].startswith("profiles/odd: file: ")
    table = lines(tmp_path, 'id = "torch"\n', "compat/torch.toml")
    assert table[0].startswith("compat/torch: file: ")


def test_every_profile_of_the_project_is_there() -> None:
    assert set(default_manifests().stems("profiles")) >= {
        "windows-cu118",
        "linux-cu118",
        "windows-cu128",
        "linux-cu128",
        "windows-cpu",
        "linux-cpu",
        "sandbox",
    }


MUTATIONS = [
    (
        "profiles/windows-cu118.toml",
        'pytorch3d = "wheel"',
        'toolkit = "perhaps"\npytorch3d = "wheel"',
        "toolkit",
    ),
    (
        "profiles/windows-cu118.toml",
        'pytorch3d = "wheel"',
        'backend = "spack"\npytorch3d = "wheel"',
        "backend",
    ),
    (
        "profiles/windows-cu118.toml",
        '["windows-cu128"',
        '["linux-cu128"',
        "linux-cu128 is for linux",
    ),
    ("profiles/windows-cu118.toml", '"smplx", "clip"]', '"smplx", "clap"]', "clap is none of"),
    (
        "profiles/windows-cu118.toml",
        'numpy = ">=1.21,<2"',
        'numpy = ">=1.21,<1.24"',
        "the pin 1.24.4",
    ),
    ("profiles/windows-cu118.toml", "==1.18.1", "==latest", "'latest' is not a version"),
    (
        "profiles/windows-cu118.toml",
        "python_version < '3.10'",
        "python_version <",
        "cannot be read",
    ),
    ("profiles/windows-cu118.toml", 'spec = ">=5.4"', 'spec = "new"', "is not a specifier"),
    ("profiles/windows-cu118.toml", "title =", "titel =", "titel"),
    ("compat/torch.toml", 'version = "2.4.1"', 'version = "2.4.9"', "torch 2.4.1 is not in"),
    ("compat/numpy.toml", 'numpy = ">=2"', 'numpy = ">=1.20"', "mesh.py reads np.infty"),
    ("compat/unreal.toml", '"1.17.1"', '"0.9.0"', "0.9.0 is in no row of opsets"),
    ("compat/unreal.toml", "opset = 20", "opset = 22", "compat/onnxruntime has 20"),
    ("compat/unreal.toml", "safe_opset = 17", "safe_opset = 19", "below opset 19"),
    ("compat/editor.toml", 'module = "mld.rollout_demo"', 'module = "mld.demo"', "mld.demo"),
    ("compat/tools.toml", 'id = "tools"', 'idd = "tools"', "compat/tools: file"),
    ("assets/dart.toml", "[[checkpoints]]", "[[check]]", "assets/dart: file"),
    ("install/mirrors.toml", "url", "ur1", "install/mirrors: file"),
    ("patches/posixpath.toml", "title", "titel", "patches/posixpath: file"),
    ("scenarios/rollout.toml", "id =", "idd =", "scenarios/rollout: file"),
    (
        "trees/dart.toml",
        '"mld.rollout_mld"',
        '"mld.rollout_x"',
        "mld.rollout_mld is no entry point",
    ),
]


@pytest.mark.parametrize(
    ("name", "before", "after", "said"), MUTATIONS, ids=[f"{m[0]}-{m[3]}" for m in MUTATIONS]
)
def test_a_table_that_was_changed_is_named(
    tmp_path: Path, name: str, before: str, after: str, said: str
) -> None:
    text = (REPOSITORY / "manifests" / name).read_text(encoding="utf-8")
    assert before in text
    assert said in "\n".join(lines(tmp_path, text.replace(before, after), name))
