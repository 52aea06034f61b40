"""Deep imports begun before the interpreter has told what it is.

Loading torch is the longest part of a doctor run, and reading the target's packages comes before
it. An environment's folder already says which Python it holds, so the process that loads torch is
started on its word; should the interpreter then say otherwise, that process is ended and the
imports are made again from what the interpreter said.
"""

from __future__ import annotations

import atexit
import os
import sysconfig
import threading
from pathlib import Path
from typing import List, Optional

from dartenv.facts.imports import Finished, Job, finish_job, torch_job, tree_folder
from dartenv.facts.interpreter import neutral_folder, resolve
from dartenv.facts.model import InterpreterFacts
from dartenv.facts.runner import SubprocessRunner, kill_tree
from dartenv.manifests.compat import ImportTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile, Tree

START_LIMIT = 0.5  # seconds that making one may take; a process that starts later still counts


class HeadStart:
    """The process that loads torch, running since this was made."""

    def __init__(
        self,
        foreseen: InterpreterFacts,
        profile: Optional[Profile],
        root: Optional[str],
        manifests: Manifests,
        kind: str,
    ) -> None:
        self.foreseen = foreseen
        self.job: Job = torch_job(foreseen, profile, root, manifests, kind)
        self._root = root
        self._table = manifests.read("compat", "imports", ImportTable)
        self._finished: Optional[Finished] = None
        self._pids: List[int] = []
        self._wanted = True
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        # Whoever goes on at once takes the interpreter lock from the thread that starts a process.
        self._started.wait(START_LIMIT)
        atexit.register(self.abandon)

    def take(self, job: Job, interpreter: InterpreterFacts) -> Optional[Finished]:
        """What came of it, once: a second examination sees for itself.

        ``None``, and the process is ended, where something else is asked.
        """
        if job != self.job or not _same(self.foreseen, interpreter) or not self._wanted:
            self.abandon()
            return None
        self._thread.join()
        self.abandon()
        return self._finished

    def abandon(self) -> None:
        """End the process: nobody needs what it would find."""
        atexit.unregister(self.abandon)
        self._wanted = False
        if self._finished is None:
            for pid in self._pids:
                kill_tree(pid)

    def _run(self) -> None:
        runner = SubprocessRunner(on_start=self._note)
        try:
            with neutral_folder() as neutral:
                cwd = self._root or neutral
                self._finished = finish_job(
                    self.job, self.foreseen, runner, cwd, self._table, lambda: self._wanted
                )
        finally:
            self._started.set()

    def _note(self, pid: int) -> None:
        self._pids.append(pid)
        self._started.set()
        if not self._wanted:
            kill_tree(pid)


def begin(
    python: Optional[str],
    dart_root: Optional[str],
    tree: Optional[Tree],
    profile: Optional[Profile],
    manifests: Manifests,
) -> Optional[HeadStart]:
    """Load torch already, where the folder of ``python`` says what interpreter it holds."""
    foreseen = foresee(python) if python is not None else None
    if foreseen is None:
        return None
    root = tree_folder(dart_root) if tree is not None else None
    return HeadStart(foreseen, profile, root, manifests, tree.kind if tree is not None else "dart")


def foresee(python: str) -> Optional[InterpreterFacts]:
    """What the folder of an environment says of its interpreter; ``None`` where it says nothing.

    ``pyvenv.cfg`` names the version (the venv module writes ``version``, virtualenv
    ``version_info``), conda a file of the Python package under ``conda-meta``.
    """
    executable = resolve(python)
    if not isinstance(executable, str):
        return None
    folder = Path(executable).parent
    prefix = folder.parent if folder.name in ("bin", "Scripts") else folder
    version, conda = _venv_version(prefix), False
    if version is None:
        version, conda = _conda_version(prefix), True
    if version is None:
        return None
    return InterpreterFacts(
        executable=executable,
        version=version,
        prefix=str(prefix),
        platform=sysconfig.get_platform(),
        conda_prefix=str(prefix) if conda else None,
    )


def _venv_version(prefix: Path) -> Optional[str]:
    try:
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip().lower() in ("version", "version_info"):
            return _three(value.strip().split("."))
    return None


def _conda_version(prefix: Path) -> Optional[str]:
    try:
        names = [one.name for one in (prefix / "conda-meta").glob("python-[23].*.json")]
    except OSError:
        return None
    # python-3.8.8-hdbf39b2_5.json
    return _three(names[0].split("-")[1].split(".")) if len(names) == 1 else None


def _three(parts: List[str]) -> Optional[str]:
    whole = len(parts) >= 3 and all(part.isdigit() for part in parts[:3])
    return ".".join(parts[:3]) if whole else None


def _same(foreseen: InterpreterFacts, told: InterpreterFacts) -> bool:
    def place(path: Optional[str]) -> Optional[str]:
        return os.path.normcase(path) if path is not None else None

    return (
        foreseen.version == told.version
        and place(foreseen.executable) == place(told.executable)
        and place(foreseen.prefix) == place(told.prefix)
        and place(foreseen.conda_prefix) == place(told.conda_prefix)
    )
