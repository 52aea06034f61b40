"""The args.yaml files of a tree: found, read, and held against what they name."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from dartenv.assets.args_yaml import ArgsFault, DartArgs, read_args
from dartenv.assets.sniff import absolute
from dartenv.assets.spec import AssetsSpec, FolderSpec
from dartenv.facts.model import ArgsFacts

ARGS_NAME = "args.yaml"

# What checks and reports show of an args.yaml; everything else stays in the file.
_SHOWN = (
    "data_args.cfg_path",
    "data_args.data_dir",
    "data_args.dataset",
    "data_args.body_type",
    "data_args.feature_dim",
    "data_args.history_length",
    "data_args.future_length",
    "denoiser_args.mvae_path",
    "denoiser_args.model_type",
    "denoiser_args.rescale_latent",
    "denoiser_args.model_args.h_dim",
    "denoiser_args.model_args.history_shape",
    "denoiser_args.model_args.noise_shape",
    "denoiser_args.diffusion_args.diffusion_steps",
    "denoiser_args.diffusion_args.noise_schedule",
    "model_args.arch",
    "model_args.h_dim",
    "model_args.latent_dim",
    "model_args.nfeats",
    "denoiser_checkpoint",
    "init_data_path",
    "save_dir",
    "device",
)


@dataclass
class Run:
    """One folder with an args.yaml."""

    folder: str  # absolute
    path: str  # of the args.yaml, relative to the root with "/"
    args: Optional[DartArgs] = None
    error: Optional[str] = None
    exists: bool = True
    needed: bool = False  # beside a checkpoint that is not optional
    named_by: str = ""
    mismatches: List[str] = field(default_factory=list)

    def facts(self) -> ArgsFacts:
        """This run as a fact."""
        if self.args is None:
            return ArgsFacts(path=self.path, error=self.error, named_by=self.named_by)
        return ArgsFacts(
            path=self.path,
            kind=self.args.kind,
            values=_values(self.args),
            posixpath=bool(self.args.posixpath),
            foreign_tags=self.args.foreign_tags,
            error=self.error,
            mismatches=tuple(self.mismatches),
            named_by=self.named_by,
        )


class Runs:
    """Every args.yaml that was looked at, each read once."""

    def __init__(self, root: str, spec: AssetsSpec) -> None:
        self.root = root
        self.spec = spec
        self._runs: Dict[str, Run] = {}

    def discover(self) -> None:
        """Read the args.yaml files below the folders of the manifest."""
        for folder in self.spec.folders:
            for place in _args_files(self.root, folder):
                if len(self._runs) >= self.spec.max_runs:
                    return
                self.at(str(Path(place).parent))

    def at(self, folder: str, named_by: str = "") -> Run:
        """The run in ``folder``, read if it was not yet."""
        key = os.path.normcase(os.path.normpath(folder))
        if key not in self._runs:
            self._runs[key] = self._read(os.path.normpath(folder), named_by)
        return self._runs[key]

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def _read(self, folder: str, named_by: str) -> Run:
        path = str(Path(folder, ARGS_NAME))
        run = Run(folder, relative(self.root, path), named_by=named_by)
        try:
            run.exists = Path(path).exists()
            run.args = read_args(path, name=run.path)
        except ArgsFault as error:
            run.error = error.found.replace(f"{run.path}: ", "", 1)
        except (OSError, RecursionError) as error:
            run.error = f"cannot be read: {error}"
        return run


def relative(root: str, path: str) -> str:
    """``path`` below ``root`` with ``/``; unchanged when it is not below."""
    try:
        below = os.path.relpath(path, root)
    except ValueError:  # another drive
        return path.replace("\\", "/")
    return path if below.startswith("..") else below.replace("\\", "/")


def named_path(root: str, text: Any) -> Optional[str]:
    """A path that an args.yaml names, absolute; DART runs with the root as working directory.

    ``./`` and backslashes are taken as Windows takes them; ``None`` when it is no path.
    """
    if not isinstance(text, (str, os.PathLike)):
        return None
    plain = str(text)
    if not plain.strip() or "\x00" in plain:
        return None
    if PureWindowsPath(plain).drive and os.name != "nt":
        return plain  # a path of another machine
    return absolute(root, plain.replace("\\", "/"))


def backslash_note(text: Any) -> Optional[str]:
    """What is wrong with a path written with backslashes where they separate nothing."""
    if isinstance(text, str) and "\\" in text and os.name != "nt":
        return f"args.yaml writes {text!r}: only Windows takes backslashes as separators"
    return None


def checkpoints_in(folder: str, patterns: Sequence[str], limit: int) -> Tuple[List[str], int]:
    """Checkpoints of a run, the highest step first: (at most ``limit``, how many there are)."""
    try:
        names = [entry.name for entry in Path(folder).iterdir()]
    except OSError:
        return [], 0
    found = [n for n in names if any(fnmatch.fnmatch(n.lower(), p.lower()) for p in patterns)]
    found.sort(key=_step, reverse=True)
    return [str(Path(folder, n)) for n in found[:limit]], len(found)


def _step(name: str) -> Tuple[int, str]:
    digits = re.findall(r"\d{1,18}", name)
    return (int(digits[-1]) if digits else -1, name)


def _args_files(root: str, folder: FolderSpec) -> Iterator[str]:
    level = [absolute(root, folder.path)]
    for _ in range(folder.depth + 1):
        below: List[str] = []
        for place in level:
            try:
                with os.scandir(place) as entries:
                    found = sorted(entries, key=lambda e: e.name)
            except OSError:
                continue
            for entry in found[:2000]:
                if entry.name.lower() == ARGS_NAME:
                    yield entry.path
                elif _is_dir(entry):
                    below.append(entry.path)
        level = below


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=True)
    except OSError:
        return False


def _values(args: DartArgs) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for key in _SHOWN:
        value = args.get(key)
        if value is not None and not isinstance(value, dict):
            found[key] = _text(value)
    return found


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_text(v) for v in list(value)[:16]) + ")"
    return str(value)[:300]
