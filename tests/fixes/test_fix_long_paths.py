"""The registry value for long paths, set and put back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Dict, Optional, Tuple

import pytest

from dartenv.facts.host import probe_host
from dartenv.facts.model import Facts, HostFacts, TargetFacts
from dartenv.facts.runner import SubprocessRunner
from dartenv.facts.windows import wine_version
from dartenv.fixes.acts import Hands
from dartenv.fixes.apply import apply
from dartenv.fixes.long_paths import plan_long_paths
from dartenv.fixes.plan import Refusal, new_plan
from dartenv.fixes.steps import Need, RegistryValue, Safety, SetRegistryValue, registry_key
from dartenv.fixes.undo import undo
from dartenv.fixes.winreg_api import default_registry
from dartenv.manifests.compat_gpu import host_table
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()
NAME = (
    "HKEY_LOCAL_MACHINE",
    "SYSTEM\\CurrentControlSet\\Control\\FileSystem",
    "LongPathsEnabled",
)


class Kept:
    """A registry in a dictionary."""

    def __init__(self, value: Optional[RegistryValue]) -> None:
        self.values: Dict[Tuple[str, str, str], RegistryValue] = {}
        if value is not None:
            self.values[NAME] = value

    def get(self, hive: str, key: str, name: str) -> Optional[RegistryValue]:
        return self.values.get((hive, key, name))

    def set(self, hive: str, key: str, name: str, value: RegistryValue) -> None:
        self.values[hive, key, name] = value

    def delete(self, hive: str, key: str, name: str) -> None:
        self.values.pop((hive, key, name), None)

    def missing_keys(self, hive: str, key: str) -> Tuple[str, ...]:
        return ()

    def delete_empty_key(self, hive: str, key: str) -> None:
        raise AssertionError("the key was there before")


def facts_of(system: str, long_paths: Optional[bool]) -> Facts:
    host = HostFacts(
        system=system, release="10", version="10", machine="amd64", bits=64, long_paths=long_paths
    )
    return Facts(host=host, target=TargetFacts(profile="windows-cu118"))


@pytest.mark.parametrize("before", [None, RegistryValue(type=4, number=0)])
def test_the_value_is_set_and_put_back(tmp_path: Path, before: Optional[RegistryValue]) -> None:
    facts = facts_of("windows", False)
    (step,) = plan_long_paths(facts, MANIFESTS, facts.target)
    assert isinstance(step, SetRegistryValue)
    assert registry_key(step) == "\\".join(NAME)
    assert step.safety is Safety.UNSAFE
    assert step.needs == (Need.ADMIN, Need.RESTART)
    registry = Kept(before)
    hands = Hands(registry=registry)
    plan = new_plan(facts.target, [step])
    report = apply(plan, [step.id], state=tmp_path / "state", hands=hands)
    assert report.exit_code == 0, report
    assert registry.values == {NAME: RegistryValue(type=4, number=1)}
    undo(tmp_path / "state", hands=hands)
    assert registry.values == ({} if before is None else {NAME: before})


def test_where_it_is_on_there_is_nothing_to_do() -> None:
    facts = facts_of("windows", True)
    assert plan_long_paths(facts, MANIFESTS, facts.target) == []
    facts = facts_of("linux", None)
    (refusal,) = plan_long_paths(facts, MANIFESTS, facts.target)
    assert isinstance(refusal, Refusal)


def own_machine() -> bool:
    """Whether this is a Windows whose settings a test may change: Wine's, or a CI machine's."""
    return sys.platform == "win32" and bool(wine_version() or os.environ.get("CI"))


def probed() -> Facts:
    host = probe_host(os.environ, SubprocessRunner(), [], host_table(MANIFESTS)).value
    return Facts(host=host, target=TargetFacts(profile="windows-cu118"))


@pytest.mark.skipif(not own_machine(), reason="no Windows registry that a test may change")
@pytest.mark.parametrize("before", [None, RegistryValue(type=4, number=0)])
def test_windows_own_registry(tmp_path: Path, before: Optional[RegistryValue]) -> None:
    registry = default_registry()
    assert registry is not None
    found = registry.get(*NAME)

    def put(value: Optional[RegistryValue]) -> None:
        if value is None:
            registry.delete(*NAME)
        else:
            registry.set(*NAME, value)

    try:
        put(before)
    except PermissionError:
        pytest.skip("not an administrator")
    try:
        facts = probed()
        plan = new_plan(facts.target, plan_long_paths(facts, MANIFESTS, facts.target))
        report = apply(plan, [step.id for step in plan.steps], state=tmp_path / "state")
        assert report.exit_code == 0, report
        assert [host.long_paths for host in (facts.host, probed().host) if host] == [False, True]
        assert plan_long_paths(probed(), MANIFESTS, facts.target) == []
        undo(tmp_path / "state")
        assert registry.get(*NAME) == before
    finally:
        put(found)
