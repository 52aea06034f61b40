from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from dartenv.fixes.patches.body_model_dir import PATCH
from dartenv.fixes.patches.result import PatchResult

Run = Callable[..., PatchResult]
HEAD = "from pathlib import Path\nroot = Path('data')\n"


@pytest.mark.parametrize(
    ("old", "folder", "new"),
    [
        (
            "models = root / 'smplx_v1/models/'  # c\n",
            "data/bodies",
            "models = root / 'bodies'  # c\n",
        ),
        ('models = root / "a"\n', "data/b/c", 'models = root / "b/c"\n'),
        ("models = root / 'a'\n", "bodies", "models = Path('bodies')\n"),
        ("models = root / 'a'\n", "D:/Körper modelle/x", "models = Path('D:/Körper modelle/x')\n"),
        ("models = root / 'a'\n", "D:\\models\\smplx", "models = Path('D:/models/smplx')\n"),
        ("models = Path('a')\n", "data/b", "models = Path('data/b')\n"),
        ("models = 'data/a'\n", "data/b", "models = 'data/b'\n"),
        ("models = root / 'a'\n", "data/it's", "models = root / 'it\\'s'\n"),
        ("models: Path = (root / 'a')\n", "data/b", "models: Path = (root / 'b')\n"),
        (
            "models = root / 'a'\r\nother = models / 'x'\r\n",
            "data/b",
            "models = root / 'b'\r\nother = models / 'x'\r\n",
        ),
        ("models = root / 'a' / 'deep'\n", "data/b", "models = Path('data/b')\n"),
    ],
)
def test_what_is_written(old: str, folder: str, new: str, run: Run) -> None:
    result = run(PATCH, HEAD + old, "paths.py", folder=folder)
    assert result.data.decode() == HEAD + new
    assert result.refusals == ()


def test_a_folder_inside_the_root_is_written_relative(run: Run) -> None:
    result = run(PATCH, HEAD + "models = root / 'a'\n", folder="/tree/data/b", root="/tree")
    assert result.data.decode() == HEAD + "models = root / 'b'\n"


@pytest.mark.parametrize("folder", [None, "data/a", "data/./a/", "./data/a"])
def test_nothing_is_written_where_nothing_is_to_change(folder: str, run: Run) -> None:
    result = run(PATCH, HEAD + "models = root / 'a/'\n", folder=folder)
    assert (result.edits, result.refusals) == ((), ())


@pytest.mark.parametrize(
    "old",
    [
        "import os\nmodels = os.environ.get('M', 'data')\n",
        "if x:\n    models = root / 'a'\nelse:\n    models = root / 'b'\n",
    ],
)
def test_what_is_left_alone(old: str, run: Run) -> None:
    result = run(PATCH, HEAD + old, folder="data/b")
    assert result.data.decode() == HEAD + old
    assert len(result.refusals) == 1


def test_a_name_the_files_encoding_lacks_is_refused(run: Run) -> None:
    data = (b"# coding: latin-1\n" + HEAD.encode()) + b"models = root / 'a'\n"
    result = run(PATCH, data, folder="data/步行")
    assert result.data == data
    assert "latin" in result.refusals[0].reason or "iso-8859" in result.refusals[0].reason


def test_python_computes_the_folder(run: Run) -> None:
    names: Dict[str, Any] = {}
    exec(run(PATCH, HEAD + "models = root / 'a'\n", folder="data/b c/步").data, names)
    assert names["models"] == Path("data/b c/步")
