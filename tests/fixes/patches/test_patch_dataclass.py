from __future__ import annotations

import sys
import types
from typing import Any, Callable, Dict

import pytest

from dartenv.fixes.patches.dataclass_defaults import PATCH
from dartenv.fixes.patches.result import PatchResult
from dartenv.source.tree import SourceTree

Run = Callable[..., PatchResult]
X = "@dataclass\nclass X:\n    n: int = 0\n"
HEAD = f"from dataclasses import dataclass\n{X}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    x: X = X()\n", "    x: X = field(default_factory=X)\n"),
        ("    x: X = X()  # c\n", "    x: X = field(default_factory=X)  # c\n"),
        ("    x: X = X(n=2)\n", "    x: X = field(default_factory=lambda: X(n=2))\n"),
        (
            "    x: X = X(\n        2,  # two\n    )\n",
            "    x: X = field(default_factory=lambda: X(\n        2,  # two\n    ))\n",
        ),
        ("    x: X = (X())\n", "    x: X = (field(default_factory=X))\n"),
        (
            "    x: 'X' = X((1, [2]), a={'b': -3})\n",
            "    x: 'X' = field(default_factory=lambda: X((1, [2]), a={'b': -3}))\n",
        ),
        ("    x: X = X(tuple([1]))\n", "    x: X = field(default_factory=lambda: X(tuple([1])))\n"),
    ],
)
def test_what_is_written(old: str, new: str, run: Run) -> None:
    result = run(PATCH, f"{HEAD}@dataclass\nclass A:\n{old}")
    head = HEAD.replace("import dataclass\n", "import dataclass, field\n")
    assert result.data.decode() == f"{head}@dataclass\nclass A:\n{new}"
    assert result.refusals == ()


@pytest.mark.parametrize(
    ("head", "after", "call"),
    [
        (
            "from dataclasses import dataclass, asdict\n",
            "from dataclasses import dataclass, asdict, field\n",
            "field",
        ),
        (
            "from dataclasses import dataclass, field\n",
            "from dataclasses import dataclass, field\n",
            "field",
        ),
        (
            "from dataclasses import dataclass, field as fd\n",
            "from dataclasses import dataclass, field as fd\n",
            "fd",
        ),
        (
            "from dataclasses import (\n    dataclass,\n    asdict,\n)\n",
            "from dataclasses import (\n    dataclass,\n    asdict, field,\n)\n",
            "field",
        ),
        (
            "from dataclasses import (dataclass)  # c\n",
            "from dataclasses import (dataclass, field)  # c\n",
            "field",
        ),
        (
            "from dataclasses import asdict, \\\n    dataclass\n",
            "from dataclasses import asdict, \\\n    dataclass, field\n",
            "field",
        ),
        (
            "from dataclasses import dataclass; import os\n",
            "from dataclasses import dataclass, field; import os\n",
            "field",
        ),
        (
            "from dataclasses import dataclass\nfield = 3\n",
            "from dataclasses import dataclass, field as dataclass_field\nfield = 3\n",
            "dataclass_field",
        ),
        ("from dataclasses import *\n", "from dataclasses import *\n", "field"),
        (
            "import dataclasses\nfrom dataclasses import dataclass\n",
            "import dataclasses\nfrom dataclasses import dataclass, field\n",
            "field",
        ),
        (
            "try:\n    from dataclasses import dataclass\nexcept ImportError:\n    raise\n",
            "try:\n    from dataclasses import dataclass, field\nexcept ImportError:\n    raise\n",
            "field",
        ),
    ],
)
def test_how_field_is_imported(head: str, after: str, call: str, run: Run) -> None:
    result = run(PATCH, f"{head}{X}@dataclass\nclass A:\n    x: X = X()\n")
    assert (
        result.data.decode()
        == f"{after}{X}@dataclass\nclass A:\n    x: X = {call}(default_factory=X)\n"
    )


