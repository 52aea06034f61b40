"""Fixes that install packages into the target: what its lock names, each part on its own.

The order matters where several are wanted: plain requirements first (torch's among them), then
torch from its own index alone, then what is built against it.
"""

from __future__ import annotations

from typing import Callable, Dict, Tuple

from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, joint_fixer
from dartenv.install.installs import NOTHING, Found, Installs
from dartenv.install.settings import active
from dartenv.install.tools import tool_for
from dartenv.manifests.loader import Manifests

_PLANS: Dict[str, Callable[[Installs, str], Found]] = {
    "packages.requirements": Installs.requirements,
    "packages.torch": Installs.torch,
    "packages.clip": Installs.clip,
    "wheels.pytorch3d": Installs.pytorch3d,
    "ort.package": Installs.onnxruntime,
    "packages.duplicates": Installs.duplicates,
}


@joint_fixer(*_PLANS)
def plan_packages(
    ids: Tuple[str, ...], facts: Facts, manifests: Manifests, target: TargetFacts
) -> Planned:
    """What brings the packages of these checks, in the order in which they build on each other."""
    interpreter = facts.interpreter
    if interpreter is None:
        return [
            Refusal(fix=fix, reason="there is no working Python to install into") for fix in ids
        ]
    if facts.target.profile is None:
        return [Refusal(fix=fix, reason="no profile says what to install") for fix in ids]
    profile = manifests.profile(facts.target.profile)
    tool = tool_for(interpreter, active())
    if isinstance(tool, str):
        return [Refusal(fix=fix, reason=tool) for fix in ids]
    installs = Installs(interpreter, profile, manifests, tool)
    found: Found = []
    for fix, plan in _PLANS.items():
        if fix in ids:
            found += plan(installs, fix) or [Refusal(fix=fix, reason=NOTHING)]
    return found
