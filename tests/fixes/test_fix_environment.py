"""Variables for the environment: planned, applied, seen by the checks, taken back."""

from __future__ import annotations

import os
import venv
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import msgspec
import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.activation import read_activation
from dartenv.facts.model import (
    CudaFacts,
    Facts,
    HostFacts,
    InterpreterFacts,
    MsvcFacts,
    TargetFacts,
    ToolkitFacts,
)
from dartenv.fixes.apply import apply
from dartenv.fixes.environment import plan_environment
from dartenv.fixes.plan import Refusal, new_plan
from dartenv.fixes.report import ApplyReport
from dartenv.fixes.steps import AnyStep, DisplayOnly, EditFile, Need, Safety, WriteFile
from dartenv.fixes.undo import undo
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()
ALL = ("cuda.env", "msvc.environment", "python.isolation", "host.code-page")
WINDOWS = HostFacts(
    system="windows", release="10", version="10.0", machine="amd64", bits=64, code_page=936
)
LINUX = HostFacts(system="linux", release="6", version="6", machine="x86_64", bits=64)
V118 = "C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v11.8"
V124 = "C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v12.4"
CUDA = CudaFacts(
    toolkits=(
        ToolkitFacts(path=V118, version="11.8.89", found_by=("registry",), nvcc=True),
        ToolkitFacts(path=V124, version="12.4.131", found_by=("CUDA_PATH",), nvcc=True),
    ),
    env={"CUDA_PATH": V124},
)
PROMPT = MsvcFacts(env={"VSCMD_VER": "17.6.2"})


def conda_env(prefix: Union[str, Path], windows: bool = os.name == "nt") -> InterpreterFacts:
    return InterpreterFacts(
        executable=f"{prefix}/python",
        version="3.8.8",
        prefix=str(prefix),
        conda_prefix=str(prefix),
        environment="conda dart",
        platform="win-amd64" if windows else "linux-x86_64",
        user_site_enabled=True,
        user_site_packages=("numpy", "scipy"),
    )


def machine(interpreter: Optional[InterpreterFacts], **more: Any) -> Facts:
    fields: Dict[str, Any] = {"host": WINDOWS, "cuda": CUDA, "msvc": PROMPT, **more}
    target = TargetFacts(profile="windows-cu118")
    return Facts(interpreter=interpreter, target=target, **fields)


def planned(facts: Facts, *ids: str) -> Tuple[List[AnyStep], List[Refusal]]:
    found = plan_environment(ids or ALL, facts, MANIFESTS, facts.target)
    steps = [item for item in found if not isinstance(item, Refusal)]
    return steps, [item for item in found if isinstance(item, Refusal)]


def looked_again(facts: Facts) -> Facts:
    """The facts as a fresh probe of the same machine would have them."""
    inside = facts.interpreter
    assert inside is not None
    again = msgspec.structs.replace(inside, activation=read_activation(inside))
    return msgspec.structs.replace(facts, interpreter=again)


def judged(facts: Facts, check: str) -> Finding:
    all_checks()
    profile = MANIFESTS.profile(facts.target.profile or "")
    (one,) = run_checks(Context(facts, profile, MANIFESTS), REGISTRY.select([check]))
    return one


def carried_out(facts: Facts, steps: Sequence[AnyStep], state: Path) -> ApplyReport:
    plan = new_plan(facts.target, steps)
    report = apply(plan, [step.id for step in steps], state=state)
    assert report.exit_code == 0, report
    return report


def tree(folder: Path) -> Dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"/"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    folder = tmp_path / "envs" / "dart 环境"
    (folder / "conda-meta").mkdir(parents=True)
    (folder / "conda-meta" / "history").write_bytes(b"")
    return folder


def test_all_four_are_one_set_of_scripts_and_every_check_passes_afterwards(
    prefix: Path, tmp_path: Path
) -> None:
    facts = machine(conda_env(prefix))
    before = {check: judged(facts, check) for check in ALL}
    assert {one.remedy.fix for one in before.values() if one.remedy} == set(ALL)
    steps, refusals = planned(facts)
    assert refusals == []
    assert {step.fixes for step in steps} == {ALL}
    assert len(steps) == (6 if os.name == "nt" else 2)
    assert {step.safety for step in steps} == {Safety.SAFE}
    assert {step.needs for step in steps} == {(Need.NEW_SHELL,)}
    old = tree(prefix)
    carried_out(facts, steps, tmp_path / "state")
    again = looked_again(facts)
    for check in ALL:
        assert judged(again, check).status is Status.OK, judged(again, check)
    assert "in new shells of this environment" in judged(again, "cuda.env").summary
    assert planned(again) == ([], [])
    undo(tmp_path / "state")
    assert tree(prefix) == old
    for check in ALL:
        assert judged(looked_again(facts), check).status is before[check].status


