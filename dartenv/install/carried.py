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
