"""Where each member of an archive belongs in a DART tree."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from dartenv.archive.members import Archive, Member
from dartenv.assets.catalog import catalog
from dartenv.assets.sniff import absolute
from dartenv.assets.spec import AssetsSpec, DownloadSpec, SortSpec
from dartenv.errors import UsageFault


@dataclass(frozen=True)
class Placing:
    """One file to be: ``path`` from ``member`` of ``archive``; no member is the archive itself."""

    path: str
    archive: str
    member: Optional[Member]


@dataclass
class Sorted:
    """What one archive is, and where its members go. ``left`` are members with no place."""

    download: DownloadSpec
    placings: List[Placing] = field(default_factory=list)
    left: List[str] = field(default_factory=list)
    exactness: int = 0  # parts of paths that the rules named: what tells releases apart


def sort_archive(archive: Archive, spec: AssetsSpec, root: str) -> Sorted:
    """Tell which download ``archive`` is, by what is in it first and by its name where that
    leaves a choice. Raises UsageFault where it is none."""
    name = Path(archive.path).name.lower()
    found: List[Tuple[Tuple[bool, int, int], Sorted]] = []
    for download in spec.downloads:
        one = _as(archive, download, spec, root)
        named = any(fnmatch.fnmatch(name, pattern.lower()) for pattern in download.files)
        if one is not None:
            found.append(((named, len(one.placings), one.exactness), one))
    if not found:
        held = ", ".join(member.path for member in archive.files[:4]) or "nothing"
        raise UsageFault(
            f"{archive.path}: none of DART's downloads; it holds {held}",
            "one of: " + ", ".join(d.file or d.title for d in spec.downloads if d.sort or d.tree),
            "dartenv assets list",
        )
    return max(found, key=lambda item: item[0])[1]


def _as(archive: Archive, download: DownloadSpec, spec: AssetsSpec, root: str) -> Optional[Sorted]:
    result = Sorted(download)
    if download.keep:
        if archive.kind != "zip" or not _holds(archive, download.keep):
            return None
        if not _named(archive, download):
            return None
        place = absolute(root, Path(archive.path).name)
        result.placings.append(Placing(place, archive.path, None))
        return result
    if download.merge is not None and not download.sort:
        return None
    parts = _parts(download, spec)
    for member in archive.files:
        rule = _rule_for(member, download.sort)
        place_in_tree = _in_tree(member, download.tree)
        if rule is not None:
            place_in_tree = rule.to.replace("{bodies}", spec.body_model_dir)
            result.exactness += len(rule.ending.split("/"))
        if place_in_tree is None:
            if not any(ends(member, part) for part in parts):
                result.left.append(member.path)
            continue
        result.placings.append(Placing(absolute(root, place_in_tree), archive.path, member))
    if any(ends(member, part) for member in archive.files for part in parts):
        return _only_once(result)
    if download.tree and not _known(result.placings, spec, root):
        return None
    return _only_once(result) if result.placings else None


def _known(placings: Sequence[Placing], spec: AssetsSpec, root: str) -> bool:
    """Whether one of them at least is an asset: any archive may have a folder called data."""
    places = {absolute(root, asset.path) for asset in catalog(spec) if asset.path}
    return any(placing.path in places for placing in placings)


def _parts(download: DownloadSpec, spec: AssetsSpec) -> List[str]:
    """Endings of members that are parts of a merged model: bodies here, or hands for another."""
    parts = list(download.merge.bodies.values()) if download.merge is not None else []
    for other in spec.downloads:
        if other.merge is not None and other.merge.hands_from == download.id:
            parts += other.merge.hands
    return parts


def _only_once(result: Sorted) -> Sorted:
    """Two members for one place: neither can be taken for the right one."""
    seen: Dict[str, str] = {}
    for placing in result.placings:
        member = placing.member.path if placing.member is not None else ""
        other = seen.setdefault(placing.path.lower(), member)
        if other != member:
            raise UsageFault(
                f"{placing.archive}: {other} and {member} both belong at {placing.path}",
                "one of each file",
                "unpack it, keep the right one, and import the folder",
            )
    return result


def _named(archive: Archive, download: DownloadSpec) -> bool:
    name = Path(archive.path).name.lower()
    return any(fnmatch.fnmatch(name, pattern.lower()) for pattern in download.files)


def _holds(archive: Archive, ending: str) -> bool:
    return any(
        ends(member, ending) or member.path.lower().endswith(ending.lower())
        for member in archive.files
    )


def ends(member: Member, ending: str) -> bool:
    """Whether the member's path ends in these whole parts, in any case of letters."""
    wanted = ending.lower().split("/")
    return member.path.lower().split("/")[-len(wanted) :] == wanted


def _in_tree(member: Member, tree: Sequence[str]) -> Optional[str]:
    """The part of the path from the first folder on that belongs in the tree as it is."""
    parts = member.path.split("/")
    for position, part in enumerate(parts[:-1]):
        if part in tree:
            return "/".join(parts[position:])
    return None


def _rule_for(member: Member, rules: Sequence[SortSpec]) -> Optional[SortSpec]:
    """The first rule whose ending the member has."""
    return next((rule for rule in rules if ends(member, rule.ending)), None)