def test_a_later_fix_adds_to_the_same_files_and_undo_takes_only_it_back(
    prefix: Path, tmp_path: Path
) -> None:
    facts = machine(conda_env(prefix))
    carried_out(facts, planned(facts, "host.code-page")[0], tmp_path / "state")
    between = tree(prefix)
    facts = looked_again(facts)
    steps, _ = planned(facts, "cuda.env")
    assert all(isinstance(step, EditFile) and step.diff for step in steps)
    carried_out(facts, steps, tmp_path / "state")
    again = looked_again(facts)
    assert again.interpreter is not None
    assert again.interpreter.activation == {
        "PYTHONUTF8": "1",
        "CUDA_HOME": V118,
        "CUDA_PATH": V118,
    }
    undo(tmp_path / "state")
    assert tree(prefix) == between


def test_only_the_fix_that_changes_something_is_named(prefix: Path, tmp_path: Path) -> None:
    facts = machine(conda_env(prefix))
    carried_out(facts, planned(facts, "host.code-page")[0], tmp_path / "state")
    steps, _ = planned(looked_again(facts), "host.code-page", "cuda.env")
    assert {step.fixes for step in steps} == {("cuda.env",)}


def test_a_script_that_was_lost_is_written_again(prefix: Path, tmp_path: Path) -> None:
    facts = machine(conda_env(prefix))
    carried_out(facts, planned(facts, "host.code-page")[0], tmp_path / "state")
    for path in (prefix / "etc/conda/deactivate.d").iterdir():
        path.unlink()
    steps, _ = planned(looked_again(facts), "host.code-page")
    assert steps
    assert all(isinstance(step, WriteFile) and "deactivate.d" in step.path for step in steps)


def test_scripts_changed_by_hand_are_left_alone(prefix: Path, tmp_path: Path) -> None:
    facts = machine(conda_env(prefix))
    carried_out(facts, planned(facts, "host.code-page")[0], tmp_path / "state")
    script = next((prefix / "etc/conda/activate.d").iterdir())
    script.write_bytes(script.read_bytes() + b"echo mine\n")
    steps, refusals = planned(looked_again(facts), "cuda.env")
    assert steps == []
    assert "not as dartenv writes it" in refusals[0].reason
    assert script.name in refusals[0].reason


def test_windows_facts_give_windows_paths_and_values() -> None:
    facts = machine(conda_env("C:\\Users\\李明\\anaconda3\\envs\\dart", windows=True))
    steps, refusals = planned(facts, "cuda.env", "msvc.environment")
    assert refusals == []
    by_path = {step.path: step for step in steps if isinstance(step, WriteFile)}
    folder = "C:\\Users\\李明\\anaconda3\\envs\\dart\\etc\\conda\\"
    text = by_path[folder + "activate.d\\dartenv.bat"].content.decode("utf-8")
    assert f'@set "CUDA_HOME={V118}"\r\n' in text
    assert f'@set "CUDA_PATH={V118}"\r\n' in text
    # Outside of a prompt the variable keeps setuptools from finding cl.exe.
    assert '@if defined VSCMD_VER @set "DISTUTILS_USE_SDK=1"\r\n' in text
    assert folder + "deactivate.d\\dartenv.ps1" in by_path


def test_a_toolkit_that_is_gone_since_is_told() -> None:
    inside = msgspec.structs.replace(
        conda_env("C:\\envs\\dart", windows=True), activation={"CUDA_HOME": "D:\\gone"}
    )
    one = judged(machine(inside), "cuda.env")
    assert one.status is Status.WARN
    assert "CUDA_HOME names a folder without a CUDA toolkit" in one.summary
    assert one.remedy is not None
    assert one.remedy.fix == "cuda.env"


def test_without_the_toolkit_there_is_nothing_to_point_at(prefix: Path) -> None:
    facts = machine(conda_env(prefix), cuda=CudaFacts(toolkits=CUDA.toolkits[1:]))
    steps, refusals = planned(facts, "cuda.env", "host.code-page")
    assert [(r.fix, "11.8 is not installed" in r.reason) for r in refusals] == [("cuda.env", True)]
    assert {step.fixes for step in steps} == {("host.code-page",)}


