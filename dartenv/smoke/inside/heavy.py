"""numpy and torch of the target, imported when first asked for and typed as Any.

dartenv's own environment has neither, so its type checker must not look for them.
Python 3.6 syntax.
"""

import importlib
from typing import Any


def numpy() -> Any:
    """The target's numpy module."""
    return importlib.import_module("numpy")


def torch() -> Any:
    """The target's torch module."""
    return importlib.import_module("torch")