@pytest.mark.parametrize("name", ["dataclasses", "dc"])
def test_field_of_an_imported_module(name: str, run: Run) -> None:
    head = "import dataclasses\n" if name == "dataclasses" else "import dataclasses as dc\n"
    text = f"{head}@{name}.dataclass\nclass X:\n    n: int = 0\n@{name}.dataclass()\nclass A:\n    x: X = X()\n"
    assert f"x: X = {name}.field(default_factory=X)\n" in run(PATCH, text).data.decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("field(default=X())", "field(default_factory=X)"),
        ("field(repr=False, default = X(2))", "field(repr=False, default_factory = lambda: X(2))"),
        ("field(default=(X()), init=True)", "field(default_factory=(X), init=True)"),
    ],
)
def test_a_default_given_to_field(old: str, new: str, run: Run) -> None:
    head = HEAD.replace("import dataclass\n", "import dataclass, field\n")
    text = f"{head}@dataclass\nclass A:\n    x: X = {{}}\n"
    assert run(PATCH, text.format(old)).data.decode() == text.format(new)


def test_a_shared_instance_stays_shared(run: Run) -> None:
    text = f"{HEAD}ONE = X()\n@dataclass\nclass A:\n    x: X = ONE\n"
    assert "x: X = field(default_factory=lambda: ONE)\n" in run(PATCH, text).data.decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{HEAD}@dataclass\nclass A:\n    n: int = 2\n    x: X = X(n)\n", "class body"),
        (f"{HEAD}n = 1\n@dataclass\nclass A:\n    x: X = X(n)\nn = 2\n", "more than once"),
        (f"{HEAD}@dataclass\nclass A:\n    x: X = X(clock())\n", "each instance"),
        (f"{HEAD}@dataclass\nclass A:\n    x: X = X([i for i in y])\n", "ListComp"),
        (f"{HEAD}X = shim(X)\n@dataclass\nclass A:\n    x: X = X()\n", "more than"),
    ],
)
def test_what_is_left_alone(text: str, reason: str, run: Run) -> None:
    result = run(PATCH, text)
    assert result.data.decode() == text
    assert [reason in refusal.reason for refusal in result.refusals] == [True]


@pytest.mark.parametrize(
    ("importing", "top"),
    [
        ("from conf.args import *\n", "from conf.args import *\nfrom dataclasses import field\n"),
        (
            "from conf.args import Args, dataclass\n",
            "from conf.args import Args, dataclass\nfrom dataclasses import field\n",
        ),
    ],
)
def test_a_decorator_from_another_file(importing: str, top: str, run: Run) -> None:
    files = {
        "conf/args.py": b"from dataclasses import dataclass\n@dataclass\nclass Args:\n    n: int = 0\n"
    }
    text = f"{importing}@dataclass\nclass A:\n    a: Args = Args()\n"
    result = run(PATCH, text, "use.py", SourceTree({**files, "use.py": text.encode()}))
    assert (
        result.data.decode()
        == f"{top}@dataclass\nclass A:\n    a: Args = field(default_factory=Args)\n"
    )


@pytest.mark.parametrize(
    "default",
    [
        "X()",
        "X(n=2)",
        "field(default=X(3))",
        "ONE",
        "field(default=ONE)",
        "X(n=int('4'))",
        "Child()",
    ],
)
@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_the_class_works_on_every_python(
    default: str, future: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        f"{future}from dataclasses import dataclass, field\n{X}"
        "class Child(X):\n    pass\nONE = X(7)\n"
        f"@dataclass\nclass A:\n    x: X = {default}\n"
    )
    made = types.ModuleType("made_for_this_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    if sys.version_info >= (3, 11):
        with pytest.raises(ValueError, match="mutable default"):
            exec(text, made.__dict__)
    result = run(PATCH, text)
    names: Dict[str, Any] = made.__dict__
    exec(result.data, names)
    first, second = names["A"](), names["A"]()
    assert first.x == second.x
    assert isinstance(first.x, names["X"])
    assert (first.x is second.x) == ("ONE" in default)
