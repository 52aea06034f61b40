"""Builds the wheel and runs what is in it: the manifests and the sandbox must travel with it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[1]
READ = (
    "import dartenv; from dartenv.manifests.loader import default_manifests as all_of;"
    "print(dartenv.__file__, *(p.id for p in all_of().profiles()))"
)


def expected() -> List[str]:
    """Paths in the wheel, from what stands in the checkout."""
    paths: List[str] = []
    for source, place in ((ROOT / "manifests", "_manifests"), (ROOT / "dartenv", "")):
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                paths.append("/".join(["dartenv", *filter(None, [place]), *_parts(path, source)]))
    return paths


def _parts(path: Path, source: Path) -> List[str]:
    return list(path.relative_to(source).parts)


def main() -> int:
    """0 when the wheel is whole and its manifests can be read from it."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        subprocess.check_call([*pip, "wheel", "-q", "--no-deps", "-w", folder, str(ROOT)])
        wheels = list(Path(folder).glob("dartenv-*.whl"))
        if len(wheels) != 1:
            print(f"expected one wheel, found {wheels}")
            return 1
        with zipfile.ZipFile(str(wheels[0])) as wheel:
            names = set(wheel.namelist())
        missing = [path for path in expected() if path not in names]
        for must in ("dartenv/_manifests/profiles/", "dartenv/sandbox/project/"):
            if not any(name.startswith(must) for name in names):
                missing.append(must)
        if missing:
            print(f"{len(missing)} files are not in the wheel:", *missing[:20], sep="\n  ")
            return 1
        size = wheels[0].stat().st_size / 1e6
        print(f"{wheels[0].name}: {len(names)} files, {size:.1f} MB")
        target = str(Path(folder) / "installed")
        subprocess.check_call([*pip, "install", "-q", "--no-deps", "-t", target, str(wheels[0])])
        # Outside the checkout, ahead of the editable install, so that only the wheel can answer.
        read = f"import sys; sys.path.insert(0, {target!r}); {READ}"
        shown = subprocess.check_output([sys.executable, "-c", read], cwd=folder, encoding="utf-8")
        print(shown.strip())
        return 0 if shown.startswith(target) and "sandbox" in shown.split() else 1


if __name__ == "__main__":
    sys.exit(main())
