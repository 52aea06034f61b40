"""How long it takes to verify 2 GB of assets, hashed for the first time and unchanged.

    python scripts/bench_assets.py [--megabytes 2000] [--files 6] [--dir DIR]

Writes files of random bytes to a folder of its own, hashes them one after the other and in
parallel, then verifies a DART-like tree that holds them with ``dartenv assets verify``: cold, and
twice unchanged. Prints one line a measurement and removes what it wrote.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dartenv.assets.catalog import catalog
from dartenv.assets.hashing import HashCache, hash_files
from dartenv.assets.spec import AssetsSpec
from dartenv.manifests.loader import Manifests

LONG_AGO = 1_600_000_000


def write_tree(root: Path, megabytes: int, count: int) -> List[str]:
    """A tree that dartenv takes for DART's, with ``count`` large files as assets of it."""
    manifests = Manifests()
    tree = next(tree for tree in manifests.trees() if tree.kind == "dart")
    for marker in tree.markers:
        (root / marker).parent.mkdir(parents=True, exist_ok=True)
        (root / marker).write_bytes(b"")
    # Those whose form no check reads may hold anything.
    assets = [a for a in catalog(manifests.read("assets", "dart", AssetsSpec)) if a.path]
    plain = [
        a
        for a in assets
        if a.role in ("scene", "other") and a.path.endswith((".npy", ".pkl", ".obj", ".json"))
    ]
    block = os.urandom(1 << 20)
    paths = []
    for number, asset in enumerate(plain[:count]):
        path = root / asset.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            for index in range(megabytes // count):
                stream.write(number.to_bytes(8, "big") + index.to_bytes(8, "big") + block[16:])
            stream.flush()
            os.fsync(stream.fileno())
        os.utime(str(path), (LONG_AGO, LONG_AGO))
        paths.append(str(path))
    return paths


def timed(words: str, size: int, call: object) -> float:
    """Run and print one measurement."""
    started = time.perf_counter()
    call()  # type: ignore[operator]
    seconds = time.perf_counter() - started
    print(f"{words:<44}{seconds:8.2f} s   {size / seconds / 1e9:6.2f} GB/s", flush=True)
    return seconds


def main(argv: Sequence[str]) -> int:
    """Measure; returns 1 where an unchanged tree took a second or more."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--dir", default=None)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="dartenv-bench-", dir=options.dir) as made:
        folder = Path(made)
        paths = write_tree(folder / "DART", options.megabytes, options.files)
        size = sum(Path(path).stat().st_size for path in paths)
        print(f"{len(paths)} files, {size / 1e9:.2f} GB, {os.cpu_count()} processors")
        nowhere = folder / "none" / "x.json"
        timed("hash, one thread", size, lambda: hash_files(paths, HashCache(nowhere), workers=1))
        nowhere.unlink()
        timed("hash, parallel", size, lambda: hash_files(paths, HashCache(nowhere)))
        environment = {**os.environ, "DARTENV_STATE_DIR": str(folder / "state")}
        command = [sys.executable, "-m", "dartenv", "assets", "verify"]
        command += ["--dart-root", str(folder / "DART")]

        def verify() -> None:
            done = subprocess.run(command, env=environment, capture_output=True, check=False)
            if done.returncode not in (0, 1):
                raise SystemExit(done.stderr.decode("utf-8", "replace"))

        timed("dartenv assets verify, first", size, verify)
        unchanged = [timed("dartenv assets verify, unchanged", size, verify) for _ in range(2)]
    return int(min(unchanged) >= 1.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
