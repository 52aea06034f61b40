"""Starting programs in the target interpreter: their environment, and our own ones there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.smoke.progress import Progress
from dartenv.smoke.runner import Limits, Outcome, run_bounded

INSIDE = Path(__file__).resolve().parent / "inside"

# The run must read and print UTF-8 whatever the code page, show its progress as it comes, open no
# window, and leave no byte code in any tree.
_ALWAYS: Mapping[str, str] = {
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
}
# dartenv's own interpreter may have been started with these; the target must not inherit them.
_NEVER = ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONSAFEPATH", "__PYVENV_LAUNCHER__")


def target_environment(
    extra: Mapping[str, str],
    python_path: Sequence[str] = (),
    base: Optional[Mapping[str, str]] = None,
) -> Dict[str, str]:
    """The environment of a run: ours, less what would disturb it, with ``extra``.

    ``python_path`` goes in front of whatever PYTHONPATH the user has.
    """
    env = dict(os.environ if base is None else base)
    for name in _NEVER:
        env.pop(name, None)
    env.update(_ALWAYS)
    env.update(extra)
    parts = [*python_path, *env.get("PYTHONPATH", "").split(os.pathsep)]
    joined = os.pathsep.join(part for part in parts if part)
    env.pop("PYTHONPATH", None)
    if joined:
        env["PYTHONPATH"] = joined
    return env


class Interpreter:
    """The target interpreter with the environment and the folder its programs run in."""

    def __init__(self, python: str, env: Mapping[str, str], cwd: Path, folder: Path) -> None:
        self.python = python
        self.env = dict(env)
        self.cwd = cwd
        self.folder = folder  # where requests, answers and logs lie

    def module(
        self,
        module: str,
        args: Sequence[str],
        clip: Optional[Tuple[str, str]] = None,
        drive: Optional[Mapping[str, Any]] = None,
    ) -> Tuple[str, ...]:
        """The command line of a module.

        ``clip`` is (name, file) of stand-in CLIP weights; ``drive`` says how its prompt is
        driven. Without either it is DART's own: ``python -m MODULE``.
        """
        if clip is None and drive is None:
            return (self.python, "-m", module, *args)
        spec = self.folder / "bootstrap.json"
        spec.write_bytes(msgspec.json.encode({"clip": clip, "drive": drive}))
        return (self.python, str(INSIDE / "bootstrap.py"), str(spec), module, *args)

    def run(
        self, argv: Sequence[str], log: Path, limits: Limits, progress: Optional[Progress] = None
    ) -> Outcome:
        """Run ``argv`` within ``limits``."""
        return run_bounded(
            argv, cwd=str(self.cwd), env=self.env, log=log, limits=limits, progress=progress
        )

    def ask(
        self, program: str, request: Mapping[str, Any], limits: Limits, name: str = ""
    ) -> Tuple[Outcome, Optional[bytes], Path]:
        """Run one of our programs; answers how it ended, its JSON answer, and its log."""
        stem = name or program
        source = self.folder / f"{stem}.request.json"
        answer = self.folder / f"{stem}.json"
        log = self.folder / f"{stem}.log"
        source.write_bytes(msgspec.json.encode(request))
        argv = (self.python, str(INSIDE / "launcher.py"), program, str(source), str(answer))
        outcome = self.run(argv, log, limits)
        data = answer.read_bytes() if outcome.ok and answer.is_file() else None
        source.unlink()
        return outcome, data, log
