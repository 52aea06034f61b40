"""The ids that ``dartenv fix`` can plan, without importing the planners.

Reports name a fix only where one stands; a test holds this list against the registry.
"""

from __future__ import annotations

from typing import Tuple

KNOWN_FIXES: Tuple[str, ...] = (
    "assets.checkpoints",
    "assets.clip",
    "assets.motions",
    "assets.smplx",
    "assets.statistics",
    "conda.channels",
    "conda.shell",
    "cuda.env",
    "editor.interpreter",
    "editor.launch",
    "git.tls",
    "host.code-page",
    "host.long-paths",
    "msvc.environment",
    "ort.package",
    "packages.clip",
    "packages.duplicates",
    "packages.requirements",
    "packages.torch",
    "python.isolation",
    "source.body-model-dir",
    "source.dataclass-defaults",
    "source.numpy-aliases",
    "source.posixpath",
    "source.prompt-filenames",
    "source.torch-load",
    "wheels.pytorch3d",
)
