"""What the source tests share: the names numpy removed, and modules made of lines."""

from __future__ import annotations

from typing import Callable, Tuple

import pytest

from dartenv.manifests.schema import NumpyAlias
from dartenv.source.module import Module


@pytest.fixture
def aliases() -> Tuple[NumpyAlias, ...]:
    return (
        NumpyAlias(name="float", removed_in="1.24", replacement="float"),
        NumpyAlias(name="int", removed_in="1.24", replacement="int"),
        NumpyAlias(name="bool", removed_in="1.24", replacement="bool", returned_in="2.0"),
        NumpyAlias(name="long", removed_in="1.24", replacement="int"),
        NumpyAlias(name="infty", removed_in="2.0", replacement="np.inf"),
        NumpyAlias(name="cast", removed_in="2.0", replacement=""),
    )


@pytest.fixture
def module() -> Callable[..., Module]:
    def make(text: str, path: str = "pkg/mod.py") -> Module:
        return Module(path, text.encode("utf-8"))

    return make
