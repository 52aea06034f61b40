from __future__ import annotations

import os
import pathlib
import sys
import threading
import types
from typing import Any, Callable, Dict, List

import pytest

from dartenv.fixes.patches.posixpath import PATCH
from dartenv.fixes.patches.result import PatchResult
from dartenv.source.helpers import POSIXPATH

Run = Callable[..., PatchResult]
CALL = "_dartenv_any_path(tyro.extras.from_yaml)(A, yaml.safe_load(f))"


def helped(name: str = POSIXPATH.name) -> Callable[..., Any]:
    names: Dict[str, Any] = {}
    exec(POSIXPATH.body, names)
    wrapper: Callable[..., Any] = names[name]
    return wrapper


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """``os.name`` as on Windows, once pathlib no longer asks for it."""
    monkeypatch.setattr(os, "name", "nt")


REAL = pathlib.PosixPath


def seen() -> type:
    return pathlib.PosixPath


def test_the_call_is_wrapped_and_the_helper_written_once(run: Run) -> None:
    old = (
        '"""Doc."""\nimport tyro\nimport yaml  # here\n\nA = 1\n\n'
        "def load(f, g):\n"
        "    a = tyro.extras.from_yaml(A, yaml.safe_load(f)).inner\n"
        "    return a, tyro.extras.from_yaml(A, g)\n"
    )
    result = run(PATCH, old)
    new = result.data.decode()
    assert new.count("def _dartenv_any_path(load):") == 1
    assert f"    a = {CALL}.inner\n" in new
    assert "    return a, _dartenv_any_path(tyro.extras.from_yaml)(A, g)\n" in new
    assert new.startswith(
        '"""Doc."""\nimport tyro\nimport yaml  # here\n\n\n# dartenv: source.posixpath, begin\n'
    )
    assert "# dartenv: source.posixpath, end\n\nA = 1\n" in new
    assert [edit.symbol for edit in result.edits] == [
        "_dartenv_any_path",
        "tyro.extras.from_yaml",
        "tyro.extras.from_yaml",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "from tyro.extras import from_yaml\nx = from_yaml(A, t)",
            "x = _dartenv_any_path(from_yaml)(A, t)",
        ),
        (
            "import tyro\ndef f(): return(tyro).extras.from_yaml(A, t)",
            "return _dartenv_any_path((tyro).extras.from_yaml)(A, t)",
        ),
        (
            "import tyro\nx = tyro.extras.from_yaml(\n    A,  # a\n    t,\n)",
            "x = _dartenv_any_path(tyro.extras.from_yaml)(\n    A,  # a\n    t,\n)",
        ),
        (
            "import tyro\nx = [tyro.extras.from_yaml(A, t) for t in y if t]",
            "x = [_dartenv_any_path(tyro.extras.from_yaml)(A, t) for t in y if t]",
        ),
        (
            "import tyro; x = tyro.extras.from_yaml(A, t)",
            "import tyro; x = _dartenv_any_path(tyro.extras.from_yaml)(A, t)",
        ),
        (
            "import tyro\nx = f'{tyro.extras.from_yaml(A, t)}'",
            "x = f'{_dartenv_any_path(tyro.extras.from_yaml)(A, t)}'",
        ),
    ],
)
def test_spellings(old: str, new: str, run: Run) -> None:
    assert new in run(PATCH, old).data.decode()


@pytest.mark.parametrize(
    ("old", "first"),
    [
        (
            "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nimport tyro\nx = tyro.extras.from_yaml(A, t)\n",
            3,
        ),
        (
            "# -*- coding: utf-8 -*-\n@made\ndef f(t):\n    import tyro\n    return tyro.extras.from_yaml(A, t)\n",
            1,
        ),
        (
            "'''Doc.'''\nfrom __future__ import annotations\nimport tyro; import yaml; x = tyro.extras.from_yaml(A, t)\n",
            2,
        ),
        (
            "from __future__ import annotations\nfrom x import (\n    a,\n)\nimport tyro\nx = tyro.extras.from_yaml(A, t)",
            5,
        ),
    ],
)
def test_the_helper_stands_below_the_imports(old: str, first: int, run: Run) -> None:
    new = run(PATCH, old).data.decode().splitlines()
    assert new[:first] == old.splitlines()[:first]
    assert new.index("# dartenv: source.posixpath, begin") in (first, first + 2)


