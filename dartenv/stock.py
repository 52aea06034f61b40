"""What there is of every asset: listed by a look, or verified by its content."""

from __future__ import annotations

import datetime
from typing import Callable, Dict, List, Optional, Tuple, Union

import msgspec

from dartenv.assets.catalog import Asset, catalog, download_of, place_of
from dartenv.assets.hashing import FirstSeen, FirstSeenStore, HashCache, Unhashed, hash_files
from dartenv.assets.sniff import sniff
from dartenv.assets.spec import AssetsSpec
from dartenv.facts.assets import probe_assets
from dartenv.facts.model import FileAsset

BAD = ("missing", "broken", "wrong", "changed")


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One asset on this machine.

    ``state`` is ``present`` (looked at only), ``missing``, ``absent`` (and nothing needs it),
    ``broken`` (cut off, a web page, wrong shapes), ``right`` (the published hash), ``wrong``
    (another one), ``seen`` (whole, its hash recorded now), ``same`` (as first seen), ``changed``
    (not as first seen), ``stand-in``, or ``elsewhere`` (it has no place in a tree).
    """

    asset: Asset
    state: str
    path: Optional[str] = None
    size: Optional[int] = None
    sha256: Optional[str] = None
    why: str = ""
    first_seen: Optional[FirstSeen] = None
    from_page: str = ""

    @property
    def bad(self) -> bool:
        """Whether something has to be done about it."""
        return self.state in BAD


def listed(spec: AssetsSpec, root: Optional[str], first: FirstSeenStore) -> List[Item]:
    """Every asset by a look at its first bytes."""
    return [_looked_at(asset, spec, root, first) for asset in catalog(spec)]


def _looked_at(asset: Asset, spec: AssetsSpec, root: Optional[str], first: FirstSeenStore) -> Item:
    page = download_of(spec, asset.downloads[0]).page if asset.downloads else ""
    path = place_of(asset, root)
    item = Item(asset=asset, state="elsewhere", path=path, from_page=page)
    if path is None:
        return item
    seen = sniff(path)
    state, why = "present", ""
    if not seen.exists:
        state = "absent" if asset.optional else "missing"
    elif seen.problem is not None:
        state, why = "broken", seen.problem
    elif sniff(path + spec.stand_in_suffix).exists:
        state = "stand-in"
    return msgspec.structs.replace(
        item, state=state, why=why, size=seen.size, first_seen=first.get(asset.id)
    )


def verified(
    spec: AssetsSpec,
    root: Optional[str],
    cache: HashCache,
    first: FirstSeenStore,
    on_bytes: Optional[Callable[[int], None]] = None,
) -> List[Item]:
    """Every asset by its content: its form, and its hash against the published or first one.

    A whole asset without a published hash has the one that it has now recorded, once.
    """
    items = listed(spec, root, first)
    forms = _forms(spec, root)
    here = [item for item in items if item.state in ("present", "stand-in") and item.path]
    hashes = hash_files([str(item.path) for item in here], cache, on_bytes)
    judged = [
        _judge(item, hashes, forms) if item in here else _found_elsewhere(item, forms)
        for item in items
    ]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    new: Dict[str, FirstSeen] = {}
    done: List[Item] = []
    for item in judged:
        if item.state == "seen" and item.sha256 is not None:
            seen = FirstSeen(item.sha256, item.size or 0, now)
            new[item.asset.id] = seen
            item = msgspec.structs.replace(item, first_seen=seen)
        done.append(item)
    first.record(new)
    return done


def _found_elsewhere(item: Item, forms: Dict[str, FileAsset]) -> Item:
    """A missing one with the place where it was unpacked instead."""
    form = forms.get(item.path or "")
    if item.state != "missing" or form is None or not form.elsewhere:
        return item
    return msgspec.structs.replace(item, why=f"found at {form.elsewhere[0]}")


def _forms(spec: AssetsSpec, root: Optional[str]) -> Dict[str, FileAsset]:
    """What each file holds, by place. CLIP's is told by its hash alone, which is published."""
    if root is None:
        return {}
    facts = probe_assets(root, msgspec.structs.replace(spec, clip=None))
    return {file.path: file for file in facts.files}


def _judge(
    item: Item, hashes: Dict[str, Union[str, Unhashed]], forms: Dict[str, FileAsset]
) -> Item:
    assert item.path is not None
    found = hashes[item.path]
    if isinstance(found, Unhashed):
        return msgspec.structs.replace(item, state="broken", why=found.reason)
    state, why = _verdict(item, found, forms.get(item.path))
    return msgspec.structs.replace(item, state=state, why=why, sha256=found)


def _verdict(item: Item, found: str, form: Optional[FileAsset]) -> Tuple[str, str]:
    if item.state == "stand-in":
        return "stand-in", "synthetic, not the real one"
    if form is not None and (form.problem or form.mismatches):
        return "broken", form.problem or form.mismatches[0]
    wanted = item.asset.sha256
    if wanted is not None:
        if found == wanted.lower():
            return "right", ""
        return "wrong", f"SHA-256 {found[:12]}..., published {wanted.lower()[:12]}..."
    known = item.first_seen
    if known is None:
        return "seen", ""
    if known.sha256 == found:
        return "same", ""
    return (
        "changed",
        f"SHA-256 {found[:12]}..., {known.sha256[:12]}... when first seen ({known.at})",
    )
