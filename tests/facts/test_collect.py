"""Collecting: order, limits, faults of probes."""

from __future__ import annotations

import threading
from typing import Any, List, Mapping

from dartenv.facts.collect import ProbePlan, Scope, collect
from dartenv.facts.model import GpuFacts, HostFacts, ProbeFailure
from dartenv.facts.probed import Probed
from dartenv.manifests.loader import Manifests

HOST = HostFacts(system="linux", release="6.1", version="1", machine="x86_64", bits=64)
GPU = GpuFacts(state="no-driver")


def scope() -> Scope:
    return Scope(manifests=Manifests(), dart_root=None, python=None, tree=None, env={})


def test_a_probe_sees_the_facts_of_those_it_comes_after() -> None:
    seen: List[Any] = []

    def gpu(_: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
        seen.append(earlier["host"])
        return Probed(GPU)

    plans = [
        ProbePlan("host", lambda s, e: Probed(HOST), 5),
        ProbePlan("gpu", gpu, 5, after=("host",)),
    ]
    facts = collect(scope(), plans, ["gpu"])
    assert seen == [HOST]
    assert facts.gpu == GPU
    assert facts.host == HOST


def test_probes_that_are_not_asked_for_do_not_run() -> None:
    def never(_: Scope, __: Mapping[str, Any]) -> Probed[Any]:
        raise AssertionError("must not run")

    plans = [ProbePlan("host", lambda s, e: Probed(HOST), 5), ProbePlan("gpu", never, 5)]
    facts = collect(scope(), plans, ["host"])
    assert facts.gpu is None
    assert facts.probe_failures == ()
    assert [t.probe for t in facts.timings] == ["host"]


def test_a_hanging_probe_is_named_and_the_others_stand() -> None:
    release = threading.Event()

    def hang(_: Scope, __: Mapping[str, Any]) -> Probed[Any]:
        release.wait(30)
        return Probed(GPU)

    plans = [ProbePlan("host", lambda s, e: Probed(HOST), 5), ProbePlan("gpu", hang, 0.2)]
    facts = collect(scope(), plans, ["host", "gpu"])
    release.set()
    assert facts.host == HOST
    assert facts.gpu is None
    assert facts.probe_failures == (ProbeFailure(probe="gpu", reason="no answer within 0 s"),)


def test_a_probe_that_breaks_is_a_probe_failure() -> None:
    def broken(_: Scope, __: Mapping[str, Any]) -> Probed[Any]:
        raise OSError("disk on fire")

    facts = collect(scope(), [ProbePlan("gpu", broken, 5)], ["gpu"])
    assert facts.probe_failures[0].probe == "gpu"
    assert "disk on fire" in facts.probe_failures[0].reason


def test_probes_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_: Scope, __: Mapping[str, Any]) -> Probed[Any]:
        both.wait()  # only two probes under way at once get past this
        return Probed(None)

    plans = [ProbePlan("host", meet, 15), ProbePlan("gpu", meet, 15)]
    facts = collect(scope(), plans, ["host", "gpu"])
    assert facts.probe_failures == ()
