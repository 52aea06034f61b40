"""What the source analysis has to be told, taken from the manifests."""

from __future__ import annotations

from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Patch
from dartenv.source.spec import SourceSpec


def source_spec(manifests: Manifests) -> SourceSpec:
    """The trees to recognise, the names that numpy removed, the file that loaders read."""
    return SourceSpec(
        trees=tuple(manifests.trees()),
        aliases=manifests.read("patches", "numpy-aliases", Patch).aliases,
        args_file=manifests.read("patches", "posixpath", Patch).args_file,
    )
