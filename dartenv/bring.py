"""Bringing assets: what ``dartenv assets fetch`` and ``import`` do, without printing."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from dartenv.assets.catalog import Asset, catalog, download_of, place_of, remote_of
from dartenv.assets.hashing import FirstSeen, FirstSeenStore
from dartenv.assets.sniff import sniff
from dartenv.assets.spec import AssetsSpec, DownloadSpec
from dartenv.errors import UsageFault
from dartenv.facts.assets import probe_assets
from dartenv.facts.model import TargetFacts
from dartenv.fetch.fetcher import Fetcher
from dartenv.fetch.remote import Fetched, Remote
from dartenv.fixes.acts import Hands
from dartenv.fixes.assets import Planner, can_fetch
from dartenv.fixes.paths import file_sha256
from dartenv.fixes.plan import Plan, Refusal, new_plan
from dartenv.fixes.report import ApplyReport, Verdicts
from dartenv.fixes.steps import AnyStep, ExtractFile, FetchFile
from dartenv.manifests.loader import Manifests

FETCH = "assets.fetch"


@dataclass
class Wanted:
    """What was asked for: assets, archives as they are, and why others are not fetched."""

    assets: List[Asset] = field(default_factory=list)
    archives: List[DownloadSpec] = field(default_factory=list)
    via: Dict[str, DownloadSpec] = field(default_factory=dict)  # asset -> the download asked for
    skipped: Dict[str, str] = field(default_factory=dict)

    def services(self, spec: AssetsSpec) -> List[str]:
        """Whose logins it takes."""
        downloads = [self.download(spec, asset) for asset in self.assets if asset.downloads]
        named = [d.login for d in (*downloads, *self.archives) if d.kind == "login"]
        return list(dict.fromkeys(named))

    def download(self, spec: AssetsSpec, asset: Asset) -> DownloadSpec:
        """Where ``asset`` is to come from."""
        return self.via.get(asset.id) or download_of(spec, asset.downloads[0])


def wanted_assets(
    spec: AssetsSpec, root: Optional[str], asked: Sequence[str], all_: bool
) -> Wanted:
    """The assets of ``asked`` (ids of assets or downloads); without any, what is missing.

    Raises UsageFault for an id that is neither.
    """
    every = catalog(spec)
    by_id = {asset.id: asset for asset in every}
    downloads = {one.id: one for one in spec.downloads}
    found = Wanted()
    if not asked:
        found.assets = [a for a in every if (all_ or not a.optional) and _lacks(a, root, spec)]
        found.assets = [
            a
            for a in found.assets
            if a.downloads
            and place_of(a, root) is not None
            and not (a.optional and download_of(spec, a.downloads[0]).manual)
        ]
        return found
    for one in asked:
        if one in by_id:
            _one_asset(by_id[one], root, spec, found)
        elif one in downloads:
            download = downloads[one]
            sorted_in = download.kind in ("drive-folder", "http") or download.sort
            if not download.gives or not sorted_in or download.merge is not None:
                found.archives.append(download)
                continue
            for asset_id in download.gives:
                found.via[asset_id] = download
                _one_asset(by_id[asset_id], root, spec, found)
        else:
            raise UsageFault(
                f"no asset and no download is called {one!r}",
                "one of: " + ", ".join([*downloads, *by_id]),
                "dartenv assets list",
            )
    return found


def _one_asset(asset: Asset, root: Optional[str], spec: AssetsSpec, found: Wanted) -> None:
    if place_of(asset, root) is None:
        found.skipped[asset.id] = "no DART tree to put it into: --dart-root DIR"
    elif not asset.downloads:
        found.skipped[asset.id] = "in DART's own source" if asset.in_git else "no download holds it"
    elif not _lacks(asset, root, spec):
        found.skipped[asset.id] = "it is there already; dartenv assets verify looks at its content"
    else:
        found.assets.append(asset)


def _lacks(asset: Asset, root: Optional[str], spec: AssetsSpec) -> bool:
    path = place_of(asset, root)
    if path is None:
        return False
    seen = sniff(path)
    if not seen.exists or seen.problem is not None:
        return True
    if spec.stand_in_suffix and sniff(path + spec.stand_in_suffix).exists:
        return False
    return asset.size is not None and seen.size != asset.size and asset.sha256 is not None


def fetch_plan(
    wanted: Wanted,
    spec: AssetsSpec,
    manifests: Manifests,
    root: Optional[str],
    services: Sequence[str] = (),
) -> Plan:
    """The plan that brings ``wanted``; ``services`` are those whose login is at hand."""
    planner = Planner(spec, manifests, root)
    found: List[Union[AnyStep, Refusal]] = []
    for asset in wanted.assets:
        path = str(place_of(asset, root))
        # Files of one archive share its fix: they come together, by dartenv or by hand.
        download = wanted.download(spec, asset)
        name = asset.id if can_fetch(download) else download.id
        old, seen = file_sha256(path), sniff(path)
        partial = asset.sha256 is not None and seen.exists and (seen.size or 0) < (asset.size or 0)
        found += planner.obtain(
            (f"{FETCH}:{name}",),
            asset,
            path,
            old,
            resume=partial and seen.problem is None,
            have=(seen.size or 0) if partial and seen.problem is None else 0,
            login=download.login in services,
            download=download,
        )
    found = planner.whole(found)
    refusals = [item for item in found if isinstance(item, Refusal)]
    steps = [item for item in found if not isinstance(item, Refusal)]
    for archive in wanted.archives:
        steps += _whole_archive(archive, root, services)
    unique = {step.id.partition(":")[2].partition(":")[2]: step for step in steps}
    return new_plan(TargetFacts(dart_root=root), list(unique.values()), refusals)


def _whole_archive(
    download: DownloadSpec, root: Optional[str], services: Sequence[str]
) -> List[AnyStep]:
    if root is None:
        raise UsageFault(
            f"{download.id}: no DART tree to put {download.file} into", "a tree", "--dart-root DIR"
        )
    remote = remote_of(download)
    if download.kind == "login" and download.login not in services:
        from dartenv.fetch.fetcher import no_login

        raise no_login(remote)
    path = str(Path(root, download.file or download.id))
    return [
        FetchFile(
            id=f"{FETCH}:{download.id}:{path}",
            fixes=(f"{FETCH}:{download.id}",),
            reason=download.title,
            download_bytes=remote.expected_bytes,
            path=path,
            remote=remote,
            old_sha256=file_sha256(path),
        )
    ]


def remotes_of(steps: Sequence[AnyStep]) -> Tuple[List[Remote], Dict[str, str]]:
    """What the steps download, and which files hold beginnings of it."""
    remotes: List[Remote] = []
    begun: Dict[str, str] = {}
    for step in steps:
        if isinstance(step, FetchFile):
            remotes.append(step.remote)
            if step.resume:
                begun[step.remote.key] = step.path
        elif isinstance(step, ExtractFile) and step.remote is not None:
            remotes.append(step.remote)
    return remotes, begun


def with_fetcher(fetcher: Fetcher) -> Hands:
    """Hands that find what ``fetcher`` brought."""
    return Hands(fetcher=lambda state: fetcher)


def look_again(spec: AssetsSpec, root: Optional[str], plan: Plan) -> Verdicts:
    """For each fix whether its files are what they should be, by their form.

    A file that no check reads is taken as it came: its hash was compared where one is published.
    """
    forms = {}
    if root is not None:
        facts = probe_assets(root, spec)
        forms = {file.path: file for file in facts.files}
    verdicts: Verdicts = {}
    for step in plan.steps:
        path = getattr(step, "path", None)
        form = forms.get(path) if path is not None else None
        for fix in step.fixes:
            if form is not None and (form.problem or form.mismatches):
                verdicts[fix] = (False, f"{path}: {form.problem or form.mismatches[0]}")
            else:
                verdicts.setdefault(fix, (True, ""))
    return verdicts


def settle(
    plan: Plan,
    report: ApplyReport,
    fetcher: Fetcher,
    spec: AssetsSpec,
    root: Optional[str],
    first: FirstSeenStore,
) -> List[str]:
    """After a fetch: record first-seen hashes, drop what is used up; returns what to tell."""
    good = {result.fix for result in report.results if result.changed}
    places = {place_of(asset, root): asset for asset in catalog(spec) if asset.path}
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    new: Dict[str, FirstSeen] = {}
    notes: List[str] = []
    for step in plan.steps:
        if not set(step.fixes) <= good:
            continue
        remote = getattr(step, "remote", None)
        if remote is None:
            continue
        found = fetcher.outcome(remote)
        if not isinstance(found, Fetched):
            continue
        notes += found.notes
        asset = places.get(getattr(step, "path", None))
        if isinstance(step, FetchFile) and asset is not None:
            notes += _against_first(asset, found, first)
            new[asset.id] = FirstSeen(found.sha256, found.size, now)
    first.record(new)
    drop_used(plan, report, fetcher)
    return list(dict.fromkeys(notes))


def drop_used(plan: Plan, report: ApplyReport, fetcher: Fetcher) -> None:
    """Remove downloaded archives whose files are all in their places. Never raises."""
    good = {result.fix for result in report.results if result.changed}
    for step in plan.steps:
        if isinstance(step, ExtractFile) and step.remote is not None and set(step.fixes) <= good:
            fetcher.forget(step.remote)


def _against_first(asset: Asset, found: Fetched, first: FirstSeenStore) -> List[str]:
    known = first.get(asset.id)
    if known is None or known.sha256 == found.sha256:
        return []
    words = f"SHA-256 {found.sha256[:12]}..., {known.sha256[:12]}... when first seen ({known.at})"
    return [f"{asset.id}: {words}: the publisher may have changed it"]


def broken_files(spec: AssetsSpec, root: str) -> Mapping[str, bool]:
    """Places of files that are there and no good."""
    facts = probe_assets(root, spec)
    return {file.path: bool(file.problem or file.mismatches) for file in facts.files if file.exists}
