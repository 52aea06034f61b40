"""The facts that explain why a metric changed: few, named plainly, comparable as text."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

from dartenv.facts.model import Facts
from dartenv.report.model import FactChange


def key_facts(facts: Facts) -> Dict[str, str]:
    """Name -> value. A fact that could not be told is left out: it is no change."""
    found: Dict[str, str] = {"dartenv": facts.dartenv}
    if facts.host is not None:
        found["system"] = f"{facts.host.distro or facts.host.system} {facts.host.version}"
        if facts.host.memory_total is not None:
            found["memory"] = f"{facts.host.memory_total / 2**30:.0f} GiB"
    if facts.gpu is not None:
        if facts.gpu.driver:
            found["driver"] = facts.gpu.driver
        if facts.gpu.devices:
            found["GPU"] = ", ".join(device.name for device in facts.gpu.devices)
    inside = facts.interpreter
    if inside is not None:
        found["Python"] = inside.version
        for item in inside.distributions:
            # The first on sys.path is the one that is imported.
            found.setdefault(f"package {item.name}", item.version)
    if facts.source is not None:
        if facts.source.git_revision:
            found["DART commit"] = facts.source.git_revision
        if facts.source.git_dirty is not None:
            found["DART files changed"] = str(len(facts.source.git_dirty))
    if facts.assets is not None:
        for asset in facts.assets.files:
            if asset.exists and asset.size is not None:
                found[f"size of {asset.id}"] = f"{asset.size} bytes"
    return found


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> Tuple[FactChange, ...]:
    """What differs, in the order of the names; a name on one side only counts."""
    return tuple(
        FactChange(name=name, before=before.get(name, "-"), after=after.get(name, "-"))
        for name in sorted({*before, *after}, key=str.lower)
        if before.get(name) != after.get(name)
    )
