"""What the run will read: which files, where they should lie, and which are there.

Paths come from the tree's own args.yaml files, as DART follows them: the denoiser's names the
VAE, the VAE's names its configuration and its statistics.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Dict, List, Mapping, Optional, Tuple

import msgspec

from dartenv.assets.args_yaml import ArgsFault, DartArgs, read_args, read_mapping
from dartenv.assets.clip_file import sha256_file
from dartenv.assets.spec import ClipSpec
from dartenv.smoke.scenario import Need, Scenario, StandInDefaults, Value, fill, holds
from dartenv.smoke.workspace import inside


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """One needed file.

    ``state`` is ``present``, ``missing``, ``wrong`` (there, but certainly not the right file) or
    ``marked`` (there, and said beside it to be a stand-in). ``relative`` is ``None`` for a file
    outside the tree, which is then used where it lies.
    """

    need: Need
    state: str
    absolute: str
    relative: Optional[str] = None
    detail: str = ""


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the run will read, and the values found on the way."""

    files: Tuple[Located, ...]
    values: Dict[str, Value]
    args: Dict[str, DartArgs]  # role -> args.yaml, the tree's own or the stand-in's
    problem: str = ""  # why the tree's own files could not be followed
    problem_check: str = ""


def locate(
    scenario: Scenario,
    values: Mapping[str, Value],
    dart_root: Path,
    defaults: StandInDefaults,
    *,
    body_model_dir: Optional[str],
    tree_kind: str = "dart",
    clip: Optional[ClipSpec] = None,
    stand_in_suffix: str = ".stand-in",
) -> Needed:
    """Work out every path and look whether it is there. Only reads; raises UsageFault for a
    scenario that names an unknown value."""
    found: Dict[str, Value] = dict(values)
    args: Dict[str, DartArgs] = {}
    try:
        _follow(found, args, dart_root, defaults)
    except ArgsFault as fault:
        return Needed(
            files=(), values=found, args=args, problem=str(fault), problem_check="assets.args"
        )
    if body_model_dir is not None:
        found["body_model_dir"] = body_model_dir
    files: List[Located] = []
    for need in scenario.needs:
        if need.trees and tree_kind not in need.trees:
            continue
        if not holds(need.when, found):
            continue
        if "{body_model_dir}" in need.path and body_model_dir is None:
            continue  # the tree does not say where; the run itself will
        files.append(_located(need, fill(need.path, found), dart_root, clip, stand_in_suffix))
    return Needed(files=tuple(files), values=found, args=args)


def _follow(
    values: Dict[str, Value],
    args: Dict[str, DartArgs],
    dart_root: Path,
    defaults: StandInDefaults,
) -> None:
    """Fill in what the args.yaml files say. Raises ArgsFault for one that cannot be read."""
    denoiser = _args(values, "denoiser", str(values["denoiser_checkpoint"]), dart_root, defaults)
    args["denoiser"] = denoiser
    vae_checkpoint = denoiser.need("denoiser_args.mvae_path", str)
    values["vae_checkpoint"] = vae_checkpoint
    vae = _args(values, "vae", vae_checkpoint, dart_root, defaults)
    args["vae"] = vae
    values["data_dir"] = vae.need("data_args.data_dir", str)
    values["body_type"] = str(vae.get("data_args.body_type", "smplx"))
    cfg_path = str(vae.get("data_args.cfg_path", ""))
    config = dart_root / cfg_path
    mapping = read_mapping(config, cfg_path) if cfg_path and config.is_file() else {}
    for name in ("history", "future"):
        length = mapping.get(f"{name}_length", vae.get(f"data_args.{name}_length"))
        if not isinstance(length, int) or length < 1:
            raise ArgsFault(f"{vae.source}: {name}_length is {length!r}", "a number of frames")
        values[name] = length


def _args(
    values: Dict[str, Value],
    role: str,
    checkpoint: str,
    dart_root: Path,
    defaults: StandInDefaults,
) -> DartArgs:
    folder = PurePosixPath(checkpoint.replace("\\", "/")).parent
    values[f"{role}_dir"] = str(folder)
    path = dart_root / str(folder) / "args.yaml"
    if path.exists():
        return read_args(path, f"{folder}/args.yaml")
    return read_args(defaults.args[role].encode("utf-8"), f"stand-in for {folder}/args.yaml")


def _located(
    need: Need, path: str, dart_root: Path, clip: Optional[ClipSpec], suffix: str
) -> Located:
    relative: Optional[PurePosixPath] = None
    if path.startswith("~"):
        absolute = Path(path).expanduser()
    else:
        absolute = dart_root / path
        relative = relative_to(path, dart_root)
    state, detail = _state(need, absolute, clip, suffix)
    return Located(
        need=need,
        state=state,
        absolute=str(absolute),
        relative=str(relative) if relative is not None else None,
        detail=detail,
    )


def _state(need: Need, path: Path, clip: Optional[ClipSpec], suffix: str) -> Tuple[str, str]:
    if not path.exists():
        return "missing", "not there"
    if not path.is_file():
        return "wrong", "not a file"
    if path.with_name(path.name + suffix).exists():
        return "marked", f"{path.name}{suffix} beside it says so"
    if need.kind == "clip" and clip is not None:
        size = path.stat().st_size
        if size != clip.size:
            return "wrong", f"{size} of {clip.size} bytes"
        if sha256_file(str(path)) not in (clip.sha256, None):
            return "wrong", "its SHA-256 is not the published one"
    return "present", ""


def relative_to(path: str, dart_root: Path) -> Optional[PurePosixPath]:
    """``path`` relative to the root with ``/`` and without ``.``, or ``None`` if it lies outside.

    An absolute path that lies inside the root counts as inside.
    """
    native = PureWindowsPath(path) if os.name == "nt" else PurePosixPath(path)
    if native.is_absolute():
        try:
            native = type(native)(os.path.relpath(path, str(dart_root)))
        except ValueError:  # another drive
            return None
    parts: List[str] = []
    for part in PurePosixPath(native.as_posix()).parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    relative = PurePosixPath(*parts)
    return relative if inside(relative) else None


def describe_missing(files: List[Located]) -> str:
    """The ids of files that are not there, for a sentence."""
    return ", ".join(located.need.id for located in files)


def options_of(need: Need, defaults: StandInDefaults) -> Dict[str, Any]:
    """The maker's options: the defaults of the kind, then the need's own."""
    return {**defaults.options.get(need.kind, {}), **need.options}
