from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict

import pytest

from dartenv.source.bodymodel import find
from dartenv.source.module import Module

Make = Callable[..., Module]
HEAD = "import os\nimport os.path as osp\nimport pathlib\nfrom pathlib import Path\nroot = Path('data')\n"
PATH = "conf/paths.py"

TELLABLE = [
    "d = root / 'smplx'",
    "d = root / 'a/b/'",
    "d = root / 'a' / 'b' / 'c'",
    "d = Path('data') / 'm'",
    "d = Path('data', 'm', 'n')",
    "d = pathlib.Path('data/m')",
    "d = 'data/m'",
    "d = './data/../data/m'",
    "name = 'm'\nd = root / name",
    "name = 'm'\nd = f'data/{name}_v1'",
    "d = 'data' + '/' + 'm'",
    "d = os.path.join('data', 'm')",
    "d = osp.join(str(root), 'm')",
    "d = root.joinpath('a', 'b')",
    "d = root.parent / 'other'",
    "d: Path = root / 'm'",
    "d = Path(__file__).parent.parent / 'data' / 'm'",
    "d = Path(__file__).parents[1] / 'data'",
    "d = os.path.join(os.path.dirname(__file__), 'm')",
    "d = Path(os.path.dirname(os.path.dirname(__file__)))",
    "d = Path.cwd() / 'data'",
    "d = os.path.join(os.getcwd(), 'data')",
    "d = (root / 'm').as_posix()",
    "d = Path('/abs/elsewhere') / 'm'",
    "d = root / '/abs/elsewhere'",
    "a = root\nb = a / 'x'\nd = b / 'y'",
]


@pytest.mark.parametrize("text", TELLABLE)
def test_the_folder_is_what_python_computes(
    text: str, module: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: Dict[str, Any] = {"__file__": str(tmp_path / "conf" / "paths.py")}
    exec(HEAD + text, names)
    value = os.path.normpath(str(names["d"]))
    if value.startswith(str(tmp_path)):
        value = value[len(str(tmp_path)) + 1 :] or "."
    site = find(module(HEAD + text, PATH), "d", str(tmp_path))
    assert site is not None
    assert site.value is not None
    expected = PurePosixPath(value.replace("\\", "/"))
    assert PurePosixPath(site.value.text) == expected
    assert site.value.is_path == isinstance(names["d"], Path)


@pytest.mark.parametrize(
    "text",
    [
        "d = os.environ.get('X', 'data')",
        "d = Path.home() / 'm'",
        "d = Path('~/m').expanduser()",
        "d = root / unknown",
        "d = compute()",
        "if os.name == 'nt':\n    d = root / 'a'\nelse:\n    d = root / 'b'",
        "d = root / 'a'\nd = root / 'b'",
        "if x:\n    name = 'a'\nd = root / name",
        "d = d0 = root if x else root",
        "d = root / d",
        "name = name\nd = root / name",
    ],
)
def test_what_is_known_at_run_time_only(text: str, module: Make) -> None:
    site = find(module(HEAD + text, PATH), "d")
    assert site is not None
    assert (site.state, site.value) == ("unsure", None)
    assert site.note


def test_absent_names_and_names_inside_functions(module: Make) -> None:
    assert find(module(HEAD, PATH), "d") is None
    assert find(module(HEAD + "def f():\n    d = root", PATH), "d") is None


def test_windows_spellings(module: Make) -> None:
    site = find(module("from pathlib import Path\nd = Path('data\\\\m') / 'n'", PATH), "d")
    assert site is not None
    assert site.value is not None
    assert site.value.text == "data/m/n"
    text = "from pathlib import Path\nd = Path('D:/tree/data') / 'm'"
    site = find(module(text, PATH), "d", "D:\\tree")
    assert site is not None
    assert site.value is not None
    assert site.value.text == "data/m"
