"""What a profile installs on one Python, sorted by how it has to be installed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import List, Optional, Tuple

from dartenv.errors import UsageFault
from dartenv.install.beside import cudnn_beside
from dartenv.manifests.compat import ClipTable, Pytorch3dTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.locks import FOLDER, Lock, LockedPackage, lock_of, systems, torch_of
from dartenv.manifests.schema import Profile
from dartenv.manifests.wheels import wheel_for


@dataclass(frozen=True)
class Stack:
    """One lock in parts. An install takes them in this order.

    ``plain`` and ``built`` come from the plain index and have hashes; ``built`` are source archives,
    made into wheels with the setuptools of ``plain``. ``torch`` comes from ``torch_index``
    alone (``None``: the plain index), whose files have no hashes. ``beside`` stands in no lock: what
    ONNX Runtime loads and this torch does not bring. ``clip`` and ``pytorch3d`` are addresses.
    """

    profile: Profile
    python: str  # "3.8"
    lock: Lock
    digest: str  # of the lock, 12 characters of its sha256
    plain: Tuple[LockedPackage, ...]
    built: Tuple[LockedPackage, ...]
    torch: Tuple[LockedPackage, ...]
    torch_index: Optional[str]
    beside: Tuple[str, ...]
    clip: Optional[str]
    pytorch3d: Optional[str]
    pure_variable: Optional[str]  # set to 1 where pytorch3d is its Python part alone

    @property
    def name(self) -> str:
        """What an environment of it is called."""
        return f"dart-{self.profile.id}"


def stack_of(profile: Profile, python: Optional[str], manifests: Manifests) -> Stack:
    """The stack of ``profile`` on ``python`` ("3.8"; ``None``: the first that has a lock).

    Raises UsageFault where no lock was made for that Python.
    """
    there = [
        stem[len(profile.id) + 3 :] for stem in manifests.stems(FOLDER) if _is_of(stem, profile)
    ]
    wanted = ".".join(python.split(".")[:2]) if python else None
    if wanted is None:
        wanted = next((one for one in profile.python if one in there), None)
    lock = lock_of(manifests, profile.id, wanted) if wanted else None
    if wanted is None or lock is None:
        raise UsageFault(
            f"profile {profile.id} has no lock for Python {wanted or '(any)'}",
            "one of " + ", ".join(sorted(there, key=_number)) if there else "a lock of it",
            f"python scripts/make_locks.py {profile.id} --python {wanted or '3.11'}",
        )
    cudnn = cudnn_beside(profile, lock, manifests)
    others = [one for one in lock.package if one.index == "pypi" and one.role != "torch"]
    torch = [one for one in lock.package if one.role == "torch"]
    table = manifests.read("compat", "pytorch3d", Pytorch3dTable)
    pytorch3d, pure = _pytorch3d(profile, wanted, manifests, table)
    text = "\n".join(f"{p.name} {p.version} {' '.join(p.sha256)}" for p in lock.package)
    return Stack(
        profile=profile,
        python=wanted,
        lock=lock,
        digest=hashlib.sha256(text.encode("utf-8")).hexdigest()[:12],
        plain=tuple(one for one in others if not one.sdist),
        built=tuple(one for one in others if one.sdist),
        torch=tuple(torch),
        torch_index=profile.torch_index if profile.torch_index != "same" else None,
        beside=(cudnn,) if cudnn else (),
        clip=_clip(profile, manifests),
        pytorch3d=pytorch3d,
        pure_variable=table.pure_variable if pure else None,
    )


def heading(stack: Stack, kind: str) -> List[str]:
    """Comment lines that say where a file comes from and how to make it again."""
    where = f"profile {stack.profile.id}, Python {stack.python}"
    again = f"--format {kind} --profile {stack.profile.id} --python {stack.python}"
    return [
        f"# {stack.profile.title}: what DART needs, as dartenv's lock names it.",
        f"# {where}, lock of {stack.lock.made}, sha256 {stack.digest}",
        f"# made by: dartenv env export {again}",
    ]


def _is_of(stem: str, profile: Profile) -> bool:
    rest = stem[len(profile.id) :]
    return stem.startswith(profile.id) and rest.startswith("-py")


def _number(text: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _clip(profile: Profile, manifests: Manifests) -> Optional[str]:
    if profile.kind != "dart":
        return None
    return manifests.read("compat", "clip", ClipTable).archive


def _pytorch3d(
    profile: Profile, python: str, manifests: Manifests, table: Pytorch3dTable
) -> Tuple[Optional[str], bool]:
    """Its address, and whether that is the Python part alone: no wheel for pip may exist."""
    torch = torch_of(profile, python)
    if profile.pytorch3d == "none" or torch is None:
        return None, False
    if profile.pytorch3d == "wheel":
        answer = wheel_for(python, torch, profile.compute, systems(profile)[0], manifests)
        if answer.wheel is not None and answer.wheel.url:
            return answer.wheel.url, False
    return table.pure_archive, True