@pytest.mark.parametrize(
    "old",
    [
        "import tyro, functools\nload = functools.partial(tyro.extras.from_yaml, A)",
        "import tyro, pathlib\nif swap:\n    pathlib.PosixPath = pathlib.WindowsPath\nx = tyro.extras.from_yaml(A, t)",
        POSIXPATH.text.replace("!=", "==") + "import tyro\nx = tyro.extras.from_yaml(A, t)",
        "import tyro\n_dartenv_any_path = None\nx = tyro.extras.from_yaml(A, t)",
    ],
)
def test_what_is_left_alone(old: str, run: Run) -> None:
    result = run(PATCH, old)
    assert result.data.decode() == old
    assert len(result.refusals) == 1


def test_elsewhere_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "posix")
    assert helped()(lambda *a, **k: (seen(), a, k))(1, b=2) == (REAL, (1,), {"b": 2})


def test_on_windows_the_name_is_swapped_while_loading_only(windows: None) -> None:
    assert helped()(seen)() is pathlib.WindowsPath
    assert pathlib.PosixPath is REAL


def test_the_module_that_yaml_looks_in_is_swapped_too(windows: None) -> None:
    """From Python 3.13 the class lives in pathlib._local, and args.yaml says so."""
    home = sys.modules[REAL.__module__]
    assert helped()(lambda: home.__dict__["PosixPath"])() is pathlib.WindowsPath
    assert home.__dict__["PosixPath"] is REAL


def test_it_is_put_back_after_an_error(windows: None) -> None:
    def broken() -> None:
        raise KeyError("cut off")

    with pytest.raises(KeyError, match="cut off"):
        helped()(broken)()
    assert pathlib.PosixPath is REAL


def test_it_nests_also_among_the_helpers_of_two_files(windows: None) -> None:
    one, two = helped(), helped()
    states: List[type] = []

    def outer() -> None:
        states.append(two(seen)())
        states.append(seen())
        states.append(one(seen)())
        states.append(seen())

    one(outer)()
    assert states == [pathlib.WindowsPath] * 4
    assert pathlib.PosixPath is REAL


def test_it_nests_in_a_swap_by_hand(windows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathlib, "PosixPath", pathlib.WindowsPath)
    assert helped()(seen)() is pathlib.WindowsPath
    assert pathlib.PosixPath is pathlib.WindowsPath


def test_threads_take_turns_and_leave_the_name_as_it_was(windows: None) -> None:
    one, two = helped(), helped()
    inside = threading.Event()
    leave = threading.Event()
    states: List[type] = []

    def first() -> None:
        inside.set()
        assert leave.wait(10)
        states.append(seen())

    def second() -> None:
        states.append(seen())

    threads = [threading.Thread(target=one(first)), threading.Thread(target=two(second))]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join(10)
    assert states == [pathlib.WindowsPath, pathlib.WindowsPath]
    assert pathlib.PosixPath is REAL


def test_a_patched_loader_reads_what_linux_wrote(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it, with a loader that looks the tag's name up as PyYAML does."""
    tyro = types.ModuleType("tyro")

    def from_yaml(kind: type, text: str) -> Any:
        module, _, name = text.rpartition(".")
        return getattr(sys.modules[module], name)

    tyro.extras = types.SimpleNamespace(from_yaml=from_yaml)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tyro", tyro)
    text = "import tyro\ndef load(t):\n    return tyro.extras.from_yaml(dict, t)\n"
    names: Dict[str, Any] = {}
    exec(run(PATCH, text).data, names)
    monkeypatch.setattr(os, "name", "posix")
    assert names["load"]("pathlib.PosixPath") is REAL
    monkeypatch.setattr(os, "name", "nt")
    assert names["load"]("pathlib.PosixPath") is pathlib.WindowsPath
    assert names["load"](f"{REAL.__module__}.PosixPath") is pathlib.WindowsPath


WRITTEN_ON_LINUX = """save_dir: !!python/object/apply:pathlib.PosixPath
- mld_denoiser
- a run
"""


def test_a_real_args_yaml_is_read_on_this_system(run: Run) -> None:
    """PyYAML itself: on Windows this fails without the repair, elsewhere it never did."""
    text = (
        "import yaml\n"
        "def load(data):\n"
        "    'reads args.yaml'\n"
        "    name = 'args.yaml'\n"
        "    return yaml.unsafe_load(data or name)['save_dir']\n"
    )
    plain: Dict[str, Any] = {}
    exec(text, plain)
    if os.name == "nt":
        with pytest.raises(NotImplementedError, match="PosixPath"):
            plain["load"](WRITTEN_ON_LINUX)
    names: Dict[str, Any] = {}
    exec(run(PATCH, text).data, names)
    found = names["load"](WRITTEN_ON_LINUX)
    assert found == pathlib.Path("mld_denoiser") / "a run"
    assert type(found) is type(pathlib.Path())
    assert pathlib.PosixPath is REAL
