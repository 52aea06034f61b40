"""The CUDA checks: toolkits that are wanted or not, variables that disagree, mixed libraries."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

import dartenv.checks.cuda
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    CudaFacts,
    DistributionFacts,
    DllFacts,
    Facts,
    HostFacts,
    InterpreterFacts,
    ModuleFacts,
    ToolkitFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

WINDOWS = HostFacts(
    system="windows", release="10", version="10.0.22631", machine="AMD64", bits=64, build=22631
)
LINUX = HostFacts(system="linux", release="6.1", version="#1", machine="x86_64", bits=64, wsl=0)
MANIFESTS = Manifests()  # read once: files are slow to open on some systems
ROOT = "C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\"


def toolkit(version: str, *found_by: str, nvcc: bool = True, path: str = "") -> ToolkitFacts:
    return ToolkitFacts(
        path=path or f"{ROOT}v{'.'.join(version.split('.')[:2])}",
        version=version,
        version_from="version.json",
        found_by=found_by or ("Program Files",),
        nvcc=nvcc,
    )


def profile(**changes: Any) -> Profile:
    fields: Dict[str, Any] = {
        "id": "windows-cu118",
        "title": "t",
        "source": "s",
        "system": "windows",
        "python": ("3.8",),
        "compute": "cu118",
        "cuda": "11.8",
        "torch": "2.4.1+cu118",
    }
    fields.update(changes)
    return Profile(**fields)


BUILDS = profile(toolkit="fail")
CPU = profile(id="windows-cpu", compute="cpu", cuda=None)


def verdict(
    check_id: str,
    cuda: Optional[CudaFacts] = None,
    the_profile: Optional[Profile] = None,
    host: HostFacts = WINDOWS,
    manifests: Optional[Manifests] = None,
    **facts: Any,
) -> Finding:
    context = Context(
        Facts(host=host, cuda=cuda or CudaFacts(), **facts),
        the_profile or profile(),
        manifests or MANIFESTS,
    )
    found = run_checks(context, REGISTRY.select([check_id]))
    assert len(found) == 1, [f.summary for f in found]
    return found[0]


def test_the_topic_registers_all_its_checks() -> None:
    assert dartenv.checks.cuda is not None
    assert [c.id for c in REGISTRY.select(["cuda"])] == [
        "cuda.toolkit",
        "cuda.env",
        "cuda.several",
        "cuda.runtime-mix",
    ]


class TestToolkit:
    def test_the_right_one_is_named_with_its_place(self) -> None:
        found = verdict("cuda.toolkit", CudaFacts(toolkits=(toolkit("11.8.89"),)))
        assert found.status is Status.OK
        assert f"11.8.89 at {ROOT}v11.8" in found.summary

    @pytest.mark.parametrize(
        ("the_profile", "status"), [(profile(), Status.INFO), (BUILDS, Status.FAIL)]
    )
    @pytest.mark.parametrize(
        ("toolkits", "words"),
        [
            ((), "no CUDA toolkit"),
            ((toolkit("12.4.131"),), "only CUDA 12.4.131"),
            ((toolkit("11.8.89", nvcc=False),), "without nvcc"),
        ],
    )
    def test_what_is_there_instead_weighs_by_use(
        self, the_profile: Profile, status: Status, toolkits: Any, words: str
    ) -> None:
        found = verdict("cuda.toolkit", CudaFacts(toolkits=toolkits), the_profile)
        assert found.status is status
        assert words in (found.found or "")
        assert (found.remedy is not None) is (status is Status.FAIL)

    def test_the_remedy_of_a_build_names_the_download_and_spares_the_driver(self) -> None:
        found = verdict("cuda.toolkit", CudaFacts(), BUILDS)
        assert found.remedy is not None
        assert "cuda-11-8-0-download-archive" in found.remedy.text
        assert "without the driver" in found.remedy.text

    def test_11_8_is_not_found_in_11_80_nor_in_1_1(self) -> None:
        strange = (toolkit("11.80.1", path="/x"), toolkit("1.1.8", path="/y"))
        assert verdict("cuda.toolkit", CudaFacts(toolkits=strange), BUILDS).status is Status.FAIL

    def test_a_toolkit_without_a_version_does_not_count(self) -> None:
        nameless = ToolkitFacts(path="D:\\cuda", found_by=("PATH",))
        found = verdict("cuda.toolkit", CudaFacts(toolkits=(nameless,)), BUILDS)
        assert (found.status, "unknown version" in (found.found or "")) == (Status.FAIL, True)

    def test_cpu_needs_none(self) -> None:
        assert verdict("cuda.toolkit", CudaFacts(), CPU).status is Status.SKIP

    def test_on_linux(self) -> None:
        there = toolkit("11.8.89", "/usr/local", path="/usr/local/cuda-11.8")
        on_linux = profile(id="linux-cu118", system="linux", toolkit="fail")
        found = verdict("cuda.toolkit", CudaFacts(toolkits=(there,)), on_linux, LINUX)
        assert found.status is Status.OK


class TestEnv:
    def both(self, env: Dict[str, str], path: Optional[str] = None) -> CudaFacts:
        """11.8 and 12.4 side by side, with variables and PATH leading to either."""
        toolkits = []
        for version in ("11.8", "12.4"):
            by = [name for name, value in env.items() if value == version]
            by += ["Program Files"] + (["PATH"] if path == version else [])
            toolkits.append(toolkit(version, *by))
        return CudaFacts(
            toolkits=tuple(toolkits),
            env={name: f"{ROOT}v{value}" for name, value in env.items()},
            nvcc_on_path=f"{ROOT}v{path}\\bin\\nvcc.exe" if path else None,
        )

    def test_nothing_set_chooses_nothing(self) -> None:
        assert verdict("cuda.env", CudaFacts()).status is Status.OK

    def test_all_on_11_8(self) -> None:
        cuda = self.both({"CUDA_HOME": "11.8", "CUDA_PATH": "11.8"}, path="11.8")
        assert verdict("cuda.env", cuda).status is Status.OK

    def test_the_installer_that_ran_last_took_cuda_path(self) -> None:
        cuda = self.both({"CUDA_HOME": "11.8", "CUDA_PATH": "12.4"}, path="12.4")
        found = verdict("cuda.env", cuda)
        assert found.status is Status.WARN
        assert "CUDA_HOME is 11.8, CUDA_PATH is 12.4, nvcc on PATH is 12.4" in found.summary
        assert "torch takes 11.8, cuda-pathfinder and CMake take 12.4" in found.summary
        assert found.remedy is not None
        assert found.remedy.fix == "cuda.env"
        assert found.remedy.commands == (
            f'setx CUDA_HOME "{ROOT}v11.8"',
            f'setx CUDA_PATH "{ROOT}v11.8"',
        )

    def test_torch_takes_cuda_path_where_cuda_home_is_not_set(self) -> None:
        found = verdict("cuda.env", self.both({"CUDA_PATH": "12.4"}))
        assert found.status is Status.WARN
        assert "torch, cuda-pathfinder and CMake take 12.4" in found.summary

    def test_torch_takes_nvcc_on_path_where_no_variable_is_set(self) -> None:
        found = verdict("cuda.env", self.both({}, path="12.4"))
        assert (found.status, "torch and CMake take 12.4" in found.summary) == (Status.WARN, True)

    def test_a_shell_of_another_version_alone_is_only_noted(self) -> None:
        cuda = self.both({"CUDA_HOME": "11.8", "CUDA_PATH": "11.8"}, path="12.4")
        found = verdict("cuda.env", cuda)
        assert found.status is Status.INFO
        assert "CMake takes 12.4" in found.summary

    def test_a_conda_environment_keeps_its_own_variables(self) -> None:
        python = InterpreterFacts(
            executable="python", version="3.8.8", conda_prefix="C:\\envs\\dart"
        )
        found = verdict("cuda.env", self.both({"CUDA_PATH": "12.4"}), interpreter=python)
        assert found.remedy is not None
        assert found.remedy.commands[0].startswith("conda env config vars set CUDA_HOME=")

    def test_without_the_right_toolkit_there_is_nothing_to_point_at(self) -> None:
        only = CudaFacts(
            toolkits=(toolkit("12.4", "CUDA_PATH"),), env={"CUDA_PATH": f"{ROOT}v12.4"}
        )
        assert verdict("cuda.env", only).status is Status.INFO
        found = verdict("cuda.env", only, BUILDS)
        assert found.status is Status.WARN
        assert found.remedy is not None
        assert found.remedy.fix is None

    def test_a_variable_that_leads_nowhere_is_named(self) -> None:
        cuda = CudaFacts(
            env={"CUDA_PATH": "D:\\gone"},
            env_broken={"CUDA_PATH": "names a folder that does not exist"},
        )
        found = verdict("cuda.env", cuda)
        assert found.status is Status.WARN
        assert "CUDA_PATH names a folder that does not exist" in found.summary

    def test_a_version_variable_of_an_old_toolkit_does_not_matter(self) -> None:
        cuda = CudaFacts(
            env={"CUDA_PATH_V11_6": "C:\\gone"}, env_broken={"CUDA_PATH_V11_6": "gone"}
        )
        assert verdict("cuda.env", cuda).status is Status.OK

    def test_cpu_and_linux(self) -> None:
        assert verdict("cuda.env", self.both({"CUDA_PATH": "12.4"}), CPU).status is Status.SKIP
        on_linux = profile(id="linux-cu118", system="linux")
        found = verdict("cuda.env", self.both({"CUDA_HOME": "12.4"}), on_linux, LINUX)
        assert found.remedy is not None
        assert found.remedy.commands[0].startswith("export CUDA_HOME=")


class TestSeveral:
    def test_one_or_none_is_fine(self) -> None:
        assert verdict("cuda.several", CudaFacts()).status is Status.OK
        one = CudaFacts(toolkits=(toolkit("11.8.89"),))
        assert verdict("cuda.several", one).status is Status.OK

    def test_several_are_listed_with_who_takes_which(self) -> None:
        two = CudaFacts(
            toolkits=(toolkit("11.8.89"), toolkit("12.4.131", "CUDA_PATH")),
            env={"CUDA_PATH": f"{ROOT}v12.4"},
        )
        found = verdict("cuda.several", two)
        assert found.status is Status.INFO
        assert "2 CUDA toolkits: 11.8.89, 12.4.131" in found.summary
        assert "take 12.4" in found.summary
        assert len([line for line in found.evidence if "found by" in line]) == 2


ORT_TABLE = """
id = "onnxruntime"
source = "test"
system_dll = "x"
system_dll_source = "test"
cudnn_package_source = "test"
packages = []
[cudnn_package]
[[rows]]
package = "onnxruntime-gpu"
versions = ">=1.18,<1.19"
index = "main"
cuda = "11.8"
cudnn = "8"
source = "matrix"
[[rows]]
package = "onnxruntime-gpu"
versions = ">=1.19,<1.21"
index = "main"
cuda = "12"
cudnn = "9"
source = "matrix"
[[rows]]
package = "onnxruntime-gpu"
versions = ">=1.19,<1.21"
index = "cuda-11"
cuda = "11.8"
cudnn = "8"
source = "matrix"
[[rows]]
package = "onnxruntime-directml"
versions = ">=1.0"
index = "main"
source = "matrix"
"""


TORCH_DLLS = {"cudnn64_9.dll": "torch", "cudart64_110.dll": "torch", "cublas64_11.dll": "torch"}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    folder = tmp_path_factory.mktemp("manifests") / "compat"
    folder.mkdir()
    (folder / "onnxruntime.toml").write_text(ORT_TABLE, encoding="utf-8")
    return Manifests([folder.parent])


class TestRuntimeMix:
    def python(
        self, packages: Dict[str, str], dlls: Dict[str, str], **built: str
    ) -> InterpreterFacts:
        """``dlls`` maps file name to owner; ``built`` are constants of onnxruntime."""
        modules: List[ModuleFacts] = []
        if built:
            modules.append(ModuleFacts(name="onnxruntime", path="ort", constants=built))
        return InterpreterFacts(
            executable="python",
            version="3.8.8",
            distributions=tuple(
                DistributionFacts(name=name, version=version) for name, version in packages.items()
            ),
            dlls=tuple(
                DllFacts(name=name, path=f"site-packages\\{owner}\\{name}", owner=owner)
                for name, owner in dlls.items()
            ),
            modules=tuple(modules),
        )

    def verdicts(self, python: InterpreterFacts, manifests: Manifests) -> List[Finding]:
        context = Context(Facts(host=WINDOWS, interpreter=python), profile(), manifests)
        return run_checks(context, REGISTRY.select(["cuda.runtime-mix"]))

    def test_torch_alone(self, manifests: Manifests) -> None:
        found = self.verdicts(self.python({"torch": "2.4.1+cu118"}, TORCH_DLLS), manifests)
        assert [f.status for f in found] == [Status.OK]
        assert "CUDA 11" in found[0].summary
        assert "cuDNN 9" in found[0].summary

    def test_nothing_with_cuda(self, manifests: Manifests) -> None:
        found = self.verdicts(self.python({"torch": "2.4.1+cpu"}, {}), manifests)
        assert found[0].status is Status.SKIP

    def test_torch_with_cudnn_9_beside_an_onnx_runtime_built_for_8(
        self, manifests: Manifests
    ) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-gpu": "1.18.1"}
        found = self.verdicts(self.python(packages, TORCH_DLLS), manifests)
        assert [f.status for f in found] == [Status.FAIL]
        assert "torch brings cuDNN 9; onnxruntime-gpu 1.18.1 loads cuDNN 8" in found[0].summary
        assert found[0].remedy is not None
        assert found[0].remedy.fix == "ort.package"

    def test_the_table_tells_where_no_library_was_seen(self, manifests: Manifests) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-gpu": "1.18.1"}
        found = self.verdicts(self.python(packages, {}), manifests)
        assert "cuDNN 9" in found[0].summary
        assert found[0].status is Status.FAIL

    def test_the_name_of_torchs_build_tells_its_cuda(self, manifests: Manifests) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-gpu": "1.19.2"}
        found = self.verdicts(self.python(packages, {}), manifests)
        assert [f.status for f in found] == [Status.FAIL]
        assert "torch brings CUDA 11; onnxruntime-gpu 1.19.2 loads CUDA 12" in found[0].summary

    def test_cuda_11_beside_cuda_12_fails_too(self, manifests: Manifests) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-gpu": "1.19.2"}
        found = self.verdicts(self.python(packages, TORCH_DLLS), manifests)
        assert [f.status for f in found] == [Status.FAIL]
        assert "CUDA 12" in found[0].summary

    def test_a_build_of_the_other_feed_is_told_by_its_own_words(self, manifests: Manifests) -> None:
        packages = {"torch": "2.3.1+cu118", "onnxruntime-gpu": "1.19.2"}
        dlls = {"cudnn64_8.dll": "torch", "cudart64_110.dll": "torch"}
        python = self.python(packages, dlls, cuda_version="11.8")
        assert [f.status for f in self.verdicts(python, manifests)] == [Status.OK]

    def test_a_cudnn_of_its_own_beside_torchs_is_no_fault(self, manifests: Manifests) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-gpu": "1.18.1"}
        dlls = {**TORCH_DLLS, "cudnn64_8.dll": "nvidia-cudnn-cu11"}
        found = self.verdicts(self.python(packages, dlls), manifests)
        assert [f.status for f in found] == [Status.INFO]
        assert "cuDNN 8 and 9" in found[0].summary

    def test_directml_expects_no_cuda(self, manifests: Manifests) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-directml": "1.19.2"}
        found = self.verdicts(self.python(packages, TORCH_DLLS), manifests)
        assert [f.status for f in found] == [Status.OK]

    def test_linux_names_and_versioned_files(self, manifests: Manifests) -> None:
        packages = {"torch": "2.4.1+cu118", "onnxruntime-gpu": "1.18.1"}
        dlls = {"libcudnn.so.9": "nvidia-cudnn-cu11", "libcudart.so.11.0": "nvidia-cuda-runtime"}
        found = self.verdicts(self.python(packages, dlls), manifests)
        assert [f.status for f in found] == [Status.FAIL]
        assert "nvidia-cudnn-cu11 brings cuDNN 9" in found[0].summary
