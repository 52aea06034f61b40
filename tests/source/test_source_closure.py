from __future__ import annotations

from typing import Dict, Sequence

import pytest

from dartenv.source.closure import Closure, import_closure
from dartenv.source.tree import SourceTree


def closure(files: Dict[str, str], *entries: str) -> Closure:
    tree = SourceTree({path: text.encode() for path, text in files.items()})
    return import_closure(tree, entries or ("demo.run",))


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("import lib.deep.leaf", ["lib/__init__.py", "lib/deep/leaf.py"]),
        ("import lib.deep.leaf as leaf", ["lib/__init__.py", "lib/deep/leaf.py"]),
        ("from lib.deep import leaf", ["lib/__init__.py", "lib/deep/leaf.py"]),
        ("from lib.deep.leaf import x, y", ["lib/__init__.py", "lib/deep/leaf.py"]),
        ("from lib.deep.leaf import *", ["lib/__init__.py", "lib/deep/leaf.py"]),
        ("from . import near", ["demo/near.py"]),
        ("from .near import x", ["demo/near.py"]),
        ("from ..lib import other", []),  # beyond the top: an error in Python too
        ("from lib import *", ["lib/__init__.py", "lib/starred.py"]),
        (
            "try:\n    import lib.deep.leaf\nexcept ImportError:\n    from . import near",
            ["demo/near.py", "lib/__init__.py", "lib/deep/leaf.py"],
        ),
        ("class A:\n    import lib", ["lib/__init__.py"]),
        ("with x:\n    for y in z:\n        import lib", ["lib/__init__.py"]),
        ("import importlib\nm = importlib.import_module('lib')", ["lib/__init__.py"]),
        ("m = __import__('demo.near')", ["demo/near.py"]),
        ("if __name__ == '__main__':\n    import lib", ["lib/__init__.py"]),
        ("import numpy, torch.nn", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lib", []),
        ("if False:\n    import lib\nelse:\n    from . import near", ["demo/near.py"]),
    ],
)
def test_what_an_entry_point_imports(text: str, reached: Sequence[str]) -> None:
    files = {
        "demo/run.py": text,
        "demo/near.py": "",
        "lib/__init__.py": "__all__ = ['starred', 'x']",
        "lib/starred.py": "",
        "lib/deep/leaf.py": "",  # lib.deep has no __init__
    }
    found = closure(files)
    assert sorted(set(found.at_import) - {"demo/run.py"}) == list(reached)
    assert found.counts == {"demo.run": len(reached)}


def test_packages_of_the_entry_point_are_imported_too() -> None:
    found = closure({"demo/__init__.py": "import lib", "demo/run.py": "", "lib.py": ""})
    assert sorted(found.at_import) == ["demo/__init__.py", "demo/run.py", "lib.py"]


def test_what_only_functions_import_is_reached_when_they_run() -> None:
    files = {
        "demo/run.py": "import a\ndef f():\n    import b\n",
        "a.py": "def g():\n    import c\n",
        "b.py": "import d",
        "c.py": "",
        "d.py": "",
        "e.py": "",
    }
    found = closure(files)
    assert sorted(found.at_import) == ["a.py", "demo/run.py"]
    assert sorted(found.at_call) == ["b.py", "c.py", "d.py"]
    assert not found.reaches("e.py")
    assert found.counts == {"demo.run": 4}


def test_the_chain_names_the_modules_on_the_way() -> None:
    files = {"demo/run.py": "import a", "a.py": "from b import x", "b.py": ""}
    assert closure(files).chain("b.py") == ("demo.run", "a", "b")


def test_an_import_in_main_counts_for_the_entry_point_only() -> None:
    files = {
        "demo/run.py": "import a",
        "a.py": "if __name__ == '__main__':\n    import b",
        "b.py": "",
    }
    assert not closure(files).reaches("b.py")


def test_circles_end_and_unknown_entries_are_left_out() -> None:
    files = {"demo/run.py": "import a", "a.py": "import demo.run"}
    found = closure(files, "demo.run", "no.such")
    assert sorted(found.at_import) == ["a.py", "demo/run.py"]
    assert set(found.counts) == {"demo.run"}


def test_an_unparseable_file_is_reached_and_leads_nowhere() -> None:
    files = {"demo/run.py": "import a", "a.py": "import b (", "b.py": ""}
    found = closure(files)
    assert found.reaches("a.py")
    assert not found.reaches("b.py")


def test_several_entry_points_share_a_closure() -> None:
    files = {"one.py": "import a", "two.py": "def f():\n    import a", "a.py": ""}
    found = closure(files, "two", "one")
    assert "a.py" in found.at_import
    assert "a.py" not in found.at_call
