"""The catalogue of DART's assets, and what verify says of each state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from dartenv.assets.catalog import catalog, download_of, place_of, remote_of
from dartenv.assets.hashing import FirstSeenStore, HashCache
from dartenv.assets.spec import AssetsSpec
from dartenv.facts.assets_here import assets_of
from dartenv.manifests.loader import Manifests
from dartenv.stock import Item, verified

SPEC = Manifests().read("assets", "dart", AssetsSpec)


def test_every_asset_says_what_a_user_must_know() -> None:
    assets = catalog(SPEC)
    assert len({asset.id for asset in assets}) == len(assets)
    for asset in assets:
        assert asset.source, asset.id
        assert asset.needed_by or asset.optional, asset.id
        if asset.path and not asset.in_git and asset.id != "smplx-neutral":
            assert asset.downloads, asset.id
            for one in asset.downloads:
                assert download_of(SPEC, one).url.startswith("https://")
        if asset.role in ("smplx", "smplh"):
            assert "no redistribution" in asset.licence
    roles = {asset.role for asset in assets}
    assert roles >= {"denoiser", "vae", "policy", "motion", "scene", "trajectory", "smplx", "clip"}


def test_licensed_downloads_name_page_file_and_login() -> None:
    for one in SPEC.downloads:
        assert one.page.startswith("https://"), one.id
        if one.kind == "login":
            assert one.login
            assert one.file
            assert one.licence
    drive = download_of(SPEC, "dart-drive")
    stand = next(asset for asset in catalog(SPEC) if asset.id == "stand")
    remote = remote_of(drive, stand)
    assert (remote.name, remote.size) == ("data/stand.pkl", None)
    assert "{id}" in remote.file_url


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    places = {asset.id: place_of(asset, None) for asset in catalog(SPEC)}
    assert places["clip-vit-b-32"] == str(tmp_path / ".cache" / "clip" / "ViT-B-32.pt")
    assert places["stand"] is None
    stand = next(asset for asset in catalog(SPEC) if asset.id == "stand")
    assert place_of(stand, str(tmp_path)) == str(tmp_path / "data" / "stand.pkl")


def test_a_tree_says_itself_where_its_bodies_are(tmp_path: Path) -> None:
    manifests = Manifests()
    tree = next(tree for tree in manifests.trees() if tree.kind == "dart")
    for marker in tree.markers:
        (tmp_path / marker).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / marker).write_bytes(b"")
    assert assets_of(str(tmp_path), manifests).body_model_dir == SPEC.body_model_dir
    paths = tmp_path / tree.data_paths
    paths.write_text("from pathlib import Path\nbody_model_dir = Path('data') / 'smplx-models'\n")
    assert assets_of(str(tmp_path), manifests).body_model_dir == "data/smplx-models"
    paths.write_bytes(b"\x00")
    assert assets_of(str(tmp_path), manifests).body_model_dir == SPEC.body_model_dir
    assert assets_of(None, manifests) == SPEC


def test_states_over_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    root = tmp_path / "tree"
    texts = root / "data" / "action_statistics.json"
    stand = root / "data" / "stand.pkl"
    for path, data in ((texts, b"{}"), (stand, b"<html><title>Quota exceeded</title>")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def look() -> Tuple[Dict[str, str], List[Item]]:
        cache = HashCache(tmp_path / "hashes.json")
        items = verified(SPEC, str(root), cache, FirstSeenStore(tmp_path / "first.json"))
        return {item.asset.id: item.state for item in items}, items

    states, items = look()
    assert states["action-statistics"] == "seen"
    assert states["stand"] == "broken"
    assert states["stand-20fps"] == "absent"
    assert states["clip-vit-b-32"] == "missing"
    assert states["clip-vocabulary"] == "elsewhere"
    assert "Quota exceeded" in next(item.why for item in items if item.asset.id == "stand")
    assert look()[0]["action-statistics"] == "same"
    texts.write_bytes(b"[]")
    states, items = look()
    assert states["action-statistics"] == "changed"
    assert "when first seen" in next(i.why for i in items if i.asset.id == "action-statistics")
    texts.write_bytes(b"{}")
    assert look()[0]["action-statistics"] == "same"
    (root / "data" / "action_statistics.json.stand-in").write_bytes(b"")
    assert look()[0]["action-statistics"] == "stand-in"
    clip = tmp_path / "home" / ".cache" / "clip" / "ViT-B-32.pt"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"PK\x03\x04" + os.urandom(100))
    assert look()[0]["clip-vit-b-32"] == "wrong"
