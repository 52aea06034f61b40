"""Machines that we do not have: on each, what an expert would say, and the report word for word.

After a change of wording that is meant: ``DARTENV_WRITE_GOLDEN=1 pytest tests/machines``, and read
the difference.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Callable, Dict, List

import msgspec
import pytest

from dartenv.checks.finding import Finding, Status
from dartenv.cli.app import assemble
from dartenv.cli.ending import run
from dartenv.diff import TOGETHER, explained_differences
from dartenv.examine import Examined, Request, examine
from dartenv.facts.model import Facts, TargetFacts
from dartenv.facts.redact import redact
from dartenv.facts.store import load_facts
from dartenv.manifests.loader import Manifests
from dartenv.report.console import render_console
from dartenv.report.terminal import plain
from dartenv.target import Target
from tests.machines.build import FOLDER, MACHINES, REPOSITORY, written

GOLDEN = REPOSITORY / "tests" / "golden" / "machines"
MANIFESTS = Manifests()
FAIL, WARN = "fail", "warn"

# What an expert says to each machine: all that fails or is doubtful, and nothing else. A check
# that fails because of another one stands here, too; the report folds it under that one.
VERDICTS: Dict[str, Dict[str, str]] = {
    "windows-reference-healthy": {},
    "windows-toolset-14.44-only": {},  # wheels are installed: only a build would be stopped
    "windows-cuda-12.4-first": {"cuda.env": WARN},
    "windows-driver-451": {"gpu.driver": FAIL, "imports.torch": FAIL},
    "windows-rtx-5070": {"gpu.capability": FAIL, "imports.torch": FAIL},
    "windows-cpu-torch": {"packages.torch": FAIL},
    "windows-pytorch3d-other-torch": {"wheels.pytorch3d": FAIL},
    "windows-onnxruntime-1.19.2": {"ort.package": FAIL, "cuda.runtime-mix": FAIL},
    "windows-conda-python-mirror": {"conda.channels": FAIL},
    "windows-chinese-user-pristine": {
        "host.code-page": WARN,
        "host.path-charset": WARN,
        "packages.numpy": FAIL,
        "source.numpy-aliases": FAIL,
        "source.posixpath": FAIL,
        "source.prompt-filenames": FAIL,
    },
    "wsl2": {"host.path-charset": WARN},
    "linux-server-no-display": {"imports.viewer": WARN},
    "windows-half-clip": {"assets.clip": FAIL},
    "windows-no-python": {"python.version": FAIL, "conda.env": FAIL},
    "windows-unreal-workstation": {},  # DART itself is whole
}

# Failing checks that the report does not number, and the one that they stand under.
FOLDED = {
    "windows-driver-451": {"imports.torch": "gpu.driver"},
    "windows-rtx-5070": {"imports.torch": "gpu.capability"},
    "windows-onnxruntime-1.19.2": {"cuda.runtime-mix": "ort.package"},
    "windows-no-python": {"python.version": "conda.env"},
    "windows-chinese-user-pristine": {"packages.numpy": "source.numpy-aliases"},
}

# Words of this machine and of the manifests that the finding must hold.
WORDS = {
    ("windows-toolset-14.44-only", "msvc.toolset"): ("14.44.35207", "14.39", "STL1002"),
    ("windows-cuda-12.4-first", "cuda.env"): ("torch takes 11.8", "CMake take 12.4"),
    ("windows-driver-451", "gpu.driver"): ("451.67", "452.39"),
    ("windows-rtx-5070", "gpu.capability"): ("sm_120", "windows-cu128", "no kernel image"),
    ("windows-cpu-torch", "packages.torch"): ("2.4.1+cpu", "2.4.1+cu118", "plain index"),
    ("windows-pytorch3d-other-torch", "wheels.pytorch3d"): (
        "built for torch 2.3.1, not 2.4.1",
        "pytorch3d-0.7.8+pt2.4.1cu118-cp38-cp38-win_amd64.whl",
    ),
    ("windows-onnxruntime-1.19.2", "ort.package"): (
        "CUDA 12",
        "unpinned pip takes on Python 3.8",
        "onnxruntime-gpu==1.18.1",
        "nvidia-cudnn-cu11==8.9.5.29",
    ),
    ("windows-conda-python-mirror", "conda.channels"): (
        "https://pypi.tuna.tsinghua.edu.cn/simple",
        "C:\\Users\\motion\\.condarc",
    ),
    ("windows-chinese-user-pristine", "source.numpy-aliases"): (
        "np.float at data_loaders/humanml/common/quaternion.py:13",
    ),
    ("windows-chinese-user-pristine", "host.code-page"): ("936", "PYTHONUTF8"),
    ("windows-chinese-user-pristine", "source.prompt-filenames"): ("mld/rollout_mld.py:373",),
    ("wsl2", "host.os"): ("WSL2",),
    ("wsl2", "host.path-charset"): ("/mnt/d/DART-main", "Windows drive seen from WSL"),
    ("linux-server-no-display", "imports.viewer"): ("xvfb-run",),
    ("windows-half-clip", "assets.clip"): ("ViT-B-32.pt", "a download stopped"),
    ("windows-no-python", "conda.env"): ("no Python in it",),
    ("windows-unreal-workstation", "unreal.blender"): (
        "Blender 4.2.9",
        "older than the add-on takes",
        "4.5.0",
        "SMPLX_blender_addon-main.zip is the add-on's source without its models",
    ),
    ("windows-unreal-workstation", "unreal.engine"): (
        "Unreal 5.4.4",
        "ONNX Runtime 1.14.1 (not confirmed), opset up to 18",
        "Unreal 5.6.1",
        "1.20",
    ),
    ("windows-unreal-workstation", "unreal.bundle"): (
        "primitive.fp32.portable.onnx is of opset 19",
        "Unreal 5.4.4 loads up to 18 and 8",
        "dartenv export",
    ),
}

EVERY = pytest.mark.parametrize("name", list(MACHINES))


def recorded(name: str) -> Facts:
    return load_facts(FOLDER / f"{name}.json")


def request_for(profile: str = "") -> Request:
    return Request(manifests=MANIFESTS, target=Target(profile=profile or None))


@functools.lru_cache(maxsize=None)
def look(name: str) -> Examined:
    return examine(request_for(), recorded(name))


def graver(findings: List[Finding]) -> Dict[str, str]:
    return {f.check: f.status.value for f in findings if f.status.gravity >= Status.WARN.gravity}


def test_every_machine_has_a_verdict() -> None:
    assert list(VERDICTS) == list(MACHINES)


@EVERY
def test_the_file_is_what_the_builder_makes(name: str) -> None:
    data = (FOLDER / f"{name}.json").read_bytes().replace(b"\r\n", b"\n")
    assert data == written(MACHINES[name]()), "run python tests/machines/build.py"
    assert len(data) < 60_000
    assert recorded(name) == MACHINES[name]()


def test_nothing_else_lies_among_the_machines() -> None:
    assert sorted(p.stem for p in FOLDER.iterdir()) == sorted(MACHINES)
    assert sorted(p.stem for p in GOLDEN.iterdir()) == sorted(MACHINES)


@EVERY
def test_the_verdict_is_the_experts(name: str) -> None:
    assert graver(list(look(name).report.findings)) == VERDICTS[name]


@EVERY
def test_what_follows_stands_under_its_cause(name: str) -> None:
    report = look(name).report
    causes = {f.check: f.cause for f in report.findings if f.status is Status.FAIL and f.cause}
    assert causes == FOLDED.get(name, {})
    failing = [check for check, status in VERDICTS[name].items() if status == FAIL]
    text = plain(render_console(report))
    expected = len(failing) - len(causes)
    assert (f"Not ready: {expected} to repair" in text) is bool(expected)


@pytest.mark.parametrize(("name", "check"), list(WORDS))
def test_the_finding_holds_the_values(name: str, check: str) -> None:
    (found,) = [f for f in look(name).report.findings if f.check == check]
    remedy = found.remedy
    told = [found.summary, found.found or "", found.wanted or "", found.why, *found.evidence]
    told += [remedy.text, *remedy.commands] if remedy is not None else []
    text = "\n".join(told)
    for words in WORDS[name, check]:
        assert words in text


@EVERY
def test_a_finding_that_asks_for_something_says_all_of_it(name: str) -> None:
    for one in look(name).report.findings:
        if one.status.gravity >= Status.WARN.gravity:
            assert one.found, one.check
            assert one.wanted, one.check
            assert one.why, one.check
            assert one.source, one.check
            assert one.remedy is not None, one.check
            assert one.remedy.text, one.check


@EVERY
def test_the_report_is_the_golden_one(name: str) -> None:
    text = plain(render_console(look(name).report))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("DARTENV_WRITE_GOLDEN"):
        path.write_bytes(text.encode("utf-8"))
    assert text == path.read_bytes().decode("utf-8").replace("\r\n", "\n")


def test_a_healthy_machine_has_little_to_say() -> None:
    lines = plain(render_console(look("windows-reference-healthy").report)).split("\n")
    told = [line for line in lines if line]
    assert len(told) == 5
    assert told[0].startswith("dartenv doctor  windows-cu118")
    assert told[1].startswith("Ready: ")
    assert told[2:] == [
        "GPU: NVIDIA GeForce RTX 4090, driver 551.61",
        "torch 2.4.1+cu118, pytorch3d 0.7.8+pt2.4.1cu118, numpy 1.24.4",
        "Next: dartenv smoke",
    ]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """``dartenv doctor`` with these options, in a folder that is no DART tree: the exit code."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*options: object) -> int:
        monkeypatch.setattr(sys, "argv", ["dartenv", "doctor", *(str(o) for o in options)])
        return run(assemble())

    return call


