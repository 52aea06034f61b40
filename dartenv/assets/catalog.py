"""Every asset of a kind of tree as one list: place, size, hash, licence, who needs it, whence."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import msgspec

from dartenv.assets.sniff import absolute
from dartenv.assets.spec import AssetsSpec, DownloadSpec
from dartenv.fetch.remote import Remote
from dartenv.typed import convert


class Asset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One asset. ``path`` is relative to the tree, begins with ``~``, or is empty."""

    id: str
    title: str
    role: str
    path: str
    source: str
    optional: bool = False
    size: Optional[int] = None
    megabytes: float = 0.0
    sha256: Optional[str] = None
    licence: str = ""
    needed_by: Tuple[str, ...] = ()
    downloads: Tuple[str, ...] = ()  # ids, the usual one first
    in_git: bool = False


def catalog(spec: AssetsSpec) -> List[Asset]:
    """The assets of ``spec`` in the order of the manifest."""
    found: List[Asset] = []
    for checkpoint in spec.checkpoints:
        found.append(
            _asset(
                spec,
                id=checkpoint.id,
                title=f"{checkpoint.role} checkpoint",
                role=checkpoint.role,
                path=checkpoint.path,
                source=checkpoint.source,
                optional=checkpoint.optional,
                megabytes=checkpoint.megabytes,
                needed_by=checkpoint.needed_by,
            )
        )
    for file in spec.files:
        found.append(
            _asset(
                spec,
                id=file.id,
                title=f"{file.role} file",
                role=file.role,
                path=file.path,
                source=file.source,
                optional=file.optional,
                megabytes=file.megabytes,
                needed_by=file.needed_by,
                in_git=file.set.startswith("git"),
            )
        )
    for body in spec.bodies:
        for asset_id, name in body.files.items():
            found.append(
                _asset(
                    spec,
                    id=asset_id,
                    title=f"{body.role.upper()} body model",
                    role=body.role,
                    path=f"{spec.body_model_dir}/{body.folder}/{name}",
                    source=body.source,
                    optional=body.optional,
                    needed_by=body.needed_by,
                )
            )
    clip = spec.clip
    if clip is not None:
        found.append(
            _asset(
                spec,
                id=clip.id,
                title="CLIP text encoder",
                role="clip",
                path=clip.path,
                source=clip.source,
                size=clip.size,
                sha256=clip.sha256,
                needed_by=clip.needed_by,
            )
        )
    for other in spec.others:
        found.append(
            _asset(
                spec,
                id=other.id,
                title=other.title,
                role="other",
                path=other.path,
                source=other.source,
                optional=other.optional,
                size=other.size,
                megabytes=other.megabytes,
                sha256=other.sha256,
                needed_by=other.needed_by,
            )
        )
    return found


def _asset(spec: AssetsSpec, **fields: object) -> Asset:
    sources = [d for d in spec.downloads if fields["id"] in d.gives]
    sources.sort(key=lambda one: one.manual)
    return convert(
        {
            **fields,
            "downloads": tuple(one.id for one in sources),
            "licence": sources[0].licence if sources else "",
        },
        Asset,
    )


def place_of(asset: Asset, root: Optional[str]) -> Optional[str]:
    """Where ``asset`` belongs on this machine; ``None`` where that cannot be told."""
    if not asset.path:
        return None
    if asset.path.startswith("~"):
        try:
            return str(Path(asset.path).expanduser())
        except (RuntimeError, OSError):
            return None
    return absolute(root, asset.path) if root is not None else None


def download_of(spec: AssetsSpec, download_id: str) -> DownloadSpec:
    """The download of that id. Raises KeyError."""
    for one in spec.downloads:
        if one.id == download_id:
            return one
    raise KeyError(download_id)


def remote_of(download: DownloadSpec, asset: Optional[Asset] = None) -> Remote:
    """The remote file of a download; of a folder, the file of ``asset`` in it."""
    name, size, megabytes = download.file or download.id, download.size, download.megabytes
    sha256, md5 = download.sha256, download.md5
    if download.kind == "drive-folder" and asset is not None:
        name, size, megabytes = asset.path, asset.size, asset.megabytes
        sha256, md5 = asset.sha256, None
    return Remote(
        id=download.id,
        kind=download.kind,
        url=download.url,
        name=name,
        size=size,
        sha256=sha256,
        md5=md5,
        sure=download.sure,
        megabytes=megabytes,
        file_url=download.file_url,
        page=download.page,
        login=download.login,
        licence=download.licence,
    )


def by_place(assets: List[Asset], root: Optional[str]) -> Dict[str, Asset]:
    """Assets by where they belong here."""
    found: Dict[str, Asset] = {}
    for asset in assets:
        place = place_of(asset, root)
        if place is not None:
            found.setdefault(place, asset)
    return found
