"""The JavaScript host (hosts/js) against the Python runtime: the same noise, the same motion?

    python scripts/js_parity.py [--bundle DIR] [--primitives 100] [--keep DIR] [--web]

Exports the sandbox's bundle (or takes DIR), records noise and motion, runs hosts/js/parity.mjs on
them and prints its table. Needs Node.js 20 with `npm ci` done in hosts/js, and dartenv's extras ort
and export. --web takes onnxruntime-web's WebAssembly. Exit code 1: an error above 1e-4 m.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "scripts")]

from _hosts import cases, record, sandbox_bundle

HOST = CHECKOUT / "hosts" / "js"


def main() -> int:
    """Exit code of parity.mjs; 2 where something that it needs is not there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bundle", type=Path, help="a bundle with all of the cases' files")
    parser.add_argument("--primitives", type=int, default=100)
    parser.add_argument("--keep", type=Path, help="folder for what is recorded")
    parser.add_argument("--web", action="store_true", help="onnxruntime-web in place of -node")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    node = shutil.which("node")
    if node is None or not (HOST / "node_modules").is_dir():
        print("needs Node.js 20 or newer, and npm ci in hosts/js", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        work = options.keep or Path(folder)
        bundle = options.bundle or sandbox_bundle(work / "bundle")
        record(bundle, work / "recorded", cases(primitives=options.primitives), options.primitives)
        command = [node, "parity.mjs", str(bundle.resolve()), str((work / "recorded").resolve())]
        command += ["--threads", str(options.threads), *(["--web"] if options.web else [])]
        return subprocess.run(command, cwd=str(HOST), stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
