"""What a VAE's args.yaml names: its motion-primitive configuration, data folder and statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Tuple

from dartenv.assets.args_yaml import ArgsFault, read_mapping
from dartenv.assets.layouts import statistics_name
from dartenv.assets.sniff import sniff
from dartenv.assets.spec import StatisticsSpec
from dartenv.facts.assets_args import Run, backslash_note, named_path, relative
from dartenv.facts.assets_files import statistics
from dartenv.facts.model import FileAsset

_LENGTHS = ("history_length", "future_length")


def named_by_vae(root: str, run: Run, spec: StatisticsSpec) -> List[FileAsset]:
    """The files and the folder that ``run`` (a VAE's, readable) names in data_args.

    What ``run`` itself has wrong is added to its mismatches.
    """
    if run.args is None:
        return []
    cfg_text = run.args.get("data_args.cfg_path")
    data_text = run.args.get("data_args.data_dir")
    for text in (cfg_text, data_text):
        note = backslash_note(text)
        if note:
            run.mismatches.append(note)
    found: List[FileAsset] = []
    history, future = _configuration(root, run, cfg_text, found)
    data_dir = named_path(root, data_text)
    if data_dir is None:
        run.mismatches.append("data_args.data_dir names no folder")
        return found
    found.append(_data_dir(root, data_dir))
    path = str(
        Path(data_dir, statistics_name(str(cfg_text), history, future, spec.legacy_cfg_path))
    )
    dim = run.args.get("data_args.feature_dim")
    whole = isinstance(dim, int) and dim > 0
    found.append(
        statistics(
            f"statistics:{relative(root, path)}", path, dim if whole else None, spec.features
        )
    )
    return found


def _configuration(root: str, run: Run, text: Any, found: List[FileAsset]) -> Tuple[int, int]:
    """(history, future) in frames: DART reads them from this file, not from args.yaml."""
    stated = [run.args.get(f"data_args.{key}") if run.args else None for key in _LENGTHS]
    lengths = [n if isinstance(n, int) else 0 for n in stated]
    path = named_path(root, text)
    if path is None:
        run.mismatches.append("data_args.cfg_path names no file")
        return lengths[0], lengths[1]
    seen = sniff(path)
    problem = seen.problem
    wrong: List[str] = []
    if seen.exists and problem is None:
        name = relative(root, path)
        try:
            values = read_mapping(path, name)
        except ArgsFault as error:
            problem = error.found.replace(f"{name}: ", "", 1)
        else:
            for index, key in enumerate(_LENGTHS):
                value = values.get(key)
                if not isinstance(value, int):
                    wrong.append(f"{key} is missing")
                    continue
                if value != lengths[index]:
                    wrong.append(f"{key} is {value}, {run.path} has {stated[index]}")
                lengths[index] = value
    found.append(
        FileAsset(
            id=f"config:{relative(root, path)}",
            path=path,
            role="config",
            exists=seen.exists,
            size=seen.size,
            kind=seen.kind,
            problem=problem,
            mismatches=tuple(wrong),
        )
    )
    return lengths[0], lengths[1]


def _data_dir(root: str, path: str) -> FileAsset:
    seen = sniff(path)
    good = seen.kind in ("directory", "absent")
    return FileAsset(
        id=f"data-dir:{relative(root, path)}",
        path=path,
        role="data-dir",
        exists=seen.exists,
        kind=seen.kind,
        problem=None if good else "a file, not a folder",
    )
