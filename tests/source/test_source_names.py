from __future__ import annotations

import ast
from typing import Dict, Optional

import pytest

from dartenv.source.module import Module
from dartenv.source.names import Named, Names
from dartenv.source.tree import SourceTree


def last_value(text: str, files: Optional[Dict[str, str]] = None) -> Optional[Named]:
    """What the last call of ``look(...)`` in ``text`` is given."""
    tree = SourceTree({path: data.encode() for path, data in (files or {}).items()})
    module = Module("pkg/mod.py", text.encode())
    call = [c for c in module.nodes(ast.Call) if getattr(c.func, "id", "") == "look"][-1]
    return Names(module, tree).of(call.args[0])


@pytest.mark.parametrize(
    ("text", "dotted"),
    [
        ("import numpy\nlook(numpy.float)", "numpy.float"),
        ("import numpy as N\nlook(N.float)", "numpy.float"),
        ("import numpy.linalg\nlook(numpy.float)", "numpy.float"),
        ("import numpy.linalg as la\nlook(la.norm)", "numpy.linalg.norm"),
        ("from numpy import float as f\nlook(f)", "numpy.float"),
        ("def f():\n    import numpy as np\n    look(np.int)", "numpy.int"),
        ("import numpy as np\nn = np\nlook(n.int)", "numpy.int"),
        ("from . import near\nlook(near.x)", "pkg.near.x"),
        ("from .near import x as y\nlook(y)", "pkg.near.x"),
        ("def f():\n    global np\n    import numpy as np\nlook(np.int)", "numpy.int"),
        (
            "import numpy as np\nclass A:\n    np = 1\n    def f(self):\n        look(np.int)",
            "numpy.int",
        ),
        ("import numpy as np\nlook([np.int for x in y])", None),
        ("look(float)", "builtins.float"),
        ("look(nothing)", None),
        ("import numpy as np\ndef f(np):\n    look(np.int)", None),
        ("import numpy as np\nlambda np: look(np.int)", None),
        ("import numpy as np\ndef f():\n    np = other()\n    look(np.int)", None),
        ("import numpy as np\n[look(np.int) for np in x]", None),
        ("import numpy as np\ndef f():\n    for np in x:\n        look(np.int)", None),
        ("import numpy as np\ndef f():\n    with x as np:\n        look(np.int)", None),
    ],
)
def test_a_name_is_followed_by_pythons_scopes(text: str, dotted: Optional[str]) -> None:
    named = last_value(text)
    assert (named.dotted if named else None) == dotted


def test_a_name_bound_twice_is_not_sure() -> None:
    named = last_value("import numpy as np\nnp = shim(np)\nlook(np.int)")
    assert named is not None
    assert not named.sure


def test_none_where_an_import_failed_leaves_the_name_sure() -> None:
    text = "try:\n    import numpy as np\nexcept ImportError:\n    np = None\nlook(np.int)"
    named = last_value(text)
    assert named is not None
    assert named.sure


@pytest.mark.parametrize(
    "files",
    [
        {"common.py": "import numpy as np\n"},
        {"common/__init__.py": "from .deep import *\n", "common/deep.py": "import numpy as np\n"},
        {"common.py": "from other import np\n", "other.py": "import numpy as np\n"},
        {"pkg/common.py": "import numpy as np\n"},  # beside the script, found when run by path
    ],
)
@pytest.mark.parametrize("importing", ["from common import *", "from common import np"])
def test_a_name_is_followed_through_files_of_the_tree(
    files: Dict[str, str], importing: str
) -> None:
    named = last_value(f"{importing}\nlook(np.float)", files)
    assert named is not None
    assert named.dotted == "numpy.float"


def test_a_class_of_the_tree_is_told_with_its_definition() -> None:
    files = {"pkg/args.py": "class Args: pass\n"}
    named = last_value("from pkg.args import Args as A\nlook(A)", files)
    assert named is not None
    assert named.dotted == "pkg.args.Args"
    assert isinstance(named.node, ast.ClassDef)


def test_star_imports_in_a_circle_end() -> None:
    files = {"a.py": "from b import *\n", "b.py": "from a import *\n"}
    assert last_value("from a import *\nlook(np)", files) is None


def test_an_import_of_oneself_ends() -> None:
    files = {"a.py": "from a import x\n"}
    named = last_value("from a import x\nlook(x)", files)
    assert named is not None
    assert named.dotted == "a.x"


@pytest.mark.parametrize(
    ("text", "dotted"),
    [
        ("from dataclasses import *\nlook(dataclass)", "dataclasses.dataclass"),
        ("from pathlib import *\nlook(Path)", "pathlib.Path"),
        ("from torch import *\nlook(load)", "torch.load"),
        ("from pathlib import *\nlook(dataclass)", None),
    ],
)
def test_star_imports_from_outside_the_tree(text: str, dotted: Optional[str]) -> None:
    named = last_value(text)
    assert (named.dotted if named else None) == dotted
