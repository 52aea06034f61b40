"""The manifests agree with each other, and a contradiction is named."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from dartenv.manifests.loader import Manifests, default_manifests
from dartenv.manifests.validate import validate

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
