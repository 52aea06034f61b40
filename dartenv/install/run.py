"""Runs an installer for a plan:  python -m dartenv.install.run --lock FILE --log FILE -- PROGRAM...

Its output is kept in the log; a failure is one line on standard error, with its cause. It holds
the environment's lock while the installer runs, and ends the installer when the dartenv that
started it is gone: a repair that goes on alone would meet the one that takes it back.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Dict, List, Optional

import psutil

from dartenv.facts.exits import exit_name
from dartenv.facts.runner import kill_tree
from dartenv.install.folder import note_made, note_making
from dartenv.install.holding import Busy, holding
from dartenv.install.inside import note_after, note_before

# Index settings of the user's that must not reach a command with an index of its own.
INDEX_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_NO_INDEX",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
)
# What may stay of a configuration file that is not read.
CONNECTION = ("cert", "client-cert", "proxy", "timeout", "retries", "trusted-host")
KEPT_LOGS = 40
_ENDED = 143


def main(argv: Optional[List[str]] = None) -> int:
    """The installer's exit code; 75 where another one is at work."""
    parser = argparse.ArgumentParser(prog="dartenv.install.run")
    parser.add_argument("--lock", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--tool", default="pip")
    parser.add_argument("--before", type=Path, help="where to note what the environment holds")
    parser.add_argument("--python", help="the environment's interpreter, for --before")
    parser.add_argument("--folder", help="the folder that the program makes, for --before")
    parser.add_argument("--own-index", action="store_true", help="no other index is asked")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    parent = _parent()
    env = environment(options.set)
    try:
        with holding(options.lock):
            if options.own_index:
                env = own_index(env, command)
            if options.before is not None and options.python:
                note_before(options.before, options.python)
            if options.before is not None and options.folder:
                note_making(options.before, options.folder)
            rc = _run(command, env, options.log, parent)
            if rc == 0 and options.before is not None and options.python:
                note_after(options.before, options.python)
            if rc == 0 and options.before is not None and options.folder:
                note_made(options.before, options.folder)
    except Busy as busy:
        print(f"{busy}; wait for it to end, then run again", file=sys.stderr)
        return 75
    except OSError as error:
        print(f"{command[0]}: {error.strerror or error}", file=sys.stderr)
        return 127
    if rc != 0:
        print(told(options.log, options.tool, rc), file=sys.stderr)
    return rc


def environment(settings: List[str]) -> Dict[str, str]:
    """The child's: its text in UTF-8 and English, nothing imported from the user's folders."""
    env = dict(os.environ)
    env.pop("PYTHONPATH", None)
    env.pop("PYTHONHOME", None)
    env.update(PYTHONUTF8="1", PYTHONNOUSERSITE="1", PYTHONUNBUFFERED="1", NO_COLOR="1")
    env.setdefault("LC_ALL", "C.UTF-8")
    for setting in settings:
        name, _, value = setting.partition("=")
        env[name] = value
    return env


def own_index(env: Dict[str, str], command: List[str]) -> Dict[str, str]:
    """``env`` without any index but the command's own; certificates and proxies stay."""
    kept = {name: value for name, value in env.items() if name.upper() not in INDEX_VARIABLES}
    kept["UV_NO_CONFIG"] = "1"
    if command[1:3] != ["-m", "pip"]:
        return kept
    asked = subprocess.run(
        [command[0], "-m", "pip", "config", "list"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
        timeout=60,
        check=False,
    )
    for line in asked.stdout.decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        section, _, name = key.strip().partition(".")
        variable = "PIP_" + name.upper().replace("-", "_")
        if equals and section in ("global", "install") and name in CONNECTION:
            kept.setdefault(variable, value.strip().strip("'\""))
    kept["PIP_CONFIG_FILE"] = os.devnull
    return kept


def _run(
    command: List[str], env: Dict[str, str], log: Path, parent: Optional[psutil.Process]
) -> int:
    log.parent.mkdir(parents=True, exist_ok=True)
    _forget_old(log.parent)
    with log.open("wb") as out:
        out.write(("$ " + " ".join(command) + "\n").encode("utf-8", "backslashreplace"))
        out.flush()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
        )
        assert process.stdout is not None
        reader = threading.Thread(target=_copy, args=(process.stdout, out), daemon=True)
        reader.start()
        while True:
            try:
                rc = process.wait(timeout=0.25)
                break
            except subprocess.TimeoutExpired:
                if parent is not None and not parent.is_running():
                    kill_tree(process.pid)
                    return _ENDED
        reader.join(timeout=10)
    return rc


def _copy(source: IO[bytes], out: IO[bytes]) -> None:
    """To the log as it comes, so that it can be followed; a full disk loses text, not the run."""
    while True:
        piece = os.read(source.fileno(), 1 << 16)
        if not piece:
            return
        try:
            out.write(piece)
            out.flush()
        except OSError:
            continue


def told(log: Path, tool: str, rc: int) -> str:
    """Why the installer failed, in one line: cause, what helps, where the whole output is."""
    try:
        text = log.read_bytes()[-(1 << 20) :].decode("utf-8", "replace")
    except OSError as error:
        return f"{exit_name(rc)}; its output could not be kept: {error.strerror}"
    from dartenv.bootstrap.failures import UNKNOWN, mine

    failure = mine(text, tool)
    parts = [failure.summary.rstrip(".") or exit_name(rc)]
    if failure.cause == UNKNOWN and failure.line:  # then the tool's own words are all there is
        parts = [f"{tool} failed ({exit_name(rc)}): {failure.line}"]
    parts += [failure.remedy] if failure.remedy else []
    return "; ".join([*parts, f"whole output: {log}"]).replace("\n", " ")


def _forget_old(folder: Path) -> None:
    logs = sorted(folder.glob("*.log"), key=lambda path: path.name)
    for path in logs[:-KEPT_LOGS]:
        try:
            path.unlink()
        except OSError:
            continue


def _parent() -> Optional[psutil.Process]:
    """The dartenv that started this. On Windows an environment's python.exe is a launcher, which
    stands between the two and outlives the one that started it."""
    try:
        parent: Optional[psutil.Process] = psutil.Process(os.getppid())
        if parent is not None and os.name == "nt" and sys.prefix != sys.base_prefix:
            parent = parent.parent() or parent
        return parent
    except (psutil.Error, OSError):
        return None


if __name__ == "__main__":
    sys.exit(main())
