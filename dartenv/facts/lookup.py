"""Looking things up in the interpreter facts, for probes and checks of Python and its packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from dartenv.facts.model import DistributionFacts, InterpreterFacts, ModuleFacts
from dartenv.manifests.compat import TorchTable
from dartenv.manifests.schema import Profile, Requirement


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution(interpreter: InterpreterFacts, name: str) -> Optional[DistributionFacts]:
    """The distribution that an import would take: the first of that name on sys.path."""
    wanted = normalised(name)
    for one in interpreter.distributions:
        if one.name == wanted and not is_leftover(one):
            return one
    return None


def is_leftover(one: DistributionFacts) -> bool:
    """Whether pip left it behind when an installation was interrupted."""
    return one.problem is not None and one.problem.startswith("left over")


def module(interpreter: InterpreterFacts, name: str) -> Optional[ModuleFacts]:
    """A watched or loose module by its import name."""
    for one in interpreter.modules:
        if one.name == name:
            return one
    return None


def version_of(text: Optional[str]) -> Optional[Version]:
    """A version, or ``None`` where the text is none."""
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None


def fits(version: Optional[str], specifier: str) -> Optional[bool]:
    """Whether a version is in a specifier; ``None`` where either cannot be read."""
    parsed = version_of(version)
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    return None if parsed is None else wanted.contains(parsed, prereleases=True)


def minor(version: str) -> str:
    """The minor version of a Python: "3.8" of "3.8.10"."""
    return ".".join(version.split(".")[:2])


def applies(markers: str, interpreter: InterpreterFacts) -> bool:
    """Whether a PEP 508 marker holds in the target; an unreadable one does."""
    if not markers:
        return True
    environment = dict(interpreter.markers) or {
        "python_version": minor(interpreter.version),
        "python_full_version": interpreter.version,
    }
    environment["extra"] = ""
    try:
        return Marker(markers).evaluate(environment)
    except (InvalidMarker, ValueError, KeyError):
        return True


def requirements(profile: Profile, interpreter: InterpreterFacts) -> List[Requirement]:
    """The profile's requirements that apply to this Python."""
    return [r for r in profile.requirements if applies(r.markers, interpreter)]


def requirement(
    profile: Profile, interpreter: InterpreterFacts, name: str
) -> Optional[Requirement]:
    """The profile's requirement of that name that applies to this Python."""
    for one in requirements(profile, interpreter):
        if normalised(one.name) == name:
            return one
    return None


def import_name(one: Requirement) -> str:
    """What a requirement is imported as."""
    return one.module or one.name.replace("-", "_")


def pinned(one: Requirement) -> str:
    """A requirement as pip takes it: pinned where the profile pins it."""
    return f"{one.name}=={one.pin}" if one.pin else f"{one.name}{one.spec}"


def quoted(argument: str) -> str:
    """An argument as a person can paste it into cmd, PowerShell or a shell."""
    return f'"{argument}"' if re.search(r"[^\w@%+=:,./\\~-]", argument) else argument


def pip_command(interpreter: Optional[InterpreterFacts], *arguments: str) -> str:
    """A pip command that works on the target, whatever environment is active."""
    python = interpreter.executable if interpreter is not None else "python"
    return " ".join([quoted(python), "-m pip", *(quoted(a) for a in arguments)])


def compute_of(cuda: Optional[str]) -> str:
    """torch's word for a CUDA version: "11.8" is "cu118", none is "cpu"."""
    if not cuda or cuda == "None":
        return "cpu"
    return "cu" + "".join(cuda.split(".")[:2])


def shown_compute(compute: Optional[str]) -> str:
    """ "CUDA 11.8" for "cu118"."""
    if compute is None:
        return "an unknown CUDA"
    if compute == "cpu":
        return "no CUDA"
    match = re.match(r"cu(\d+)(\d)$", compute)
    return f"CUDA {match.group(1)}.{match.group(2)}" if match else compute


def shown_build(compute: Optional[str]) -> str:
    """ "a CUDA 11.8 build" for "cu118"."""
    if compute == "cpu":
        return "a build without CUDA"
    if compute is None:
        return "a build for an unknown CUDA"
    return f"a {shown_compute(compute)} build"


@dataclass(frozen=True)
class TorchSeen:
    """The torch of the target: ``version`` as it prints itself, ``compute`` where known."""

    version: str
    compute: Optional[str]
    location: str

    @property
    def public(self) -> str:
        return self.version.split("+")[0]


def torch_seen(
    interpreter: InterpreterFacts, table: TorchTable, system: Optional[str]
) -> Optional[TorchSeen]:
    """The torch that an import would take, from its own version file first.

    A wheel from the plain index names no CUDA in its metadata; conda's build names it in neither.
    """
    dist = distribution(interpreter, "torch")
    found = module(interpreter, "torch")
    if dist is None and found is None:
        return None
    location = (dist.location if dist else None) or (found.path if found else "") or ""
    constants = found.constants if found is not None else {}
    version = constants.get("__version__") or (dist.version if dist else "an unknown version")
    compute: Optional[str] = None
    local = version.partition("+")[2]
    if "cuda" in constants:
        compute = compute_of(constants["cuda"])
        if compute == "cpu" and constants.get("hip", "None") != "None":
            compute = "rocm"
    elif re.match(r"(cpu|cu\d+|rocm)", local):
        compute = local.split(".")[0]
    elif dist is not None and dist.build and "cuda" in dist.build:
        match = re.search(r"cuda(\d+\.\d+)", dist.build)
        compute = compute_of(match.group(1)) if match else None
    elif system is not None and table.plain_index.get(system) == "cpu":
        compute = "cpu"
    return TorchSeen(version, compute, location)


def torch_wanted(profile: Profile, python: str) -> Optional[str]:
    """The torch that the profile installs on this Python, "2.4.1+cu118" or "2.13.0"."""
    if profile.torch:
        return profile.torch
    return profile.torch_by_python.get(minor(python), profile.torch_by_python.get("other"))


def system_of(interpreter: Optional[InterpreterFacts], profile: Profile) -> str:
    """The operating system of the target, "windows", "linux" or "darwin"."""
    platform = (interpreter.platform or "") if interpreter is not None else ""
    for prefix, system in (("win", "windows"), ("linux", "linux"), ("macos", "darwin")):
        if platform.startswith(prefix):
            return system
    return profile.system if profile.system != "any" else "linux"


def listed(items: Sequence[str], limit: int = 6) -> str:
    """ "a, b and 4 more"."""
    shown: Tuple[str, ...] = tuple(items[:limit])
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
