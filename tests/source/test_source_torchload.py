from __future__ import annotations

from typing import Callable, List

import pytest

from dartenv.source.module import Module
from dartenv.source.torchload import accepts, find
from dartenv.source.tree import SourceTree

Make = Callable[..., Module]


def states(text: str, make: Make) -> List[str]:
    module = make(text)
    sites = find(module)
    if sites:
        assert accepts(SourceTree({module.path: module.source.data}))(module.source.data)
    return [site.state for site in sites]


@pytest.mark.parametrize(
    ("text", "torch"),
    [
        ("import torch\nx = torch.load(p)", "torch"),
        ("import torch as th\nx = th.load(p)['a']", "th"),
        ("import torch.nn as nn, torch\nx = torch.load(p)", "torch"),
        ("import torch.nn\nx = torch.load(p)", "torch"),
        ("from torch import load\nx = load(p)", ""),
        ("from torch import load as tl\nx = tl(p, weights_only=True)", ""),
        ("from torch import (\n    load,\n    nn,\n)\nimport torch\nx = load(p)", "torch"),
        ("import torch\nload = torch.load\nx = load(p)", "torch"),
        ("def f():\n    import torch\n    return torch.load(f=p)", "torch"),
        ("import torch\nx = f'{torch.load(p)}'", "torch"),
    ],
)
def test_calls_without_map_location(text: str, torch: str, module: Make) -> None:
    assert states(text, module) == ["needed"]
    assert [site.torch for site in find(module(text))] == [torch]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nx = torch.load(p, map_location='cpu')",
        "import torch\nx = torch.load(p, device)",
        "import torch\nx = torch.load(p, map_location=None if torch.cuda.is_available() else 'cpu')",
        "import torch\ndef load_state(path, **kwargs):\n    return torch.load(path, **kwargs)",
    ],
)
def test_calls_that_say_where(text: str, module: Make) -> None:
    assert states(text, module) == ["repaired"]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nx = torch.jit.load(p)",
        "import torch\n# torch.load(p)\nx = 'torch.load(p)'",
        "import json\nx = json.load(f)",
        "import torch\ndef f(torch):\n    return torch.load(p)",
        "import torch\nx = torch.load",
        "import torch, numpy as np\nx = np.load(p)",
    ],
)
def test_what_is_no_such_call(text: str, module: Make) -> None:
    assert states(text, module) == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch\noptions = {}\nx = torch.load(p, **options)",
        "import torch\nx = torch.load(*places)",
        "import torch\ntorch = shim(torch)\nx = torch.load(p)",
    ],
)
def test_what_a_patch_must_leave_alone(text: str, module: Make) -> None:
    assert states(text, module) == ["unsure"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("torch.load(p)", "not given"),
        ("torch.load(p, weights_only=False)", "executed"),
    ],
)
def test_what_weights_only_means_is_told(call: str, words: str, module: Make) -> None:
    (site,) = find(module(f"import torch\nx = {call}"))
    assert words in site.note


def test_weights_only_true_needs_no_note(module: Make) -> None:
    (site,) = find(module("import torch\nx = torch.load(p, weights_only=True)"))
    assert site.note == ""


def test_torch_through_a_star_import() -> None:
    tree = SourceTree(
        {"base.py": b"import torch\n", "use.py": b"from base import *\nx = torch.load(p)\n"}
    )
    assert accepts(tree)(tree.files["use.py"])
    module = tree.module("use.py")
    assert module is not None
    assert [(site.state, site.torch) for site in find(module, tree)] == [("needed", "torch")]
