"""How much GPU memory a group of processes holds at most, as NVML tells it.

NVML is asked in a thread of its own: a driver that hangs holds nobody up. Windows tells no process'
share under its display driver model (NVML's documentation of nvmlDeviceGetComputeRunningProcesses);
then, as without a GPU, the answer is ``None``.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any, Callable, Iterable, List, Optional

POLL = 0.5

Members = Callable[[], Iterable[int]]


class GpuMeter:
    """Measures from ``start`` to ``stop``; ``members`` tells the process ids of the moment."""

    def __init__(self, members: Members, library: Optional[Any] = None) -> None:
        self.peak: Optional[int] = None  # bytes, over all devices
        self._members = members
        self._library = library
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> GpuMeter:
        """Begin to measure."""
        self._thread.start()
        return self

    def stop(self) -> Optional[int]:
        """End measuring; answers the most bytes that were seen."""
        self._end.set()
        self._thread.join(timeout=2.0)
        return self.peak

    def _watch(self) -> None:
        try:
            nvml = self._library or _nvml()
            nvml.nvmlInit()
        except Exception:  # no driver, no library, or one that does not fit: nothing to measure
            return
        try:
            devices = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
            while True:
                self._look(nvml, devices)
                if self._end.wait(POLL):
                    break
            self._look(nvml, devices)
        except Exception:  # a device that went away ends the measuring, not the run
            return
        finally:
            try:
                nvml.nvmlShutdown()
            except Exception:  # nothing depends on it
                pass

    def _look(self, nvml: Any, devices: List[Any]) -> None:
        mine = set(self._members())
        used: Optional[int] = None
        for device in devices:
            for process in nvml.nvmlDeviceGetComputeRunningProcesses(device):
                if process.pid in mine and process.usedGpuMemory is not None:
                    used = (used or 0) + int(process.usedGpuMemory)
        if used is not None:
            self.peak = max(self.peak or 0, used)


def _nvml() -> Any:
    return importlib.import_module("pynvml")
