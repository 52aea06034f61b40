"""What we are looking at: an interpreter, a DART root and a profile.

Options come first, then a ``dartenv.toml`` at or above the current folder, then what the
machine shows: the active conda or virtual environment, a DART tree at or above the current
folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

import msgspec

from dartenv.errors import UsageFault
from dartenv.facts import places
from dartenv.install.settings import InstallConfig
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_NAME = "dartenv.toml"


class NightlyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[nightly]`` of ``dartenv.toml``. Paths may be relative to the file."""

    name: Optional[str] = None  # the machine's name in reports; default: its host name
    out: Optional[str] = None  # where reports go; default: below the state folder
    scenarios: Tuple[str, ...] = ()  # default: all
    size: Optional[str] = None  # default: full where a GPU is, else quick
    device: str = "auto"
    seed: int = 0
    stand_ins: bool = True
    minutes: float = 120.0  # for everything together
    keep_days: int = 365


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``dartenv.toml``: the options of a project, written down. Paths may be relative to it."""

    dart_root: Optional[str] = None
    python: Optional[str] = None
    profile: Optional[str] = None
    fail_level: Optional[str] = None
    ignore: Dict[str, str] = {}
    nightly: NightlyConfig = NightlyConfig()
    install: InstallConfig = InstallConfig()


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute paths of what is examined; ``None`` where nothing was given or found."""

    dart_root: Optional[str] = None
    python: Optional[str] = None
    profile: Optional[str] = None
    root_from: str = ""
    python_from: str = ""
    config_path: Optional[str] = None
    config: Config = Config()


def find_target(
    manifests: Manifests,
    *,
    dart_root: Optional[str] = None,
    python: Optional[str] = None,
    profile: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[Path] = None,
    config_file: Optional[Path] = None,
) -> Target:
    """Resolve the target; raises UsageFault for an unreadable ``dartenv.toml``.

    ``config_file`` is taken instead of the nearest one at or above ``cwd``.
    """
    env = os.environ if env is None else env
    cwd = Path(places.current_folder()) if cwd is None else cwd
    config_path: Optional[Path]
    if config_file is not None:
        config_path = config_file.absolute()
        config = _parse_config(config_path)
    else:
        config_path, config = read_config(cwd)
    base = config_path.parent if config_path else cwd
    root, root_from = _root(dart_root, config, base, cwd, manifests)
    interpreter, python_from = _python(python, config, base, cwd, env)
    return Target(
        dart_root=root,
        python=interpreter,
        profile=profile or config.profile,
        root_from=root_from,
        python_from=python_from,
        config_path=str(config_path) if config_path else None,
        config=config,
    )


def read_config(cwd: Path) -> Tuple[Optional[Path], Config]:
    """The nearest ``dartenv.toml`` at or above ``cwd``."""
    for folder in (cwd, *cwd.parents):
        path = folder / CONFIG_NAME
        if places.is_file(str(path)):
            return path, _parse_config(path)
    return None, Config()


def _parse_config(path: Path) -> Config:
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8"))
        return msgspec.convert(data, Config)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageFault(f"{path}: not TOML: {error}", "TOML in UTF-8") from None
    except msgspec.ValidationError as error:
        raise UsageFault(
            f"{path}: {error}", "the keys " + ", ".join(Config.__struct_fields__)
        ) from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None


def _root(
    given: Optional[str], config: Config, base: Path, cwd: Path, manifests: Manifests
) -> Tuple[Optional[str], str]:
    if given is not None:
        return _absolute(given, cwd), "option"
    trees = manifests.trees()
    for folder in (cwd, *cwd.parents):
        if tree_kind(folder, trees) is not None:
            return str(folder), "current folder"
    if config.dart_root is not None:
        return _absolute(config.dart_root, base), CONFIG_NAME
    return None, "not found"


def tree_kind(folder: Path, trees: list[Tree]) -> Optional[Tree]:
    """Which kind of tree ``folder`` is: its marker file, else most of its markers."""
    for tree in trees:
        if tree.marker_file and places.is_file(str(folder / tree.marker_file)):
            return tree
    for tree in trees:
        if tree.marker_file:
            continue
        present = sum(places.is_file(str(folder / marker)) for marker in tree.markers)
        if present * 2 > len(tree.markers):
            return tree
    return None


def tree_at(manifests: Manifests, root: Optional[str]) -> Optional[Tree]:
    """The kind of tree at ``root``; ``None`` where there is no such folder, or another one."""
    there = root is not None and places.is_dir(root)
    return tree_kind(Path(str(root)), manifests.trees()) if there else None


def tree_of(manifests: Manifests, root: Path) -> Tree:
    """The kind of tree at ``root``. Raises UsageFault where it is none."""
    tree = tree_at(manifests, str(root))
    if tree is None:
        state = "not a DART tree" if places.is_dir(str(root)) else "no such folder"
        raise UsageFault(
            f"{root}: {state}", "the folder that holds mld/ and model/", "dartenv doctor"
        )
    return tree


def _python(
    given: Optional[str], config: Config, base: Path, cwd: Path, env: Mapping[str, str]
) -> Tuple[Optional[str], str]:
    if given is not None:
        return _interpreter(_absolute(given, cwd)), "option"
    for variable, kind in (("VIRTUAL_ENV", "venv"), ("CONDA_PREFIX", "conda")):
        prefix = env.get(variable)
        if prefix:
            found = environment_python(Path(prefix))
            if found is not None:
                return str(found), kind
    if config.python is not None:
        return _interpreter(_absolute(config.python, base)), CONFIG_NAME
    return None, "not found"


def _interpreter(path: str) -> str:
    """``path``, or where it is an environment's folder, the interpreter in it."""
    found = environment_python(Path(path))
    return path if found is None else str(found)


def environment_python(prefix: Path) -> Optional[Path]:
    """The interpreter of the environment folder ``prefix``, conda's or venv's."""
    for parts in (
        ("Scripts", "python.exe"),
        ("python.exe",),
        ("bin", "python"),
        ("bin", "python3"),
    ):
        candidate = prefix.joinpath(*parts)
        if places.is_file(str(candidate)):
            return candidate
    return None


def _absolute(path: str, base: Path) -> str:
    """``path`` made absolute without following links: a venv's python is a link that matters."""
    return os.path.normpath(base / Path(path).expanduser())
