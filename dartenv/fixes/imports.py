"""Archives that the user has downloaded, as a plan: each file where it belongs."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from dartenv.archive.judge import hashes
from dartenv.archive.members import Archive
from dartenv.archive.sort import Placing, Sorted, ends, sort_archive
from dartenv.assets.sniff import absolute
from dartenv.assets.spec import AssetsSpec, DownloadSpec, MergeSpec
from dartenv.errors import UsageFault
from dartenv.fetch.remote import megabytes
from dartenv.fixes.faults import explain
from dartenv.fixes.paths import file_sha256, inside, lexists, real
from dartenv.fixes.plan import Refusal
from dartenv.fixes.staging import judged
from dartenv.fixes.steps import AnyStep, ExtractFile, MergeHands

FIX = "assets.import"


@dataclass
class ImportPlan:
    """What an import would do. ``same`` are files that are there already, to the byte."""

    steps: List[AnyStep] = field(default_factory=list)
    refusals: List[Refusal] = field(default_factory=list)
    same: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    bytes: int = 0


def plan_import(
    paths: Sequence[str],
    spec: AssetsSpec,
    root: str,
    broken: Callable[[str], bool],
    replace: bool = False,
    on_archive: Callable[[str], None] = lambda path: None,
) -> ImportPlan:
    """Judge every archive whole, then say where each of its files goes.

    ``broken`` says whether a file that is there already is no good anyway and may give way; any
    other different one does so only with ``replace``. ``on_archive`` hears which one is read.
    Raises UsageFault for an archive that is
    unsafe, damaged or none of ours; nothing has been written then.
    """
    work = _Importing(spec, root, broken, replace)
    for path in paths:
        on_archive(path)
        with judged(path) as archive:
            work.add(archive)
    work.merges()
    _refuse_space(work.plan, root)
    return work.plan


class _Importing:
    def __init__(
        self, spec: AssetsSpec, root: str, broken: Callable[[str], bool], replace: bool
    ) -> None:
        self.spec = spec
        self.root = root
        self.broken = broken
        self.replace = replace
        self.plan = ImportPlan()
        self.targets: Dict[str, str] = {}  # place -> hash, of all archives together
        self.bodies: Dict[str, Tuple[DownloadSpec, Dict[str, Tuple[str, str]]]] = {}
        self.hands: Dict[str, Dict[str, Tuple[str, str]]] = {}  # download -> ending -> member

    def add(self, archive: Archive) -> None:
        """Sort one archive in."""
        found = sort_archive(archive, self.spec, self.root)
        members = [one.member for one in found.placings if one.member is not None]
        # Read to the end once, so that a damaged archive is found out before anything is placed.
        digests = hashes(archive, members)
        for placing in found.placings:
            self._place(found, placing, digests)
        self._parts(archive, found.download)
        if found.left:
            shown = ", ".join(found.left[:3])
            more = f" and {len(found.left) - 3} more" if len(found.left) > 3 else ""
            self.plan.notes.append(f"{archive.path}: left alone: {shown}{more}")

    def _place(self, found: Sorted, placing: Placing, digests: Mapping[str, str]) -> None:
        if placing.member is not None:
            digest, size = digests[placing.member.path], placing.member.size
        else:
            digest = file_sha256(placing.archive) or ""
            size = Path(placing.archive).stat().st_size
        if self._known(placing.path, digest):
            return
        old, refusal = self._there(placing.path, digest)
        if refusal is not None:
            self.plan.refusals.append(refusal)
        if refusal is not None or old == digest:
            return
        self.plan.bytes += size
        title = found.download.title or found.download.id
        self.plan.steps.append(
            ExtractFile(
                id=f"{FIX}:{placing.path}",
                fixes=(FIX,),
                reason=f"{title}, {megabytes(size)}",
                path=placing.path,
                archive=str(Path(placing.archive).absolute()),
                member=placing.member.path if placing.member is not None else "",
                sha256=digest,
                old_sha256=old,
            )
        )

    def _known(self, path: str, digest: str) -> bool:
        """Whether another archive brought this place already. Raises UsageFault if another file."""
        other = self.targets.setdefault(path.lower(), digest)
        if other is digest:
            return False
        if other != digest:
            raise UsageFault(
                f"{path}: two of the archives hold different files for it",
                "one release",
                "import them one after the other, the right one last with --replace",
            )
        return True

    def _there(self, path: str, digest: str) -> Tuple[Optional[str], Optional[Refusal]]:
        """The hash of what is there, and why it stays."""
        if inside(path, self.root) and not inside(real(path), real(self.root)):
            return None, Refusal(fix=FIX, reason="a link leads out of the tree", path=path)
        if not lexists(path):
            return None, None
        try:
            old = file_sha256(path)
        except OSError as error:
            return None, Refusal(fix=FIX, reason=explain(error, path), path=path)
        if old is None:
            return None, Refusal(fix=FIX, reason="a link that leads nowhere", path=path)
        if old == digest:
            self.plan.same.append(path)
        elif not self.replace and not self.broken(path):
            why = "another file is there, and it is whole; --replace takes the archive's"
            return old, Refusal(fix=FIX, reason=why, path=path)
        return old, None

    # SMPL-H

    def _parts(self, archive: Archive, download: DownloadSpec) -> None:
        """Remember bodies and hands for :meth:`merges`."""
        path = str(Path(archive.path).absolute())
        if download.merge is not None:
            members = _endings(archive, path, list(download.merge.bodies.values()))
            if members:
                self.bodies[download.id] = (download, members)
        for other in self.spec.downloads:
            if other.merge is not None and other.merge.hands_from == download.id:
                self.hands[download.id] = _endings(archive, path, other.merge.hands)

    def merges(self) -> None:
        """SMPL-H's bodies with MANO's hands, where both are here."""
        for download, members in self.bodies.values():
            merge = download.merge
            assert merge is not None
            hands = self.hands.get(merge.hands_from)
            if hands is None or len(hands) < len(merge.hands):
                raise self._no_hands(download, merge)
            if importlib.util.find_spec("numpy") is None:
                raise UsageFault(
                    "SMPL-H is merged with MANO by numpy, which is not installed here",
                    "dartenv with its extra for assets",
                    'pip install "dartenv[assets]"',
                )
            for to, ending in merge.bodies.items():
                if ending in members:
                    self._merge(merge, to, members[ending], hands)
        for used in self.hands:
            if not any(d.merge and d.merge.hands_from == used for d, _ in self.bodies.values()):
                self.plan.notes.append(
                    "MANO's hands alone make no model: import them together with smplh.tar.xz"
                )

    def _merge(
        self,
        merge: MergeSpec,
        to: str,
        body: Tuple[str, str],
        hands: Mapping[str, Tuple[str, str]],
    ) -> None:
        path = absolute(self.root, to.replace("{bodies}", self.spec.body_model_dir))
        if path.lower() in self.targets:
            return  # merged already, in one of the archives
        old, refusal = self._there(path, "")
        if refusal is not None:
            self.plan.refusals.append(refusal)
            return
        self.plan.steps.append(
            MergeHands(
                id=f"{FIX}:{path}",
                fixes=(FIX,),
                reason=f"{body[1]} with MANO's {', '.join(merge.arrays)} of both hands",
                path=path,
                body=body,
                left=hands[merge.hands[0]],
                right=hands[merge.hands[1]],
                arrays=merge.arrays,
                old_sha256=old,
            )
        )

    def _no_hands(self, download: DownloadSpec, merge: MergeSpec) -> UsageFault:
        other = next(d for d in self.spec.downloads if d.id == merge.hands_from)
        return UsageFault(
            f"{download.file} alone has no hands that smplx could read",
            f"{other.file} with it, from {other.page} (your own login)",
            f"dartenv assets import {download.file} {other.file}",
        )


def _endings(archive: Archive, path: str, endings: Sequence[str]) -> Dict[str, Tuple[str, str]]:
    found: Dict[str, Tuple[str, str]] = {}
    for ending in endings:
        for member in archive.files:
            if ends(member, ending):
                found.setdefault(ending, (path, member.path))
    return found


def _refuse_space(plan: ImportPlan, root: str) -> None:
    """Raises UsageFault where the tree's drive has no room."""
    free = shutil.disk_usage(root).free
    if plan.bytes > free:
        raise UsageFault(
            f"{root}: {megabytes(free)} free on its drive",
            f"{megabytes(plan.bytes)} for what the archives hold",
            "make room, then import again",
        )
