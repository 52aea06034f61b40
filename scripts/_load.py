"""How busy the machine was while something was measured: a figure without it says little."""

from __future__ import annotations

import os
from typing import Optional

import psutil


class Watch:
    """From its making on, what the machine did beside the measurement."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def told(self) -> str:
        """ "load 1.9, 3.2 % of the cores' time taken by the host", as far as the system tells."""
        parts = []
        if hasattr(os, "getloadavg"):
            parts.append(f"load {os.getloadavg()[0]:.1f}")
        taken = self.taken()
        if taken is not None:
            parts.append(f"{100 * taken:.1f} % of the cores' time taken by the host")
        return ", ".join(parts)

    def taken(self) -> Optional[float]:
        """The share of time in which a virtual machine's cores wanted to run and were not let
        (``steal`` of proc(5)); None where the system does not count it."""
        if not hasattr(self._before, "steal"):
            return None
        now = psutil.cpu_times()
        whole = sum(now[:8]) - sum(self._before[:8])  # guests' time is in user's already
        return (now.steal - self._before.steal) / whole if whole > 0 else None
