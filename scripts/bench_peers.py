"""How long dartenv takes beside other doctors on the same target.

    python scripts/bench_peers.py --python TARGET_PYTHON [--dart-root DIR] [--runs 3]
        [--peer "NAME=COMMAND"]...

torch's own collect_env runs in the target. Every other peer is given as a command, as
``--peer "env-doctor=/path/to/env-doctor check"``; install it into a copy of the target, because
these tools look at the environment that they live in. Commands alternate and run once before they
count. What each of them names is compared in docs/peers.md.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
from typing import Dict, List

from bench_doctor import measure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the target interpreter")
    parser.add_argument("--dart-root", help="a DART tree")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    options = parser.parse_args()
    doctor = [sys.executable, "-m", "dartenv", "doctor", "--python", options.python]
    if options.dart_root:
        doctor += ["--dart-root", options.dart_root]
    commands: Dict[str, List[str]] = {
        "dartenv, metadata": [*doctor, "--shallow"],
        "dartenv, all": doctor,
        "collect_env": [options.python, "-m", "torch.utils.collect_env"],
    }
    for given in options.peer:
        name, separator, command = given.partition("=")
        if not separator or not command.strip():
            parser.error(f"--peer {given!r}: found no command, expected NAME=COMMAND")
        commands[name] = shlex.split(command, posix=sys.platform != "win32")
    for name, times in measure(commands, options.runs).items():
        low, middle, high = min(times), statistics.median(times), max(times)
        print(f"{name:<20} min {low:6.2f}  median {middle:6.2f}  max {high:6.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
