"""Holds the tables about host, GPU, CUDA and compiler against each other and the profiles."""

from __future__ import annotations

import re
from typing import Iterator, List

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from dartenv.errors import UsageFault
from dartenv.manifests.compat_gpu import (
    architecture_table,
    architectures,
    driver_table,
    host_table,
    msvc_table,
    toolkit_table,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile
from dartenv.manifests.versions import minor, numbers

_READERS = (host_table, driver_table, architecture_table, toolkit_table, msvc_table)


def gpu_problems(manifests: Manifests) -> List[str]:
    """What is wrong with the tables, or asked for by a profile and in no row; one line each.

    Never raises: a table that cannot be read is one of the problems.
    """
    problems: List[str] = []
    for reader in _READERS:
        try:
            reader(manifests)
        except UsageFault as fault:
            problems.append(fault.render())
    if problems:
        return problems
    problems.extend(_rows(manifests))
    for profile in manifests.profiles():
        if profile.cuda is not None:
            where = manifests.shown("profiles", profile.id)
            problems.extend(f"{where}: {problem}" for problem in _profile(profile, manifests))
    return problems


def _rows(manifests: Manifests) -> Iterator[str]:
    for name in ("host", "driver", "architectures", "toolkits", "msvc"):
        where = manifests.shown("compat", name)
        for path, row in _structs(manifests.raw("compat", name)):
            if "source" in row and not str(row["source"]).strip():
                yield f"{where}: {path}: no source"
            for key in ("torch",):
                if key in row and not _is_specifier(str(row[key])):
                    yield f'{where}: {path}.{key}: "{row[key]}" is no version specifier'
            if "pattern" in row and not _is_pattern(str(row["pattern"])):
                yield f'{where}: {path}.pattern: "{row["pattern"]}" is no regular expression'


def _structs(data: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    for key, value in data.items():
        for index, row in enumerate(value if isinstance(value, list) else ()):
            if isinstance(row, dict):
                yield f"{key}[{index}]", row


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _profile(profile: Profile, manifests: Manifests) -> Iterator[str]:
    """What a profile with CUDA asks for and no row supports."""
    cuda = profile.cuda or ""
    drivers = driver_table(manifests)
    row = next((one for one in drivers.minimum if one.cuda == cuda.split(".")[0]), None)
    minimum = getattr(row, profile.system, None) if row is not None else None
    if minimum is None:
        yield f"cuda {cuda}: no minimum driver for {profile.system} in compat/driver"
    release = next((one for one in drivers.release if one.cuda == minor(cuda)), None)
    came_with = getattr(release, profile.system, None) if release is not None else None
    if minimum is not None and came_with is not None and numbers(came_with) < numbers(minimum):
        yield f"cuda {cuda}: came with {came_with}, below the minimum {minimum}"
    expected = "cu" + "".join(str(part) for part in numbers(cuda)[:2])
    if profile.compute != expected:
        yield f"compute {profile.compute} does not fit cuda {cuda}, which is {expected}"
    if profile.torch is not None:
        table = architecture_table(manifests)
        if architectures(table, profile.torch, profile.compute, profile.system) is None:
            yield (
                f"torch {profile.torch} for {profile.compute} on {profile.system}: "
                "no row in compat/architectures"
            )
    if not any(gate.cuda == minor(cuda) for gate in msvc_table(manifests).gate):
        yield f"cuda {cuda}: no gate in compat/msvc"
    if not any(one.cuda == minor(cuda) for one in toolkit_table(manifests).release):
        yield f"cuda {cuda}: no download in compat/toolkits"
