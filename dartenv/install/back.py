"""Takes an installation back:  python -m dartenv.install.back --lock FILE --python EXE ...

Removes the packages that were not there before and are there now, and puts others back at the
version they had. Works after half an installation, and a second time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

from dartenv.install.holding import Busy, holding
from dartenv.install.inside import added, look_inside, remove, sweep
from dartenv.install.run import environment


def main(argv: Optional[List[str]] = None) -> int:
    """0 where the environment is as it was."""
    parser = argparse.ArgumentParser(prog="dartenv.install.back")
    parser.add_argument("--lock", required=True, type=Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--before", type=Path, help="the note of an installation that did not end")
    parser.add_argument("--uv", help="the uv that installed, where pip did not")
    parser.add_argument("--absent", default="", help="names, separated by commas")
    parser.add_argument("--restore", action="append", default=[], metavar="NAME==VERSION")
    parser.add_argument("--option", action="append", default=[], help="of the installer")
    options = parser.parse_args(argv)
    try:
        with holding(options.lock):
            return _back(options)
    except Busy as busy:
        print(str(busy), file=sys.stderr)
        return 75
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _back(options: argparse.Namespace) -> int:
    if not Path(options.python).is_file():
        return 0  # the environment itself is gone
    here = look_inside(options.python)
    if here is None:
        print(f"{options.python}: does not run, so nothing can be removed", file=sys.stderr)
        return 1
    for folder in here.broken.values():
        remove(folder)  # no installer removes a package whose list of files is missing
    whole = {name: version for name, version in here.found.items() if name not in here.broken}
    more = added(options.before) if options.before is not None else []
    gone = [name for name in dict.fromkeys([*options.absent.split(","), *more]) if name in whole]
    tool = [options.uv, "pip"] if options.uv else [options.python, "-m", "pip"]
    named = ["--python", options.python] if options.uv else []
    if gone:
        sure = [] if options.uv else ["-y"]
        rc = _call([*tool, "uninstall", *named, *sure, *gone])
        if rc != 0:
            return rc
    if options.before is not None:
        sweep(options.before)
    wrong = []
    for text in options.restore:
        name, _, version = text.partition("==")
        if whole.get(name) != version:
            wrong.append(text)
    if wrong:
        return _call([*tool, "install", *named, "--no-deps", *options.option, *wrong])
    return 0


def _call(command: List[str]) -> int:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment([]),
        check=False,
    )
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        print(said[-1] if said else f"exit code {done.returncode}", file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
