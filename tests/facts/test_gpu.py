"""The GPU probe: NVML in a child, nvidia-smi after it, and what each of their answers means."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import pytest

from dartenv.facts.gpu import probe_gpu
from dartenv.facts.model import GpuFacts
from dartenv.facts.nvml_child import ask
from dartenv.facts.runner import SubprocessRunner
from dartenv.manifests.compat_gpu import driver_table
from dartenv.manifests.loader import Manifests
from dartenv.testing import ScriptedRunner, ended, hung

SPEC = driver_table(Manifests())
PYTHON = str(Path(sys.executable).resolve())
NVML = f"{PYTHON} -m dartenv.facts.nvml_child"
NO_LIBRARY = json.dumps({"state": "no-driver", "reason": "library-not-found"}).encode()


@pytest.fixture
def smi(tmp_path: Path) -> str:
    """An nvidia-smi where a Windows has it."""
    place = tmp_path / "Windows" / "System32" / "nvidia-smi.exe"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    return str(place)


def probed(
    tmp_path: Path, answers: Mapping[str, Any], system: str = "Windows"
) -> tuple[GpuFacts, ScriptedRunner, List[str]]:
    runner = ScriptedRunner(answers)
    env = {"SystemRoot": str(tmp_path / "Windows"), "ProgramFiles": str(tmp_path / "Program Files")}
    result = probe_gpu(runner, SPEC, env=env, system=system, executable=PYTHON)
    assert result.value is not None
    return result.value, runner, [failure.reason for failure in result.failures]


def test_nvml_answers_and_nvidia_smi_is_left_alone(tmp_path: Path, smi: str) -> None:
    answer = {
        "state": "devices",
        "driver": "552.22",
        "cuda": "12.4",
        "devices": [{"name": "NVIDIA GeForce RTX 4090", "capability": "8.9", "memory_total": 24}],
    }
    facts, runner, failures = probed(tmp_path, {NVML: json.dumps(answer).encode()})
    assert (facts.state, facts.driver, facts.driver_cuda) == ("devices", "552.22", "12.4")
    assert facts.devices[0].capability == "8.9"
    assert (facts.read_by, failures) == ("nvml", [])
    assert runner.programs == [PYTHON]


def test_the_child_starts_in_a_folder_of_ours_and_takes_no_relative_library_path() -> None:
    runner = ScriptedRunner({NVML: NO_LIBRARY})
    env = {"LD_LIBRARY_PATH": ".::/opt/cuda/lib64:lib"}
    probe_gpu(runner, SPEC, env=env, system="Linux", executable=PYTHON)
    call = runner.calls[0]
    assert call.cwd is not None
    assert (Path(call.cwd) / "dartenv" / "facts" / "nvml_child.py").is_file()
    assert call.env is not None
    entries = call.env["LD_LIBRARY_PATH"].split(":")
    if os.name != "nt":  # a Windows has no such variable to clean
        assert entries == ["/opt/cuda/lib64", *SPEC.library_folders_linux]
    assert "" not in entries
    assert "." not in entries


@pytest.mark.parametrize("reason", ["not-loaded", "version-mismatch"])
def test_what_nvml_knows_for_certain_is_not_asked_again(
    tmp_path: Path, smi: str, reason: str
) -> None:
    answer = {"state": "no-driver", "reason": reason, "problems": ["NVMLError"]}
    facts, runner, _ = probed(tmp_path, {NVML: json.dumps(answer).encode()})
    assert facts.reason == reason
    assert runner.programs == [PYTHON]


def test_no_library_and_no_tool_is_no_driver(tmp_path: Path) -> None:
    facts, _, failures = probed(tmp_path, {NVML: NO_LIBRARY})
    assert (facts.state, facts.reason, failures) == ("no-driver", "library-not-found", [])
    assert any("nvidia-smi: not at" in line for line in facts.tried)


def test_nvidia_smi_answers_where_nvml_is_not_there(tmp_path: Path, smi: str) -> None:
    row = b"NVIDIA GeForce RTX 3060, 531.14, 8.6, 12288, 11000, GPU-1\r\n"
    facts, _, _ = probed(tmp_path, {NVML: NO_LIBRARY, smi: row})
    assert (facts.state, facts.driver, facts.read_by) == ("devices", "531.14", "nvidia-smi")
    assert facts.devices[0].memory_total == 12288 * 1024 * 1024
    assert facts.devices[0].memory_free == 11000 * 1024 * 1024


def test_a_tool_that_knows_no_compute_cap_is_asked_again_without(tmp_path: Path, smi: str) -> None:
    fields = ",".join(SPEC.smi_fields)
    old = ",".join(SPEC.smi_old_fields)
    answers = {
        NVML: NO_LIBRARY,
        f"{smi} --query-gpu={fields}": ended(
            2, b'Field "compute_cap" is not a valid field to query.\n'
        ),
        f"{smi} --query-gpu={old}": b"Tesla T4, 470.256.02, 15109, 15000, GPU-1\n",
    }
    facts, runner, _ = probed(tmp_path, answers)
    assert (facts.state, facts.driver) == ("devices", "470.256.02")
    assert facts.devices[0].capability is None
    assert len(runner.calls) == 3


def test_cells_that_are_not_told_stay_empty(tmp_path: Path, smi: str) -> None:
    row = b"NVIDIA GB10, 580.95, 12.1, [N/A], [Not Supported], GPU-1\n"
    device = probed(tmp_path, {NVML: NO_LIBRARY, smi: row})[0].devices[0]
    assert (device.capability, device.memory_total, device.memory_free) == ("12.1", None, None)


def test_a_name_in_a_foreign_code_page_does_not_stop_it(tmp_path: Path, smi: str) -> None:
    row = "显卡, 552.22, 8.9, 8188, 8000, GPU-1\n".encode("gbk")
    facts, _, _ = probed(tmp_path, {NVML: NO_LIBRARY, smi: row})
    assert (facts.state, facts.devices[0].capability) == ("devices", "8.9")


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (ended(6, b"No devices were found\n"), "no-devices", None),
        (ended(0, b"No devices were found\n"), "no-devices", None),
        (
            ended(9, b"NVIDIA-SMI has failed because it couldn't communicate"),
            "no-driver",
            "not-loaded",
        ),
        (ended(18, b"Failed to initialize NVML: mismatch"), "unknown", "version-mismatch"),
        (ended(0, b""), "unknown", "other"),
        (ended(0, b"something, else\n"), "unknown", "other"),
        (hung(), "unknown", "timeout"),
    ],
)
def test_answers_of_nvidia_smi(
    tmp_path: Path, smi: str, answer: Any, state: str, reason: Optional[str]
) -> None:
    package_missing = json.dumps({"state": "unknown", "reason": "other"}).encode()
    facts, _, failures = probed(tmp_path, {NVML: package_missing, smi: answer})
    assert facts.state == state
    assert facts.reason == reason
    assert bool(failures) is (state == "unknown")


def test_two_hanging_tools_end_in_time_and_are_both_named(tmp_path: Path, smi: str) -> None:
    facts, runner, failures = probed(tmp_path, {NVML: hung(), smi: hung()})
    assert (facts.state, facts.reason) == ("unknown", "timeout")
    assert sum(call.timeout for call in runner.calls) <= 16
    assert all(call.timeout <= 8 for call in runner.calls)
    assert "NVML: no answer" in failures[0]
    assert "nvidia-smi" in failures[0]


@pytest.mark.parametrize("answer", [ended(-11), b"not json", b'{"devices": 3}', b"[]"])
def test_a_child_that_crashes_or_talks_nonsense(tmp_path: Path, answer: Any) -> None:
    facts, _, failures = probed(tmp_path, {NVML: answer})
    assert (facts.state, facts.reason) == ("unknown", "crash")
    assert failures


def test_a_planted_program_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither from the current folder, nor from a relative entry of PATH, nor as a module."""
    planted = tmp_path / "project"
    planted.mkdir()
    mark = tmp_path / "planted-was-run"
    script = f"import pathlib; pathlib.Path({str(mark)!r}).touch()"
    for name in ("nvidia-smi", "nvidia-smi.exe", "nvidia-smi.bat"):
        file = planted / name
        file.write_text(f'#!/bin/sh\ntouch "{mark}"\n', encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    (planted / "pynvml.py").write_text(script, encoding="utf-8")
    (planted / "dartenv").mkdir()
    (planted / "dartenv" / "__init__.py").write_text(script, encoding="utf-8")
    monkeypatch.chdir(planted)
    monkeypatch.setenv("PATH", "." + os.pathsep + os.environ.get("PATH", ""))
    env: Dict[str, str] = {**os.environ, "LD_LIBRARY_PATH": "."}
    result = probe_gpu(SubprocessRunner(), SPEC, env=env)
    assert result.value is not None
    if os.name != "nt":  # under Wine the launcher of a virtual environment fails now and then
        assert result.value.reason != "crash"
    assert not mark.exists()


class FakeNvml:
    """NVML as nvidia-ml-py shows it, with faults where a test wants them."""

    class Error(Exception):
        def __init__(self, value: int) -> None:
            super().__init__(f"code {value}")
            self.value = value

    def __init__(self, faults: Mapping[str, Exception], count: int = 1) -> None:
        self._faults = faults
        self._count = count

    def __getattr__(self, name: str) -> Any:
        answers: Dict[str, Any] = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlDeviceGetCount": self._count,
            "nvmlDeviceGetHandleByIndex": "handle",
            "nvmlSystemGetDriverVersion": b"552.22",
            "nvmlSystemGetCudaDriverVersion": 12040,
            "nvmlDeviceGetName": "显卡".encode("gbk"),
            "nvmlDeviceGetCudaComputeCapability": (8, 9),
            "nvmlDeviceGetMemoryInfo": type("Memory", (), {"total": 10, "free": 4}),
            "nvmlDeviceGetUUID": b"GPU-1",
        }

        def call(*_: Any) -> Any:
            if name in self._faults:
                raise self._faults[name]
            return answers[name]

        return call


