"""Deep imports: packages written for the test load, raise, hang and crash in the target."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import msgspec
import pytest

from dartenv.facts.imports import activated, probe_imports
from dartenv.facts.interpreter import script_path
from dartenv.facts.model import ImportResult, InterpreterFacts
from dartenv.facts.runner import Completed, SubprocessRunner
from dartenv.manifests.loader import Manifests, default_manifests

WINDOWS = os.name == "nt"
TARGET = InterpreterFacts(
    executable=sys.executable,
    version=platform.python_version(),
    platform="win-amd64" if WINDOWS else "linux-x86_64",
)
# A torch that multiplies as the kernel expects and has no GPU.
TORCH = """
__version__ = "9.9.9+cpu"
float32 = "float32"
class version: cuda = None
class cuda:
    @staticmethod
    def is_available(): return False
class Row:
    def unsqueeze(self, axis): return self
    def __mul__(self, other): return self
    def __matmul__(self, other): return self
    def sum(self): return self
    def item(self): return 504.0
def arange(count, dtype, device): return Row()
"""
Site = Callable[[str, str], Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Writes packages into a folder that the children have on their PYTHONPATH."""
    folder = tmp_path / "包 site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    write("torch/__init__.py", TORCH)
    for name in ("numpy", "yaml", "tqdm", "tyro"):
        write(f"{name}.py", "__version__ = '1.0'\n")
    return write


def quick(tmp_path: Path, idle: float) -> Manifests:
    """The manifests with another limit for a process in which nothing happens."""
    folder = tmp_path / "manifests" / "compat"
    folder.mkdir(parents=True)
    text = "\n".join(
        f"idle = {idle}" if line.startswith("idle") else line
        for line in default_manifests()._files[("compat", "imports")].data.decode().splitlines()
    )
    (folder / "imports.toml").write_text(text, encoding="utf-8")
    return Manifests([tmp_path / "manifests"])


def imported(
    root: Optional[Path] = None, manifests: Optional[Manifests] = None
) -> Dict[str, ImportResult]:
    manifests = manifests or default_manifests()
    place = str(root) if root is not None else None
    probed = probe_imports(
        TARGET, manifests.profile("sandbox"), place, SubprocessRunner(), manifests
    )
    assert probed.value is not None, probed.failures
    return {result.name: result for result in probed.value.results}


def test_what_loads_is_told_with_versions(site: Site) -> None:
    found = imported()
    assert [name for name, result in found.items() if not result.ok] == []
    assert found["imports.torch"].details["version"] == "9.9.9+cpu"
    assert found["imports.torch:kernel"].details["kernel"] == "ok"
    assert {"imports.dart:yaml", "imports.dart:tqdm"} <= set(found)
    assert "imports.pytorch3d" not in found
    assert "imports.viewer" not in found


def test_a_wrong_sum_is_not_a_kernel_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    names: Dict[str, Any] = {"__name__": "dartenv_inside"}
    path = script_path("inside_torch.py")
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    for total, told in (("504.0", "ok"), ("7.0", "sum 7.0 instead of 504.0")):
        torch = ModuleType("torch")
        exec(TORCH.replace("504.0", total), torch.__dict__)
        monkeypatch.setitem(sys.modules, "torch", torch)
        details: Dict[str, str] = {}
        names["run_kernel"](details, "cu118")
        assert details["kernel"] == told
        assert details["reason"] == "this torch is built without CUDA"


def test_each_kind_of_failure_is_told_apart(site: Site) -> None:
    site("numpy.py", "print('<<dartenv {\"kind\": \"end\"}>>')\nprint('x' * 100000)\n")
    site("tyro.py", "import not_there.at_all\n")
    site("tqdm.py", "raise SystemExit('no licence')\n")
    site("torch/__init__.py", "from torch import deep\n")
    site("torch/deep.py", "def build():\n    raise OSError('[WinError 126]\\nmore')\nbuild()\n")
    found = imported()
    assert found["imports.dart:numpy"].ok, "what is printed does no harm"
    missing = found["imports.dart:tyro"]
    assert (missing.outcome, missing.module) == ("missing", "not_there")
    ended = found["imports.dart:tqdm"]
    assert (ended.outcome, ended.error_type, ended.error) == ("error", "SystemExit", "no licence")
    torch = found["imports.torch"]
    assert (torch.outcome, torch.error_type, torch.error) == ("error", "OSError", "[WinError 126]")
    assert torch.module == "torch.deep"
    assert "imports.torch:kernel" not in found
    assert found["imports.dart:yaml"].ok


