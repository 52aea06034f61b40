"""Plans that install packages, on recorded machines: what, from where, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import msgspec
import pytest

from dartenv.facts.model import Facts
from dartenv.facts.store import load_facts
from dartenv.fixes import all_fixes
from dartenv.fixes.plan import Plan
from dartenv.fixes.registry import make_plan
from dartenv.fixes.steps import RunCommand, Safety, WriteFile
from dartenv.install.settings import InstallConfig, use
from dartenv.manifests.loader import default_manifests

MACHINES = Path(__file__).resolve().parents[1] / "fixtures" / "machines"
CU118 = "https://download.pytorch.org/whl/cu118"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARTENV_STATE_DIR", str(tmp_path))


def recorded(name: str) -> Facts:
    return load_facts(MACHINES / f"{name}.json")


def planned(facts: Facts, *fixes: str, settings: InstallConfig = InstallConfig()) -> Plan:
    all_fixes()
    with use(settings):
        return make_plan(fixes, facts, default_manifests(), facts.target)


def commands(plan: Plan) -> List[Tuple[str, ...]]:
    """What each step runs in the end, without the runner around it."""
    found = []
    for step in plan.steps:
        if isinstance(step, RunCommand):
            found.append(step.argv[step.argv.index("--") + 1 :])
    return found


def without(facts: Facts, *names: str) -> Facts:
    assert facts.interpreter is not None
    left = tuple(one for one in facts.interpreter.distributions if one.name not in names)
    inside = msgspec.structs.replace(facts.interpreter, distributions=left)
    return msgspec.structs.replace(facts, interpreter=inside)


def test_torch_without_cuda_is_replaced_from_its_own_index() -> None:
    facts = recorded("windows-cpu-torch")
    plan = planned(facts, "packages.torch")
    (step,) = [one for one in plan.steps if isinstance(one, RunCommand)]
    assert facts.interpreter is not None
    assert step.argv[step.argv.index("--") + 1] == facts.interpreter.executable
    assert "--own-index" in step.argv
    (command,) = commands(plan)
    assert command[command.index("--index-url") + 1] == CU118
    assert "torch==2.4.1+cu118" in command
    assert "torchvision==0.19.1+cu118" in command
    assert "--extra-index-url" not in command
    assert step.safety is Safety.UNSAFE
    assert step.undo_argv is not None
    back = step.undo_argv
    restored = [back[n + 1] for n, part in enumerate(back) if part == "--restore"]
    assert restored == ["torch==2.4.1", "torchaudio==2.4.1", "torchvision==0.19.1"]


def test_a_mirror_never_takes_torchs_place() -> None:
    mirror = "https://mirror.example/simple"
    plan = planned(
        without(recorded("windows-cpu-torch"), "tyro"),
        "packages.torch",
        "packages.requirements",
        settings=InstallConfig(index=mirror),
    )
    requirements, torch = commands(plan)
    assert requirements[requirements.index("--index-url") + 1] == mirror
    assert torch[torch.index("--index-url") + 1] == CU118
    assert mirror not in torch


def test_a_missing_requirement_comes_from_the_lock_with_its_hash() -> None:
    plan = planned(without(recorded("windows-reference-healthy"), "tyro"), "packages.requirements")
    wrote, ran = plan.steps
    assert isinstance(wrote, WriteFile)
    text = wrote.content.decode("utf-8")
    assert "tyro==0.8.3 \\\n    --hash=sha256:" in text
    assert isinstance(ran, RunCommand)
    (command,) = commands(plan)
    assert command[-4:] == ("--no-deps", "--require-hashes", "-r", wrote.path)
    assert ran.undo_argv is not None
    assert "tyro" in ran.undo_argv[ran.undo_argv.index("--absent") + 1].split(",")


def test_pytorch3d_is_the_wheel_for_exactly_this_torch() -> None:
    plan = planned(recorded("windows-pytorch3d-other-torch"), "wheels.pytorch3d")
    last = commands(plan)[-1]
    assert last[-1].endswith("/pytorch3d-0.7.8%2Bpt2.4.1cu118-cp38-cp38-win_amd64.whl")
    assert "--no-deps" in last


def test_a_clip_is_taken_from_a_folder_that_is_given() -> None:
    facts = without(recorded("windows-reference-healthy"), "clip")
    plan = planned(facts, "packages.clip", settings=InstallConfig(clip="D:\\CLIP"))
    assert commands(plan)[-1][-1] == "D:\\CLIP"
    default = commands(planned(facts, "packages.clip"))[-1][-1]
    assert default.startswith("https://github.com/openai/CLIP/archive/")


def test_onnxruntime_goes_back_to_the_one_of_the_profile() -> None:
    plan = planned(recorded("windows-onnxruntime-1.19.2"), "ort.package")
    texts = [s.content.decode("utf-8") for s in plan.steps if isinstance(s, WriteFile)]
    lines = [line for text in texts for line in text.splitlines()]
    assert any(line.startswith("onnxruntime-gpu==1.18.1") for line in lines), lines
    # 1.18.1 loads cuDNN 8, and torch 2.4.1 brings 9.
    assert commands(plan)[-1][-1] == "nvidia-cudnn-cu11==8.9.5.29"


def test_without_pip_and_uv_it_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plan = planned(without(recorded("windows-cpu-torch"), "pip"), "packages.torch")
    assert not plan.steps
    (refusal,) = plan.refusals
    assert "ensurepip" in refusal.reason


def test_without_a_python_nothing_is_planned() -> None:
    facts = msgspec.structs.replace(recorded("windows-cpu-torch"), interpreter=None)
    plan = planned(facts, "packages.torch")
    assert [refusal.fix for refusal in plan.refusals] == ["packages.torch"]


def test_no_index_asks_none() -> None:
    settings = InstallConfig(no_index=True, find_links=("E:\\wheels",))
    plan = planned(recorded("windows-cpu-torch"), "packages.torch", settings=settings)
    (command,) = commands(plan)
    assert "--no-index" in command
    assert command[command.index("--find-links") + 1] == "E:\\wheels"
    assert "--index-url" not in command


def test_sources_are_carried_along_or_missed_where_no_index_is_asked(tmp_path: Path) -> None:
    facts = without(recorded("windows-reference-healthy"), "clip")
    settings = InstallConfig(no_index=True, find_links=(str(tmp_path),))
    plan = planned(facts, "packages.clip", settings=settings)
    assert not plan.steps
    (refusal,) = plan.refusals
    assert "clip-source.zip is in none of --find-links; --clip SOURCE" in refusal.reason
    archive = tmp_path / "clip-source.zip"
    archive.write_bytes(b"PK")
    assert commands(planned(facts, "packages.clip", settings=settings))[-1][-1] == str(archive)

    other = recorded("windows-pytorch3d-other-torch")
    plan = planned(other, "wheels.pytorch3d", settings=settings)
    assert [one.reason.split(" is in none")[0] for one in plan.refusals] == [
        "--no-index, and pytorch3d-0.7.8+pt2.4.1cu118-cp38-cp38-win_amd64.whl"
    ]
    wheel = tmp_path / "pytorch3d-0.7.8+pt2.4.1cu118-cp38-cp38-win_amd64.whl"
    wheel.write_bytes(b"PK")
    assert commands(planned(other, "wheels.pytorch3d", settings=settings))[-1][-1] == str(wheel)