def test_a_leaking_pythonpath_is_shown_and_never_unset(prefix: Path, tmp_path: Path) -> None:
    leak = "D:\\CLIP"
    inside = msgspec.structs.replace(conda_env(prefix), env={"PYTHONPATH": leak})
    facts = machine(inside)
    steps, _ = planned(facts, "python.isolation")
    shown = [step for step in steps if isinstance(step, DisplayOnly)]
    assert [step.commands for step in shown] == [("set PYTHONPATH=",)]
    assert leak in shown[0].reason
    assert any(not isinstance(step, DisplayOnly) for step in steps)
    # Only PYTHONPATH: nothing that dartenv does would help.
    alone = msgspec.structs.replace(inside, user_site_packages=())
    steps, refusals = planned(machine(alone), "python.isolation")
    assert [type(step) for step in steps] == [DisplayOnly]
    assert refusals == []


@pytest.mark.parametrize(
    "fields",
    [
        {"environment": "conda base"},
        {"conda_prefix": None, "in_venv": False, "environment": None},
    ],
)
def test_nothing_global_is_set(fields: Dict[str, Any]) -> None:
    inside = msgspec.structs.replace(conda_env("C:\\Python38", windows=True), **fields)
    steps, refusals = planned(machine(inside), "host.code-page", "cuda.env")
    assert refusals == []
    assert [type(step) for step in steps] == [DisplayOnly, DisplayOnly]
    assert isinstance(steps[0], DisplayOnly)
    assert steps[0].commands == ('setx PYTHONUTF8 "1"',)


def test_no_interpreter_no_fix() -> None:
    steps, refusals = planned(machine(None), "host.code-page")
    assert steps == []
    assert "no target interpreter" in refusals[0].reason


def test_a_venv_gets_wrappers_beside_its_own_scripts(tmp_path: Path) -> None:
    prefix = tmp_path / "venv"
    venv.create(str(prefix), with_pip=False, symlinks=os.name != "nt")
    inside = msgspec.structs.replace(
        conda_env(prefix), conda_prefix=None, in_venv=True, environment="venv venv"
    )
    facts = machine(inside)
    if os.name == "nt":
        own = prefix / "Scripts" / "activate.bat"
        if not own.exists():
            _, refusals = planned(facts, "host.code-page")
            assert "activate.bat is not there" in refusals[0].reason
            own.write_bytes(b"@rem\r\n")
    old = tree(prefix)
    steps, refusals = planned(facts, "host.code-page")
    assert refusals == []
    carried_out(facts, steps, tmp_path / "state")
    new = tree(prefix)
    assert {name: new[name] for name in old} == old
    names = {"dartenv-activate.sh"}
    if os.name == "nt":
        names |= {"dartenv-activate.bat", "dartenv-activate.ps1"}
        names |= {"dartenv-hooks", "dartenv-hooks/deactivate.bat"}
    assert set(new) - set(old) == names
    assert judged(looked_again(facts), "host.code-page").status is Status.OK
    undo(tmp_path / "state")
    assert tree(prefix) == old


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_environment_of_somebody_else_is_refused(prefix: Path) -> None:
    prefix.chmod(0o555)
    steps, refusals = planned(machine(conda_env(prefix)), "host.code-page")
    prefix.chmod(0o755)
    assert steps == []
    assert "read-only" in refusals[0].reason


def test_a_read_only_script_is_refused(prefix: Path, tmp_path: Path) -> None:
    facts = machine(conda_env(prefix))
    carried_out(facts, planned(facts, "host.code-page")[0], tmp_path / "state")
    script = next((prefix / "etc/conda/activate.d").iterdir())
    script.chmod(0o444)
    steps, refusals = planned(looked_again(facts), "cuda.env")
    script.chmod(0o644)
    assert steps == []
    assert {refusal.fix for refusal in refusals} == {"cuda.env"}
    assert "read-only" in refusals[0].reason


def test_a_value_that_no_script_can_hold_is_refused(prefix: Path) -> None:
    odd = ToolkitFacts(path='/opt/a"b', version="11.8", nvcc=True)
    steps, refusals = planned(
        machine(conda_env(prefix), cuda=CudaFacts(toolkits=(odd,))), "cuda.env"
    )
    assert steps == []
    assert "cannot be written" in refusals[0].reason


def test_linux_needs_no_powershell(prefix: Path) -> None:
    facts = machine(conda_env(prefix, windows=False), host=LINUX)
    steps, _ = planned(facts, "python.isolation")
    endings = {Path(step.path).suffix for step in steps if isinstance(step, WriteFile)}
    assert endings == {".sh"}
