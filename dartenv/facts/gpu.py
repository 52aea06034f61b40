"""NVIDIA GPUs: NVML first, nvidia-smi after it.

Three answers are told apart, and from "could not tell": no driver, a driver without a GPU, GPUs.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

import dartenv
from dartenv.facts.model import GpuDevice, GpuFacts, ProbeFailure
from dartenv.facts.nvml_child import REASONS
from dartenv.facts.places import expand_all, is_file
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Completed, Runner
from dartenv.manifests.compat_gpu import DriverTable
from dartenv.typed import from_json

MIB = 1024 * 1024
_NOT_TOLD = ("", "n/a", "[n/a]", "[not supported]", "[unknown error]", "[insufficient permissions]")
_INVALID_FIELD = "is not a valid field to query"
_NO_DEVICES = "no devices were found"


class NvmlAnswer(msgspec.Struct):
    """What :mod:`dartenv.facts.nvml_child` prints."""

    state: str
    reason: Optional[str] = None
    driver: Optional[str] = None
    cuda: Optional[str] = None
    devices: Tuple[GpuDevice, ...] = ()
    problems: Tuple[str, ...] = ()


def probe_gpu(
    runner: Runner,
    spec: DriverTable,
    env: Optional[Mapping[str, str]] = None,
    system: Optional[str] = None,
    executable: Optional[str] = sys.executable,
) -> Probed[GpuFacts]:
    """What NVML, or nvidia-smi from one of the manifest's places, says. Never raises.

    NVML runs in a child of ``executable``; at most ``spec.limit`` seconds go to it, and as many
    to nvidia-smi, half as many where NVML has already hung.
    """
    env = os.environ if env is None else env
    system = (system or platform.system()).lower()
    facts, tried = _ask_nvml(runner, spec, env, system, executable)
    # Only these say all there is to say; after anything else the tool may know more.
    if facts is not None and (
        facts.state in ("devices", "no-devices")
        or facts.reason in ("not-loaded", "version-mismatch")
    ):
        return _probed(facts, tried)
    limit = spec.limit / 2 if facts is not None and facts.reason == "timeout" else spec.limit
    other, more = _ask_smi(runner, spec, env, system, limit)
    tried += more
    vague = facts is None or facts.reason in (None, "other")
    if other is not None and (other.state != "unknown" or vague):
        return _probed(other, tried)
    return _probed(facts or other or GpuFacts(state="unknown", reason="other"), tried)


def _probed(facts: GpuFacts, tried: List[str]) -> Probed[GpuFacts]:
    value = GpuFacts(
        state=facts.state,
        driver=facts.driver,
        driver_cuda=facts.driver_cuda,
        devices=facts.devices,
        read_by=facts.read_by,
        reason=facts.reason,
        tried=tuple(tried),
    )
    if value.state != "unknown":
        return Probed(value)
    reason = "; ".join(tried) or "nothing answered"
    return Probed(value, (ProbeFailure(probe="gpu", reason=reason),))


def _ask_nvml(
    runner: Runner,
    spec: DriverTable,
    env: Mapping[str, str],
    system: str,
    executable: Optional[str],
) -> Tuple[Optional[GpuFacts], List[str]]:
    if not executable or getattr(sys, "frozen", False):
        return None, ["NVML: no Python to ask it with"]
    # "-m" puts the working folder first on the child's path, so it must be ours, not the user's.
    home = str(Path(dartenv.__file__).resolve().parent.parent)
    done = runner.run(
        [executable, "-m", "dartenv.facts.nvml_child"],
        spec.limit,
        env=_library_env(env, spec, system),
        cwd=home,
    )
    if done.failure == "timeout":
        told = f"NVML: no answer within {spec.limit:.0f} s"
        return GpuFacts(state="unknown", reason="timeout"), [told]
    answer = _answer(done)
    if answer is None:
        told = f"NVML: its process ended with {done.failure or done.rc}"
        return GpuFacts(state="unknown", reason="crash"), [told]
    facts = GpuFacts(
        state=answer.state,
        driver=answer.driver,
        driver_cuda=answer.cuda,
        devices=answer.devices,
        read_by="nvml",
        reason=answer.reason,
    )
    problems = [f"NVML: {problem}" for problem in answer.problems]
    return facts, problems or [f"NVML: {facts.state}"]


def _answer(done: Completed) -> Optional[NvmlAnswer]:
    if not done.ok:
        return None
    try:
        return from_json(done.out, NvmlAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _library_env(env: Mapping[str, str], spec: DriverTable, system: str) -> Dict[str, str]:
    """The environment for a process that loads the driver's library.

    A relative entry of LD_LIBRARY_PATH means the current folder: it goes.
    """
    changed = dict(env)
    if system == "linux":
        entries = [
            entry
            for entry in env.get("LD_LIBRARY_PATH", "").split(":")
            if entry and Path(entry).is_absolute()
        ]
        changed["LD_LIBRARY_PATH"] = ":".join([*entries, *spec.library_folders_linux])
    changed["PYTHONIOENCODING"] = "utf-8"
    return changed


def _ask_smi(
    runner: Runner, spec: DriverTable, env: Mapping[str, str], system: str, limit: float
) -> Tuple[Optional[GpuFacts], List[str]]:
    places = spec.smi_windows if system == "windows" else spec.smi_linux
    paths = expand_all(places, env)
    path = next((p for p in paths if is_file(p)), None)
    if path is None:
        return None, ["nvidia-smi: not at " + (" nor ".join(paths[:2]) or "any known place")]
    facts, told, old = _query(runner, path, spec.smi_fields, limit)
    tried = [f"{path}: {told}"]
    if old:
        facts, told, _ = _query(runner, path, spec.smi_old_fields, limit)
        tried.append(f"{path} without compute_cap: {told}")
    return facts, tried


def _query(
    runner: Runner, path: str, fields: Sequence[str], limit: float
) -> Tuple[GpuFacts, str, bool]:
    """The tool's answer, in words too, and whether it refused a field as unknown."""
    done = runner.run(
        [path, "--query-gpu=" + ",".join(fields), "--format=csv,noheader,nounits"], limit
    )
    if done.failure is not None:
        reason = "timeout" if done.failure == "timeout" else "other"
        told = f"no answer within {limit:.0f} s" if reason == "timeout" else done.failure
        return GpuFacts(state="unknown", reason=reason), told, False
    text = done.text()
    everything = (text + done.error_text()).lower()
    if _INVALID_FIELD in everything:
        return GpuFacts(state="unknown", reason="other"), "refused the query", True
    if done.rc == 6 or _NO_DEVICES in everything:
        return GpuFacts(state="no-devices", read_by="nvidia-smi"), "no devices were found", False
    if done.rc != 0:
        reason = REASONS.get(done.rc or -1, "other")
        state = "no-driver" if reason in ("not-loaded", "library-not-found") else "unknown"
        told = f"exit status {done.rc}" + _first_line(text or done.error_text())
        return GpuFacts(state=state, reason=reason, read_by="nvidia-smi"), told, False
    rows = [_row(line, fields) for line in text.splitlines() if line.strip()]
    devices = tuple(_device(row) for row in rows if row)
    if not devices:
        # Success without an answer is no answer: some stand-ins for the tool do that.
        return GpuFacts(state="unknown", reason="other"), "answered nothing", False
    driver = next((row["driver_version"] for row in rows if row.get("driver_version")), None)
    facts = GpuFacts(state="devices", driver=driver, devices=devices, read_by="nvidia-smi")
    return facts, f"{len(devices)} GPU", False


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return f": {lines[0].strip()}" if lines else ""


def _row(line: str, fields: Sequence[str]) -> Dict[str, Optional[str]]:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(fields):
        return {}
    return {
        field: None if cell.lower() in _NOT_TOLD else cell for field, cell in zip(fields, cells)
    }


def _device(row: Mapping[str, Optional[str]]) -> GpuDevice:
    return GpuDevice(
        name=row.get("name") or "unnamed GPU",
        capability=row.get("compute_cap"),
        memory_total=_bytes(row.get("memory.total")),
        memory_free=_bytes(row.get("memory.free")),
        uuid=row.get("uuid"),
    )


def _bytes(mib: Optional[str]) -> Optional[int]:
    try:
        return int(float(mib) * MIB) if mib else None
    except ValueError:
        return None