@EVERY
def test_the_command_line_ends_with_the_same_code(name: str, doctor: Callable[..., int]) -> None:
    code = int(FAIL in VERDICTS[name].values())
    assert look(name).report.exit_code == code
    path = FOLDER / f"{name}.json"
    assert doctor("--from", path) == code
    if WARN in VERDICTS[name].values() and not code:
        assert doctor("--from", path, "--fail-level", "warn") == 1


@EVERY
def test_redacted_facts_give_the_same_verdict(name: str) -> None:
    facts = redact(recorded(name))
    assert graver(list(examine(request_for(), facts).report.findings)) == VERDICTS[name]
    shared = msgspec.json.encode(facts).decode("utf-8")
    for secret in ("李明", "motion\\\\", "mzhao", "DESKTOP-7QK2M4A", "gpu-node-07"):
        assert secret not in shared


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("windows-reference-healthy", "windows-cu118"),
        ("windows-rtx-5070", "windows-cu128"),
        ("linux-server-no-display", "linux-cu118"),
        ("wsl2", "linux-cu118"),
    ],
)
def test_the_profile_that_fits_is_chosen_where_none_was_asked_for(name: str, profile: str) -> None:
    facts = msgspec.structs.replace(recorded(name), target=TargetFacts())
    assert examine(request_for(), facts).profile.id == profile


