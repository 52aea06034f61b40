"""The JavaScript host (hosts/js) against the Python runtime: the same noise, the same motion?

    python scripts/js_parity.py [--bundle DIR] [--primitives 100] [--keep DIR] [--web | --browser]

Exports the sandbox's bundle (or takes DIR), records noise and motion, runs hosts/js/parity.mjs on
them and prints its table. Needs Node.js 20 with `npm ci` done in hosts/js, and dartenv's extras ort
and export. --web takes onnxruntime-web's WebAssembly; --browser the same in a page of a headless
Chromium, which needs chromedriver. Exit code 1: joints more than 1e-4 m off, and more than three
times what last bits make of the same motion in Python.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import _chromium
from _hosts import cases, record, sandbox_bundle

HOST = Path(__file__).resolve().parents[1] / "hosts" / "js"


def main() -> int:
    """Exit code of parity.mjs; 2 where something that it needs is not there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bundle", type=Path, help="a bundle with all of the cases' files")
    parser.add_argument("--primitives", type=int, default=100)
    parser.add_argument("--keep", type=Path, help="folder for what is recorded")
    parser.add_argument("--web", action="store_true", help="onnxruntime-web in place of -node")
    parser.add_argument("--browser", action="store_true", help="onnxruntime-web in Chromium")
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
        if options.browser:
            return in_browser(node, bundle.resolve(), (work / "recorded").resolve(), Path(folder))
        command = [node, "parity.mjs", str(bundle.resolve()), str((work / "recorded").resolve())]
        command += ["--threads", str(options.threads), *(["--web"] if options.web else [])]
        return subprocess.run(command, cwd=str(HOST), stdin=subprocess.DEVNULL).returncode


def in_browser(node: str, bundle: Path, recorded: Path, folder: Path) -> int:
    """The same table out of a page. Exit code as parity.mjs's."""
    absent = _chromium.missing()
    if absent is not None:
        print(f"needs {absent}", file=sys.stderr)
        return 2
    server = subprocess.Popen(
        [node, "serve.mjs", str(bundle), str(recorded)], cwd=str(HOST), stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().decode().strip()
        with _chromium.Page(folder / "profile") as page:
            page.go(f"{address}?parity=recorded/")
            data = "document.getElementById('out').dataset"
            done = page.wait(f"return {data}.passed || {data}.error", 300)
            print(page.run("return document.getElementById('out').textContent"))
    finally:
        server.terminate()
        server.wait(20)
    return {"true": 0, "false": 1}.get(done, 2)


if __name__ == "__main__":
    sys.exit(main())
