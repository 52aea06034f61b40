"""Turning Windows' long paths on: one registry value, for every program of the machine."""

from __future__ import annotations

from dartenv.checks.hardware import is_windows
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, fixer
from dartenv.fixes.steps import Need, RegistryValue, Safety, SetRegistryValue
from dartenv.manifests.compat_gpu import host_table
from dartenv.manifests.loader import Manifests

FIX = "host.long-paths"
REG_DWORD = 4
HIVES = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER"}


@fixer(FIX)
def plan_long_paths(facts: Facts, manifests: Manifests, target: TargetFacts) -> Planned:
    """The value, where it is not set."""
    if not is_windows(facts.host):
        return [Refusal(fix=FIX, reason="paths have no such limit here")]
    if facts.host is not None and facts.host.long_paths:
        return []
    table = host_table(manifests)
    hive, _, key = table.long_paths_key.partition("\\")
    return [
        SetRegistryValue(
            id=f"{FIX}:{table.long_paths_value}",
            fixes=(FIX,),
            reason="let every program of this machine open paths of 260 characters and more",
            safety=Safety.UNSAFE,
            needs=(Need.ADMIN, Need.RESTART),
            hive=HIVES[hive],
            key=key,
            name=table.long_paths_value,
            value=RegistryValue(type=REG_DWORD, number=1),
        )
    ]
