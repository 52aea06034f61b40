"""Checks of DART's assets on literal facts: each passing and failing."""

from __future__ import annotations

from typing import Any, List

import pytest
from msgspec.structs import replace as changed

from dartenv.checks import all_checks
from dartenv.checks.bodies import nested
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import ArgsFacts, AssetsFacts, Facts, FileAsset, SourceFacts
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

MANIFESTS = Manifests()
TREE = SourceFacts(root="D:\\DART", exists=True, is_dir=True, kind="dart")
ARGS = ArgsFacts(path="mld_denoiser/x/args.yaml", kind="denoiser")


def judge(check: str, assets: AssetsFacts, *roles: str) -> List[Finding]:
    all_checks()
    profile = Profile(id="p", title="t", source="s", system="windows", assets=roles)
    context = Context(Facts(source=TREE, assets=assets), profile, MANIFESTS)
    return run_checks(context, REGISTRY.select([check]))


def only(check: str, assets: AssetsFacts, *roles: str) -> Finding:
    (one,) = judge(check, assets, *roles)
    return one


def file(role: str, **more: Any) -> FileAsset:
    fields = {"id": f"{role}-1", "path": f"D:\\DART\\{role}.bin", "exists": True, "size": 1000}
    fields.update(more)
    return FileAsset(role=role, **fields)


def files(*those: FileAsset) -> AssetsFacts:
    return AssetsFacts(args=(ARGS,), files=those)


@pytest.mark.parametrize(
    ("assets", "words"),
    [
        (AssetsFacts(), "no args.yaml"),
        (AssetsFacts(args=(ArgsFacts(path="a/args.yaml", error="cut off at line 3"),)), "cut off"),
        (
            AssetsFacts(args=(ArgsFacts(path="a/args.yaml", foreign_tags=("os.system",)),)),
            "would run code",
        ),
        (
            AssetsFacts(args=(ArgsFacts(path="a/args.yaml", mismatches=("1 against 2",)),)),
            "1 against 2",
        ),
        (
            files(file("config", exists=False, named_by="mvae/x/args.yaml")),
            "named in mvae/x/args.yaml",
        ),
    ],
)
def test_args_that_cannot_be_used(assets: AssetsFacts, words: str) -> None:
    one = only("assets.args", assets)
    assert one.status is Status.FAIL
    assert words in one.summary


def test_args_that_can() -> None:
    assert only("assets.args", files()).status is Status.OK


@pytest.mark.parametrize(
    ("check", "role"),
    [
        ("assets.checkpoints", "denoiser"),
        ("assets.checkpoints", "vae"),
        ("assets.statistics", "statistics"),
        ("assets.motions", "motion"),
        ("assets.smplx", "smplx"),
        ("assets.clip", "clip"),
    ],
)
def test_present_missing_broken_misfit_and_optional(check: str, role: str) -> None:
    assert only(check, files(file(role))).status is Status.OK
    missing = only(check, files(file(role, exists=False)))
    assert missing.status is Status.FAIL
    assert "is missing" in (missing.found or "")
    broken = only(check, files(file(role, problem="an HTML page, not the file")))
    assert broken.status is Status.FAIL
    assert "HTML" in (broken.found or "")
    misfit = only(check, files(file(role, mismatches=("x is (1,)", "y is (2,)"))))
    assert misfit.status is Status.FAIL
    assert "x is (1,)" in (misfit.found or "")
    assert "y is (2,)" in misfit.evidence
    optional = only(check, files(file(role), file(role, exists=False, optional=True)))
    assert optional.status is Status.OK
    assert only(check, files()).status is Status.FAIL
    assert "not needed" in only(check, files(), "something-else").summary


def test_a_stand_in_is_never_called_fine() -> None:
    one = only("assets.smplx", files(file("smplx", stand_in=True)))
    assert one.status is Status.INFO
    assert "stand-ins, not the real ones" in one.summary


def test_a_missing_file_is_told_with_where_it_was_found_and_where_it_comes_from() -> None:
    lost = file(
        "smplx", id="smplx-male", exists=False, elsewhere=("D:\\DART\\data\\SMPLX_MALE.npz",)
    )
    one = only("assets.smplx", files(lost))
    assert "found at D:\\DART\\data\\SMPLX_MALE.npz" in (one.found or "")
    assert one.remedy is not None
    assert "own login" in one.remedy.text
    assert "smplx_lockedhead_20230207.zip" in one.remedy.text


def test_a_partial_clip_and_an_absent_one_have_different_reasons() -> None:
    partial = only("assets.clip", files(file("clip", problem="141 of 354 MB")))
    absent = only("assets.clip", files(file("clip", exists=False)))
    assert "starts over" in partial.why
    assert "first start" in absent.why


DEEP = "D:\\DART\\data\\smplx\\models\\smplx\\SMPLX_MALE.npz"


@pytest.mark.parametrize(
    ("found", "is_nested"),
    [
        ("D:/DART/data/smplx/smplx/models/smplx/SMPLX_MALE.npz", True),
        ("D:/DART/data/smplx/models/models/smplx/SMPLX_MALE.npz", True),
        ("D:/DART/data/smplx/a/b/models/smplx/SMPLX_MALE.npz", True),
        ("D:/DART/data/smplx/a/b/c/models/smplx/SMPLX_MALE.npz", False),
        ("D:/DART/data/smplx-models/smplx/SMPLX_MALE.npz", False),
        ("D:/DART/data/other/models/smplx/SMPLX_MALE.npz", False),
        (DEEP, False),
    ],
)
def test_what_counts_as_a_folder_too_deep(found: str, is_nested: bool) -> None:
    assert nested(DEEP, found) is is_nested


def test_bodies_are_moved_or_named_and_never_both() -> None:
    for place, fix in (
        ("D:\\DART\\data\\smplx\\smplx\\models\\smplx\\SMPLX_MALE.npz", "assets.smplx"),
        ("D:\\DART\\data\\smplx-models\\smplx\\SMPLX_MALE.npz", "source.body-model-dir"),
    ):
        lost = files(file("smplx", path=DEEP, exists=False, elsewhere=(place,)))
        source = changed(TREE, body_model_dir="data/smplx/models")
        context = Context(
            Facts(source=source, assets=lost),
            Profile(id="p", title="t", source="s", system="windows"),
            MANIFESTS,
        )
        selected = REGISTRY.select(["assets.smplx", "source.body-model-dir"])
        found = run_checks(context, selected)
        assert [f.remedy.fix for f in found if f.remedy and f.remedy.fix] == [fix]


def test_the_repair_of_clip_says_what_it_costs() -> None:
    half = file("clip", size=141_200_000, kind="partial", problem="141 of 354 MB")
    for assets, words in (
        (files(half), "resumes, 212.8 MB"),
        (files(file("clip", exists=False)), "downloads 354.0 MB"),
    ):
        remedy = only("assets.clip", assets).remedy
        assert remedy is not None
        assert remedy.fix == "assets.clip"
        assert words in remedy.text


def test_smplh_is_only_information() -> None:
    assert only("assets.smplh", files(file("smplh"))).status is Status.OK
    assert only("assets.smplh", files(file("smplh", exists=False))).status is Status.INFO
    assert only("assets.smplh", files()).status is Status.INFO


def test_pickles_that_would_run_code_are_named() -> None:
    assert only("assets.pickles", files(file("motion"))).status is Status.OK
    one = only("assets.pickles", files(file("motion", foreign_globals=("os.system",))))
    assert one.status is Status.WARN
    assert "os.system" in one.summary
