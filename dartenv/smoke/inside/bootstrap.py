"""Run a module of the target as ``python -m`` would, with what a scenario adds to it.

``python bootstrap.py SPEC.json MODULE [ARGUMENT...]``; the spec holds ``clip`` (a name and a file)
and ``drive`` (see drive.py), each may be null. Used only where one of them is needed.

CLIP's weights may be a stand-in: `clip.load` compares the checksum of what lies in the user's cache and would
download the real file over a stand-in, but it also takes the path of a file, unchecked. So the
call for that name is given the file instead; every other call passes through, and neither the
installed package nor the user's cache is touched. Python 3.6 syntax.
"""

import functools
import importlib
import json
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
    """Do what the spec says, then run the module as ``__main__``."""
    source, module = argv[:2]
    spec = json.loads(Path(source).read_text(encoding="utf-8"))
    here = Path(__file__).absolute().parent
    sys.path[0] = str(Path.cwd())  # as `python -m` has it; this script's folder otherwise
    if spec.get("clip"):
        redirect(*spec["clip"])
    if spec.get("drive"):
        launcher: Any = runpy.run_path(str(here / "launcher.py"))
        launcher["load"]("drive").install(spec["drive"])
    sys.argv[:] = [module, *argv[2:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
