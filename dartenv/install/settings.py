"""Where packages come from: indexes, local folders and sources, as the user set them."""

from __future__ import annotations

import contextlib
import contextvars
from typing import Iterator, Optional, Tuple

import msgspec

# `torch_index = "same"`: torch comes from the index that everything else comes from.
SAME = "same"


class InstallConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[install]`` of ``dartenv.toml``.

    ``index`` is a Python package index and never a conda channel; torch and its companions come
    from ``torch_index`` alone (default: the profile's), so that no mirror can shadow it.
    ``clip`` and ``pytorch3d`` are folders, archives or addresses to take those two from.
    """

    index: Optional[str] = None
    torch_index: Optional[str] = None
    find_links: Tuple[str, ...] = ()
    no_index: bool = False
    clip: Optional[str] = None
    pytorch3d: Optional[str] = None
    tool: str = "auto"  # "pip", "uv"
    uv: Optional[str] = None  # the uv to use, where it is not on PATH


_active: contextvars.ContextVar[Optional[InstallConfig]] = contextvars.ContextVar(
    "dartenv_install", default=None
)


def active() -> InstallConfig:
    """The settings that plans are made with now."""
    return _active.get() or InstallConfig()


@contextlib.contextmanager
def use(settings: InstallConfig) -> Iterator[None]:
    """Plan with these settings."""
    token = _active.set(settings)
    try:
        yield
    finally:
        _active.reset(token)