def test_a_crash_names_its_import_and_hides_no_other(site: Site) -> None:
    for name, act in (
        ("yaml", "import faulthandler; faulthandler._sigsegv()"),
        ("tqdm", "import os; os._exit(3)"),
        ("tyro", "import os; os.write(2, b'OMP: Error #15\\n'); os.abort()"),
    ):
        site(f"{name}/__init__.py", f"from {name} import core\n")
        site(f"{name}/core.py", act + "\n")
    found = imported()
    for name in ("yaml", "tqdm", "tyro"):
        result = found["imports.dart:" + name]
        assert (result.ok, result.outcome, result.module) == (False, "crash", name + ".core")
    assert "exit status 3" in (found["imports.dart:tqdm"].error or "")
    assert "OMP: Error #15" in found["imports.dart:tyro"].details["stderr"]
    assert found["imports.dart:numpy"].ok
    assert found["imports.torch:kernel"].ok


def test_a_torch_that_crashes_is_tried_once(site: Site) -> None:
    site("torch/__init__.py", "import faulthandler; faulthandler._sigsegv()\n")
    found = imported()
    assert found["imports.torch"].outcome == "crash"
    assert found["imports.torch"].module == "torch"
    assert "imports.torch:kernel" not in found


def test_a_hang_is_ended_and_names_the_module(site: Site, tmp_path: Path) -> None:
    site("torch/__init__.py", "from torch import waits\n")
    site("torch/waits.py", "import threading\nthreading.Event().wait()\n")
    # long enough for an interpreter to start, on Wine too, with everything else at work
    result = imported(manifests=quick(tmp_path, 6.0 if WINDOWS else 2.0))["imports.torch"]
    assert (result.ok, result.outcome, result.module) == (False, "timeout", "torch.waits")


def tree(tmp_path: Path, **files: str) -> Path:
    root = tmp_path / "DART 树"
    start = {
        "mld/rollout_mld.py": "import utils.one\n",
        "mld/rollout_demo.py": "from utils import one\nfrom utils.one import thing\n",
        "mld/optim_mld.py": "import os, torch\n",
        "utils/one.py": "import two_levels\nfrom . import sibling\nthing = 1\n",
        "utils/sibling.py": "",
        "two_levels/__init__.py": "",
    }
    for name, text in {**start, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def read_tree(root: Path) -> Dict[str, str]:
    """The details of a tree, read in this process; raises ImportError for a broken one."""
    names: Dict[str, Any] = {"__name__": "dartenv_inside"}
    path = script_path("inside_dart.py")
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    entries = ["mld.rollout_mld", "mld.rollout_demo", "mld.optim_mld"]
    details: Dict[str, str] = {}
    closure: Dict[str, Any] = {}
    names["read_tree"]({"root": str(root), "entries": entries}, details, closure)
    return {**details, "foreign": " ".join(sorted(closure["foreign"]))}


def test_a_whole_tree_is_read(tmp_path: Path) -> None:
    details = read_tree(tree(tmp_path))
    assert (details["files"], details["foreign"]) == ("6", "torch")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("from utils.gone import x\n", "utils/one.py:1: no module utils.gone"),
        ("\ndef broken(:\n", "utils/one.py:2: "),
        ("x = '\0'\n", "utils/one.py"),
    ],
)
def test_a_tree_that_cannot_be_imported_is_told_by_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(ImportError) as caught:
        read_tree(tree(tmp_path, **{"utils/one.py": text}))
    assert str(caught.value).startswith(problem)