class TestChild:
    def test_everything_is_told(self) -> None:
        answer = ask(FakeNvml({}))
        assert (answer["state"], answer["driver"], answer["cuda"]) == ("devices", "552.22", "12.4")
        assert answer["devices"][0]["capability"] == "8.9"
        assert answer["devices"][0]["memory_free"] == 4
        assert answer["problems"] == []
        json.dumps(answer)

    @pytest.mark.parametrize(
        ("code", "state", "reason"),
        [
            (12, "no-driver", "library-not-found"),
            (9, "no-driver", "not-loaded"),
            (18, "unknown", "version-mismatch"),
            (4, "unknown", "no-permission"),
            (999, "unknown", "other"),
        ],
    )
    def test_why_it_does_not_start(self, code: int, state: str, reason: str) -> None:
        answer = ask(FakeNvml({"nvmlInit": FakeNvml.Error(code)}))
        assert (answer["state"], answer["reason"]) == (state, reason)

    def test_a_driver_without_a_gpu(self) -> None:
        answer = ask(FakeNvml({}, count=0))
        assert (answer["state"], answer["driver"]) == ("no-devices", "552.22")

    def test_one_part_that_fails_leaves_the_others(self) -> None:
        faults = {
            "nvmlDeviceGetMemoryInfo": FakeNvml.Error(3),
            "nvmlSystemGetCudaDriverVersion": FakeNvml.Error(13),
        }
        answer = ask(FakeNvml(faults))
        assert answer["state"] == "devices"
        assert (answer["cuda"], answer["devices"][0]["memory_total"]) == (None, None)
        assert len(answer["problems"]) == 2

    def test_a_card_that_fell_off_the_bus_is_not_no_card(self) -> None:
        answer = ask(FakeNvml({"nvmlDeviceGetHandleByIndex": FakeNvml.Error(15)}))
        assert (answer["state"], answer["reason"]) == ("unknown", "gpu-lost")