def test_the_profile_that_fits_is_proposed_where_another_was_asked_for() -> None:
    report = examine(request_for("windows-cu118"), recorded("windows-rtx-5070")).report
    (found,) = [f for f in report.findings if f.check == "gpu.capability"]
    assert found.remedy is not None
    assert "windows-cu128, whose torch was built for this card" in found.remedy.text
    assert found.remedy.commands[0] == "dartenv doctor --profile windows-cu128"
    there = examine(request_for("windows-cu128"), recorded("windows-rtx-5070")).report
    failing = {f.check for f in there.findings if f.status is Status.FAIL}
    assert "packages.torch" in failing  # that profile's torch is still to be installed
    assert "gpu.driver" not in failing


def test_diff_names_the_torch_that_explains_the_finding() -> None:
    before, after = recorded("windows-reference-healthy"), recorded("windows-cpu-torch")
    found = explained_differences(request_for(), before, after)
    blamed = [d for d in found if any("packages.torch: ok -> fail" in t for t in d.explains)]
    assert blamed[0].path == "interpreter.distributions[torch].version"
    assert (blamed[0].before, blamed[0].after) == ("2.4.1+cu118", "2.4.1")
    assert "torch 2.4.1+cpu is a build without CUDA" in blamed[0].explains[0]
    assert len(blamed) == 1
    assert not any("crash" in text for d in found for text in d.explains)


def verdicts(name: str, profile: str) -> Dict[str, str]:
    """Each check's gravest finding as diff words it."""
    worst: Dict[str, Finding] = {}
    for one in examine(request_for(profile), recorded(name)).report.findings:
        if one.check not in worst or one.status.gravity > worst[one.check].status.gravity:
            worst[one.check] = one
    return {
        check: "ok" if one.status is Status.OK else f"{one.status.value} ({one.summary})"
        for check, one in worst.items()
    }


@pytest.mark.parametrize("name", [n for n in MACHINES if n != "windows-reference-healthy"])
def test_diff_tells_every_finding_that_changes_with_both_verdicts(name: str) -> None:
    healthy, profile = "windows-reference-healthy", "windows-cu118"
    before, after = verdicts(healthy, profile), verdicts(name, profile)
    found = explained_differences(request_for(profile), recorded(healthy), recorded(name))
    told = {text for one in found for text in one.explains}
    expected = {
        f"{check}: {before[check]} -> {after[check]}"
        for check in before
        if before[check] != after[check]
    }
    assert told == expected
    assert all(one.path != TOGETHER for one in found if name.startswith("windows"))


def test_diff_of_a_new_card_says_what_becomes_of_it() -> None:
    before, after = recorded("windows-reference-healthy"), recorded("windows-rtx-5070")
    found = explained_differences(request_for(), before, after)
    (text,) = {t for d in found for t in d.explains if t.startswith("gpu.capability")}
    assert "ok -> fail (NVIDIA GeForce RTX 5070 is sm_120" in text
    assert {d.path for d in found if text in d.explains} == {
        "gpu.devices[NVIDIA GeForce RTX 4090]",
        "gpu.devices[NVIDIA GeForce RTX 5070]",
    }


def test_diff_of_a_machine_and_its_bundle_is_empty() -> None:
    facts = recorded("windows-onnxruntime-1.19.2")
    assert explained_differences(request_for(), facts, redact(facts)) == []
    assert explained_differences(request_for(), redact(facts), facts) == []


def test_diff_finds_nothing_between_a_machine_and_itself() -> None:
    facts = recorded("windows-reference-healthy")
    assert explained_differences(request_for(), facts, facts) == []
