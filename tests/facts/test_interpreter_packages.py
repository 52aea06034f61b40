"""What lies in the target's site-packages: whole, broken, shared and loose, read in one go."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dartenv.facts.interpreter import probe_interpreter
from dartenv.facts.model import InterpreterFacts
from dartenv.facts.runner import SubprocessRunner


def metadata(name: str, version: str, *more: str) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more]
    return "\n".join(lines) + "\n\nA description.\nVersion: 99\n"


FILES = {
    # Broken in every way, and one whole among them.
    "whole-1.0.dist-info/METADATA": metadata("Whole", "1.0", "Requires-Dist: numpy<2"),
    "empty-1.0.dist-info/METADATA": "",
    "none-1.0.dist-info/RECORD": "",
    "folder-1.0.dist-info/METADATA/oops": "",
    "url-1.0.dist-info/METADATA": metadata("url", "1.0"),
    "url-1.0.dist-info/direct_url.json": "{ cut o",
    "types-1.0.dist-info/METADATA": metadata("types", "1.0"),
    "types-1.0.dist-info/direct_url.json": '{"url": 5, "vcs_info": [1], "dir_info": "x"}',
    "types-1.0.dist-info/RECORD": "typesx.py,,\n",
    "typesx.py": "",
    "~umpy-1.24.4.dist-info/METADATA": metadata("numpy", "1.24.4"),
    "old-2.0.egg-info": metadata("Old", "2.0"),
    # torch of the plain index on Windows.
    "torch-2.4.1.dist-info/METADATA": metadata("torch", "2.4.1"),
    "torch-2.4.1.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp38-cp38-win_amd64\n",
    "torch-2.4.1.dist-info/top_level.txt": "torch\ntorchgen\n",
    "torch/__init__.py": "raise SystemError('imported')\n",
    "torch/version.py": "__version__ = '2.4.1+cpu'\ncuda: Optional[str] = None\n",
    "torch/_C.cp38-win_amd64.pyd": "",
    "torch/lib/cudnn64_9.dll": "",
    "nvidia/cudnn/bin/cudnn64_8.dll": "",
    # Modules of no distribution.
    "clip/__init__.py": "",
    "clip/clip.py": "from pkg_resources import packaging\nclass SimpleTokenizer: pass\n",
    "pytorch3d/__init__.py": "__version__ = '0.7.8'\n",
    "space/part/__init__.py": "",
    "single.py": "",
    # A folder that two distributions share.
    "shared_one-1.dist-info/METADATA": metadata("shared-one", "1"),
    "shared_one-1.dist-info/RECORD": "shared/one/__init__.py,,\nonex.py,,\n",
    "shared/one/__init__.py": "",
    "onex.py": "",
    "shared_two-1.dist-info/METADATA": metadata("shared-two", "1"),
    "shared_two-1.dist-info/RECORD": "shared/two/__init__.py,,\n../../bin/x,,\ntwox.py,,\n",
    "shared/two/__init__.py": "",
    "twox.py": "",
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> InterpreterFacts:
    """This interpreter with all of that on its PYTHONPATH."""
    folder = tmp_path_factory.mktemp("外 部")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        probed = probe_interpreter(sys.executable, SubprocessRunner())
    assert probed.value is not None, probed.failures
    return probed.value


def test_broken_metadata_is_said_and_hides_nothing(target: InterpreterFacts) -> None:
    found = {d.name: d for d in target.distributions}
    assert found["whole"].requires == ("numpy<2",)
    assert found["whole"].problem is None
    assert found["empty"].version == "1.0"
    for name in ("url", "types"):
        assert "direct_url.json" in (found[name].problem or "")
    assert found["types"].top_level == ("typesx",)
    for name in ("empty", "none", "folder", "url"):
        assert found[name].problem, name
    assert "interrupted" in (found["~umpy"].problem or "")
    assert found["old"].version == "2.0"


def test_a_torch_for_windows_is_read_by_its_files(target: InterpreterFacts) -> None:
    # the interpreter may have a torch of its own, behind this one
    torch = next(d for d in target.distributions if d.name == "torch")
    assert torch.tags == ("cp38-cp38-win_amd64",)
    assert torch.extensions == ("torch/_C.cp38-win_amd64.pyd",)
    assert torch.top_level == ("torch",)
    module = next(m for m in target.modules if m.name == "torch")
    assert module.distribution == "torch"
    assert module.constants == {"__version__": "2.4.1+cpu", "cuda": "None"}
    here = [d for d in target.dlls if "外 部" in d.path]
    libraries = [(d.name, d.owner) for d in here if d.owner in ("torch", "nvidia/cudnn")]
    assert libraries == [("cudnn64_9.dll", "torch"), ("cudnn64_8.dll", "nvidia/cudnn")]
    assert all(Path(d.path).is_file() for d in target.dlls)


def test_a_folder_on_pythonpath_brings_loose_modules(target: InterpreterFacts) -> None:
    modules = {m.name: m for m in target.modules}
    assert modules["clip"].distribution is None
    assert modules["clip"].words == ("pkg_resources", "SimpleTokenizer")
    assert modules["pytorch3d"].extensions == ()
    assert modules["pytorch3d"].constants == {"__version__": "0.7.8"}
    assert "single" in modules
    assert "space" not in modules


def test_a_name_that_is_shared_as_a_namespace_belongs_to_nobody(target: InterpreterFacts) -> None:
    found = {d.name: d.top_level for d in target.distributions}
    assert found["shared-one"] == ("onex",)
    assert found["shared-two"] == ("twox",)


def test_the_folder_counts_before_the_environments_own(target: InterpreterFacts) -> None:
    places = [os.path.normcase(d.location or "") for d in target.distributions]
    first = places[0]
    assert "外 部" in first
    assert places.count(first) == len([name for name in FILES if _is_distribution(name)])


def _is_distribution(name: str) -> bool:
    parts = name.split("/")
    heads = {n.split("/")[0] for n in FILES if "-info" in n}
    return parts[0] in heads and name == next(n for n in FILES if n.split("/")[0] == parts[0])
