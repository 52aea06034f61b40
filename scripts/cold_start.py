"""How long a bundle takes from a cold process to its first frame and to 800, and the memory it needs.

    python scripts/cold_start.py BUNDLE [--precision int8] [--threads 2] [--runs 5] [--spin]

Every figure is from a fresh process that starts with `import dartenv.runtime`; the least and the
median of the runs are printed. Files come from the page cache after the first run. Beside them
stands how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

from _load import Watch

CHILD = """
import json, os, sys, time
began = time.perf_counter()
from dartenv.runtime import load
host = load(sys.argv[1], precision=sys.argv[2], threads=int(sys.argv[3]), spin=sys.argv[5] == "1")
stream = host.stream("walk forward", seed=0)
frames = stream.take(host.bundle.sizes.history + 1)
first = time.perf_counter() - began
stream.take(int(sys.argv[4]) - 1)
whole = time.perf_counter() - began
import psutil
memory = psutil.Process().memory_info()
peak = getattr(memory, "peak_wset", None)
if peak is None:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"first": first, "whole": whole, "peak": peak, "torch": "torch" in sys.modules}))
"""


def measure(bundle: Path, precision: str, threads: int, frames: int, spin: bool) -> Dict[str, Any]:
    """One fresh process's figures; RuntimeError with its words where it fails."""
    root = Path(__file__).resolve().parents[1]
    given = [str(bundle), precision, str(threads), str(frames), str(int(spin))]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *given],
        capture_output=True,
        cwd=str(root),
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace").strip()[-500:])
    found: Dict[str, Any] = json.loads(done.stdout.decode("utf-8").splitlines()[-1])
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Cold start of a bundle.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=800)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--spin", action="store_true", help="waiting threads keep their cores")
    options = parser.parse_args()
    runs: List[Dict[str, Any]] = []
    watch = Watch()
    try:
        for _ in range(options.runs):
            runs.append(
                measure(
                    options.bundle.absolute(),
                    options.precision,
                    options.threads,
                    options.frames,
                    options.spin,
                )
            )
    except RuntimeError as error:
        print(f"cold_start: {error}", file=sys.stderr)
        return 1
    busy = watch.told()
    told = f"{options.precision}, {options.threads} threads, {len(runs)} runs"
    print(f"{told}, {busy}" if busy else told)
    for name, label, unit, scale in (
        ("first", "first new frame", "s", 1.0),
        ("whole", f"{options.frames} frames", "s", 1.0),
        ("peak", "peak memory", "MB", 1e-6),
    ):
        values = [run[name] * scale for run in runs]
        print(
            f"  {label:<16} {min(values):8.2f} least {statistics.median(values):8.2f} median {unit}"
        )
    if any(run["torch"] for run in runs):
        print("cold_start: torch was imported", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
