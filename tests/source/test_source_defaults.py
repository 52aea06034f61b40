from __future__ import annotations

import sys
import types
from typing import Callable, List, Tuple

import pytest

from dartenv.source.defaults import find
from dartenv.source.module import Module
from dartenv.source.tree import SourceTree

Make = Callable[..., Module]
HEAD = """from __future__ import annotations
from dataclasses import dataclass, field, InitVar
from typing import ClassVar
import dataclasses
import dataclasses as dc
from dataclasses import dataclass as made

@dataclass
class X:
    n: int = 0

@dataclass(frozen=True)
class Frozen:
    n: int = 0

@dataclass(unsafe_hash=True)
class Hashed:
    n: int = 0

@dataclass(eq=False)
class Identity:
    n: int = 0

class Child(X):
    pass

@dataclass(eq=False)
class IdentityChild(X):
    pass

@dataclass
class OwnHash:
    n: int = 0
    def __hash__(self):
        return 1

class Plain:
    pass

class Equal:
    def __eq__(self, other):
        return True

class Unhashable:
    __hash__ = None

class EqualChild(Equal):
    pass

@dataclass
class HashRemoved:
    n: int = 0
    __hash__ = None

SHARED = X()
NUMBER = 3
"""

REFUSED = [
    "@dataclass\nclass A:\n    x: X = X()",
    "@dataclass\nclass A:\n    x: X = X(n=2)",
    "@dataclass()\nclass A:\n    x: X = X()",
    "@dataclass(frozen=True)\nclass A:\n    x: X = X()",
    "@dataclasses.dataclass\nclass A:\n    x: X = X()",
    "@dc.dataclass(eq=True)\nclass A:\n    x: X = X()",
    "@made\nclass A:\n    x: X = X()",
    "@dataclass\nclass A:\n    x: X = field(default=X())",
    "@dataclass\nclass A:\n    x: X = dc.field(repr=False, default=X(1))",
    "@dataclass\nclass A:\n    x: X = SHARED",
    "@dataclass\nclass A:\n    x: Child = Child()",
    "@dataclass\nclass A:\n    x: IdentityChild = IdentityChild()",
    "@dataclass\nclass A:\n    x: Equal = Equal()",
    "@dataclass\nclass A:\n    x: Unhashable = Unhashable()",
    "@dataclass\nclass A:\n    x: EqualChild = EqualChild()",
    "@dataclass\nclass A:\n    x: HashRemoved = HashRemoved()",
    "class Outer:\n    @dataclass\n    class A:\n        x: X = X()",
    "def make():\n    @dataclass\n    class A:\n        x: X = X()\n    return A\nmake()",
    # With annotations from __future__ the quotes are part of the annotation.
    "@dataclass\nclass A:\n    x: 'ClassVar[X]' = X()",
]
ALLOWED = [
    "@dataclass\nclass A:\n    x: Frozen = Frozen()",
    "@dataclass\nclass A:\n    x: Hashed = Hashed()",
    "@dataclass\nclass A:\n    x: Identity = Identity()",
    "@dataclass\nclass A:\n    x: OwnHash = OwnHash()",
    "@dataclass\nclass A:\n    x: Plain = Plain()",
    "@dataclass\nclass A:\n    x: ClassVar[X] = X()",
    "@dataclass\nclass A:\n    x: InitVar[X] = X()",
    "@dataclass\nclass A:\n    x = X()",
    "class A:\n    x: X = X()",
    "@dataclass\nclass A:\n    n: int = NUMBER",
    "@dataclass\nclass A:\n    n: int = int()",
    "@dataclass\nclass A:\n    x: X = None",
    "@dataclass\nclass A:\n    x: X = field(default=None)",
    "@dataclass\nclass A:\n    x: X\n    def f(self):\n        y: X = X()",
    "@dataclass\nclass A:\n    t: tuple = (1, 2)",
    "@dataclass\nclass A:\n    c: type = X",
]


