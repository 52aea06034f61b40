"""The registry: selection, skips with a cause, crashes, missing facts."""

from __future__ import annotations

from typing import Iterator, Optional

import pytest

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import Context, Registry, finding, run_checks
from dartenv.errors import UsageFault
from dartenv.facts.model import Facts, GpuFacts, HostFacts, ProbeFailure
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

HOST = HostFacts(system="linux", release="6.1", version="1", machine="x86_64", bits=64)
PROFILE = Profile(id="p", title="t", source="s", system="linux")


def context(facts: Facts) -> Context:
    return Context(facts, PROFILE, Manifests())


def test_a_failed_need_skips_and_names_the_first_cause_of_the_chain() -> None:
    registry = Registry()

    @registry.check("a.root")
    def root(host: HostFacts) -> Iterator[Finding]:
        yield finding(Status.FAIL, "broken")

    @registry.check("b.middle", needs=("a.root",))
    def middle(host: HostFacts) -> Iterator[Finding]:
        raise AssertionError("must not run")
        yield

    @registry.check("c.leaf", needs=("b.middle",))
    def leaf(host: HostFacts) -> Iterator[Finding]:
        raise AssertionError("must not run")
        yield

    found = run_checks(context(Facts(host=HOST)), registry.select([]), registry)
    assert [(f.check, f.status, f.cause) for f in found] == [
        ("a.root", Status.FAIL, None),
        ("b.middle", Status.SKIP, "a.root"),
        ("c.leaf", Status.SKIP, "a.root"),
    ]


def test_a_need_that_only_warns_does_not_skip() -> None:
    registry = Registry()

    @registry.check("a.root")
    def root(host: HostFacts) -> Iterator[Finding]:
        yield finding(Status.WARN, "odd")

    @registry.check("b.leaf", needs=("a.root",))
    def leaf(host: HostFacts) -> Iterator[Finding]:
        yield finding(Status.OK, "fine")

    found = run_checks(context(Facts(host=HOST)), registry.select(["b.leaf"]), registry)
    assert [(f.check, f.status) for f in found] == [("b.leaf", Status.OK)]


def test_a_crash_is_a_finding_and_hides_no_other_check() -> None:
    registry = Registry()

    @registry.check("a.broken")
    def broken(host: HostFacts) -> Iterator[Finding]:
        raise KeyError("x")
        yield

    @registry.check("b.fine")
    def fine(host: HostFacts) -> Iterator[Finding]:
        yield finding(Status.OK, "fine")

    found = run_checks(context(Facts(host=HOST)), registry.select([]), registry)
    assert [f.status for f in found] == [Status.CRASH, Status.OK]
    assert "KeyError" in found[0].summary
    assert found[0].evidence[0].startswith("test_registry.py:")


def test_a_fact_that_could_not_be_told_skips_with_the_probes_reason() -> None:
    registry = Registry()

    @registry.check("gpu.x")
    def needs_gpu(gpu: GpuFacts) -> Iterator[Finding]:
        raise AssertionError("must not run")
        yield

    facts = Facts(probe_failures=(ProbeFailure(probe="gpu", reason="no answer within 8 s"),))
    (only,) = run_checks(context(facts), registry.select([]), registry)
    assert only.status is Status.SKIP
    assert "no answer within 8 s" in only.summary


def test_an_optional_fact_reaches_the_check_as_none() -> None:
    registry = Registry()

    @registry.check("gpu.x")
    def maybe(gpu: Optional[GpuFacts]) -> Iterator[Finding]:
        yield finding(Status.INFO, f"gpu is {gpu}")

    (only,) = run_checks(context(Facts()), registry.select([]), registry)
    assert only.summary == "gpu is None"


def test_a_check_without_an_answer_is_our_fault() -> None:
    registry = Registry()

    @registry.check("a.silent")
    def silent(host: HostFacts) -> Iterator[Finding]:
        return iter(())

    (only,) = run_checks(context(Facts(host=HOST)), registry.select([]), registry)
    assert only.status is Status.CRASH


def test_selection_by_id_and_group_but_never_by_half_a_word() -> None:
    registry = Registry()
    for name in ("cuda.toolkit", "cuda.env", "cudax.other"):
        registry.check(name)(lambda host: iter(()))
    assert [c.id for c in registry.select(["cuda"])] == ["cuda.toolkit", "cuda.env"]
    with pytest.raises(UsageFault, match="no check is called 'cud'"):
        registry.select(["cud"])


def test_checks_that_need_each_other_are_a_fault_in_the_registry() -> None:
    registry = Registry()
    registry.check("a", needs=("b",))(lambda host: iter(()))
    registry.check("b", needs=("a",))(lambda host: iter(()))
    with pytest.raises(ValueError, match="a -> b -> a"):
        run_checks(context(Facts(host=HOST)), registry.select([]), registry)


def test_an_unknown_fact_name_is_refused_at_registration() -> None:
    registry = Registry()
    with pytest.raises(ValueError, match="weather"):
        registry.check("a")(lambda weather: iter(()))
