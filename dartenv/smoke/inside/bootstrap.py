"""Run a module of the target as ``python -m`` would, with CLIP's weights read from a given file.

``python bootstrap.py CLIP_NAME CLIP_FILE MODULE [ARGUMENT...]``. Used only where CLIP's weights
are a stand-in: `clip.load` compares the checksum of what lies in the user's cache and would
download the real file over a stand-in, but it also takes the path of a file, unchecked. So the
call for CLIP_NAME is given CLIP_FILE instead; every other call passes through, and neither the
installed package nor the user's cache is touched. Python 3.6 syntax.
"""

import functools
import importlib
import runpy
import sys
from pathlib import Path
from typing import Any, List


def redirect(name: str, path: str) -> None:
    """Make ``clip.load(name, ...)`` load ``path``.

    Without an importable clip nothing is done: the module that imports it then fails with its
    own message.
    """
    try:
        package = importlib.import_module("clip")
    except ImportError:
        return
    original = getattr(package, "load", None)
    if original is None:  # another package of that name
        return

    @functools.wraps(original)
    def load(asked: Any, *args: Any, **kwargs: Any) -> Any:
        return original(path if asked == name else asked, *args, **kwargs)

    package.load = load  # type: ignore[attr-defined]
    inner = sys.modules.get("clip.clip")
    if inner is not None and getattr(inner, "load", None) is original:
        inner.load = load  # type: ignore[attr-defined]


def main(argv: List[str]) -> None:
    """Redirect, then run the module as ``__main__``."""
    name, path, module = argv[:3]
    sys.path[0] = str(Path.cwd())  # as `python -m` has it; this script's folder otherwise
    redirect(name, path)
    sys.argv[:] = [module, *argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
