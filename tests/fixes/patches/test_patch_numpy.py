from __future__ import annotations

import sys
import types
from typing import Any, Callable, Dict

import pytest

from dartenv.fixes.patches.numpy_aliases import PATCH
from dartenv.fixes.patches.result import PatchResult

Run = Callable[..., PatchResult]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import numpy as np\nx = np.float", "import numpy as np\nx = float"),
        ("import numpy\nx = numpy.int(3)  # np.int\n", "import numpy\nx = int(3)  # np.int\n"),
        ("import numpy as N\nx = N.infty", "import numpy as N\nx = N.inf"),
        ("import numpy as np\nx = (np).infty", "import numpy as np\nx = np.inf"),
        ("import numpy as np\nx = np.\\\n  float", "import numpy as np\nx = float"),
        (
            "import numpy as np\ndef f(): return(np).float",
            "import numpy as np\ndef f(): return float",
        ),
        ("import numpy as np\nx = np.long(np.float(1))", "import numpy as np\nx = int(float(1))"),
        (
            "import numpy as np\nx = f'{np.float(1):.1f} np.float'",
            "import numpy as np\nx = f'{float(1):.1f} np.float'",
        ),
        ("import numpy as np\nx = np.NINF", "import numpy as np\nx = -np.inf"),
        ("import numpy as np\nx = f(np.NINF)", "import numpy as np\nx = f(-np.inf)"),
        ("import numpy as np\nx = np.NINF ** 2", "import numpy as np\nx = (-np.inf) ** 2"),
        ("from numpy import float", "from builtins import float"),
        ("from numpy import float as f, int", "from builtins import float as f, int"),
        ("from numpy import long", "from builtins import int as long"),
        ("from numpy import infty", "from numpy import inf as infty"),
        ("from numpy import infty as inf", "from numpy import inf"),
        ("from numpy import infty as  i, array", "from numpy import inf as  i, array"),
        (
            "from numpy import array, float\n",
            "from numpy import array\nfrom builtins import float\n",
        ),
        (
            "from numpy import float, array  # c\n",
            "from numpy import array  # c\nfrom builtins import float\n",
        ),
        (
            "def f():\n    from numpy import array, float as g\n    return g",
            "def f():\n    from numpy import array\n    from builtins import float as g\n    return g",
        ),
        (
            "if x: from numpy import array, float",
            "if x: from numpy import array; from builtins import float",
        ),
        (
            "from numpy import array, float; y = 1",
            "from numpy import array; from builtins import float; y = 1",
        ),
        (
            "from numpy import (\n    array,\n    float,\n    zeros,\n)\n",
            "from numpy import (\n    array,\n    zeros,\n)\nfrom builtins import float\n",
        ),
        (
            "from numpy import (  # all\n    array,  # an array\n    infty,  # far\n)\n",
            "from numpy import (  # all\n    array,  # an array\n    inf as infty,  # far\n)\n",
        ),
        ("import numpy as np\r\nx = np.float\r\n", "import numpy as np\r\nx = float\r\n"),
    ],
)
def test_what_is_written(old: str, new: str, run: Run) -> None:
    result = run(PATCH, old)
    assert result.data.decode() == new
    assert result.refusals == ()


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        ("import numpy as np\nx = np.cast", "nothing replaces"),
        ("import numpy as np\nfloat = 3\nx = np.float", "float is bound"),
        ("from numpy import (\n    array,\n    float,  # mine\n)", "comment"),
        ("from numpy import (\n    # mine\n    float,\n)", "comment"),
        ("from numpy import NINF", "cannot be imported"),
    ],
)
def test_what_is_left_alone(old: str, reason: str, run: Run) -> None:
    result = run(PATCH, old)
    assert result.data.decode() == old
    assert [reason in refusal.reason for refusal in result.refusals] == [True]


def test_a_refusal_does_not_stop_the_rest(run: Run) -> None:
    result = run(PATCH, "import numpy as np\nx = np.cast\ny = np.float\n")
    assert result.data == b"import numpy as np\nx = np.cast\ny = float\n"
    assert len(result.refusals) == 1
    (edit,) = result.edits
    assert (edit.line, edit.before, edit.after, edit.symbol) == (
        3,
        "y = np.float",
        "y = float",
        "np.float",
    )


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nvalue = np.float(3)",
        "from numpy import float as f\nvalue = f(3)",
        "from numpy import zeros, float\nvalue = float(zeros())",
        "def g():\n    from numpy import float\n    return float(3)\nvalue = g()",
        "import numpy as np\nvalue = 3.0 if np.infty > 1e300 else 0",
        "from numpy import infty\nvalue = 3.0 if infty > 1e300 else 0",
    ],
)
def test_it_runs_with_a_numpy_that_lacks_the_names(
    text: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    numpy = types.ModuleType("numpy")
    numpy.__dict__.update({"inf": float("inf"), "zeros": lambda: 3})
    monkeypatch.setitem(sys.modules, "numpy", numpy)
    with pytest.raises((AttributeError, ImportError)):
        exec(text, {})
    names: Dict[str, Any] = {}
    exec(run(PATCH, text).data, names)
    assert names["value"] == 3.0
