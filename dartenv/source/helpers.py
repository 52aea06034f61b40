"""The functions that patches write into a patched file, and how they are known again.

They are small, stand on their own, and change nothing where ``os.name`` is not ``nt``: the
patched file behaves on Linux as it did. Each is bracketed by its patch's mark.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Optional

from dartenv.source.module import Module
from dartenv.source.text import NEWLINE

MARK = "# dartenv: "


@dataclass(frozen=True)
class Helper:
    """One function written into a file: its name, the patch it belongs to and its lines."""

    name: str
    patch: str
    body: str

    @property
    def text(self) -> str:
        """The lines as they are inserted, each ended by a line feed."""
        return f"{MARK}{self.patch}, begin\n{self.body.strip()}\n{MARK}{self.patch}, end\n"


# Where args.yaml names pathlib.PosixPath, PyYAML looks that name up while it loads. Python 3.13
# keeps the classes in pathlib._local, and an args.yaml written there names that module.
POSIXPATH = Helper(
    "_dartenv_any_path",
    "source.posixpath",
    '''
def _dartenv_any_path(load):
    """``load``, which on Windows makes the paths that args.yaml from Linux calls PosixPath."""
    import os
    import pathlib
    import sys
    import threading

    def loaded(*args, **kwargs):
        if os.name != "nt":
            return load(*args, **kwargs)
        # One lock for the whole process, as every thread sees the name that is changed here.
        with pathlib.__dict__.setdefault("_dartenv_lock", threading.RLock()):
            kept = pathlib.PosixPath
            places = {pathlib, sys.modules.get(kept.__module__, pathlib)}
            try:
                for place in places:
                    place.PosixPath = pathlib.WindowsPath
                return load(*args, **kwargs)
            finally:
                for place in places:
                    place.PosixPath = kept

    return loaded
''',
)

FILE_NAME = Helper(
    "_dartenv_file_name",
    "source.prompt-filenames",
    '''
def _dartenv_file_name(text):
    """``text`` as Windows lets a file be called; elsewhere ``text`` itself."""
    import os
    import re

    if os.name != "nt" or not isinstance(text, str):
        return text
    text = re.sub(r'[<>:"/\\\\|?*\\x00-\\x1f]', "_", text)
    text = re.sub(r"[. ]+$", lambda end: "_" * len(end.group()), text)
    device = r"(?i)(CON|PRN|AUX|NUL|CONIN\\$|CONOUT\\$|(COM|LPT)[0-9\\xb9\\xb2\\xb3])[ ]*(\\.|$)"
    return "_" + text if re.match(device, text) else text
''',
)

FILE_TEST = Helper(
    "_dartenv_file_test",
    "source.prompt-filenames",
    '''
def _dartenv_file_test(test):
    """``test``, which on Windows answers no where it raises for what cannot be a file name."""
    import os

    def tested(*args, **kwargs):
        try:
            return test(*args, **kwargs)
        except OSError:
            if os.name != "nt":
                raise
            return False

    return tested
''',
)


def helper_state(module: Module, helper: Helper) -> Optional[bool]:
    """Whether ``module`` holds ``helper`` as we write it; ``None`` if nothing of its name."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == helper.name:
            written = NEWLINE.sub("\n", module.segment(node))
            return written == helper.body.strip()
    return None if helper.name not in module.scope.names else False


def calls_helper(node: ast.AST, helper: Helper) -> bool:
    """Whether ``node`` is ``helper(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == helper.name
    )
