from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Dict

import pytest

from dartenv.errors import UsageFault
from dartenv.facts.source import probe_source
from dartenv.facts.source_spec import source_spec
from dartenv.fixes.patches.plan import IDS, PatchPlan, plan_patches
from dartenv.manifests.loader import Manifests
from dartenv.source.spec import SourceSpec

DART = os.environ.get("DARTENV_TEST_DART_ROOT", "")
FILES = {
    "paths.py": "from pathlib import Path\nmodels = Path('data/a')\n",
    "run.py": (
        "import numpy as np\r\nimport torch\r\nimport tyro\r\n\r\n"
        "def load(t, p):\r\n"
        "    args = tyro.extras.from_yaml(dict, t)\r\n"
        "    return args, torch.load(p), np.float\r\n"
    ),
    "args.py": "from dataclasses import dataclass\n@dataclass\nclass X:\n    n: int = 0\n",
    "more.py": "from args import X, dataclass\n@dataclass\nclass A:\n    x: X = X()\n",
    "save.py": "def save(out, prompt):\n    return out / prompt, f'{prompt!r}' and out / f'{prompt!r}'\n",
    "broken.py": "import numpy as np\nx = (np.float\n",
    "clean.py": "x = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "步行 tree"
    folder.mkdir()
    for path, text in FILES.items():
        (folder / path).write_bytes(text.encode("utf-8"))
    return folder


def write(root: Path, plan: PatchPlan) -> None:
    for file in plan.files:
        place = root.joinpath(*file.path.split("/"))
        assert place.read_bytes() == file.old
        place.write_bytes(file.new)


def test_a_plan_changes_nothing_and_tells_everything(root: Path, spec: SourceSpec) -> None:
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    plan = plan_patches(str(root), IDS, spec, body_model_folder="data/b")
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before
    assert [file.path for file in plan.files] == ["more.py", "paths.py", "run.py", "save.py"]
    by_path = {file.path: file for file in plan.files}
    assert by_path["run.py"].patches == (
        "source.numpy-aliases",
        "source.posixpath",
        "source.torch-load",
    )
    for file in plan.files:
        assert file.old == before[file.path]
        assert file.old_sha256 == hashlib.sha256(file.old).hexdigest()
        assert file.edits
    assert [(r.path, r.patch) for r in plan.refusals] == [("save.py", "source.prompt-filenames")]
    assert [problem.path for problem in plan.problems] == ["broken.py"]


def test_once_written_nothing_is_left_to_plan(root: Path, spec: SourceSpec) -> None:
    write(root, plan_patches(str(root), IDS, spec, body_model_folder="data/b"))
    again = plan_patches(str(root), IDS, spec, body_model_folder="data/b")
    assert again.files == ()
    assert len(again.refusals) == 1
    text = (root / "run.py").read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n")


def test_one_patch_alone(root: Path, spec: SourceSpec) -> None:
    plan = plan_patches(str(root), ["source.torch-load"], spec)
    assert [(file.path, file.patches) for file in plan.files] == [
        ("run.py", ("source.torch-load",))
    ]


def test_the_body_model_patch_needs_a_folder(root: Path, spec: SourceSpec) -> None:
    assert plan_patches(str(root), ["source.body-model-dir"], spec).files == ()
    plan = plan_patches(str(root), ["source.body-model-dir"], spec, body_model_folder="b")
    assert b"Path('b')" in plan.files[0].new


def test_only_the_named_files(root: Path, spec: SourceSpec) -> None:
    plan = plan_patches(str(root), IDS, spec, only=["more.py", "no/such.py"])
    assert [file.path for file in plan.files] == ["more.py"]


def test_an_unknown_patch_is_wrong_usage(root: Path, spec: SourceSpec) -> None:
    with pytest.raises(UsageFault, match=r"source\.numpy-aliases"):
        plan_patches(str(root), ["source.nonsense"], spec)


def test_a_missing_root_has_nothing_to_patch(tmp_path: Path, spec: SourceSpec) -> None:
    plan = plan_patches(str(tmp_path / "gone"), IDS, spec)
    assert plan.files == ()
    assert plan.problems


@pytest.fixture
def dart(tmp_path: Path) -> Path:
    if not DART:
        pytest.skip("DARTENV_TEST_DART_ROOT names no DART tree")
    copy = tmp_path / "DART"
    for place in Path(DART).rglob("*.py"):
        target = copy / place.relative_to(DART)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(place), str(target))
    return copy


@pytest.mark.dart
def test_the_real_tree_is_repaired(dart: Path) -> None:
    spec = source_spec(Manifests())
    started = time.process_time()
    plan = plan_patches(str(dart), IDS, spec, body_model_folder="data/smplx-models")
    seconds = time.process_time() - started
    assert plan.refusals == ()
    assert plan.problems == ()
    counts: Dict[str, int] = {}
    for file in plan.files:
        compile(file.new, file.path, "exec")
        for patch in file.patches:
            counts[patch] = counts.get(patch, 0) + 1
    assert set(counts) == set(IDS)
    assert counts["source.posixpath"] == 6
    assert counts["source.dataclass-defaults"] == 3
    assert counts["source.prompt-filenames"] == 2
    assert counts["source.numpy-aliases"] == 5
    write(dart, plan)
    assert plan_patches(str(dart), IDS, spec, body_model_folder="data/smplx-models").files == ()
    facts = probe_source(str(dart), spec)
    for name in (
        "numpy_aliases",
        "posixpath",
        "prompt_filenames",
        "dataclass_defaults",
        "torch_load",
    ):
        assert {x.state for x in getattr(facts, name)} <= {"repaired"}, name
    assert facts.body_model_dir == "data/smplx-models"
    assert seconds < 20, f"planning took {seconds:.1f} s of processor time on {sys.version}"