def test_an_entry_point_that_is_not_there_is_told(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (root / "mld" / "rollout_demo.py").unlink()
    with pytest.raises(ImportError, match=r"mld\.rollout_demo: no such module in the tree"):
        read_tree(root)


def test_the_tree_is_compiled_and_not_run_and_its_own_packages_are_imported(
    site: Site, tmp_path: Path
) -> None:
    text = "import extra_one\ntry:\n    import guarded\nexcept ImportError:\n    pass\n"
    root = tree(
        tmp_path,
        **{
            "utils/sibling.py": text + "def later():\n    import never\n",
            "mld/optim_mld.py": "raise SystemError('run')\n",
        },
    )
    found = imported(root)
    assert found["imports.dart:tree"].ok
    assert found["imports.dart:extra_one"].outcome == "missing"
    for name in ("guarded", "never", "two_levels", "utils"):
        assert f"imports.dart:{name}" not in found
    assert not list(root.rglob("__pycache__"))


def test_a_module_of_the_tree_shadows_a_package_as_it_does_for_dart(
    site: Site, tmp_path: Path
) -> None:
    root = tree(tmp_path, **{"tyro.py": "raise ValueError('a file of the tree')\n"})
    assert imported(root)["imports.dart:tyro"].error == "a file of the tree"


class Scripted:
    """A runner that answers every run alike and notes the requests."""

    def __init__(self, done: Completed) -> None:
        self.done = done
        self.requests: List[Dict[str, Any]] = []

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        self.requests.append(json.loads(argv[3]))
        return self.done


def test_without_a_profile_the_kind_of_tree_decides() -> None:
    runner = Scripted(Completed([], 0, b'<<dartenv {"kind": "end"}>>\n'))
    probe_imports(TARGET, None, None, runner, kind="sandbox")
    asked = {
        request["tasks"][0]: (request.get("ahead"), request["modules"])
        for request in runner.requests
    }
    assert asked == {"ahead": (["tqdm"], []), "modules": (None, ["numpy", "yaml", "tyro"])}
    runner.requests.clear()
    probe_imports(TARGET, None, None, runner)
    modules = {
        name
        for request in runner.requests
        for name in request["modules"] + request.get("aside", [])
    }
    assert {"spacy", "clip", "torch.utils.tensorboard", "matplotlib.pyplot"} <= modules
    parts = [request["pytorch3d"] for request in runner.requests if "pytorch3d" in request]
    assert parts == [{"needed": "pytorch3d.transforms", "compiled": "pytorch3d._C"}]


def test_an_interpreter_that_does_not_start_is_a_failure_of_the_probe() -> None:
    runner = Scripted(Completed([], 9, b"", b"no licence\n"))
    probed = probe_imports(TARGET, None, None, runner, kind="sandbox")
    assert probed.value is None
    assert {failure.probe for failure in probed.failures} == {"imports"}
    assert probed.failures[0].reason.endswith("exit status 9: no licence")


def test_condas_folders_come_first_on_path_on_windows() -> None:
    conda = InterpreterFacts(
        executable="D:\\envs\\dart\\python.exe",
        version="3.8.8",
        prefix="D:\\envs\\dart",
        conda_prefix="D:\\envs\\dart",
        platform="win-amd64",
    )
    path = activated(conda)["PATH"].split(";")
    assert path[0] == "D:\\envs\\dart"
    assert "D:\\envs\\dart\\Library\\bin" in path


def test_the_tiny_model_is_the_same_bytes_everywhere() -> None:
    names: Dict[str, Any] = {}
    path = script_path("inside_ort.py")
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    model = names["tiny_model"]()
    assert len(model) == 153
    assert model.startswith(b"\x08\x06\x12\x07dartenv")
    assert names["varint"](300) == b"\xac\x02"


def test_a_session_that_falls_back_is_not_a_session_on_the_provider(site: Site) -> None:
    site(
        "onnxruntime/__init__.py",
        "__version__ = '1.19.2'\n"
        "def get_available_providers(): return ['CUDAExecutionProvider', 'CPUExecutionProvider']\n"
        "class SessionOptions:\n"
        "    def add_session_config_entry(self, key, value):\n"
        "        assert (key, value) == ('session.disable_cpu_ep_fallback', '1')\n"
        "class InferenceSession:\n"
        "    def __init__(self, model, options, providers): assert len(model) == 153\n"
        "    def get_providers(self): return ['CPUExecutionProvider']\n",
    )
    site("numpy.py", "")
    from dartenv.facts.model import DistributionFacts

    gpu = DistributionFacts(name="onnxruntime-gpu", version="1.19.2")
    target = msgspec.structs.replace(TARGET, distributions=(gpu,))
    manifests = default_manifests()
    probed = probe_imports(target, manifests.profile("sandbox"), None, SubprocessRunner())
    assert probed.value is not None
    found = {result.name: result for result in probed.value.results}
    assert found["ort.providers"].ok
    result = found["ort.providers:CUDAExecutionProvider"]
    assert not result.ok
    assert result.error == "the session runs on CPUExecutionProvider"
    preloaded = found["ort.providers:CUDAExecutionProvider:preloaded"]
    assert preloaded.error == "this release has no preload_dlls"


def test_patience_for_the_gpu_ends_with_its_step() -> None:
    names: Dict[str, Any] = {"__name__": "dartenv_inside"}
    path = script_path("inside_run.py")
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    armed: List[float] = []

    class Alarm:
        @staticmethod
        def dump_traceback_later(seconds: float, exit: bool) -> None:
            armed.append(seconds)

    names["faulthandler"] = Alarm
    reader, writer = os.pipe()
    names["state"].update(channel=writer, idle=7.0)
    names["step"]("imports.torch:kernel", lambda details: None, 60.0)
    os.close(reader)
    os.close(writer)
    assert armed == [60.0, 7.0]
