"""Checks of the NVIDIA driver and GPU against what the profile's torch was built for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List, Optional

from dartenv.checks.architectures import capability_of, profiles_for, torch_build
from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import (
    could_not_tell,
    driver_system,
    memory,
    minor,
    not_needed,
    numbers,
    severity,
)
from dartenv.checks.registry import check, finding
from dartenv.facts.model import GpuDevice, GpuFacts, HostFacts, InterpreterFacts
from dartenv.manifests.compat_gpu import (
    ArchitectureRow,
    DriverRelease,
    DriverTable,
    architecture_table,
    architectures,
    driver_table,
    runs,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

WHY_GPU = "DART generates motion in real time on an NVIDIA GPU; on a CPU it runs, slowly"
WSL_DRIVER = "in WSL2 the driver is the one of Windows: install it there, never inside WSL"


@check("gpu.present")
def gpu_present(
    gpu: GpuFacts, host: Optional[HostFacts], profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """An NVIDIA GPU and its driver."""
    table = driver_table(manifests)
    wsl = bool(host is not None and host.wsl)
    if gpu.state == "devices":
        names = ", ".join(_described(device) for device in gpu.devices)
        yield finding(Status.OK, f"{names}; driver {gpu.driver or 'unknown'}")
        return
    absent = _absent(gpu, table)
    status = severity(profile.gpu)
    wanted = "an NVIDIA GPU, or a profile for CPU as here"
    summary = absent.found
    commands = [absent.command] if absent.command and not wsl else []
    if status is Status.FAIL:
        wanted = "an NVIDIA GPU"
        others = _cpu_profiles(host, profile, manifests)
        commands.extend(f"dartenv doctor --profile {other}" for other in others)
        if not absent.certain:
            status = Status.WARN  # "could not tell" is no proof that there is none
    else:
        summary = f"{absent.found}; profile {profile.id} needs none"
    yield finding(
        status,
        summary,
        found=absent.found,
        wanted=wanted,
        evidence=() if status is Status.INFO and absent.certain else gpu.tried,
        why=WHY_GPU,
        remedy=f"{absent.remedy}; {WSL_DRIVER}" if wsl else absent.remedy,
        commands=commands,
        source=f"profile {profile.id}",
    )


@dataclass(frozen=True)
class _Absent:
    """What stands in a GPU's place, what helps, and whether that is certain."""

    found: str
    remedy: str
    command: str = ""
    certain: bool = True


_LOST = {
    "not-loaded": _Absent(
        "an NVIDIA driver that is installed but not loaded",
        "restart; where that does not help, install the driver again for this kernel",
        "sudo modprobe nvidia",
    ),
    "version-mismatch": _Absent(
        "an NVIDIA driver that was updated while the old one is still loaded",
        "restart the machine",
    ),
    "gpu-lost": _Absent("a GPU that no longer answers its driver", "restart the machine"),
    "timeout": _Absent(
        "could not tell: the NVIDIA driver gave no answer in time",
        "restart the machine; a driver that hangs once hangs again",
        certain=False,
    ),
}


def _absent(gpu: GpuFacts, table: DriverTable) -> _Absent:
    if gpu.state == "no-devices":
        return _Absent(
            f"NVIDIA driver {gpu.driver or 'of unknown version'} without a GPU",
            "look whether the card is seated, powered and switched on in the firmware and the "
            "device manager; in a container, whether GPUs were handed to it",
        )
    if gpu.reason in _LOST:
        return _LOST[gpu.reason]
    if gpu.state == "no-driver":
        return _Absent(
            "no NVIDIA driver",
            f"install the driver for the card from {table.download}; a machine without an NVIDIA "
            "card takes a profile for CPU",
        )
    return _Absent(
        "could not tell whether there is an NVIDIA GPU",
        "ask the driver by hand",
        "nvidia-smi",
        False,
    )


