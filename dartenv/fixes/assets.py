"""Fixes that bring assets: moved, fetched, or taken out of an archive that is here already.

Licensed models come with the user's own login alone; without one, what to do by hand is shown.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import msgspec

from dartenv.archive.sort import Sorted, sort_archive
from dartenv.assets.catalog import Asset, by_place, catalog, download_of, remote_of
from dartenv.assets.spec import AssetsSpec, DownloadSpec
from dartenv.checks.bodies import nested
from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, FileAsset, TargetFacts
from dartenv.fetch.login import stored_login
from dartenv.fixes.by_hand import BY_HAND, shown_step, step_id
from dartenv.fixes.downloads_here import archives_here
from dartenv.fixes.faults import explain
from dartenv.fixes.paths import file_sha256, lexists
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, joint_fixer
from dartenv.fixes.staging import judged
from dartenv.fixes.steps import (
    AnyStep,
    DisplayOnly,
    ExtractFile,
    FetchFile,
    MovePath,
    Safety,
)
from dartenv.manifests.loader import Manifests

ROLES: Dict[str, Tuple[str, ...]] = {
    "assets.checkpoints": ("denoiser", "vae"),
    "assets.statistics": ("statistics",),
    "assets.motions": ("motion",),
    "assets.smplx": ("smplx", "body"),
    "assets.clip": ("clip",),
}
Found = List[Union[AnyStep, Refusal]]


@joint_fixer(*ROLES)
def plan_assets(
    ids: Tuple[str, ...], facts: Facts, manifests: Manifests, target: TargetFacts
) -> Planned:
    """What brings the missing and broken files of these checks."""
    if facts.assets is None:
        return [Refusal(fix=fix, reason="nothing is known of the assets") for fix in ids]
    planner = Planner(spec_of(facts, manifests), manifests, target.dart_root)
    found: Found = []
    for fix in ids:
        bad = [file for file in facts.assets.files if file.role in ROLES[fix] and is_bad(file)]
        if not bad:
            found.append(Refusal(fix=fix, reason="no file of it is missing or broken"))
        for file in bad:
            found += planner.bring(fix, file)
    return planner.whole(found)


def is_bad(file: FileAsset) -> bool:
    """Whether a check fails over this file."""
    return bool((not file.exists and not file.optional) or file.problem or file.mismatches)


def spec_of(facts: Facts, manifests: Manifests) -> AssetsSpec:
    """The assets of the tree that was looked at, with its own body model folder."""
    source = facts.source
    kind = source.kind if source is not None and source.kind else "dart"
    spec = manifests.read("assets", kind, AssetsSpec)
    if source is not None and source.body_model_dir:
        spec = msgspec.structs.replace(spec, body_model_dir=source.body_model_dir)
    return spec


def can_fetch(download: DownloadSpec) -> bool:
    """Whether its files can be fetched one by one, without a login."""
    if download.kind == "drive-folder":
        return importlib.util.find_spec("gdown") is not None
    return download.kind == "http"


class Planner:
    """Plans files of one tree; archives on this machine are looked into once."""

    def __init__(self, spec: AssetsSpec, manifests: Manifests, root: Optional[str]) -> None:
        self.spec = spec
        self.manifests = manifests
        self.root = root
        self.assets = by_place(catalog(spec), root)
        self._sorted: Dict[str, List[Sorted]] = {}
        self._shown: Dict[Tuple[Tuple[str, ...], str], List[str]] = {}
        self._asked: Dict[str, bool] = {}  # downloads whose size a step carries already

    def bring(self, fix: str, file: FileAsset) -> Found:
        """Steps for one file that a check fails over."""
        if file.kind in ("directory", "special"):
            return [Refusal(fix=fix, reason=file.problem or "not a file", path=file.path)]
        asset = self.assets.get(os.path.normpath(file.path))
        if not file.exists:
            moved = self._move(fix, file)
            if moved is not None:
                return [moved]
        if asset is None or not asset.downloads:
            if asset is not None and asset.in_git:
                return [self._from_git(fix, file)]
            return [Refusal(fix=fix, reason="no known download holds it", path=file.path)]
        try:
            old = file_sha256(file.path)
        except OSError as error:
            return [Refusal(fix=fix, reason=explain(error, file.path), path=file.path)]
        unsafe = file.exists and not file.problem
        return self.obtain(
            (fix,),
            asset,
            file.path,
            old,
            resume=file.kind == "partial",
            safety=Safety.UNSAFE if unsafe else Safety.SAFE,
            have=(file.size or 0) if file.kind == "partial" else 0,
        )

    def obtain(
        self,
        fixes: Tuple[str, ...],
        asset: Asset,
        path: str,
        old: Optional[str],
        *,
        resume: bool = False,
        safety: Safety = Safety.SAFE,
        have: int = 0,
        login: bool = False,
        download: Optional[DownloadSpec] = None,
    ) -> Found:
        """Steps that bring ``asset`` to ``path``; ``login`` says that one will be given."""
        chosen = download
        download = chosen or download_of(self.spec, asset.downloads[0])
        name = f"{fixes[0]}:{path}"
        if download.kind in ("http", "drive-folder"):
            if not can_fetch(download):
                why = "gdown lists the folder, and is not installed"
                return self._by_hand(fixes, download, path, why)
            remote = remote_of(download, asset)
            step: AnyStep = FetchFile(
                id=name,
                fixes=fixes,
                reason=f"{asset.title} from {remote.place}",
                safety=safety,
                download_bytes=max(0, remote.expected_bytes - have),
                path=path,
                remote=remote,
                old_sha256=old,
                resume=resume,
            )
            return [step, *self._companion(fixes, asset, path)]
        usable = [chosen] if chosen is not None else self._downloads(asset)
        return self._licensed(fixes, asset, path, old, safety, login, usable)

    def _licensed(
        self,
        fixes: Tuple[str, ...],
        asset: Asset,
        path: str,
        old: Optional[str],
        safety: Safety,
        login: bool,
        downloads: Sequence[DownloadSpec],
    ) -> Found:
        """From an archive that is here, else with a login, else by hand."""
        for download in downloads:
            for one in self._archives(download):
                for placing in one.placings:
                    if os.path.normcase(placing.path) == os.path.normcase(path) and placing.member:
                        step = ExtractFile(
                            id=f"{fixes[0]}:{path}",
                            fixes=fixes,
                            reason=f"{asset.title}; {download.file} is here already",
                            safety=safety,
                            path=path,
                            archive=placing.archive,
                            member=placing.member.path,
                            old_sha256=old,
                        )
                        return [step]
        download = downloads[0]
        member = self._member_for(download, path)
        known = login or stored_login(download.login) is not None
        if member is None or not known:
            why = f"licensed ({download.licence}): with your own login only"
            return self._by_hand(fixes, download, path, why)
        remote = remote_of(download)
        first = not self._asked.get(download.id)
        self._asked[download.id] = True
        return [
            ExtractFile(
                id=f"{fixes[0]}:{path}",
                fixes=fixes,
                reason=f"{asset.title} from {remote.place}, with your own login",
                safety=safety,
                download_bytes=remote.expected_bytes if first else 0,
                path=path,
                member=member,
                old_sha256=old,
                remote=remote,
            )
        ]

    def _downloads(self, asset: Asset) -> List[DownloadSpec]:
        return [download_of(self.spec, one) for one in asset.downloads]

    def _member_for(self, download: DownloadSpec, path: str) -> Optional[str]:
        if download.merge is not None:
            return None  # as published it holds the parts only
        for rule in download.sort:
            place = rule.to.replace("{bodies}", self.spec.body_model_dir)
            if self.root is not None and os.path.normpath(str(Path(self.root, place))) == path:
                return rule.ending
        return None

    def _archives(self, download: DownloadSpec) -> List[Sorted]:
        if download.id not in self._sorted:
            found: List[Sorted] = []
            for path in archives_here(download, self.manifests, self.root):
                try:
                    with judged(path) as archive:
                        found.append(sort_archive(archive, self.spec, str(self.root)))
                except UsageFault:
                    continue  # half a download, or another file of that name
            self._sorted[download.id] = [one for one in found if one.download.id == download.id]
        return self._sorted[download.id]

    def _move(self, fix: str, file: FileAsset) -> Optional[AnyStep]:
        deep = [place for place in file.elsewhere if nested(file.path, place)]
        if len(deep) != 1 or lexists(file.path):
            return None
        return MovePath(
            id=f"{fix}:{file.path}",
            fixes=(fix,),
            reason="it was unpacked a folder too deep",
            path=deep[0],
            destination=file.path,
        )

    def _companion(self, fixes: Tuple[str, ...], asset: Asset, path: str) -> Found:
        """The args.yaml that a checkpoint is read with, where that is missing too."""
        if asset.role not in ("denoiser", "vae", "policy"):
            return []
        place = str(Path(path).parent / "args.yaml")
        other = self.assets.get(place)
        if other is None or not other.downloads or lexists(place):
            return []
        return self.obtain(fixes, other, place, None)

    def _from_git(self, fix: str, file: FileAsset) -> AnyStep:
        return DisplayOnly(
            id=f"{fix}:{file.path}",
            fixes=(fix,),
            safety=Safety.DISPLAY_ONLY,
            reason="it is part of DART's own source",
            text=f"take {file.path} from DART's repository again",
            commands=(f'git -C "{self.root}" checkout -- "{file.path}"',),
        )

    def _by_hand(
        self, fixes: Tuple[str, ...], download: DownloadSpec, path: str, why: str
    ) -> Found:
        """One step for all files of a download."""
        shown = self._shown.setdefault((fixes, download.id), [])
        shown.append(path)
        return [shown_step(self.spec, fixes, download, why)] if len(shown) == 1 else []

    def whole(self, found: Found) -> Found:
        """``found`` with each step by hand naming all the files that come of it."""
        named: Found = []
        for item in found:
            if isinstance(item, DisplayOnly) and item.id.endswith(BY_HAND):
                paths = next(p for key, p in self._shown.items() if item.id == step_id(*key))
                item = msgspec.structs.replace(item, text=f"{item.text}: {', '.join(paths)}")
            named.append(item)
        return named
