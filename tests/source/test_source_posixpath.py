from __future__ import annotations

from typing import Callable, Dict, List, Tuple

import pytest

from dartenv.source.helpers import POSIXPATH
from dartenv.source.module import Module
from dartenv.source.posixpath import accepts, find
from dartenv.source.tree import SourceTree

Make = Callable[..., Module]
SWAP_ON = "pathlib.PosixPath = pathlib.WindowsPath"
LOADER = """import tyro, yaml

def load_mld(path):
    with open(path / 'args.yaml') as f:
        return tyro.extras.from_yaml(Args, yaml.safe_load(f))
"""


def states(text: str, make: Make, args_file: str = "args.yaml") -> List[Tuple[int, str]]:
    module = make(text)
    sites = find(module, args_file)
    data = module.source.data
    assert not sites or accepts(SourceTree({module.path: data}))(data)
    return [(site.line, site.state) for site in sites]


@pytest.mark.parametrize(
    "text",
    [
        "import tyro\nx = tyro.extras.from_yaml(A, t)",
        "import tyro as ty\nx = ty.extras.from_yaml(A, t)",
        "import tyro.extras\nx = tyro.extras.from_yaml(A, t)",
        "import tyro.extras as te\nx = te.from_yaml(A, t)",
        "from tyro import extras\nx = extras.from_yaml(A, t)",
        "from tyro import extras as e\nx = e.from_yaml(A, t)",
        "from tyro.extras import from_yaml\nx = from_yaml(A, t)",
        "from tyro.extras import from_yaml as fy\nx = fy(A, t)",
        "def f():\n    import tyro; return tyro.extras.from_yaml(A, t)",
        "from tyro.extras import *; import tyro\nx = tyro.extras.from_yaml(A, t)",
        "import tyro; load = tyro.extras.from_yaml\nx = load(A, t)",
        "import yaml\nx = yaml.load(open('a/args.yaml'), Loader=yaml.UnsafeLoader)",
        "import yaml\nx = yaml.load(open('a/args.yaml'), yaml.Loader)",
        "import yaml\nx = yaml.full_load(open(d / 'args.yaml'))",
        "from yaml import load, FullLoader; p = 'args.yaml'\nx = load(open(p), Loader=FullLoader)",
    ],
)
def test_every_spelling_of_a_loader(text: str, module: Make) -> None:
    assert states(text, module) == [(2, "needed")]


@pytest.mark.parametrize(
    "text",
    [
        "import yaml\nwith open('args.yaml') as f:\n    x = yaml.safe_load(f)",
        "import yaml\nx = yaml.load(open('args.yaml'), Loader=yaml.SafeLoader)",
        "import yaml\nx = yaml.load(open('config.yaml'), Loader=yaml.FullLoader)",
        "# tyro.extras.from_yaml(A, t)\nx = 'tyro.extras.from_yaml(A, t)'",
        "import other\nx = other.from_yaml(A, t)",
        "def from_yaml(x): pass\nfrom_yaml(1)",
        "import torch\nx = torch.load('args.yaml')",
    ],
)
def test_what_is_no_loader_of_args(text: str, module: Make) -> None:
    assert states(text, module) == []


def test_a_file_opened_around_the_call_is_known(module: Make) -> None:
    text = "import yaml\nwith open(d / 'args.yaml') as f:\n    x = yaml.unsafe_load(f)"
    assert states(text, module) == [(3, "needed")]


def test_a_file_that_cannot_be_told_is_unsure(module: Make) -> None:
    text = "import yaml\ndef f(path):\n    return yaml.unsafe_load(open(path))"
    assert states(text, module) == [(3, "unsure")]


def test_a_loader_handed_on_is_unsure(module: Make) -> None:
    text = "import tyro, functools\nload = functools.partial(tyro.extras.from_yaml, A)"
    assert states(text, module) == [(2, "unsure")]


@pytest.mark.parametrize(
    "text",
    [
        # Around the call, in a function or at the top, in several spellings.
        f"import pathlib\n{LOADER}kept = pathlib.PosixPath\n{SWAP_ON}\nm = load_mld(p)\npathlib.PosixPath = kept\n",
        f"import pathlib\n{LOADER}def main():\n    kept = pathlib.PosixPath\n    {SWAP_ON}\n    m = load_mld(p)\n    pathlib.PosixPath = kept\n",
        f"import pathlib as pl\n{LOADER}kept, pl.PosixPath = pl.PosixPath, pl.WindowsPath\nm = load_mld(p)\npl.PosixPath = kept\n",
        f"import pathlib, os\n{LOADER}if os.name == 'nt':\n    {SWAP_ON}\nm = load_mld(p)\n",
        f"import pathlib, platform\n{LOADER}if platform.system() == 'Windows':\n    {SWAP_ON}\nm = load_mld(p)\n",
        f"import pathlib\n{LOADER}setattr(pathlib, 'PosixPath', pathlib.WindowsPath)\nm = load_mld(p)\n",
        f"import pathlib\n{LOADER}try:\n    {SWAP_ON}\n    m = load_mld(p)\nfinally:\n    pathlib.PosixPath = kept\n",
        f"import pathlib\n{LOADER}def outer():\n    return load_mld(p)\n{SWAP_ON}\nouter()\npathlib.PosixPath = kept\n",
        f"import pathlib\n{LOADER}kept = pathlib.PosixPath; {SWAP_ON}; m = load_mld(p); pathlib.PosixPath = kept\n",
        # Before everything, for good.
        f"import pathlib\n{SWAP_ON}\n{LOADER}m = load_mld(p)\n",
        f"import pathlib\npathlib.PosixPath = pathlib.PurePosixPath\n{LOADER}",
        # Around the call itself.
        f"import pathlib, tyro\ndef f(t):\n    {SWAP_ON}\n    x = tyro.extras.from_yaml(A, t)\n    pathlib.PosixPath = kept\n    return x\n",
        # With a context manager.
        f"import pathlib\nfrom unittest import mock\n{LOADER}with mock.patch('pathlib.PosixPath', pathlib.WindowsPath):\n    m = load_mld(p)\n",
        f"import pathlib\nfrom unittest import mock\n{LOADER}with mock.patch.object(pathlib, 'PosixPath', pathlib.WindowsPath):\n    m = load_mld(p)\n",
        f"import pathlib, contextlib\n{LOADER}@contextlib.contextmanager\ndef windows():\n    {SWAP_ON}\n    yield\n    pathlib.PosixPath = kept\nwith windows():\n    m = load_mld(p)\n",
        # In the text.
        "import tyro, yaml\nt = yaml.safe_load(f).replace('pathlib.PosixPath', 'pathlib.WindowsPath')\nx = tyro.extras.from_yaml(A, t)",
        "import tyro, re\nx = tyro.extras.from_yaml(A, re.sub('PosixPath', 'PurePosixPath', t))",
        "import tyro, yaml\nyaml.add_constructor('tag:yaml.org,2002:python/object/apply:pathlib.PosixPath', read)\nx = tyro.extras.from_yaml(A, t)",
    ],
)
def test_repairs_by_hand_count(text: str, module: Make) -> None:
    assert [state for _, state in states(text, module)] == ["repaired"]


