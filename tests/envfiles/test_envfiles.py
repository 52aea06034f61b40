"""``dartenv env export``: what is written is read back by what other tools read it with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

import pytest
import tomli
import yaml
from packaging.requirements import Requirement
from typer.testing import CliRunner

from dartenv.cli.app import assemble
from dartenv.envfiles.stack import stack_of
from dartenv.envfiles.write import rendered, write
from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests([])
CU118 = "https://download.pytorch.org/whl/cu118"
REFERENCE_WHEEL = (
    "https://github.com/MiroPsota/torch_packages_builder/releases/download/pytorch3d-0.7.8/"
    "pytorch3d-0.7.8%2Bpt2.4.1cu118-cp38-cp38-win_amd64.whl"
)


def files(profile: str, kind: str, python: str = "") -> Dict[str, str]:
    stack = stack_of(MANIFESTS.profile(profile), python or None, MANIFESTS)
    return rendered(kind, stack, MANIFESTS)


def logical_lines(text: str) -> List[str]:
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def names(text: str) -> Dict[str, Requirement]:
    found = {}
    for line in logical_lines(text):
        if not line.startswith("--"):
            one = Requirement(line.split(" --hash")[0].strip())
            found[one.name] = one
    return found


@pytest.mark.parametrize("profile", MANIFESTS.stems("profiles"))
def test_every_profile_has_every_locked_package_once(profile: str) -> None:
    stack = stack_of(MANIFESTS.profile(profile), None, MANIFESTS)
    seen: List[str] = []
    for text in rendered("requirements", stack, MANIFESTS).values():
        seen += names(text)
    assert len(seen) == len(set(seen))
    locked = {one.name for one in stack.lock.package}
    beside = {Requirement(one).name for one in stack.beside}
    assert {name.lower() for name in seen} == locked | beside


def test_pip_is_asked_for_hashes_where_each_line_has_one() -> None:
    made = files("windows-cu118", "requirements")
    for name in ("requirements.txt", "requirements-source.txt"):
        for line in logical_lines(made[name]):
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
        assert f"--require-hashes -r {name}" in made["requirements.txt"]
    assert "--hash" not in made["requirements-torch.txt"]


def test_torch_comes_from_its_own_index_alone() -> None:
    made = files("windows-cu118", "requirements")
    torch = logical_lines(made["requirements-torch.txt"])
    assert torch[0] == f"--index-url {CU118}"
    assert "torch==2.4.1+cu118" in torch
    assert not any(
        "download.pytorch.org" in line for line in logical_lines(made["requirements.txt"])
    )
    project = tomli.loads(files("windows-cu118", "uv")["pyproject.toml"])
    (index,) = project["tool"]["uv"]["index"]
    assert index == {"name": "torch", "url": CU118, "explicit": True}
    assert project["tool"]["uv"]["sources"]["torch"] == {"index": "torch"}
    assert "numpy" not in project["tool"]["uv"]["sources"]


def test_the_reference_has_its_exact_pytorch3d() -> None:
    made = files("windows-cu118", "requirements")
    assert names(made["requirements-dart.txt"])["pytorch3d"].url == REFERENCE_WHEEL
    project = tomli.loads(files("windows-cu118", "uv")["pyproject.toml"])
    assert project["tool"]["uv"]["sources"]["pytorch3d"] == {"url": REFERENCE_WHEEL}
    assert project["tool"]["uv"]["environments"] == ["sys_platform == 'win32'"]
    assert project["project"]["requires-python"] == "==3.8.*"


def test_the_cudnn_that_torch_lacks_comes_along_and_only_then() -> None:
    cudnn = "nvidia-cudnn-cu11==8.9.5.29"  # torch 2.4.1 for CUDA 11.8 brings 9, the runtime loads 8
    made = files("windows-cu118", "requirements")
    assert logical_lines(made["requirements-runtime.txt"]) == [cudnn]
    assert "#   pip install -r requirements-runtime.txt" in made["requirements.txt"]
    assert (
        cudnn
        in yaml.safe_load(files("windows-cu118", "conda")["environment.yml"])["dependencies"][-1][
            "pip"
        ]
    )
    project = tomli.loads(files("windows-cu118", "uv")["pyproject.toml"])
    assert cudnn in project["project"]["dependencies"]
    for profile, python in (("windows-cu128", "3.11"), ("linux-cu118", "3.8"), ("linux-cpu", "")):
        assert "requirements-runtime.txt" not in files(profile, "requirements", python), profile


def test_a_variable_is_set_as_the_profiles_system_sets_it() -> None:
    windows = files("windows-cpu", "requirements")["requirements.txt"]
    assert '#   cmd /c "set PYTORCH3D_NO_EXTENSION=1&& pip install' in windows
    linux = files("linux-cpu", "requirements")["requirements.txt"]
    assert "#   PYTORCH3D_NO_EXTENSION=1 pip install" in linux


def test_conda_has_python_alone_and_no_mirror_as_channel() -> None:
    text = files("windows-cu118", "conda")["environment.yml"]
    document = yaml.safe_load(text)
    assert document["channels"] == ["conda-forge", "nodefaults"]
    python, pip, inside = document["dependencies"]
    assert (python, pip) == ("python=3.8", "pip")
    assert "torch==2.4.1+cu118" in inside["pip"]
    assert f"--extra-index-url {CU118}" in inside["pip"]
    assert f"pytorch3d @ {REFERENCE_WHEEL}" in inside["pip"]


def test_what_needs_torch_to_be_built_is_not_in_condas_one_call() -> None:
    text = files("linux-cpu", "conda", "3.11")["environment.yml"]
    inside = yaml.safe_load(text)["dependencies"][-1]["pip"]
    assert not any(line.startswith("pytorch3d") for line in inside)
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert any("--no-build-isolation" in line and "pytorch3d @" in line for line in head)


def test_the_dockerfile_copies_every_file_it_installs() -> None:
    made = files("linux-cu118", "dockerfile", "3.8")
    lines = made["Dockerfile"].splitlines()
    assert (
        next(line for line in lines if line.startswith("FROM ")) == "FROM python:3.8-slim-bookworm"
    )
    (copy,) = [line for line in lines if line.startswith("COPY ")]
    copied = copy.split()[1:-1]
    assert sorted(copied) == sorted(set(made) - {"Dockerfile"})
    for name in copied:
        assert sum(line.endswith(f"-r /opt/requirements/{name}") for line in lines) == 1
    assert "NVIDIA_VISIBLE_DEVICES=all" in made["Dockerfile"]
    assert "NVIDIA" not in files("linux-cpu", "dockerfile")["Dockerfile"]


def test_a_windows_profile_has_no_dockerfile() -> None:
    with pytest.raises(UsageFault) as fault:
        files("windows-cu118", "dockerfile")
    assert fault.value.help == "dartenv env export --format dockerfile --profile linux-cu118"


def test_a_python_without_a_lock_is_named_with_those_that_have_one() -> None:
    with pytest.raises(UsageFault) as fault:
        files("windows-cu118", "uv", "3.13")
    assert "3.13" in fault.value.found
    assert fault.value.expected == "one of 3.8, 3.9, 3.10, 3.11"


def test_a_file_that_differs_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "requirements-torch.txt"
    own.write_text("torch\n", encoding="utf-8")
    with pytest.raises(UsageFault, match="differs"):
        write(files("linux-cpu", "requirements"), tmp_path, force=False)
    assert [path.name for path in tmp_path.iterdir()] == [own.name]
    write(files("linux-cpu", "requirements"), tmp_path, force=True)
    assert "torch==" in own.read_text(encoding="utf-8")
    write(
        files("linux-cpu", "requirements"), tmp_path, force=False
    )  # the same again: nothing to lose


def test_the_command_prints_one_file_or_all_of_them() -> None:
    run = CliRunner()
    one = run.invoke(assemble(), ["env", "export", "--format", "uv", "--profile", "windows-cu118"])
    assert one.exit_code == 0
    assert tomli.loads(one.stdout)["project"]["name"] == "dart-windows-cu118"
    several = run.invoke(
        assemble(), ["env", "export", "--format", "requirements", "--profile", "linux-cpu"]
    )
    assert several.stdout.count("# ---- requirements") == 4
