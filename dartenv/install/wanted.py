"""What to install: a lock's packages as lines of a requirements file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, List, Optional, Sequence, Tuple

from dartenv.facts.lookup import (
    applies,
    distribution,
    fits,
    minor,
    normalised,
    pinned,
    requirements,
    version_of,
)
from dartenv.facts.model import InterpreterFacts
from dartenv.fixes.lock import state_folder
from dartenv.fixes.paths import file_sha256, sha256
from dartenv.fixes.steps import Safety, WriteFile
from dartenv.install.tools import Change
from dartenv.manifests.loader import Manifests
from dartenv.manifests.locks import Lock, LockedPackage, lock_of
from dartenv.manifests.schema import Profile


@dataclass(frozen=True)
class Wish:
    """Lines for the installer. ``whole``: they name everything, so nothing else is looked for."""

    lines: Tuple[str, ...]
    names: Tuple[str, ...]  # normalised
    whole: bool
    hashed: bool = False

    @property
    def text(self) -> str:
        """The requirements file."""
        return "".join(line + "\n" for line in self.lines)


def wish(packages: Sequence[LockedPackage]) -> Wish:
    """Packages of a lock; their hashes are asked for where each one has some."""
    hashed = bool(packages) and all(one.sha256 for one in packages)
    lines = []
    for one in packages:
        hashes = "".join(f" \\\n    --hash=sha256:{value}" for value in one.sha256)
        lines.append(f"{one.name}=={one.version}" + (hashes if hashed else ""))
    return Wish(tuple(lines), tuple(normalised(p.name) for p in packages), True, hashed)


def lock_for(
    interpreter: InterpreterFacts, profile: Profile, manifests: Manifests
) -> Optional[Lock]:
    """The lock of this profile and Python, where one was made."""
    return lock_of(manifests, profile.id, minor(interpreter.version))


def lacking(
    packages: Iterable[LockedPackage], interpreter: InterpreterFacts, profile: Profile
) -> List[LockedPackage]:
    """Those that are not there, or that the profile does not take at the version that is."""
    specs = {normalised(one.name): one.spec for one in requirements(profile, interpreter)}
    found = []
    for one in packages:
        name = normalised(one.name)
        has = distribution(interpreter, name)
        spec = specs.get(name)
        fine = has is not None and has.problem is None
        if has is not None and spec is not None:  # the profile asks for it by name
            fits_it = fits(has.version, spec) if spec else not older(has.version, one.version)
            fine = fine and fits_it is not False
        if not fine:
            found.append(one)
    return found


def older(has: str, wanted: str) -> bool:
    """Whether a version is an older one; what cannot be read is not."""
    one, other = version_of(has), version_of(wanted)
    return one is not None and other is not None and one < other


def unlocked(interpreter: InterpreterFacts, profile: Profile, missing_only: bool = True) -> Wish:
    """The profile's own pins, where no lock is; the installer finds what they need."""
    found = []
    for one in requirements(profile, interpreter):
        has = distribution(interpreter, normalised(one.name))
        if has is not None and missing_only and (not one.spec or fits(has.version, one.spec)):
            continue
        if applies(one.markers, interpreter) and not one.optional:
            found.append(one)
    return Wish(
        tuple(pinned(one) for one in found), tuple(normalised(one.name) for one in found), False
    )


def change_of(names: Sequence[str], interpreter: InterpreterFacts) -> Change:
    """What installing ``names`` does to what is there."""
    absent, restore = [], []
    for name in names:
        has = distribution(interpreter, name)
        if has is None:
            absent.append(name)
        elif has.problem is None:
            restore.append(f"{name}=={has.version}")
    return Change(tuple(absent), tuple(restore))


def file_step(fix: str, wanted: Wish, reason: str, safety: Safety) -> Tuple[str, List[WriteFile]]:
    """The requirements file's path, and the step that writes it where it is not there yet.

    It is named after its content and kept with the journal: what was asked for can be read later.
    """
    data = wanted.text.encode("utf-8")
    digest = sha256(data)
    name = hashlib.sha256(f"{fix}\0{digest}".encode()).hexdigest()[:12]
    path = Path(state_folder(), "install", f"requirements-{name}.txt")
    if file_sha256(str(path)) == digest:
        return str(path), []
    step = WriteFile(
        id=f"{fix}:{path.name}",
        fixes=(fix,),
        reason=reason,
        safety=safety,
        path=str(path),
        content=data,
        old_sha256=file_sha256(str(path)),
    )
    return str(path), [step]
