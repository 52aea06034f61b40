"""MSVC toolsets as numbers, and why a compiler is wanted or not."""

from __future__ import annotations

from dartenv.checks.hardware import numbers
from dartenv.manifests.compat_gpu import HostCompilerGate, MsvcTable

NO_COMPILER = "DART runs from wheels; only compiling pytorch3d needs a C++ compiler"
COMPILER = "this profile compiles pytorch3d, which needs a C++ compiler that nvcc accepts"


def msc_ver(toolset: str) -> int:
    """1900 plus the toolset's second number; 0 where that cannot be told."""
    parts = numbers(toolset)
    return 1900 + parts[1] if len(parts) >= 2 and parts[0] == 14 else 0


def range_of(gate: HostCompilerGate, table: MsvcTable) -> str:
    """ "up to 14.39 (Visual Studio 2022 17.9)"."""
    last = f"14.{gate.msc_below - 1901}"
    row = next((one for one in table.toolset if one.toolset == last), None)
    return f"up to {last}" + (f" (Visual Studio 2022 {row.visual_studio})" if row else "")