def states(text: str, make: Make) -> List[str]:
    return [site.state for site in find(make(HEAD + text))]


@pytest.mark.parametrize("text", REFUSED)
def test_defaults_that_python_311_refuses(text: str, module: Make) -> None:
    assert states(text, module) == ["needed"]


@pytest.mark.parametrize("text", ALLOWED)
def test_defaults_that_python_311_allows(text: str, module: Make) -> None:
    assert states(text, module) == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the rule is Python 3.11's")
@pytest.mark.parametrize("text", REFUSED + ALLOWED)
def test_python_says_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("made_for_this_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    code = compile(HEAD + text, "m.py", "exec")
    if text in REFUSED:
        with pytest.raises(ValueError, match="mutable default"):
            exec(code, made.__dict__)
    else:
        exec(code, made.__dict__)


def test_a_quoted_class_variable_is_no_field(module: Make) -> None:
    text = HEAD.replace("from __future__ import annotations\n", "")
    text += "@dataclass\nclass A:\n    x: 'ClassVar[X]' = X()\n    y: 'ClassVarious' = X()"
    assert [site.symbol for site in find(module(text))] == ["A.y"]


@pytest.mark.parametrize(
    "text",
    [
        "@dataclass\nclass A:\n    x: X = field(default_factory=X)",
        "@dataclass\nclass A:\n    x: X = field(default_factory=lambda: X(n=2))",
        "@dataclass\nclass A:\n    x: X = field(default_factory=lambda: SHARED)",
    ],
)
def test_factories_read_as_repaired(text: str, module: Make) -> None:
    assert states(text, module) == ["repaired"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "@dataclass(eq=FLAG)\nclass Y:\n    n: int = 0\n@dataclass\nclass A:\n    y: Y = Y()",
            "run time",
        ),
        ("X = shim(X)\n@dataclass\nclass A:\n    x: X = X()", "more than"),
    ],
)
def test_what_a_patch_must_leave_alone(text: str, reason: str, module: Make) -> None:
    sites = find(module(HEAD + text))
    assert [site.state for site in sites] == ["unsure"]
    assert reason in sites[0].note


FILES = {
    "conf/args.py": b"from dataclasses import dataclass\n@dataclass\nclass Args:\n    n: int = 0\n",
    "conf/more.py": b"from .args import *\n",
}


@pytest.mark.parametrize(
    ("importing", "name"),
    [
        ("from conf.args import Args", "Args"),
        ("from conf.args import Args as Other", "Other"),
        ("import conf.args", "conf.args.Args"),
        ("import conf.args as c", "c.Args"),
        ("from conf.more import Args", "Args"),
        ("from conf.more import *", "Args"),
    ],
)
def test_classes_of_other_files(importing: str, name: str) -> None:
    text = f"from dataclasses import dataclass\n{importing}\n@dataclass\nclass A:\n    a: int = {name}()\n"
    tree = SourceTree({**FILES, "use.py": text.encode()})
    module = tree.module("use.py")
    assert module is not None
    assert [(s.symbol, s.state) for s in find(module, tree)] == [("A.a", "needed")]


def test_the_decorator_may_come_from_another_file() -> None:
    text = "from conf.args import *\n@dataclass\nclass A:\n    a: Args = Args()\n"
    tree = SourceTree({**FILES, "use.py": text.encode()})
    module = tree.module("use.py")
    assert module is not None
    assert [site.state for site in find(module, tree)] == ["needed"]


def test_symbols_and_lines(module: Make) -> None:
    text = "@dataclass\nclass A:\n    x: X = X()\n    y: int = 0\n    z: X = X()"
    start = HEAD.count("\n")
    found: List[Tuple[str, int]] = [(s.symbol, s.line - start) for s in find(module(HEAD + text))]
    assert found == [("A.x", 3), ("A.z", 5)]
