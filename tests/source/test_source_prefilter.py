"""The filters must not lose a file: whatever they say no to has no site."""

from __future__ import annotations

from typing import Tuple

import pytest

from dartenv.manifests.schema import NumpyAlias
from dartenv.source import aliases as numpy_aliases
from dartenv.source.prefilter import attribute_filter, holds_any
from dartenv.source.tree import SourceTree


@pytest.mark.parametrize(
    ("data", "accepted"),
    [
        (b"import torch\ntorch.load(p)", True),
        (b"import torch as th\nth . load (p)", True),
        (b"import torch as th\nth.\\\r\n  load(p)", True),
        (b"import torch\nt = torch\nt.load(p)", True),
        (b"from torch import load", True),
        (b"from torch import (\n  nn,\n  load as l,\n)", True),
        (b"from torch import nn, \\\n  load", True),
        (b"import torch\n(torch).load(p)", True),
        (b"import torch\ntorch.loads(p)", False),
        (b"import torch\nmodel.load(p)", False),
        (b"import torch.nn as nn\nnn.load(p)", False),
        (b"from torch import nn\nx.load()", False),
    ],
)
def test_one_file(data: bytes, accepted: bool) -> None:
    assert attribute_filter(SourceTree({"a.py": data}), "torch", ["load"])(data) is accepted


def test_a_direct_import_anywhere_opens_the_filter() -> None:
    files = {"a.py": b"from torch import load\n", "b.py": b"from a import *\nload(p)\n"}
    accepts = attribute_filter(SourceTree(files), "torch", ["load"])
    assert accepts(files["b.py"])
    assert not accepts(b"import json\n")


def test_no_names_accept_nothing(aliases: Tuple[NumpyAlias, ...]) -> None:
    tree = SourceTree({"a.py": b"import numpy as np\nnp.float\n"})
    assert not numpy_aliases.accepts(tree, ())(tree.files["a.py"])
    assert numpy_aliases.accepts(tree, aliases)(tree.files["a.py"])


def test_holds_any() -> None:
    accepts = holds_any(b"one", b"two")
    assert accepts(b"..two..")
    assert not accepts(b"three")
