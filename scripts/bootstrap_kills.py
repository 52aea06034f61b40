"""Kills a bootstrap at random moments, lets it go on, and compares the end with an undisturbed one:

    python scripts/bootstrap_kills.py --reference DIR --kills 10 -- --dir DIR2 --profile linux-cpu ...

What stands after ``--`` goes to ``dartenv bootstrap --yes``. The reference is a folder that an
undisturbed bootstrap with the same options made. Only dartenv itself is killed (SIGKILL): what it
started has to notice by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Tuple

_LIST = (
    "from importlib.metadata import distributions\n"
    "print('\\n'.join(sorted({d.metadata['Name'] + ' ' + d.version for d in distributions()})))"
)


def main() -> int:
    """0 where both ends are the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--least", type=float, default=3.0, help="seconds to the first kill")
    parser.add_argument("--most", type=float, default=100.0, help="seconds to a kill at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("options", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    options = given.options[1:] if given.options[:1] == ["--"] else given.options
    folder = Path(options[options.index("--dir") + 1])
    command = [sys.executable, "-m", "dartenv", "bootstrap", "--yes", *options]
    chance = random.Random(given.seed)
    log = folder.with_name(folder.name + "-kills.log")
    killed: List[Tuple[float, str]] = []
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as out:
        while True:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
            if len(killed) >= given.kills:
                rc = process.wait()
                break
            wait = chance.uniform(given.least, given.most)
            try:
                rc = process.wait(timeout=wait)
                print(f"ended by itself after {len(killed)} kills")
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                out.flush()
                last = log.read_text(encoding="utf-8").strip().splitlines()[-1]
                killed.append((wait, last[:70]))
                print(f"kill {len(killed):>2} after {wait:5.1f} s at: {last[:70]}", flush=True)
    print(f"exit code {rc}, {time.monotonic() - started:.0f} s in all, {len(killed)} kills")
    differences = compare(given.reference, folder)
    for line in differences:
        print(line)
    print("the same end" if not differences else f"{len(differences)} differences")
    return 1 if differences or rc != 0 else 0


def compare(one: Path, other: Path) -> List[str]:
    """What differs between two bootstrapped folders, place by place."""
    found: List[str] = []
    here, there = packages(one), packages(other)
    found += [f"only in {one}: {name}" for name in sorted(set(here) - set(there))]
    found += [f"only in {other}: {name}" for name in sorted(set(there) - set(here))]
    mine, theirs = files(one / "DART"), files(other / "DART")
    for name in sorted(set(mine) | set(theirs)):
        if mine.get(name) != theirs.get(name):
            found.append(f"differs: DART/{name}")
    inside, outside = top(one), top(other)
    found += [f"package folder: {name}" for name in sorted(inside ^ outside)]
    return found


def packages(folder: Path) -> List[str]:
    """Every distribution of the environment, with its version."""
    python = next(p for p in _pythons(folder) if p.is_file())
    asked = subprocess.run(
        [str(python), "-I", "-c", _LIST], stdout=subprocess.PIPE, check=True, text=True
    )
    return asked.stdout.split("\n")


def top(folder: Path) -> set[str]:
    """Names in the package folder, which a half-removed package would show in."""
    python = next(p for p in _pythons(folder) if p.is_file())
    code = "import os, sysconfig; print('\\n'.join(os.listdir(sysconfig.get_paths()['purelib'])))"
    asked = subprocess.run([str(python), "-I", "-c", code], stdout=subprocess.PIPE, text=True)
    return {name for name in asked.stdout.split("\n") if name != "__pycache__"}


def files(root: Path) -> Dict[str, str]:
    """Digest of every file of the tree outside git's own folder; settings name their folder."""
    found: Dict[str, str] = {}
    for here, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "__pycache__", ".vscode")]
        for name in names:
            path = Path(here, name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(root).as_posix()] = digest
    return found


def _pythons(folder: Path) -> Tuple[Path, Path]:
    return folder / "env" / "bin" / "python", folder / "env" / "Scripts" / "python.exe"


if __name__ == "__main__":
    sys.exit(main())
