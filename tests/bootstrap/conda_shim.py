"""Stands in for conda in a test:  conda_shim.py CHANNELS create|info ...

It speaks the two commands that a bootstrap asks of conda. What they do is done by rattler, an
engine that solves, fetches and links conda packages; it is not conda itself. CHANNELS is a folder
with a channel for each name, and stands for the server that names are looked up on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import List


def main(argv: List[str]) -> int:
    channels, command, rest = Path(argv[0]), argv[1], argv[2:]
    if command == "info":
        assert rest == ["--json"], rest
        root = channels.parent / "root"
        print(json.dumps({"conda_version": "24.9.2", "root_prefix": str(root), "envs": []}))
        return 0
    assert command == "create", command
    parser = argparse.ArgumentParser()
    parser.add_argument("--yes", action="store_true", required=True)
    parser.add_argument("--override-channels", action="store_true", required=True)
    parser.add_argument("-p", dest="prefix", type=Path, required=True)
    parser.add_argument("-c", dest="channel", action="append", required=True)
    parser.add_argument("specs", nargs="+")
    options = parser.parse_args(rest)
    return asyncio.run(_create(channels, options.channel, options.specs, options.prefix))


async def _create(channels: Path, names: List[str], specs: List[str], prefix: Path) -> int:
    import rattler
    from rattler.exceptions import SolverError

    print("Collecting package metadata (rattler in conda's place)", flush=True)
    try:
        records = await rattler.solve(
            [(channels / name).as_uri() for name in names],
            [rattler.MatchSpec(spec) for spec in specs],
            platforms=["linux-64", "noarch"],
            virtual_packages=[],
            gateway=rattler.Gateway(cache_dir=channels.parent / "cache"),
        )
    except SolverError as error:
        lacks = re.search(r"No candidates were found for (\S+) ([^\s*]+)", str(error))
        if lacks is None:
            print(f"\nLibMambaUnsatisfiableError: {error}", file=sys.stderr)
            return 1
        # In conda's words: what reads them knows conda's and not rattler's.
        print("\nPackagesNotFoundError: The following packages are not available", file=sys.stderr)
        print(f"from current channels:\n\n  - {lacks[1]}={lacks[2]}", file=sys.stderr)
        return 1
    print("Executing transaction: " + ", ".join(one.file_name for one in records), flush=True)
    await rattler.install(
        records,
        target_prefix=prefix,
        cache_dir=channels.parent / "cache",
        show_progress=False,
    )
    # conda writes this one; without it `conda` itself would take the folder for none of its own.
    history = prefix / "conda-meta" / "history"
    if not history.exists():
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"==> {when} <==", "# cmd: conda create", f"# update specs: {specs}"]
        history.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("done")
    return 0


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # The engine's threads may still be giving back Python's lock, and crash if Python ends meanwhile.
    os._exit(ended)
