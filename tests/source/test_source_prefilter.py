"""The filters must not lose a file: whatever they say no to has no site."""

from __future__ import annotations

from typing import Set, Tuple

import pytest

from dartenv.manifests.schema import NumpyAlias
from dartenv.source import aliases as numpy_aliases
from dartenv.source import defaults, prompts
from dartenv.source.module import Module
from dartenv.source.prefilter import Filter, attribute_filter, holds_any, other_names
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


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("from torch import load as read", {"read"}),
        ("from torch import (\n  load  as\n  读,\n)", {"读"}),
        ("read = torch.load", {"read"}),
        ("read=load", {"read"}),
        ("self.read = a.b.load(p)", {"read"}),
        ("reload as it; loads as it; x = torch.loads; x = preload", set()),
        ("x = torch.load_all; f(torch.load)", set()),
    ],
)
def test_other_names_of_a_function(text: str, others: Set[str]) -> None:
    assert other_names(text, ["load"]) == {"load"} | others


DATACLASS = "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: int = 0\n"
PLAIN = "@dataclass\nclass B:\n"


@pytest.mark.parametrize(
    "written",
    [
        PLAIN + "    a: A = A()\n",
        PLAIN + "    a:A=A()",
        PLAIN + "\ta: 'A' = (A())\n",
        PLAIN + "    a: A = \\\n        A()\n",
        PLAIN + "    a: A \\\n        = A()\n",
        PLAIN + "    a: A = (  # = one\n        A()\n    )\n",
        PLAIN + "    a: Dict[str, List[int]] = A()\n",
        PLAIN + "    a: Dict[\n        str, List[int],\n        int,\n    ] = A()\n",
        PLAIN + "    a: Union[A, (lambda: B)()] = A()\r\n",
        PLAIN + "    a: Annotated[A, Field(gt=0)] = A()\n",
        PLAIN + "    a: \"Literal['k=v', '#']\" = A()\n",
        PLAIN + "    a: 'A | k=v' = A()\n",
        PLAIN + "    名: A = A()\n",
        PLAIN + "    a: A = field(default=A())\n",
        "@dataclass\nclass B: a: A = A()\n",
        "@dataclass\nclass B:\n    n: int = 1; a: A = A()\n",
        "one = A()\n@dataclass\nclass B:\n    a: A = one\n",
    ],
)
def test_a_field_with_an_instance_is_never_filtered_out(written: str) -> None:
    data = (DATACLASS + written).encode()
    assert defaults.find(Module("a.py", data)) != []
    assert defaults.accepts(data)


@pytest.mark.parametrize(
    "written",
    [
        PLAIN + "    a: int = 3\n    b: str = 'A()'\n    c: Optional[A] = None\n",
        PLAIN + "    a: A\n    b: bool = True  # A()\n",
        "def f(a: A = A()):\n    return {a: A()}\n",
    ],
)
def test_other_fields_are_not_worth_parsing(written: str) -> None:
    data = (DATACLASS + written).encode()
    assert defaults.find(Module("a.py", data)) == []
    assert not defaults.accepts(data)


@pytest.mark.parametrize(
    ("written", "accepted"),
    [
        ("open(root + text_prompt + '.txt')", True),
        ("open(root + args.promptText)", True),
        ("open(root + PROMPTS[0])", True),
        ("open(root + args['x_prompt_y name'])", True),
        ("f(  # the file\n  prompt)", True),
        ("f('#', prompt)", True),
        ("# prompt\nf(a)  # prompt", False),
        ("# prompt\rprompt = 1", True),
        ("f(prompt_file, prompt_length, prompted)", False),
        ("a = 1", False),
    ],
)
def test_only_what_says_it_is_a_prompt_is_parsed_for_prompts(written: str, accepted: bool) -> None:
    assert prompts.accepts(written.encode()) is accepted


@pytest.mark.parametrize(
    ("line", "accepts"),
    [
        ("'" + "ab:cd:" * 30_000 + "'", defaults.accepts),
        ("x:[" * 30_000, defaults.accepts),
        ("x: f(" * 30_000, defaults.accepts),
        ("x:" + "=" * 90_000, defaults.accepts),
        ("(prompt_file, " * 30_000, prompts.accepts),
    ],
    ids=["colons", "brackets", "calls", "equals", "prompts"],  # Windows takes no id of this length
)
def test_lines_that_are_very_long_are_read_once(line: str, accepts: Filter) -> None:
    assert not accepts(f"dataclass\nf = 1; {line}\n".encode())


def test_far_from_the_start_of_a_line_nothing_counts_as_a_comment() -> None:
    assert prompts.accepts(b"f('" + b"x" * 600 + b"# ', prompt)")
    assert not prompts.accepts(b"f()  # " + b"x" * 80 + b" prompt")
