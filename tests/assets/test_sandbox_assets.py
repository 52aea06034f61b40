"""The packaged sandbox's assets, in DART's own forms and written by its own tools."""

from __future__ import annotations

from pathlib import Path

import msgspec

import dartenv
from dartenv.assets.spec import AssetsSpec
from dartenv.facts.assets import probe_assets
from dartenv.manifests.loader import Manifests

PROJECT = Path(dartenv.__file__).resolve().parent / "sandbox" / "project"


def test_only_the_place_of_the_bodies_is_wrong() -> None:
    spec = Manifests().read("assets", "sandbox", AssetsSpec)
    facts = probe_assets(str(PROJECT), spec)
    wrong = [f for f in facts.files if not f.exists or f.problem or f.mismatches]
    assert {f.id for f in wrong} == {"smplx-male", "smplx-female"}
    for file in wrong:
        name = Path(file.path).name
        assert file.elsewhere == (str(PROJECT / "data" / "sandbox-models" / "smplx" / name),)
    assert [a.mismatches for a in facts.args] == [(), ()]
    assert all(a.posixpath for a in facts.args)


def test_in_the_right_place_the_bodies_fit() -> None:
    spec = Manifests().read("assets", "sandbox", AssetsSpec)
    spec = msgspec.structs.replace(spec, body_model_dir="data/sandbox-models")
    facts = probe_assets(str(PROJECT), spec)
    assert [f.id for f in facts.files if not f.exists or f.problem or f.mismatches] == []
    assert [f.foreign_globals for f in facts.files if f.foreign_globals] == []
