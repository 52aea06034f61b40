"""Checks of Blender, its add-on, engines and bundles on literal facts."""

from __future__ import annotations

from typing import Any

import pytest

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    BlenderFacts,
    BundleFacts,
    BundleModelFacts,
    EngineFacts,
    Facts,
    UnrealFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

PLACE = "D:/DART/bundle/bundle.json"


def only(check: str, **facts: Any) -> Finding:
    all_checks()
    profile = Profile(id="p", title="t", source="s", system="windows")
    (one,) = run_checks(Context(Facts(**facts), profile, Manifests()), REGISTRY.select([check]))
    return one


def test_blender_and_the_addon() -> None:
    fine = UnrealFacts(
        blenders=(BlenderFacts(path="b", version="4.5.1"),), addons=("smplx_blender_addon.zip",)
    )
    assert only("unreal.blender", unreal=fine).status is Status.OK
    old = UnrealFacts(
        blenders=(BlenderFacts(path="b", version="3.4.1"),), code_archives=("main.zip",)
    )
    one = only("unreal.blender", unreal=old)
    assert one.status is Status.INFO
    assert "3.4.1" in one.summary
    assert "source without its models" in one.summary
    assert one.remedy is not None
    assert "--format fbx it writes FBX by the Blender 3.4.1" in one.remedy.text
    engine = UnrealFacts(engines=(EngineFacts(path="UE", version="5.5.4"),))
    alone = only("unreal.blender", unreal=engine)
    assert "no Blender was found; no SMPL-X add-on archive was found" in alone.summary
    assert alone.remedy is not None
    assert "needs neither Blender nor the add-on" in alone.remedy.text
    assert only("unreal.blender", unreal=UnrealFacts()).status is Status.SKIP


def test_engines_and_what_a_bundle_may_use() -> None:
    engines = tuple(EngineFacts(path=f"UE_{v}", version=v) for v in ("5.5.4", "5.6.0", "4.27.2"))
    one = only("unreal.engine", unreal=UnrealFacts(engines=engines))
    assert "ONNX Runtime 1.17.1, opset up to 20, IR up to 9" in one.summary
    assert "not confirmed" in one.evidence[0]
    assert "opset 17, IR 8 is safe" in one.evidence[1]
    assert "no Unreal Engine" in only("unreal.engine", unreal=UnrealFacts()).summary


def told(*files: BundleModelFacts, **more: Any) -> BundleFacts:
    return BundleFacts(path=PLACE, **{"kind": "dart", "portable": files, "compared": 3, **more})


def file(opset: int = 17, ir: int = 8, **more: Any) -> BundleModelFacts:
    return BundleModelFacts(path="primitive.fp32.portable.onnx", opset=opset, ir=ir, **more)


def bundle(one: BundleFacts, *versions: str) -> Finding:
    engines = tuple(EngineFacts(path=f"UE_{v}", version=v) for v in versions)
    return only("unreal.bundle", unreal=UnrealFacts(engines=engines, bundles=(PLACE,), told=(one,)))


def test_no_bundle_and_one_of_an_older_recording() -> None:
    assert "no exported bundle" in only("unreal.bundle", unreal=UnrealFacts()).summary
    assert only("unreal.bundle", unreal=UnrealFacts()).status is Status.SKIP
    engine = EngineFacts(path="UE", version="5.5.4")
    none = only("unreal.bundle", unreal=UnrealFacts(engines=(engine,)))
    assert none.status is Status.INFO
    assert none.remedy is not None
    assert none.remedy.commands[0].startswith("dartenv export")
    found = only("unreal.bundle", unreal=UnrealFacts(bundles=(PLACE,)))
    assert "not run" in found.summary


def test_a_bundle_that_fits_says_which_engines_load_it() -> None:
    one = bundle(told(file(), file(16, 7)), "5.3.2", "5.6.0")
    assert one.status is Status.INFO
    assert "opset 17, IR 8 for engines, which Unreal 5.3.2, 5.6.0 loads" in one.summary
    assert "3 comparisons with the reference, all within their limits" in one.evidence[0]
    assert one.remedy is None
    assert "not run" in "".join(one.evidence) or "nor run" in "".join(one.evidence)
    assert "no comparison" in bundle(told(file(), compared=0), "5.5.4").evidence[0]
    assert "sandbox" in bundle(told(file(), kind="sandbox")).summary


@pytest.mark.parametrize(
    ("one", "versions", "said"),
    [
        (told(file(19)), ("5.3.2", "5.5.4"), "Unreal 5.3.2 loads up to 18 and 8"),
        (told(file(20, 10)), ("5.5.4",), "Unreal 5.5.4 loads up to 20 and 9"),
        # Nothing is known of 4.27 and of one without a version: what all of them load counts.
        (told(file(18)), ("4.27.2",), "every engine of our table loads up to 17 and 8"),
        (told(file(18)), (), "every engine of our table loads up to 17 and 8"),
        (told(), ("5.5.4",), "no file for engines"),
        (told(file(contrib=True)), ("5.5.4",), "operators outside ONNX's own"),
        (told(file(problem="No such file")), ("5.5.4",), "portable.onnx: No such file"),
        (told(file(), missed=("primitive: motion 0.3 m",)), ("5.5.4",), "motion 0.3 m"),
        (told(problem="not a bundle: x"), ("5.5.4",), "not a bundle: x"),
    ],
)
def test_what_stands_against_a_bundle_is_named(one: BundleFacts, versions: Any, said: str) -> None:
    found = bundle(one, *versions)
    assert found.status is Status.INFO
    assert said in found.summary
    assert found.remedy is not None
    assert found.remedy.commands[0].startswith("dartenv export")


def test_what_one_engine_loads_and_another_does_not() -> None:
    found = bundle(told(file(20, 9)), "5.5.4", "5.4.4")
    assert "5.4.4" in found.summary
    assert "5.5.4" not in found.summary
