"""Whether an installed pytorch3d was built for the torch, Python and system that it meets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, Optional, Tuple

from dartenv.facts.model import InterpreterFacts
from dartenv.manifests.compat import Pytorch3dTable
from dartenv.manifests.schema import Profile
from dartenv.manifests.wheels import WheelAnswer


@dataclass(frozen=True)
class Target:
    """What a pytorch3d has to fit. ``torch`` is public; ``compute`` is "cpu" or "cu118"."""

    interpreter: InterpreterFacts
    profile: Profile
    table: Pytorch3dTable
    python: str
    torch: str
    compute: str
    system: str
    answer: WheelAnswer


@dataclass(frozen=True)
class Installed:
    """The pytorch3d that an import would take."""

    version: str
    where: str
    tags: Tuple[str, ...]
    build: Optional[str]
    compiled: Tuple[str, ...]  # file names of the compiled module
    problem: Optional[str]


def faults_of(installed: Installed, target: Target) -> Iterator[str]:
    """Each way in which a compiled pytorch3d does not fit its target, in words."""
    built_torch, built_compute = built_for(installed, target.table)
    if built_torch is not None and built_torch != target.torch:
        yield f"built for torch {built_torch}, not {target.torch}"
    if built_compute is not None and built_compute != target.compute:
        yield f"built for {built_compute}, not {target.compute}"
    tags = [t for t in installed.tags if not _tag_fits(t, target)]
    if installed.tags and len(tags) == len(installed.tags):
        yield f"its wheel tag is {tags[0]}, not {_own_tag(target)}"
    elif not any(_extension_fits(f, target) for f in installed.compiled):
        yield f"{installed.compiled[0]} is not for Python {target.python} on {target.system}"


def built_for(installed: Installed, table: Pytorch3dTable) -> Tuple[Optional[str], Optional[str]]:
    """The torch and compute platform it says it was built for."""
    match = re.match(table.local_pattern, installed.version.partition("+")[2])
    if match:
        return match.group("torch"), match.group("compute")
    match = re.match(table.build_pattern, installed.build or "")
    if match:
        digits = match.group("torch")
        # conda joins the parts: 210 is 2.1.0, 2100 is 2.10.0.
        return f"{digits[0]}.{digits[1:-1]}.{digits[-1]}", match.group("compute")
    return None, None


def _own_tag(target: Target) -> str:
    tag = "cp" + target.python.replace(".", "")
    return f"{tag}-{tag}-{target.table.platforms.get(target.system, target.system)}"


def _tag_fits(tag: str, target: Target) -> bool:
    python, _, rest = tag.partition("-")
    _, _, platform = rest.partition("-")
    own = "cp" + target.python.replace(".", "")
    wanted = target.table.platforms.get(target.system, "")
    machine = wanted.partition("_")[2]
    same_system = platform == "any" or platform == wanted
    if target.system == "linux":
        same_system = same_system or ("linux" in platform and platform.endswith(machine))
    return same_system and (own in python.split(".") or python.startswith("py3"))


def _extension_fits(file: str, target: Target) -> bool:
    """Whether the name of an extension module is one this interpreter would import."""
    parts = file.split("/")[-1].split(".")
    windows = parts[-1] == "pyd"
    if windows != (target.system == "windows"):
        return False
    if len(parts) == 2 or "abi3" in parts[1]:
        return True
    digits = target.python.replace(".", "")
    return re.match(rf"(cp|cpython-){digits}(?!\d)", parts[1]) is not None
