"""How long doctor takes, as ratios against what a person would run by hand in the same target.

    python scripts/bench_doctor.py --python PATH [--dart-root DIR] [--runs 5]

Commands alternate, so that a machine whose speed drifts slows both; medians are compared. The
last ratio is against the floor: what importing, in one process and by hand, those of DART's
packages takes that load torch themselves. Peak memory is of dartenv's own process.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from _load import Watch

MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the target interpreter")
    parser.add_argument("--dart-root", help="a DART tree")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    bare = [sys.executable, "-m", "dartenv", "doctor", "--python", options.python]
    doctor = list(bare)
    if options.dart_root:
        doctor += ["--dart-root", options.dart_root]
    inside = "python,packages,wheels"
    commands: Dict[str, List[str]] = {
        "dartenv --help": [sys.executable, "-m", "dartenv", "--help"],
        "pip check": [options.python, "-m", "pip", "check"],
        "doctor, metadata": [*bare, "--shallow", "--select", inside],
        "import torch": [options.python, "-c", "import torch"],
        "import by hand": [options.python, "-c", by_hand()],
        "doctor, all": doctor,
    }
    watch = Watch()
    seconds = measure(commands, options.runs)
    busy = watch.told()
    for name, times in seconds.items():
        low, middle, high = min(times), statistics.median(times), max(times)
        print(f"{name:<18} min {low:6.2f}  median {middle:6.2f}  max {high:6.2f} s")
    pairs = (
        ("doctor, metadata", "pip check"),
        ("doctor, all", "import torch"),
        ("import by hand", "import torch"),
        ("doctor, all", "import by hand"),
    )
    for name, against in pairs:
        ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[against]))
        print(f"{name} / {against}: {ratio:.2f}")
    if busy:
        print(f"machine: {busy}")
    memory = peak_memory(doctor)
    print("peak memory of dartenv itself: " + (f"{memory:.0f} MB" if memory else "not told here"))
    return 0


def by_hand() -> str:
    """A program that imports torch and what of DART's packages loads it, as doctor's child does."""
    table = (MANIFESTS / "compat" / "imports.toml").read_text(encoding="utf-8")
    names = re.findall(r'name = "([\w.]+)"[^\[]*?group = "(?:torch|aside)"', table)
    lines = ["import torch"]
    for name in names:
        lines += ["try:", f"    import {name}", "except ImportError:", "    pass"]
    return "\n".join(lines)


def peak_memory(command: Sequence[str]) -> Optional[float]:
    """Megabytes that the process held at most, without its children; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    code = (
        "import resource, runpy, sys\n"
        f"sys.argv = {['dartenv', *command[3:]]!r}\n"
        "try:\n"
        "    runpy.run_module('dartenv', run_name='__main__')\n"
        "finally:\n"
        "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print(peak, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    del resource
    return float(done.stderr.split()[-1]) / unit


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
        env=env or compiled(),
        check=False,
    )
    return time.monotonic() - started


def compiled() -> Dict[str, str]:
    """The environment, with bytecode kept: an installed package has its own."""
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


if __name__ == "__main__":
    sys.exit(main())
