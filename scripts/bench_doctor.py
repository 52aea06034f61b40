"""How long doctor takes, as ratios against what a person would run by hand in the same target.

    python scripts/bench_doctor.py --python PATH [--dart-root DIR] [--runs 5]

Commands alternate, so that a machine whose speed drifts slows both; medians are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import Dict, List, Optional, Sequence


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the target interpreter")
    parser.add_argument("--dart-root", help="a DART tree")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    doctor = [sys.executable, "-m", "dartenv", "doctor", "--python", options.python]
    if options.dart_root:
        doctor += ["--dart-root", options.dart_root]
    inside = "python,packages,wheels"
    commands: Dict[str, List[str]] = {
        "dartenv --help": [sys.executable, "-m", "dartenv", "--help"],
        "pip check": [options.python, "-m", "pip", "check"],
        "doctor, metadata": [*doctor, "--shallow", "--select", inside],
        "import torch": [options.python, "-c", "import torch"],
        "doctor, all": doctor,
    }
    seconds = measure(commands, options.runs)
    for name, times in seconds.items():
        low, middle, high = min(times), statistics.median(times), max(times)
        print(f"{name:<18} min {low:6.2f}  median {middle:6.2f}  max {high:6.2f} s")
    for name, against in (("doctor, metadata", "pip check"), ("doctor, all", "import torch")):
        ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[against]))
        print(f"{name} / {against}: {ratio:.2f}")
    return 0


def measure(commands: Dict[str, List[str]], runs: int) -> Dict[str, List[float]]:
    """Wall seconds of each command, in turn, after one run of each that does not count."""
    for command in commands.values():
        once(command)
    seconds: Dict[str, List[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seconds[name].append(once(command))
    return seconds


def once(command: Sequence[str], env: Optional[Dict[str, str]] = None) -> float:
    """Wall seconds of one run; its output is thrown away."""
    started = time.monotonic()
    subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env or dict(os.environ),
        check=False,
    )
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
