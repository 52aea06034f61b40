"""What holds for every patch, whatever the newlines, indents, encoding and end of the file."""

from __future__ import annotations

import ast
from typing import Any, Callable, List, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.fixes.patches import (
    dataclass_defaults,
    numpy_aliases,
    posixpath,
    prompt_filenames,
    torch_load,
)
from dartenv.fixes.patches.engine import Patch, PatchContext
from dartenv.fixes.patches.result import PatchResult

Run = Callable[..., PatchResult]

# Each is a faulty piece of code; ``@`` is where the indent of a block stands.
FAULTS = {
    numpy_aliases.PATCH: [
        "import numpy as np\nx = np.float  # np.float\n",
        "from numpy import float, array\n",
        "def f():\n@from numpy import (\n@@zeros,\n@@int as i,\n@)\n@return i\n",
        "import numpy\nif True:\n@y = [numpy.float(1), 'np.int', f'{numpy.int(2)} é']\n",
        "import numpy as np\nz = np.infty; w = np.NINF\n",
    ],
    posixpath.PATCH: [
        "import tyro\ndef load(t):\n@return tyro.extras.from_yaml(dict, t)  # 步\n",
        "from tyro.extras import from_yaml as fy\nif True:\n@a = '步', fy(dict,\n@@'t')\n",
        "import yaml\nwith open('args.yaml') as f:\n@b = yaml.unsafe_load(f)\n",
    ],
    prompt_filenames.PATCH: [
        "def save(out, text_prompt):\n@name = text_prompt[:9] + '_步'  # *\n@return out / name\n",
        "from pathlib import Path\ndef ask(a):\n@return Path(a.prompt).exists()\n",
        "def many(out, prompts):\n@return [out / f'{p}.é' for p in prompts]\n",
    ],
    dataclass_defaults.PATCH: [
        "from dataclasses import dataclass\n@dataclass\nclass X:\n@n: int = 0\n\n@dataclass\nclass A:\n@x: X = X()  # é\n@y: X = X(2)\n".replace(
            "\n@dataclass", "\n%dataclass"
        ),
        "import dataclasses as dc\n%dc.dataclass\nclass Z:\n@n: int = 0\n%dc.dataclass\nclass B:\n@x: Z = dc.field(default=Z(\n@@3,\n@))\n",
    ],
    torch_load.PATCH: [
        "import torch\nif True:\n@x = torch.load('步.pt')  # é\n",
        "from torch import load\ndef f(p):\n@return load(\n@@p,  # the path\n@)\n",
    ],
}
FILLERS = [
    "# 步行 note\n",
    "\n",
    "\x0c\n",
    "s = 'np.float torch.load é'\n",
    "'''two\nlines'''\n",
    "\t# tab\n",
]
ENCODINGS = ["utf-8", "utf-8-sig", "gbk", "latin-1"]


@st.composite
def files(draw: Any, faults: List[str]) -> bytes:
    pieces: List[str] = []
    for fault in draw(st.lists(st.sampled_from(faults), min_size=1, max_size=3, unique=True)):
        pieces.extend(draw(st.lists(st.sampled_from(FILLERS), max_size=2)))
        pieces.append(fault)
    pieces.extend(draw(st.lists(st.sampled_from(FILLERS), max_size=2)))
    indent = draw(st.sampled_from(["    ", "\t", "  "]))
    text = "".join(pieces).replace("@", indent).replace("%", "@")
    encoding = draw(st.sampled_from(ENCODINGS))
    if not encoding.startswith("utf-8"):
        text = f"# -*- coding: {encoding} -*-\n" + text
        text = text.replace("步", "e").replace("行", "e") if encoding == "latin-1" else text
        text = text.replace("é", "e") if encoding == "gbk" else text
    if draw(st.booleans()):
        text = text.rstrip("\n")
    newlines = draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]]))
    lines = text.split("\n")
    joined = lines[0]
    for number, line in enumerate(lines[1:]):
        joined += newlines[number % len(newlines)] + line
    data: bytes = joined.encode(encoding)
    return data


@pytest.mark.parametrize("patch", list(FAULTS), ids=lambda p: str(p.id))
@given(data=st.data())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_patch_changes_what_it_tells_and_nothing_else(
    patch: Patch[Any], data: Any, run: Run, context: PatchContext
) -> None:
    old: bytes = data.draw(files(FAULTS[patch]))
    result = run(patch, old)  # checks that comments, other lines and the mark stay
    assert result.edits
    assert result.refusals == ()
    if b"\r" not in old:
        assert b"\r" not in result.data
    if b"\n" not in old and old.count(b"\r") > 0:
        assert b"\n" not in result.data
    if old.count(b"\n") == old.count(b"\r\n") > 0:
        assert result.data.count(b"\n") == result.data.count(b"\r\n") == result.data.count(b"\r")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_refused_or_left_as_they_are(data: bytes) -> None:
    for patch in FAULTS:
        result = patch.run(data, PatchContext())
        assert result.data == data


@given(st.text(alphabet="()[]{}:=,.'\"#\\ \n\tabnpf@*", max_size=80))
@settings(max_examples=150, deadline=None)
def test_odd_programs_do_not_break_the_patches(text: str) -> None:
    data = f"import numpy as np, torch, tyro\nprompt = 1\n{text}".encode()
    for patch in FAULTS:
        patch.run(data, PatchContext())


# One that replaces in place and one that inserts; the machinery is the same for all.
@pytest.mark.parametrize(
    "patch", [numpy_aliases.PATCH, prompt_filenames.PATCH], ids=lambda p: str(p.id)
)
def test_twenty_thousand_lines(patch: Patch[Any], run: Run) -> None:
    fault = FAULTS[patch][0].replace("@", "\t").replace("%", "@")
    lines = [f"v{n} = {n}  # 步 {n}\n" for n in range(20_000)]
    text = fault + "".join(lines[:10_000]) + fault + "".join(lines[10_000:]) + fault.rstrip("\n")
    old = text.replace("\n", "\r\n").encode("utf-8-sig")
    result = run(patch, old)
    assert len(result.edits) >= 3
    assert b"".join(line.replace("\n", "\r\n").encode() for line in lines[:10_000]) in result.data


def test_all_patches_after_one_another(run: Run) -> None:
    """Each patch takes what the others leave; the order makes no difference to what is repaired."""
    text = "".join(fault for faults in FAULTS.values() for fault in faults)
    text = text.replace("@", "    ").replace("%", "@")
    orders: List[Tuple[Patch[Any], ...]] = [tuple(FAULTS), tuple(reversed(list(FAULTS)))]
    trees = []
    for order in orders:
        data = text.encode("utf-8")
        for patch in order:
            result = run(patch, data)
            assert result.edits
            data = result.data
        trees.append(sorted(ast.dump(node) for node in ast.parse(data).body))
    assert trees[0] == trees[1]


DEEP = {
    "elif": "import torch\nif a: torch.load(p)\n" + "elif b: pass\n" * 3000,
    "sum": "import numpy as np\nprompt = 1\nx = " + "+".join(["np.float"] * 4000),
    "calls": "import torch, tyro\nprompt = torch.load(p)" + "(1)" * 4000,
    "brackets": "x = " + "[" * 150 + "prompt" + "]" * 150,
}


@pytest.mark.parametrize("name", list(DEEP))
def test_code_nested_too_deeply_is_left_alone(name: str, context: PatchContext) -> None:
    data = DEEP[name].encode()
    for patch in FAULTS:
        result = patch.run(data, context)
        assert result.data == data
        assert result.edits == ()
