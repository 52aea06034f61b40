"""Where a bootstrap puts things: one folder with the environment, the source and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dartenv.bootstrap.record import FOLDER
from dartenv.target import CONFIG_NAME


@dataclass(frozen=True)
class Layout:
    """Everything is below ``folder``, an absolute path; a DART tree may be elsewhere."""

    folder: Path
    tree: Path

    @property
    def environment(self) -> Path:
        """The environment."""
        return self.folder / "env"

    @property
    def wheels(self) -> Path:
        """What --download-only brings."""
        return self.folder / "wheels"

    @property
    def config(self) -> Path:
        """The settings that every later dartenv command in this folder reads."""
        return self.folder / CONFIG_NAME

    @property
    def private(self) -> Path:
        """The record, and archives that were downloaded."""
        return self.folder / FOLDER


def layout(folder: Path, dart_root: str = "") -> Layout:
    """``dart_root`` names a tree that is there already; by default one is put into the folder."""
    return Layout(folder, Path(dart_root) if dart_root else folder / "DART")
