"""The DART tree as the source probe sees it: as published, and with every patch applied."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

from dartenv.facts.model import Location, SourceFacts

PLACES = Path(__file__).with_name("places.csv")
REVISION = "4db72d3f1a2d7cd4905b3e7d251eb32d0eb0cbf3"
REMOTE = "https://github.com/zkf1997/DART.git"
MARKERS = (
    "mld/rollout_mld.py",
    "mld/train_mld.py",
    "mld/train_mvae.py",
    "model/mld_denoiser.py",
    "model/mld_vae.py",
    "diffusion/gaussian_diffusion.py",
    "data_loaders/humanml/data/dataset.py",
    "config_files/data_paths.py",
)
CLOSURE = {
    "mld.rollout_mld": 35,
    "mld.rollout_demo": 36,
    "mld.optim_mld": 36,
    "mld.optim_scene_mld": 36,
    "mld.optim_pelvis_global_mld": 36,
    "control.test_reach_location_mld": 48,
}
BODY_MODELS = "data/smplx_lockedhead_20230207/models_lockedhead"
LONGEST_BELOW = 112  # characters of the longest path below the root
# The note that the probe gives to every torch.load is written once.
WEIGHTS_ONLY = "weights_only is not given: newer torch loads tensors and plain containers only"

Rows = Dict[str, List[Dict[str, str]]]


def _rows() -> Rows:
    found: Rows = {}
    with PLACES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["patch"], []).append(row)
    return found


def pristine(root: str, separator: str = "\\") -> SourceFacts:
    """The tree as a clone leaves it: every patch is needed."""
    places = {name: tuple(_as_published(rows)) for name, rows in _rows().items()}
    return _tree(root, separator, places, dirty=())


def patched(root: str, separator: str = "\\") -> SourceFacts:
    """The tree after ``dartenv fix source``: nothing is needed any more."""
    rows = _rows()
    places = {name: tuple(_as_repaired(some)) for name, some in rows.items()}
    touched = {row["path"] for some in rows.values() for row in some if "R" not in row["flags"]}
    return _tree(root, separator, places, dirty=tuple(sorted(touched)))


def _as_published(rows: List[Dict[str, str]]) -> Iterator[Location]:
    for row in rows:
        state = "repaired" if "R" in row["flags"] else "needed"
        yield _place(row, int(row["line"]), state, row["note"])


def _as_repaired(rows: List[Dict[str, str]]) -> Iterator[Location]:
    for row in rows:
        line = int(row["repaired_line"])
        if line:  # a repaired alias is gone: there is no place left to name
            ours = row["patch"] in ("posixpath", "prompt_filenames")
            yield _place(row, line, "repaired", "by dartenv" if ours else row["note"])


def _place(row: Dict[str, str], line: int, state: str, note: str) -> Location:
    return Location(
        path=row["path"],
        line=line,
        symbol=row["symbol"],
        live="L" in row["flags"],
        state=state,
        note=note.replace("@", WEIGHTS_ONLY),
        at_import="I" in row["flags"],
        via=tuple(row["via"].split()),
    )


def _tree(
    root: str, separator: str, places: Dict[str, Tuple[Location, ...]], dirty: Tuple[str, ...]
) -> SourceFacts:
    return SourceFacts(
        root=root,
        exists=True,
        is_dir=True,
        markers_found=MARKERS,
        kind="dart",
        python_files=357,
        writable=True,
        git_revision=REVISION,
        git_remote=REMOTE,
        git_dirty=dirty,
        newline="crlf" if separator == "\\" else "lf",
        longest_path=len(root) + 1 + LONGEST_BELOW,
        closure=CLOSURE,
        body_model_dir=BODY_MODELS,
        body_model_location=Location(
            path="config_files/data_paths.py",
            line=5,
            symbol="body_model_dir",
            state="repaired",
            at_import=True,
            via=(
                "mld.rollout_mld",
                "data_loaders.humanml.data.dataset",
                "config_files.data_paths",
            ),
        ),
        numpy_aliases=places.get("numpy_aliases", ()),
        posixpath=places["posixpath"],
        prompt_filenames=places["prompt_filenames"],
        dataclass_defaults=places["dataclass_defaults"],
        torch_load=places["torch_load"],
    )
