"""Finding, reading and typing manifests.

They are packaged as ``dartenv/_manifests``; in a source checkout that folder does not exist and
``manifests/`` beside the package is read instead. ``--manifests DIR`` adds folders whose files
come first: a file of the same relative name overrides the packaged one, others are added.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type, TypeVar

import msgspec

from dartenv.errors import UsageFault
from dartenv.manifests.schema import Profile, Tree
from dartenv.typed import convert

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if sys.version_info >= (3, 9):
    from importlib.resources import files as _resource_files
else:
    from importlib_resources import files as _resource_files

T = TypeVar("T", bound=msgspec.Struct)

# Folders that a manifest tree may hold; a file anywhere else is a spelling mistake.
FOLDERS = (
    "profiles",
    "trees",
    "compat",
    "assets",
    "patches",
    "scenarios",
    "export",
    "install",
    "locks",
)


class ManifestFile:
    """One TOML file: where it is, for messages, and its text."""

    def __init__(self, folder: str, stem: str, shown: str, data: bytes) -> None:
        self.folder = folder
        self.stem = stem
        self.shown = shown
        self.data = data


class Manifests:
    """All manifests in force, read on demand and kept.

    ``overrides`` are folders laid over the packaged ones, the last one first.
    """

    def __init__(self, overrides: Sequence[Path] = ()) -> None:
        self._files = _packaged_files()
        self._packaged = frozenset(self._files)
        for folder in overrides:
            self._files.update(_folder_files(Path(folder)))
        self._cache: Dict[Tuple[str, str], msgspec.Struct] = {}

    def stems(self, folder: str) -> List[str]:
        """The names of the manifests in ``folder``, sorted."""
        return sorted(stem for kind, stem in self._files if kind == folder)

    def read(self, folder: str, stem: str, kind: Type[T]) -> T:
        """The manifest ``folder/stem.toml`` as ``kind``.

        Raises UsageFault naming the file, the key path and what was expected.
        """
        key = (folder, stem)
        if key not in self._cache:
            file = self._files.get(key)
            if file is None:
                known = ", ".join(self.stems(folder)) or "none"
                raise UsageFault(f"no manifest {folder}/{stem}.toml", f"one of: {known}")
            self._cache[key] = _typed(file, kind)
        value = self._cache[key]
        if not isinstance(value, kind):
            raise TypeError(f"{folder}/{stem} was read as {type(value).__name__} before")
        return value

    def is_packaged(self, folder: str, stem: str) -> bool:
        """Whether dartenv itself brings a manifest of that name."""
        return (folder, stem) in self._packaged

    def raw(self, folder: str, stem: str) -> Dict[str, Any]:
        """The manifest as plain TOML data."""
        file = self._files.get((folder, stem))
        if file is None:
            raise UsageFault(f"no manifest {folder}/{stem}.toml")
        return _parse(file)

    def shown(self, folder: str, stem: str) -> str:
        """Where ``folder/stem`` was read from, for messages."""
        return self._files[(folder, stem)].shown

    def profile(self, profile_id: str) -> Profile:
        """The profile ``profile_id``; UsageFault with the known ones otherwise."""
        if ("profiles", profile_id) not in self._files:
            raise UsageFault(
                f"no profile {profile_id!r}",
                "one of: " + ", ".join(self.stems("profiles")),
                "dartenv doctor --profile PROFILE",
            )
        return self.read("profiles", profile_id, Profile)

    def profiles(self) -> List[Profile]:
        """Every profile, by id."""
        return [self.profile(stem) for stem in self.stems("profiles")]

    def trees(self) -> List[Tree]:
        """Every kind of source tree that dartenv knows."""
        return [self.read("trees", stem, Tree) for stem in self.stems("trees")]


def _typed(file: ManifestFile, kind: Type[T]) -> T:
    data = _parse(file)
    try:
        value = convert(data, kind)
    except msgspec.ValidationError as error:
        raise UsageFault(*_explained(file, str(error)), "dartenv manifest check") from None
    stem = getattr(value, "id", file.stem)
    if stem != file.stem:
        raise UsageFault(f'{file.shown}: id is "{stem}"', f'"{file.stem}", as the file is called')
    return value


def _parse(file: ManifestFile) -> Dict[str, Any]:
    try:
        return tomllib.loads(file.data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageFault(
            f"{file.shown}: not UTF-8 at byte {error.start}", "TOML in UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(f"{file.shown}: not TOML: {error}", "TOML 1.0") from None


def _explained(file: ManifestFile, message: str) -> Tuple[str, str]:
    """msgspec's ``Expected `int`, got `str` - at `$.a.b``` as (found, expected)."""
    text, _, where = message.partition(" - at ")
    path = where.strip("`").replace("$.", "").replace("$", "the top level") or "the top level"
    expected, separator, got = text.partition(", got ")
    if separator:
        return f"{file.shown}: {path}: found {got}", expected.replace("Expected ", "")
    return f"{file.shown}: {path}: {text}", "the fields of the manifest's schema"


def _packaged_files() -> Dict[Tuple[str, str], ManifestFile]:
    root = _resource_files("dartenv") / "_manifests"
    if not root.is_dir():
        root = Path(__file__).resolve().parents[2] / "manifests"
    found: Dict[Tuple[str, str], ManifestFile] = {}
    for folder in FOLDERS:
        place = root / folder
        if not place.is_dir():
            continue
        for entry in place.iterdir():
            if entry.name.endswith(".toml"):
                stem = entry.name[: -len(".toml")]
                shown = f"manifests/{folder}/{entry.name}"
                found[(folder, stem)] = ManifestFile(folder, stem, shown, entry.read_bytes())
    return found


def _folder_files(root: Path) -> Dict[Tuple[str, str], ManifestFile]:
    if not root.is_dir():
        state = "a file" if root.exists() else "no such folder"
        raise UsageFault(f"--manifests {root}: {state}", "a folder with profiles/, compat/, ...")
    found: Dict[Tuple[str, str], ManifestFile] = {}
    for path in sorted(root.rglob("*.toml")):
        relative = path.relative_to(root)
        if len(relative.parts) != 2 or relative.parts[0] not in FOLDERS:
            raise UsageFault(f"{path}: not in a manifest folder", "one of: " + ", ".join(FOLDERS))
        folder, stem = relative.parts[0], path.stem
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None
        found[(folder, stem)] = ManifestFile(folder, stem, str(path), data)
    return found


_default: Optional[Manifests] = None


def default_manifests() -> Manifests:
    """The packaged manifests, read once per process."""
    global _default
    if _default is None:
        _default = Manifests()
    return _default