@pytest.mark.parametrize(
    "text",
    [
        # Too late, put back before, around another call, in another function.
        f"import pathlib\n{LOADER}m = load_mld(p)\n{SWAP_ON}\nother()\npathlib.PosixPath = kept\n",
        f"import pathlib\n{LOADER}{SWAP_ON}\npathlib.PosixPath = kept\nm = load_mld(p)\n",
        f"import pathlib\n{LOADER}def fix():\n    {SWAP_ON}\nm = load_mld(p)\n",
        f"import pathlib\n{LOADER}{SWAP_ON}\nm = load_mld(p)\npathlib.PosixPath = kept\nn = load_mld(q)\n",
        f"import pathlib\n{LOADER}# {SWAP_ON}\nm = load_mld(p)\n",
        f"import pathlib\n{LOADER}kept = pathlib.PosixPath\nm = load_mld(p)\n",
        f"import pathlib\n{LOADER}m = load_mld(p); {SWAP_ON}; pathlib.PosixPath = kept\n",
    ],
)
def test_repairs_by_hand_that_do_not_hold(text: str, module: Make) -> None:
    assert [state for _, state in states(text, module)] == ["needed"]


def test_a_swap_under_another_condition_is_unsure(module: Make) -> None:
    text = f"import pathlib\nif args.swap:\n    {SWAP_ON}\n{LOADER}"
    assert [state for _, state in states(text, module)] == ["unsure"]


def test_the_loaders_of_other_files_stay_needed() -> None:
    files: Dict[str, bytes] = {
        "demo.py": f"import pathlib\n{LOADER}{SWAP_ON}\nload_mld(p)\npathlib.PosixPath = k\n".encode(),
        "rollout.py": (LOADER + "load_mld(p)\n").encode(),
    }
    tree = SourceTree(files)
    matching = tree.matching(accepts(tree))
    found = {m.path: [s.state for s in find(m, "args.yaml", tree)] for m in matching}
    assert found == {"demo.py": ["repaired"], "rollout.py": ["needed"]}


def test_a_swap_around_the_call_in_another_file() -> None:
    swapped = f"import pathlib\nfrom rollout import load_mld\n{SWAP_ON}\nload_mld(p)\n".encode()
    bare = b"from rollout import load_mld\nload_mld(p)\n"
    both = SourceTree({"rollout.py": LOADER.encode(), "a.py": swapped, "b.py": bare})
    one = SourceTree({"rollout.py": LOADER.encode(), "a.py": swapped})
    for tree, state in ((both, "needed"), (one, "repaired")):
        module = tree.module("rollout.py")
        assert module is not None
        (site,) = find(module, "args.yaml", tree)
        assert site.state == state
        assert "a.py:4" in site.note


def test_a_module_that_swaps_for_good_counts_for_those_that_import_it() -> None:
    files = {
        "compat.py": f"import pathlib\n{SWAP_ON}\n".encode(),
        "rollout.py": ("import compat\n" + LOADER).encode(),
    }
    tree = SourceTree(files)
    module = tree.module("rollout.py")
    assert module is not None
    assert [site.state for site in find(module, "args.yaml", tree)] == ["repaired"]


def test_our_repair_is_known_and_a_changed_one_is_a_conflict(module: Make) -> None:
    call = "x = _dartenv_any_path(tyro.extras.from_yaml)(A, t)"
    ours = f"import tyro\n{POSIXPATH.text}{call}\n"
    assert [state for _, state in states(ours, module)] == ["repaired"]
    assert [state for _, state in states(ours.replace("\n", "\r\n"), module)] == ["repaired"]
    changed = ours.replace('!= "nt"', '== "posix"')
    assert [state for _, state in states(changed, module)] == ["conflict"]
    assert [state for _, state in states(f"import tyro\n{call}\n", module)] == ["conflict"]
    both = changed + "y = tyro.extras.from_yaml(B, t)\n"
    assert [state for _, state in states(both, module)] == ["conflict", "conflict"]
