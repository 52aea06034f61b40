"""Package indexes that a person may name in a word instead of an address."""

from __future__ import annotations

from typing import Tuple
from urllib.parse import urlsplit

from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Manifest


class Mirror(Manifest, frozen=True, kw_only=True):
    """One mirror of the plain index."""

    name: str
    title: str
    url: str
    source: str


class MirrorTable(Manifest, frozen=True, kw_only=True):
    """install/mirrors.toml."""

    id: str
    source: str
    mirrors: Tuple[Mirror, ...]


def index_address(given: str, manifests: Manifests) -> str:
    """The address of an index given by name or address. Raises UsageFault for neither."""
    table = manifests.read("install", "mirrors", MirrorTable)
    for mirror in table.mirrors:
        if mirror.name == given:
            return mirror.url
    if urlsplit(given).scheme not in ("http", "https", "file"):
        names = ", ".join(mirror.name for mirror in table.mirrors)
        raise UsageFault(f"--index {given!r}", f"an address, or one of: {names}")
    return given