def _cpu_profiles(host: Optional[HostFacts], profile: Profile, manifests: Manifests) -> List[str]:
    return [
        other.id
        for other in manifests.profiles()
        if other.compute == "cpu" and other.kind == profile.kind and host is not None
        if other.system == host.system
    ]


def _described(device: GpuDevice) -> str:
    notes = [f"sm_{device.capability.replace('.', '')}"] if device.capability else []
    if device.memory_total is not None:
        notes.append(memory(device.memory_total))
    return f"{device.name} ({', '.join(notes)})" if notes else device.name


@check("gpu.driver", needs=("gpu.present",))
def gpu_driver(
    gpu: GpuFacts, host: HostFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """The NVIDIA driver against the profile's CUDA."""
    if profile.cuda is None:
        yield not_needed(f"profile {profile.id} uses no CUDA")
        return
    if gpu.driver is None:
        yield could_not_tell("the driver's version")
        return
    table = driver_table(manifests)
    system = driver_system(host)
    major = profile.cuda.split(".")[0]
    row = next((r for r in table.minimum if r.cuda == major), None)
    minimum = getattr(row, system, None) if row is not None else None
    if row is None or minimum is None:
        yield could_not_tell(f"which driver CUDA {profile.cuda} needs on {system}")
        return
    release = next((r for r in table.release if r.cuda == minor(profile.cuda or "")), None)
    came_with = getattr(release, system, None) if release is not None else None
    if numbers(gpu.driver) < numbers(minimum):
        yield _old_driver(gpu.driver, minimum, came_with, profile, row.source, table, host)
    elif release is not None and came_with and numbers(gpu.driver) < numbers(came_with):
        yield _early_driver(gpu.driver, minimum, came_with, profile, release)
    else:
        yield finding(Status.OK, f"driver {gpu.driver}; CUDA {profile.cuda} runs from {minimum} on")


def _old_driver(
    driver: str,
    minimum: str,
    came_with: Optional[str],
    profile: Profile,
    source: str,
    table: DriverTable,
    host: HostFacts,
) -> Finding:
    best = f"; {came_with} came with CUDA {profile.cuda}" if came_with else ""
    remedy = f"install a newer driver from {table.download}"
    return finding(
        Status.FAIL,
        f"driver {driver}, CUDA {profile.cuda} runs from {minimum} on",
        found=f"driver {driver}",
        wanted=f"{minimum} or newer{best}",
        why="torch finds no CUDA device, and DART stops at its first tensor",
        remedy=f"{remedy}; {WSL_DRIVER}" if host.wsl else remedy,
        commands=("dartenv doctor --select gpu",),
        source=source,
    )


def _early_driver(
    driver: str, minimum: str, came_with: str, profile: Profile, release: DriverRelease
) -> Finding:
    return finding(
        Status.INFO,
        f"driver {driver} is older than the {came_with} that came with CUDA {profile.cuda}",
        found=f"driver {driver}",
        wanted=f"{minimum} or newer, which it is",
        why="enough for torch's compiled kernels; only code compiled at run time (PTX) and new "
        "architectures need the newer one",
        source=release.source,
    )


@check("gpu.capability", needs=("gpu.present",))
def gpu_capability(
    gpu: GpuFacts,
    host: HostFacts,
    interpreter: Optional[InterpreterFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """The GPU's architecture against torch's."""
    version, tag = torch_build(interpreter, profile)
    if version is None or not tag.startswith("cu"):
        yield not_needed(f"profile {profile.id} uses no CUDA")
        return
    table = architecture_table(manifests)
    torch = f"torch {version.split('+')[0]}+{tag}"
    row = architectures(table, version, tag, host.system)
    if row is None:
        yield could_not_tell(f"which GPUs {torch} was built for")
        return
    told = [(device, capability_of(device, table)) for device in gpu.devices]
    unknown = [device.name for device, capability in told if capability is None]
    works = [(d, c) for d, c in told if c is not None and runs(row, c)]
    fails = [(d, c) for d, c in told if c is not None and not runs(row, c)]
    built = ", ".join(f"sm_{one.replace('.', '')}" for one in row.sm)
    if not works and not fails:
        yield could_not_tell("the capability of " + (", ".join(unknown) or "a GPU not listed"))
    elif not fails:
        shown = ", ".join(f"{device.name} (sm_{_plain(c)})" for device, c in works)
        yield finding(Status.OK, f"{shown} runs {torch}")
    elif works:
        shown = ", ".join(f"{device.name} (sm_{_plain(c)})" for device, c in fails)
        yield finding(
            Status.WARN,
            f"{shown} cannot run {torch}; {works[0][0].name} can",
            found=shown,
            wanted=built,
            why="torch takes the first GPU it counts; the wrong one stops at the first kernel",
            remedy="hide the card that cannot: give the index that nvidia-smi shows for the other",
            commands=("nvidia-smi -L",),
            source=row.source,
        )
    else:
        device, capability = fails[0]
        yield _foreign_card(device, capability, torch, row, host, profile, manifests)


def _foreign_card(
    device: GpuDevice,
    capability: str,
    torch: str,
    row: ArchitectureRow,
    host: HostFacts,
    profile: Profile,
    manifests: Manifests,
) -> Finding:
    others = profiles_for(capability, host, profile, manifests)
    on_cpu = [] if others else _cpu_profiles(host, profile, manifests)
    older = any(numbers(ptx) < numbers(capability) for ptx in row.ptx)
    jit = (
        "its intermediate code (PTX) is for an older card, and cuDNN and cuBLAS bring none"
        if older
        else "it holds no intermediate code (PTX) that the driver could compile"
    )
    sm = _plain(capability)
    return finding(
        Status.FAIL,
        f"{device.name} is sm_{sm}; {torch} was not built for it",
        found=f"{device.name}, sm_{sm}, with {torch}",
        wanted="one of " + ", ".join(f"sm_{_plain(one)}" for one in row.sm),
        evidence=(jit,),
        why=f"torch warns that sm_{sm} is not compatible, and every kernel fails with "
        "'no kernel image is available for execution on the device'",
        remedy=f"take the profile {others[0]}, whose torch was built for this card"
        if others
        else "no profile has a torch for this card: run on CPU, or use another card",
        commands=[f"dartenv doctor --profile {other}" for other in others[:2] or on_cpu],
        source=row.source,
    )


@check("gpu.memory", needs=("gpu.present",))
def gpu_memory(gpu: GpuFacts, profile: Profile) -> Iterator[Finding]:
    """Memory of the GPU."""
    if profile.compute == "cpu":
        yield not_needed(f"profile {profile.id} uses no CUDA")
        return
    told = [device for device in gpu.devices if device.memory_total is not None]
    if not told:
        yield could_not_tell("how much memory the GPU has")
        return
    best = max(told, key=lambda device: device.memory_free or device.memory_total or 0)
    total, free = best.memory_total or 0, best.memory_free
    shown = f"{best.name} has {memory(total)}"
    if free is not None:
        shown += f", {memory(free)} of it free"
    wanted = profile.gpu_memory_min
    if total < wanted:
        yield finding(
            Status.WARN,
            f"{shown}; profile {profile.id} wants {memory(wanted)}",
            found=shown,
            wanted=memory(wanted),
            why="a run ends with 'CUDA out of memory', the viewer and in-betweening first",
            remedy="run with --batch_size 1, or on CPU",
            commands=("dartenv smoke rollout --device cpu",),
            source=f"profile {profile.id}",
        )
    elif free is not None and free < wanted:
        yield finding(
            Status.WARN,
            f"{shown}; {memory(wanted)} are wanted",
            found=shown,
            wanted=f"{memory(wanted)} free",
            why="a run ends with 'CUDA out of memory' while other programs hold the rest",
            remedy="close what uses the GPU",
            commands=("nvidia-smi",),
            source=f"profile {profile.id}",
        )
    else:
        yield finding(Status.OK, shown)


def _plain(capability: str) -> str:
    return capability.replace(".", "")
