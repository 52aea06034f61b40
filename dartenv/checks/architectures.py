"""Which torch will run, which GPUs it was compiled for, and which profile fits a card."""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

from dartenv.checks.hardware import numbers
from dartenv.facts.model import GpuDevice, HostFacts, InterpreterFacts
from dartenv.manifests.compat_gpu import (
    ArchitectureTable,
    architecture_table,
    architectures,
    runs,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


def torch_build(
    interpreter: Optional[InterpreterFacts], profile: Profile
) -> Tuple[Optional[str], str]:
    """The torch that will run, and the platform it is built for ("cu118", "cpu").

    That is the installed one where it has CUDA, else the one the profile installs: a CPU build
    in the target says nothing about what the card can run.
    """
    for dist in interpreter.distributions if interpreter is not None else ():
        if dist.name != "torch":
            continue
        tag = dist.version.partition("+")[2]
        if tag.startswith("cu"):
            return dist.version, tag
        cuda = _cuda_constant(interpreter)
        if cuda is not None:  # conda's torch has no local version
            return dist.version, "cu" + "".join(str(part) for part in numbers(cuda)[:2])
    return profile.torch, profile.compute


def _cuda_constant(interpreter: Optional[InterpreterFacts]) -> Optional[str]:
    for module in interpreter.modules if interpreter is not None else ():
        if module.name == "torch":
            value = module.constants.get("cuda")
            return value if value and numbers(value) else None
    return None


def capability_of(device: GpuDevice, table: ArchitectureTable) -> Optional[str]:
    """The card's capability, by its name where the driver does not tell it."""
    if device.capability is not None and len(numbers(device.capability)) >= 2:
        return device.capability
    for row in table.card:
        if re.search(row.pattern, device.name):
            return row.capability
    return None


def profiles_for(
    capability: str, host: HostFacts, profile: Profile, manifests: Manifests
) -> List[str]:
    """Profiles of this system whose torch runs on such a card, the proposed ones first."""
    table = architecture_table(manifests)
    fitting: List[str] = []
    for other in manifests.profiles():
        if other.system != host.system or other.id == profile.id or other.torch is None:
            continue
        row = architectures(table, other.torch, other.compute, host.system)
        if row is not None and runs(row, capability):
            fitting.append(other.id)
    preferred = [one for one in profile.falls_back_to if one in fitting]
    return preferred + [one for one in fitting if one not in preferred]
