"""Checks of torch with its companions, and of numpy."""

from __future__ import annotations

from typing import Iterator, List, Optional, Tuple

from packaging.version import Version

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.lookup import (
    TorchSeen,
    distribution,
    minor,
    module,
    pip_command,
    shown_build,
    shown_compute,
    system_of,
    torch_seen,
    torch_wanted,
    version_of,
)
from dartenv.facts.model import InterpreterFacts
from dartenv.manifests.compat import TorchRelease, TorchTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("packages.torch")
def packages_torch(
    interpreter: InterpreterFacts, profile: Profile, manifests: Manifests
) -> Iterator[Finding]:
    """torch of the profile's version and CUDA, with matching companions."""
    table = manifests.read("compat", "torch", TorchTable)
    system = system_of(interpreter, profile)
    seen = torch_seen(interpreter, table, system)
    fault = _torch_fault(seen, interpreter, profile, table, system)
    if fault is not None:
        yield fault
    elif seen is not None:
        yield from _companions(seen, interpreter, profile, table)


def _torch_fault(
    seen: Optional[TorchSeen],
    interpreter: InterpreterFacts,
    profile: Profile,
    table: TorchTable,
    system: str,
) -> Optional[Finding]:
    wanted = _wanted(profile, interpreter, table)
    where = interpreter.prefix or interpreter.executable
    install = _install(profile, interpreter, table)
    if seen is None:
        return finding(
            Status.FAIL,
            "torch is not installed",
            found=f"no torch in {where}",
            wanted=wanted,
            why="DART's networks are torch modules",
            fix="packages.torch",
            remedy="install it from the profile's index",
            commands=install,
            source=f"profile {profile.id}",
        )
    found = f"torch {seen.version} in {where}"
    broken = _broken(interpreter)
    if broken:
        return finding(
            Status.FAIL,
            f"the metadata of torch is broken: {broken}",
            found=f"{found}; {broken}",
            wanted=wanted,
            why="pip can neither tell its version nor remove it",
            fix="packages.torch",
            remedy="install it again",
            commands=[f"{install[0]} --force-reinstall", *install[1:]],
            source=f"profile {profile.id}",
        )
    if profile.compute != "cpu" and seen.compute != profile.compute:
        return finding(
            Status.FAIL,
            f"torch {seen.version} is {shown_build(seen.compute)},"
            f" profile {profile.id} takes {shown_compute(profile.compute)}",
            found=f"{found}, {shown_build(seen.compute)}",
            wanted=wanted,
            why=_why_compute(seen, interpreter, table, system),
            fix="packages.torch",
            remedy="install it from the profile's index",
            commands=install,
            source=f"profile {profile.id}",
        )
    lowest = version_of(profile.torch_min)
    has = version_of(seen.version)
    if lowest is not None and has is not None and has < lowest:
        return finding(
            Status.FAIL,
            f"torch {seen.version} is older than {profile.torch_min}",
            found=found,
            wanted=f"{profile.torch_min} or newer; {wanted}",
            why="nothing older was seen to run DART, and no pytorch3d wheel fits it",
            fix="packages.torch",
            remedy="install it from the profile's index",
            commands=install,
            source=f"profile {profile.id}",
        )
    return None


def _wanted(profile: Profile, interpreter: InterpreterFacts, table: TorchTable) -> str:
    version = torch_wanted(profile, interpreter.version)
    if version is None:
        return f"torch {profile.torch_min or 'of any version'} or newer"
    if profile.compute == "cpu":
        return f"torch {version} (profile {profile.id}), any build"
    return f"{version}"


def _broken(interpreter: InterpreterFacts) -> Optional[str]:
    one = distribution(interpreter, "torch")
    return one.problem if one is not None else None


def _why_compute(
    seen: TorchSeen, interpreter: InterpreterFacts, table: TorchTable, system: str
) -> str:
    if seen.compute != "cpu":
        return (
            "pytorch3d, ONNX Runtime and the driver were chosen for the profile's CUDA;"
            " another major version loads other libraries"
        )
    if table.plain_index.get(system) == "cpu":
        return "pip took the plain index, whose Windows wheel has no CUDA"
    return (
        "a build without CUDA was installed: DART runs on the processor alone, far from real time"
    )


def _release(table: TorchTable, public: str) -> Optional[TorchRelease]:
    return next((r for r in table.releases if r.version == public), None)


