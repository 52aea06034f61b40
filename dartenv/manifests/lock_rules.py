"""The type of ``install/locks.toml``: what a lock has beside what its profile names."""

from __future__ import annotations

from typing import Dict, Literal, Tuple

from packaging.markers import Marker

from dartenv.manifests.loader import Manifests
from dartenv.manifests.locks import Role, marker_environment, systems
from dartenv.manifests.schema import Manifest, Profile


class SourceOnly(Manifest, frozen=True, kw_only=True):
    """A distribution that its index has as a source archive alone."""

    name: str
    source: str


class Extra(Manifest, frozen=True, kw_only=True):
    """A distribution that profiles do not name and their locks have."""

    name: str
    spec: str
    role: Role
    when: Literal["always", "dart", "ort", "pytorch3d"]
    markers: str = ""  # PEP 508 marker
    why: str
    source: str


class TorchBuild(Manifest, frozen=True, kw_only=True):
    """What one build of torch asks for beside the pure packages."""

    torch: str  # public version
    compute: str
    system: str
    requires: Tuple[str, ...]  # "triton==2.1.0"
    source: str


class TorchRules(Manifest, frozen=True, kw_only=True):
    """How the requirements of the plain index's torch differ from those of the named build."""

    cuda_only: Tuple[str, ...]  # names, "*" at the end for any ending
    source: str
    builds: Tuple[TorchBuild, ...] = ()


class LockRules(Manifest, frozen=True, kw_only=True):
    """install/locks.toml."""

    id: str
    source: str
    platforms: Dict[str, str]  # operating system to uv's word for it
    source_only: Tuple[SourceOnly, ...]
    extras: Tuple[Extra, ...]
    torch: TorchRules


def lock_rules(manifests: Manifests) -> LockRules:
    """The rules in force. Raises UsageFault naming file and key."""
    return manifests.read("install", "locks", LockRules)


def extras_of(rules: LockRules, profile: Profile, python: str) -> Tuple[Extra, ...]:
    """The extras that the lock of ``profile`` for Python ``python`` ("3.8") has."""
    holds = {
        "always": True,
        "dart": profile.kind == "dart",
        "ort": bool(profile.onnxruntime),
        "pytorch3d": profile.pytorch3d != "none",
    }
    return tuple(
        one
        for one in rules.extras
        if holds[one.when]
        and (
            not one.markers
            or any(
                Marker(one.markers).evaluate(marker_environment(system, python))
                for system in systems(profile)
            )
        )
    )
