"""Sources that were carried along with the wheels, for a machine without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from dartenv.install.settings import InstallConfig

CLIP = "clip-source.zip"
PYTORCH3D = "pytorch3d-source.zip"
DART = "DART-source.zip"


def carried(settings: InstallConfig, name: str) -> Optional[str]:
    """The archive of that name in one of the wheel folders."""
    for folder in settings.find_links:
        path = Path(folder, name)
        if path.is_file():
            return str(path)
    return None


def source_of(
    settings: InstallConfig, given: Optional[str], name: str, published: Optional[str]
) -> Optional[str]:
    """The source given, else the one carried along, else where it is published, if asked at all."""
    here = given or carried(settings, name)
    return here or (None if settings.no_index else published)


def nowhere(name: str, option: str) -> str:
    """Why there is no source, where no index may be asked."""
    return f"--no-index, and {name} is in none of --find-links; {option} SOURCE names another"
