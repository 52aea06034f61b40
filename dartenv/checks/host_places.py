"""Checks of where things lie: room on the drives, and what the paths are made of."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import by_installed, could_not_tell, is_windows, pure, size
from dartenv.checks.registry import check, finding
from dartenv.facts.model import (
    AssetsFacts,
    DriveFacts,
    HostFacts,
    InterpreterFacts,
    TargetFacts,
)
from dartenv.manifests.compat_gpu import HostTable, host_table
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("host.disk")
def host_disk(
    host: HostFacts,
    interpreter: Optional[InterpreterFacts],
    assets: Optional[AssetsFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """Room on the drives."""
    if not host.drives:
        yield could_not_tell("how much room the drives have")
        return
    table = host_table(manifests)
    needs = _needs(interpreter, assets, profile, table)
    short: List[Finding] = []
    fine: List[str] = []
    unknown: List[str] = []
    for drives in _by_mount(host.drives).values():
        wanted = [(what, count) for role, what, count in needs if role in _roles(drives)]
        name = drives[0].mount or drives[0].path
        free = next((drive.free for drive in drives if drive.free is not None), None)
        need = sum(count for _, count in wanted)
        if free is None:
            unknown.append(f"{name}: could not tell how much is free")
        elif free < need + table.disk_reserve:
            short.append(_too_small(name, free, wanted, drives, table, profile))
        else:
            fine.append(f"{name} {size(free)} free" + (f" of {size(need)} needed" if need else ""))
    if short:
        yield from short
        return
    if not fine:
        yield could_not_tell("; ".join(unknown))
        return
    yield finding(Status.OK, ", ".join(fine), evidence=unknown)


def _needs(
    interpreter: Optional[InterpreterFacts],
    assets: Optional[AssetsFacts],
    profile: Profile,
    table: HostTable,
) -> List[Tuple[str, str, int]]:
    """What is still to come: role of the drive, what, bytes."""
    needs: List[Tuple[str, str, int]] = []
    if profile.disk_min and "torch" not in by_installed(interpreter):
        needs.append(("environment", f"the packages of {profile.id}", profile.disk_min))
    rows = {row.asset: row for row in table.room}
    for asset in assets.files if assets is not None else ():
        row = rows.get(asset.role)
        if row is None or (asset.exists and asset.problem is None):
            continue
        left = row.size - (asset.size or 0)
        if left > 0:
            needs.append((row.role, asset.id, left))
    return needs


def _by_mount(drives: Tuple[DriveFacts, ...]) -> Dict[str, List[DriveFacts]]:
    groups: Dict[str, List[DriveFacts]] = {}
    for drive in drives:
        groups.setdefault(drive.mount or drive.path, []).append(drive)
    return groups


def _roles(drives: List[DriveFacts]) -> Tuple[str, ...]:
    return tuple(drive.role for drive in drives)


def _too_small(
    name: str,
    free: int,
    wanted: List[Tuple[str, int]],
    drives: List[DriveFacts],
    table: HostTable,
    profile: Profile,
) -> Finding:
    need = sum(count for _, count in wanted)
    holds = ", ".join(drive.role.replace("_", " ") for drive in drives)
    return finding(
        # Nothing is left to install: outputs are small, so this is close, not broken.
        Status.FAIL if need else Status.WARN,
        f"{name} has {size(free)} free, {size(need + table.disk_reserve)} are wanted",
        found=f"{size(free)} free on {name} ({holds})",
        wanted=f"{size(need)} still to come, and {size(table.disk_reserve)} to spare",
        evidence=[f"{what}: {size(count)}" for what, count in wanted],
        why="an install or download that runs out of room leaves half of itself behind",
        remedy="make room there, or choose another drive for the environment",
        commands=("conda clean --all", "pip cache purge"),
        source=f"profile {profile.id}; sizes of the missing assets",
    )


@check("host.path-charset")
def host_path_charset(
    host: HostFacts,
    target: TargetFacts,
    interpreter: Optional[InterpreterFacts],
    manifests: Manifests,
) -> Iterator[Finding]:
    """What the paths are made of."""
    table = host_table(manifests)
    environment = interpreter.prefix if interpreter is not None else target.python
    places = [
        ("DART", "dart_root", target.dart_root),
        ("environment", "environment", environment),
        ("cache", "cache", host.cache),
    ]
    known = [(label, role, path) for label, role, path in places if path]
    evidence: List[str] = []
    for label, role, path in known:
        for reason in _reasons(role, path, host, table):
            evidence.append(f"{label} {path}: {reason}")
    if not evidence:
        yield finding(Status.OK, "plain local paths: " + ", ".join(p for _, _, p in known))
        return
    spelled = any(" " in path or not path.isascii() for _, _, path in known)
    yield finding(
        Status.WARN,
        evidence[0] if len(evidence) == 1 else f"{len(evidence)} doubtful things about the paths",
        found=evidence[0],
        wanted="a short path of plain letters on a local drive, such as "
        + (r"D:\DART" if is_windows(host) else "/home/you/DART"),
        evidence=evidence[1:],
        why="DART itself copes with spaces and Chinese characters; demo scripts, compilers and "
        "torch.jit.load do not all"
        if spelled
        else "DART reads hundreds of megabytes from there at every start, and writes its results",
        remedy="where something fails for no other reason, move that folder"
        if spelled
        else "move that folder to a drive of this system, or bear with it",
        source="seen with DART on Windows; pytorch/pytorch#75171"
        if spelled
        else "what kind of drive the system says it is",
    )


def _reasons(role: str, path: str, host: HostFacts, table: HostTable) -> Iterator[str]:
    foreign = "".join(dict.fromkeys(c for c in path if ord(c) > 127))
    if foreign and is_windows(host):
        yield f"holds {foreign!r}, outside ASCII; torch.jit.load opens no such path on Windows"
    elif foreign:
        yield f"holds {foreign!r}, outside ASCII"
    if " " in path and role != "cache":
        yield "holds a space; the demo scripts do not quote paths"
    for part in pure(path, host).parts:
        cloud = next((n for n in table.cloud_folders if part.lower().startswith(n.lower())), None)
        if cloud is not None:
            yield f"is synchronised by {cloud}, which locks and moves files while they are used"
            break
    kind = next((d.kind for d in host.drives if d.role == role), None)
    if kind == "network" or path.startswith(("\\\\", "//")):
        yield "lies on a network drive; Windows prompts cannot start there, and loading is slow"
    elif kind == "wsl-windows":
        yield "is a Windows drive seen from WSL; loading from it is slow"
    elif kind == "removable":
        yield "lies on a removable drive"
