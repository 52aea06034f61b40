from __future__ import annotations

from typing import Callable, List, Tuple

import pytest

from dartenv.manifests.schema import NumpyAlias
from dartenv.source.aliases import accepts, find
from dartenv.source.module import Module
from dartenv.source.tree import SourceTree

Make = Callable[..., Module]
Table = Tuple[NumpyAlias, ...]


def found(text: str, aliases: Table, make: Make) -> List[Tuple[int, str, str]]:
    module = make(text)
    sites = find(module, aliases)
    if sites:
        assert accepts(SourceTree({module.path: module.source.data}), aliases)(module.source.data)
    return [(site.line, site.symbol, site.state) for site in sites]


@pytest.mark.parametrize(
    ("text", "line", "symbol"),
    [
        ("import numpy as np\nx = np.float", 2, "np.float"),
        ("import numpy\nx = numpy.int(3)", 2, "np.int"),
        ("import numpy as N\nx = y.astype(N.bool)", 2, "np.bool"),
        ("import numpy, os\nx = numpy . float", 2, "np.float"),
        ("import numpy as np\nx = np.\\\n    float", 2, "np.float"),
        ("import numpy as np\nx = (np).float", 2, "np.float"),
        ("from numpy import float", 1, "np.float"),
        ("from numpy import array, float as f", 1, "np.float"),
        ("from numpy import (\n    array,\n    int,\n)", 1, "np.int"),
        ("def f():\n    import numpy as np\n    return np.float", 3, "np.float"),
        ("def f():\n    from numpy import float as f", 2, "np.float"),
        ("import numpy as np\nclass A:\n    x = np.float", 3, "np.float"),
        ("import numpy as np\ndef f(x=np.float): pass", 2, "np.float"),
        ("import numpy as np\nf = lambda: np.float", 2, "np.float"),
        ("import numpy as np\nx: np.float = 1", 2, "np.float"),
        ("import numpy as np\nx = f'{np.float(1)}'", 2, "np.float"),
        ("import numpy as np\nx = np.infty", 2, "np.infty"),
        ("n = None\nimport numpy as np\nn = np\n", 0, ""),
        ("import numpy as np\nm = np\nx = m.float", 3, "np.float"),
        (
            "try:\n    import numpy as np\nexcept ImportError:\n    np = None\nx = np.float",
            5,
            "np.float",
        ),
    ],
)
def test_live_uses(text: str, line: int, symbol: str, aliases: Table, module: Make) -> None:
    expected = [(line, symbol, "needed")] if line else []
    assert found(text, aliases, module) == expected


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\n# x = np.float",
        "import numpy as np\nx = 'np.float'",
        "import numpy as np\n'''np.float\nfrom numpy import float\n'''",
        "import numpy as np\nx = np.float64, np.int32, np.bool_, np.floating, np.integer",
        "import numpy as np\nx = f'np.float'",
        "import jax.numpy as np\nx = np.float",
        "from jax import numpy as np\nx = np.float",
        "import numpy as np\ndef f(np):\n    return np.float",
        "import numpy as np\nx = [np.float for np in y]",
        "import numpy as np\ndef f():\n    np = shim\n    return np.float",
        "import numpy as np\nx = y.np.float",
        "import numpy as np\nx = y.float()",
        "import torch\nx = torch.float, torch.bool, torch.int",
        "import numpy as np\nx = np.random.float",
        "from numpy import float64",
        "from numpy.linalg import float",
        "from .numpy import float",
        "np.float",
        "import numpy as np\nx = getattr(np, 'float', float)",
    ],
)
def test_what_is_no_use(text: str, aliases: Table, module: Make) -> None:
    assert found(text, aliases, module) == []


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nx = np.float if hasattr(np, 'float') else float",
        "import numpy as np\nif hasattr(np, 'float'):\n    x = np.float",
        "import numpy as np\nif not hasattr(np, 'float'):\n    x = 1\nelse:\n    x = np.float",
        "import numpy as np\nx = hasattr(np, 'float') and np.float",
        "import numpy as np\ntry:\n    x = np.float\nexcept AttributeError:\n    x = float",
        "import numpy as np\ntry:\n    x = np.float\nexcept (KeyError, AttributeError):\n    x = float",
        "import numpy as np\ntry:\n    x = np.float\nexcept:\n    x = float",
        "import numpy as np\nif np.__version__ < '1.24':\n    x = np.float",
        "try:\n    from numpy import float\nexcept ImportError:\n    pass",
        "import numpy as np\nnp.float = float\nx = np.float",
        "import numpy as np\nif not hasattr(np, 'float'):\n    np.float = float\nx = np.float",
        "import numpy as np\nsetattr(np, 'float', float)\nx = np.float",
        "import numpy as np\ndef f():\n    return np.float\nnp.float = float",
    ],
)
def test_guarded_and_given_back(text: str, aliases: Table, module: Make) -> None:
    assert [state for _, _, state in found(text, aliases, module)] == ["repaired"]


@pytest.mark.parametrize(
    "text",
    [
        # The guard asks for something else, comes too late, or is none.
        "import numpy as np\nif hasattr(np, 'int'):\n    x = np.float",
        "import numpy as np\nif not hasattr(np, 'float'):\n    x = np.float",
        "import numpy as np\nx = np.float\nnp.float = float",
        "import numpy as np\nnp.int = int\nx = np.float",
        "import numpy as np\ndef fix():\n    np.float = float\nx = np.float",
        "import numpy as np\ntry:\n    a = 1\n    x = np.float\nexcept Exception:\n    raise",
        "import numpy as np\ntry:\n    x = np.float\nexcept KeyError:\n    pass",
        "import numpy as np\ntry:\n    pass\nexcept AttributeError:\n    x = np.float",
    ],
)
def test_what_is_no_guard(text: str, aliases: Table, module: Make) -> None:
    assert [state for _, _, state in found(text, aliases, module)] == ["needed"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import numpy as np\nnp = shim(np)\nx = np.float", "more than numpy"),
        ("import numpy as np\ndef f(float):\n    return np.float", "float is bound"),
        ("import numpy as np\nfloat = 3\nx = np.float", "float is bound"),
        ("import numpy as np\nx = np.cast", "nothing replaces"),
    ],
)
def test_what_a_patch_must_leave_alone(
    text: str, reason: str, aliases: Table, module: Make
) -> None:
    (site,) = find(module(text), aliases)
    assert site.state == "unsure"
    assert reason in site.note


def test_the_note_tells_the_versions(aliases: Table, module: Make) -> None:
    (site,) = find(module("import numpy as np\nx = np.bool"), aliases)
    assert site.note == "removed in 1.24, back in 2.0"


@pytest.mark.parametrize("importing", ["from common import *", "from common import np"])
def test_a_name_from_another_file(importing: str, aliases: Table) -> None:
    files = {
        "common.py": b"import numpy as np\n",
        "use.py": f"{importing}\nx = np.float\n".encode(),
    }
    tree = SourceTree(files)
    assert accepts(tree, aliases)(files["use.py"])
    module = tree.module("use.py")
    assert module is not None
    assert [site.state for site in find(module, aliases, tree)] == ["needed"]
