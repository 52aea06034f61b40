"""Which assets the tree at hand has, without looking at the rest of its source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import msgspec

from dartenv.assets.spec import AssetsSpec
from dartenv.manifests.loader import Manifests
from dartenv.source import bodymodel
from dartenv.source.module import Module
from dartenv.source.text import UnreadableError
from dartenv.target import tree_kind


def assets_of(root: Optional[str], manifests: Manifests) -> AssetsSpec:
    """The assets of the kind of tree at ``root``, with the body model folder that it names.

    Without a tree, those of DART where it has them.
    """
    tree = tree_kind(Path(root), manifests.trees()) if root is not None else None
    spec = manifests.read("assets", tree.kind if tree is not None else "dart", AssetsSpec)
    if tree is None or root is None:
        return spec
    try:
        module = Module(tree.data_paths, Path(root, tree.data_paths).read_bytes())
        absolute = os.path.abspath(root)  # noqa: PTH100 (links must stay as they are written)
        site = bodymodel.find(module, tree.body_model_name, absolute)
    except (OSError, UnreadableError, RecursionError):
        return spec
    if site is None or site.value is None:
        return spec
    return msgspec.structs.replace(spec, body_model_dir=site.value.text)
