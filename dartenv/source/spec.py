"""What the analysis has to be told: it knows no path, file name or version of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from dartenv.manifests.schema import NumpyAlias, Tree

# Folders that hold other people's code or none, in any tree.
FOREIGN_DIRS = (
    ".git",
    ".hg",
    ".svn",
    "__pycache__",
    "node_modules",
    "site-packages",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ipynb_checkpoints",
)
# A folder that holds one of these is a Python environment, whatever it is called.
ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True)
class SourceSpec:
    """The manifests' part of the analysis.

    ``trees`` are the kinds of tree to recognise, in order; ``aliases`` the names that numpy
    removed; ``args_file`` the file name of stored arguments (a loader of another YAML file is
    none of our business; empty means "any"); files above ``max_bytes`` are not read.
    """

    trees: Tuple[Tree, ...] = ()
    aliases: Tuple[NumpyAlias, ...] = ()
    args_file: str = ""
    max_bytes: int = 4 * 1024 * 1024
    max_entries: int = 500_000
