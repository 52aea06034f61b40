"""Lock files: the exact versions that one profile installs on one Python.

``manifests/locks/<profile>-py<X.Y>.toml`` is made by ``scripts/make_locks.py`` from the indexes'
own data; an install is planned from it (docs/locks.md).
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Literal, Optional, Tuple

from packaging.markers import Marker, default_environment
from packaging.utils import canonicalize_name

from dartenv.manifests.compat import ClipTable, Pytorch3dTable, TorchTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Manifest, Profile, Requirement
from dartenv.manifests.versions import minor
from dartenv.manifests.wheels import wheel_for

FOLDER = "locks"

Index = Literal["pypi", "torch", "pytorch3d", "git"]
Role = Literal["torch", "requirement", "dependency", "ort", "pytorch3d", "clip", "build"]


class LockedPackage(Manifest, frozen=True, kw_only=True):
    """One distribution at one version.

    ``sha256`` has every file of that version that fits the lock's system and Python; it is empty
    where the index gives no hashes. ``sdist`` is true where only a source archive exists.
    """

    name: str  # as the index spells it in its addresses: lower case, dashes
    version: str
    index: Index  # "torch" is the profile's torch_index; "git" is CLIP's repository
    role: Role
    sha256: Tuple[str, ...] = ()
    sdist: bool = False


class Lock(Manifest, frozen=True, kw_only=True):
    """Everything that one profile installs on one Python, by name."""

    profile: str
    python: str  # "3.11"
    made: str  # the day, "2026-11-27"
    command: str  # what made it
    package: Tuple[LockedPackage, ...]

    def find(self, name: str) -> Optional[LockedPackage]:
        """The locked package called ``name``, in any spelling."""
        wanted = canonicalize_name(name)
        return next((one for one in self.package if one.name == wanted), None)

    def of_role(self, *roles: Role) -> Tuple[LockedPackage, ...]:
        """The packages of these roles, in the lock's order."""
        return tuple(one for one in self.package if one.role in roles)


def lock_name(profile_id: str, python: str) -> str:
    """What the lock of a profile and a Python ("3.11", "3.11.7") is called."""
    return f"{profile_id}-py{minor(python)}"


def lock_of(manifests: Manifests, profile_id: str, python_minor: str) -> Optional[Lock]:
    """The lock of a profile for Python ``python_minor`` ("3.8"), or ``None`` where there is none.

    Raises UsageFault naming file and key where there is one that cannot be read.
    """
    stem = lock_name(profile_id, python_minor)
    if stem not in manifests.stems(FOLDER):
        return None
    return manifests.read(FOLDER, stem, Lock)


def locks(manifests: Manifests) -> Tuple[Lock, ...]:
    """Every lock, by file name. Raises UsageFault for one that cannot be read."""
    return tuple(manifests.read(FOLDER, stem, Lock) for stem in manifests.stems(FOLDER))


def systems(profile: Profile) -> Tuple[str, ...]:
    """The operating systems that a profile's lock serves."""
    return ("linux", "windows") if profile.system == "any" else (profile.system,)


def marker_environment(system: str, python: str) -> Dict[str, str]:
    """What PEP 508 markers are judged by on ``system`` with CPython ``python`` ("3.8")."""
    windows = system == "windows"
    environment: Dict[str, str] = {str(k): str(v) for k, v in default_environment().items()}
    environment.update(
        implementation_name="cpython",
        implementation_version=f"{python}.0",
        os_name="nt" if windows else "posix",
        platform_machine="AMD64" if windows else "x86_64",
        platform_python_implementation="CPython",
        platform_release="",
        platform_system="Windows" if windows else "Linux",
        platform_version="",
        python_full_version=f"{python}.0",
        python_version=python,
        sys_platform="win32" if windows else "linux",
    )
    return environment


def requirements_of(profile: Profile, python: str) -> Tuple[Requirement, ...]:
    """The profile's requirements whose markers hold for Python ``python`` on one of its systems."""
    found: List[Requirement] = []
    for one in profile.requirements:
        if not one.markers or any(
            Marker(one.markers).evaluate(marker_environment(system, python))
            for system in systems(profile)
        ):
            found.append(one)
    return tuple(found)


def torch_of(profile: Profile, python: str) -> Optional[str]:
    """The torch that the profile installs on Python ``python``, with its local tag if it has one."""
    by_python = profile.torch_by_python
    return profile.torch or by_python.get(minor(python), by_python.get("other"))


def torch_family(
    profile: Profile, python: str, manifests: Manifests
) -> Iterator[Tuple[str, str, Index]]:
    """(name, version, index) of torch and of its companions that a lock has.

    torchvision belongs to every profile that runs DART itself, because CLIP imports it; torchaudio
    only to one that names it.
    """
    torch = torch_of(profile, python)
    if torch is None:
        return
    index: Index = "torch" if profile.torch_index else "pypi"
    yield "torch", torch, index
    public, _, local = torch.partition("+")
    vision = profile.torchvision
    if vision is None and profile.kind == "dart":
        table = manifests.read("compat", "torch", TorchTable)
        row = next((row for row in table.releases if row.version == public), None)
        if row is not None:
            vision = row.torchvision + (f"+{local}" if local else "")
    if vision is not None:
        yield "torchvision", vision, index
    if profile.torchaudio is not None:
        yield "torchaudio", profile.torchaudio, index


def pytorch3d_of(profile: Profile, python: str, manifests: Manifests) -> Optional[str]:
    """The pytorch3d version that the profile installs on Python ``python``; ``None`` for none."""
    if profile.pytorch3d == "transforms":
        table = manifests.read("compat", "pytorch3d", Pytorch3dTable)
        return table.pure_command.rpartition("@V")[2] or None
    torch = torch_of(profile, python)
    if profile.pytorch3d != "wheel" or torch is None:
        return None
    wheel = wheel_for(python, torch, profile.compute, systems(profile)[0], manifests).wheel
    return wheel.version if wheel is not None else None


def clip_of(profile: Profile, manifests: Manifests) -> Optional[str]:
    """The name of CLIP's distribution where the profile runs DART itself."""
    if profile.kind != "dart":
        return None
    return canonicalize_name(manifests.read("compat", "clip", ClipTable).distribution)
