from __future__ import annotations

import os

import pytest

from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes import registry
from dartenv.fixes.plan import Refusal
from dartenv.fixes.steps import DisplayOnly, WriteFile
from dartenv.manifests.loader import Manifests


@pytest.fixture
def fixers(monkeypatch):
    """The registry, empty for one test."""
    monkeypatch.setattr(registry, "_FIXERS", {})
    return registry


def write(bench, fix, name, *more):
    return WriteFile(
        id=f"{fix}:{name}",
        fixes=(fix, *more),
        reason="",
        path=str(bench.root / name),
        content=b"",
    )


def plan(fixers, *ids):
    return fixers.make_plan(ids, Facts(), Manifests(), TargetFacts(dart_root="/d"))


def test_each_fix_is_planned_once_in_the_order_asked_and_joint_ones_together(fixers):
    asked = []

    @fixers.fixer("alone")
    def alone(facts, manifests, target):
        asked.append(("alone",))
        return [DisplayOnly(id="a", fixes=("alone",), reason="", text="x")]

    @fixers.joint_fixer("one", "two", "three")
    def joint(ids, facts, manifests, target):
        asked.append(ids)
        return [Refusal(fix=fix, reason="no") for fix in ids]

    made = plan(fixers, "two", "alone", "one", "two")
    assert asked == [("two", "one"), ("alone",)]
    assert [step.id for step in made.steps] == ["a"]
    assert [refusal.fix for refusal in made.refusals] == ["two", "one"]
    assert made.target.dart_root == "/d"
    assert fixers.known_fixes() == ("alone", "one", "three", "two")


def test_an_unknown_fix_is_wrong_usage_with_the_known_ones_named(fixers):
    fixers.fixer("source.posixpath")(lambda facts, manifests, target: [])
    with pytest.raises(UsageFault, match=r"no fix 'nonsense'.*source\.posixpath"):
        plan(fixers, "nonsense")


def test_two_functions_for_one_fix_are_a_mistake(fixers):
    fixers.fixer("x")(lambda facts, manifests, target: [])
    with pytest.raises(ValueError, match="x"):
        fixers.fixer("x")(lambda facts, manifests, target: [])


def test_a_fix_that_changes_a_file_of_another_waits_as_a_whole(fixers, bench):
    fixers.fixer("first")(lambda *_: [write(bench, "first", "a"), write(bench, "first", "b")])
    fixers.fixer("second")(lambda *_: [write(bench, "second", "c"), write(bench, "second", "b")])
    made = plan(fixers, "first", "second")
    assert [step.id for step in made.steps] == ["first:a", "first:b"]
    (refusal,) = made.refusals
    assert refusal.fix == "second"
    assert "first changes it too" in refusal.reason


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_two_names_of_one_file_are_one_file(fixers, bench):
    bench.put("a", b"")
    (bench.root / "link").symlink_to("a")
    fixers.fixer("first")(lambda *_: [write(bench, "first", "a")])
    fixers.fixer("second")(lambda *_: [write(bench, "second", "link")])
    made = plan(fixers, "first", "second")
    assert made.fixes == ("first",)


def test_a_file_name_that_is_not_unicode_is_refused_alone(fixers, bench):
    fixers.fixer("f")(lambda *_: [write(bench, "f", "odd\udcff"), write(bench, "f", "fine")])
    made = plan(fixers, "f")
    assert [step.id for step in made.steps] == ["f:fine"]
    assert "not Unicode" in made.refusals[0].reason
    made.refusals[0].reason.encode("utf-8")