def _install(profile: Profile, interpreter: InterpreterFacts, table: TorchTable) -> List[str]:
    """pip's command for torch and its companions, in versions that belong together."""
    version = torch_wanted(profile, interpreter.version)
    if version is None:
        last = [r for r in table.releases if minor(interpreter.version) in r.python]
        version = last[-1].version if last else None
    if version is None:
        return [pip_command(interpreter, "install", "torch")]
    names = [f"torch=={version}"]
    public, _, local = version.partition("+")
    release = _release(table, public)
    if profile.kind == "dart" and release is not None:
        tag = f"+{local}" if local else ""
        names.append(f"torchvision=={release.torchvision}{tag}")
        if profile.torchaudio and release.torchaudio:
            names.append(f"torchaudio=={release.torchaudio}{tag}")
    index = ["--index-url", profile.torch_index] if profile.torch_index else []
    return [pip_command(interpreter, "install", *names, *index)]


def _companions(
    seen: TorchSeen, interpreter: InterpreterFacts, profile: Profile, table: TorchTable
) -> Iterator[Finding]:
    """torchvision has to match; torchaudio, which DART never imports, is only named."""
    release = _release(table, seen.public)
    notes: List[str] = []
    if release is None:
        notes.append(f"torch {seen.public} is not in dartenv's table")
    for name, wanted in (
        ("torchvision", release.torchvision if release else None),
        ("torchaudio", release.torchaudio if release else None),
    ):
        has, compute = _companion(interpreter, name)
        if has is None:
            if name == "torchvision" and profile.kind == "dart":
                yield _no_torchvision(seen, wanted, interpreter, profile)
                return
            continue
        public = has.partition("+")[0]
        clash = compute is not None and seen.compute is not None and compute != seen.compute
        if (wanted is not None and public not in (wanted, "unknown")) or clash:
            yield _mismatch(name, has, wanted, seen, interpreter, profile)
            return
        notes.append(f"{name} {has}" if has != "unknown" else f"{name} without metadata")
    where = interpreter.environment or interpreter.prefix or interpreter.executable
    reference = torch_wanted(profile, interpreter.version)
    if reference is not None and version_of(seen.public) != Version(reference.split("+")[0]):
        notes.append(f"the profile's reference is {reference}")
    yield finding(
        Status.OK,
        f"torch {seen.version} ({shown_compute(seen.compute)}) in {where}",
        found=f"torch {seen.version}",
        evidence=notes,
    )


def _companion(interpreter: InterpreterFacts, name: str) -> Tuple[Optional[str], Optional[str]]:
    """Version and compute of torchvision or torchaudio; "unknown" where it has no metadata."""
    one = distribution(interpreter, name)
    found = module(interpreter, name)
    if one is None and found is None:
        return None, None
    version = one.version if one is not None else "unknown"
    if found is not None:
        version = found.constants.get("__version__", version)
    local = version.partition("+")[2]
    return version, (local if local.startswith("cu") or local == "cpu" else None)


def _no_torchvision(
    seen: TorchSeen, wanted: Optional[str], interpreter: InterpreterFacts, profile: Profile
) -> Finding:
    tag = f"+{seen.version.partition('+')[2]}" if "+" in seen.version else ""
    name = f"torchvision=={wanted}{tag}" if wanted else "torchvision"
    index = ["--index-url", profile.torch_index] if profile.torch_index else []
    return finding(
        Status.FAIL,
        "torchvision is not installed",
        found=f"torch {seen.version} without torchvision",
        wanted=f"torchvision {wanted}, which belongs to torch {seen.public}" if wanted else name,
        why="clip imports it",
        fix="packages.torch",
        remedy="install the one that belongs to this torch",
        commands=[pip_command(interpreter, "install", "--no-deps", name, *index)],
        source="openai/CLIP@d05afc43 clip/clip.py; replicate/cog torch_compatibility.json",
    )


def _mismatch(
    name: str,
    has: str,
    wanted: Optional[str],
    seen: TorchSeen,
    interpreter: InterpreterFacts,
    profile: Profile,
) -> Finding:
    tag = f"+{seen.version.partition('+')[2]}" if "+" in seen.version else ""
    target = f"{name}=={wanted}{tag}" if wanted else name
    index = ["--index-url", profile.torch_index] if profile.torch_index else []
    needed = name == "torchvision" and profile.kind == "dart"
    return finding(
        Status.FAIL if needed else Status.WARN,
        f"{name} {has} does not belong to torch {seen.version}",
        found=f"{name} {has}, torch {seen.version}",
        wanted=f"{name} {wanted}{tag}" if wanted else f"a {name} built for this torch",
        why="its compiled part links to one torch: importing it fails with another"
        if needed
        else "importing it fails; DART itself never does",
        fix="packages.torch",
        remedy="install the one that belongs to this torch",
        commands=[pip_command(interpreter, "install", "--no-deps", target, *index)],
        source="replicate/cog@6110c912 torch_compatibility.json",
    )
