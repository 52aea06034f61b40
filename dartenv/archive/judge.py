"""Whether an archive may be unpacked at all: one unsafe member condemns it whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from dartenv.archive.members import Archive, Member, too_big
from dartenv.archive.names import collisions, name_fault
from dartenv.errors import UsageFault


@dataclass(frozen=True)
class Bounds:
    """What any archive of ours stays within.

    Deflate cannot pack better than some 1030 to 1, and arrays of a body model pack some 3 to 1;
    ``ratio`` is asked of the whole, and only where it unpacks to more than ``small`` bytes.
    """

    total: int = 24 << 30
    members: int = 50_000
    ratio: float = 100.0
    small: int = 64 << 20


BOUNDS = Bounds()
_SHOWN = 5
_HEADER = 30  # bytes of a zip's local header without its name


def judge(archive: Archive, bounds: Bounds = BOUNDS) -> None:
    """Raises UsageFault, naming the first faults, where ``archive`` must not be unpacked."""
    faults: List[str] = []
    for member in archive.members:
        fault = _member_fault(member)
        if fault is not None:
            faults.append(f"{member.name!a}: {fault}")
    faults += collisions((m.name, m.kind == "folder") for m in archive.members)
    if archive.kind == "zip":
        faults += _overlaps(archive.members)
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise UsageFault(
            f"{archive.path}: not unpacked: {'; '.join(faults[:_SHOWN])}{more}",
            "plain files and folders that stay in their place",
            "download it again from where it is published",
        )
    total = sum(member.size for member in archive.members)
    if total > bounds.total:
        raise too_big(archive.path, total, bounds.total)
    if archive.kind != "folder" and total > max(bounds.small, bounds.ratio * archive.size):
        raise UsageFault(
            f"{archive.path}: {archive.size} bytes that unpack to {total}",
            f"at most {bounds.ratio:g} times its size: this looks like a zip bomb",
        )


def _member_fault(member: Member) -> Optional[str]:
    if member.kind == "link":
        return "a link"
    if member.kind == "special":
        return "neither file nor folder"
    if member.encrypted:
        return "encrypted"
    return name_fault(member.name)


def _overlaps(members: Iterable[Member]) -> List[str]:
    """Members that share bytes: the way a small zip names the same data many times over."""
    found: List[str] = []
    end, last = 0, ""
    for member in sorted(members, key=lambda one: one.start):
        if member.start < end:
            found.append(f"{member.name!a} overlaps {last!a}")
        end, last = member.start + _HEADER + member.packed, member.name
    return found


def hashes(archive: Archive, members: Iterable[Member]) -> Dict[str, str]:
    """SHA-256 by path of members read to the end, their checksums compared. Raises UsageFault."""
    found: Dict[str, str] = {}
    for member in members:
        digest = hashlib.sha256()
        for chunk in archive.chunks(member):
            digest.update(chunk)
        found[member.path] = digest.hexdigest()
    return found
