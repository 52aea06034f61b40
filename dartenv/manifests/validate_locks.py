"""Holds the lock files against the profiles they serve."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Tuple

from packaging.requirements import Requirement as Asked
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests
from dartenv.manifests.lock_rules import extras_of, lock_rules
from dartenv.manifests.locks import (
    FOLDER,
    Lock,
    clip_of,
    lock_name,
    pytorch3d_of,
    requirements_of,
    torch_family,
)
from dartenv.manifests.schema import Profile, Requirement

_SHA256 = re.compile(r"[0-9a-f]{64}")


def lock_problems(manifests: Manifests) -> List[Tuple[str, str, str]]:
    """(manifest, key, what is wrong) of every lock and of the rules they are made by.

    Never raises: a lock that cannot be read is one of the problems.
    """
    found: List[Tuple[str, str, str]] = []
    try:
        lock_rules(manifests)
    except UsageFault as fault:
        found.append(("install/locks", "file", fault.render()))
    for stem in manifests.stems(FOLDER):
        name = f"{FOLDER}/{stem}"
        try:
            lock = manifests.read(FOLDER, stem, Lock)
            found.extend((name, key, text) for key, text in _lock(stem, lock, manifests))
        except UsageFault as fault:
            found.append((name, "file", fault.render()))
    return found


def _lock(stem: str, lock: Lock, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    if stem != lock_name(lock.profile, lock.python):
        yield "profile", f"the file is not called {lock_name(lock.profile, lock.python)}.toml"
    yield from _packages(lock)
    if lock.profile not in manifests.stems("profiles"):
        yield "profile", f"no profile {lock.profile}"
        return
    profile = manifests.profile(lock.profile)
    if lock.python not in profile.python:
        yield "python", f"{lock.python} is not among {', '.join(profile.python)} of the profile"
    for one in requirements_of(profile, lock.python):
        yield from _requirement(lock, one)
    for extra in extras_of(lock_rules(manifests), profile, lock.python):
        found = lock.find(extra.name)
        if found is None or not _inside(found.version, extra.spec):
            has = found.version if found is not None else "missing"
            yield f"package {extra.name}", f"{has}: {extra.why}"
    yield from _torch(lock, profile, manifests)
    yield from _runtime(lock, profile)
    for name, version in (
        ("pytorch3d", pytorch3d_of(profile, lock.python, manifests)),
        (clip_of(profile, manifests) or "", None),
    ):
        found = lock.find(name) if name else None
        if version is not None and (found is None or found.version != version):
            has = found.version if found is not None else "missing"
            yield f"package {name}", f"{has}, where the profile installs {version}"
        elif name and name != "pytorch3d" and (found is None or found.index != "git"):
            yield f"package {name}", "missing, or not from its repository"


def _packages(lock: Lock) -> Iterator[Tuple[str, str]]:
    """Every entry by itself, and none twice."""
    seen: Dict[str, str] = {}
    for one in lock.package:
        key = f"package {one.name}"
        name = canonicalize_name(one.name)
        if name != one.name:
            yield key, f"the index spells it {name}"
        if name in seen:
            yield key, f"stands there twice: {seen[name]} and {one.version}"
        seen[name] = one.version
        try:
            Version(one.version)
        except InvalidVersion:
            yield key, f"{one.version!r} is not a version"
        for value in one.sha256:
            if not _SHA256.fullmatch(value):
                yield key, f"{value!r} is not a sha256 in 64 small hexadecimal digits"
        if one.index == "pypi" and not one.sha256:
            yield key, "no hash, and the plain index gives one for every file"
    if lock.package != tuple(sorted(lock.package, key=lambda one: one.name)):
        yield "package", "not in the order of their names"


def _requirement(lock: Lock, one: Requirement) -> Iterator[Tuple[str, str]]:
    found = lock.find(one.name)
    key = f"package {canonicalize_name(one.name)}"
    if found is None:
        yield key, "missing, and the profile requires it"
    elif one.pin and found.version != one.pin:
        yield key, f"{found.version} is not the profile's pin {one.pin}"
    elif not _inside(found.version, one.spec):
        yield key, f"{found.version} is not {one.spec}, as the profile requires"


def _torch(lock: Lock, profile: Profile, manifests: Manifests) -> Iterator[Tuple[str, str]]:
    for name, version, index in torch_family(profile, lock.python, manifests):
        found = lock.find(name)
        key = f"package {name}"
        if found is None:
            yield key, f"missing, and the profile installs {version}"
            continue
        if found.version != version:
            yield key, f"{found.version}, where the profile installs {version}"
        if found.index != index:
            where = profile.torch_index or "the plain index"
            yield key, f'index "{found.index}", and the profile takes it from {where}'


def _runtime(lock: Lock, profile: Profile) -> Iterator[Tuple[str, str]]:
    """ONNX Runtime is the profile's, and the only one: they share an import name."""
    asked = Asked(profile.onnxruntime) if profile.onnxruntime else None
    for one in lock.package:
        if one.name.startswith("onnxruntime") and (asked is None or one.name != asked.name):
            yield f"package {one.name}", f"the profile installs {profile.onnxruntime or 'none'}"
    if asked is None:
        return
    found = lock.find(asked.name)
    if found is None or found.role != "ort":
        yield f"package {asked.name}", 'missing, or its role is not "ort"'
    elif not _inside(found.version, str(asked.specifier)):
        yield f"package {asked.name}", f"{found.version} is not {asked.specifier}"


def _inside(version: str, spec: str) -> bool:
    try:
        return SpecifierSet(spec).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
