"""GPU memory of a run, told by an NVML of our own."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

from dartenv.smoke.gpu_meter import GpuMeter


class Nvml:
    """Two devices whose processes are written down, one list for each look."""

    def __init__(self, looks: List[Dict[int, Dict[int, Any]]]) -> None:
        self.looks = looks
        self.seen = 0
        self.all_seen = threading.Event()
        self.closed = False

    def nvmlInit(self) -> None:
        return None

    def nvmlShutdown(self) -> None:
        self.closed = True

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetComputeRunningProcesses(self, device: int) -> List[Any]:
        look = self.looks[min(self.seen, len(self.looks) - 1)]
        if device == 1:
            self.seen += 1
            if self.seen >= len(self.looks):
                self.all_seen.set()
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in look[device].items()]


def measured(monkeypatch: pytest.MonkeyPatch, looks: List[Dict[int, Dict[int, Any]]]) -> Any:
    monkeypatch.setattr("dartenv.smoke.gpu_meter.POLL", 0.001)
    nvml = Nvml(looks)
    meter = GpuMeter(lambda: [10, 11], nvml).start()
    assert nvml.all_seen.wait(10)
    peak = meter.stop()
    assert nvml.closed
    return peak


def test_the_most_of_our_processes_over_both_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [
        {0: {10: 100, 99: 5000}, 1: {}},
        {0: {10: 300}, 1: {11: 400, 99: 5000}},
        {0: {10: 50}, 1: {}},
    ]
    assert measured(monkeypatch, looks) == 700


def test_a_driver_that_does_not_say_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, [{0: {10: None}, 1: {}}]) is None


def test_without_a_driver_there_is_nothing_to_measure() -> None:
    class Broken:
        def nvmlInit(self) -> None:
            raise RuntimeError("NVML Shared Library Not Found")

    assert GpuMeter(lambda: [1], Broken()).start().stop() is None
