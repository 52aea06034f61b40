from __future__ import annotations

import sys
import types
from typing import Any, Callable, Dict

import pytest

from dartenv.fixes.patches.result import PatchResult
from dartenv.fixes.patches.torch_load import PATCH

Run = Callable[..., PatchResult]
WHERE = "map_location=None if torch.cuda.is_available() else 'cpu'"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = torch.load(p)", f"x = torch.load(p, {WHERE})"),
        ("x = torch.load(p)['a'].to(d)  # c\n", f"x = torch.load(p, {WHERE})['a'].to(d)  # c\n"),
        ("x = torch.load(p, weights_only=True)", f"x = torch.load(p, weights_only=True, {WHERE})"),
        ("x = torch.load((p))", f"x = torch.load((p), {WHERE})"),
        ("x = torch.load(p,)", f"x = torch.load(p, {WHERE})"),
        (
            "x = torch.load(\n    p,  # the path\n)",
            f"x = torch.load(\n    p, {WHERE}  # the path\n)",
        ),
        (
            "x = torch.load(\n    p  # the path\n)",
            f"x = torch.load(\n    p, {WHERE}  # the path\n)",
        ),
        ("x = torch.load(open(p, 'rb'))", f"x = torch.load(open(p, 'rb'), {WHERE})"),
        ("x = torch.load(f'{a}/b.pt')", f"x = torch.load(f'{{a}}/b.pt', {WHERE})"),
        (
            "m.load(torch.load(p), torch.load(q))",
            f"m.load(torch.load(p, {WHERE}), torch.load(q, {WHERE}))",
        ),
        ("x = f'{torch.load(p)}'", f"x = f'{{torch.load(p, {WHERE})}}'".replace("'cpu'", '"cpu"')),
        ('x = f"{torch.load(p)}"', f'x = f"{{torch.load(p, {WHERE})}}"'),
    ],
)
def test_what_is_written(old: str, new: str, run: Run) -> None:
    assert run(PATCH, f"import torch\n{old}").data.decode() == f"import torch\n{new}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "import torch as th\nx = th.load(p)",
            f"import torch as th\nx = th.load(p, {WHERE.replace('torch', 'th')})",
        ),
        (
            "from torch import load\nx = load(p)\n",
            f"from torch import load\nimport torch\nx = load(p, {WHERE})\n",
        ),
        (
            "from torch import load\nimport torch\nx = load(p)\n",
            f"from torch import load\nimport torch\nx = load(p, {WHERE})\n",
        ),
        (
            "def f(p):\n    from torch import load as tl\n    return tl(p)\n",
            f"import torch\ndef f(p):\n    from torch import load as tl\n    return tl(p, {WHERE})\n",
        ),
    ],
)
def test_torch_by_the_name_the_file_has(old: str, new: str, run: Run) -> None:
    assert run(PATCH, old).data.decode() == new


@pytest.mark.parametrize(
    "old",
    [
        "import torch\nx = torch.load(p, **options)\n",
        "from torch import load\ntorch = 3\nx = load(p)\n",
        "import torch\nx = torch.load()\n",
    ],
)
def test_what_is_left_alone(old: str, run: Run) -> None:
    result = run(PATCH, old)
    assert result.data.decode() == old
    assert len(result.refusals) == 1


@pytest.mark.parametrize("cuda", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "import torch\nx = torch.load('p')",
        "from torch import load\nx = load('p')",
        "import torch as th\nx = th.load(\n    'p',\n)",
    ],
)
def test_tensors_go_to_the_cpu_only_without_cuda(
    text: str, cuda: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = types.ModuleType("torch")
    torch.__dict__["cuda"] = types.SimpleNamespace(is_available=lambda: cuda)
    torch.__dict__["load"] = lambda path, **options: (path, options)
    monkeypatch.setitem(sys.modules, "torch", torch)
    names: Dict[str, Any] = {}
    exec(run(PATCH, text).data, names)
    assert names["x"] == ("p", {"map_location": None if cuda else "cpu"})
