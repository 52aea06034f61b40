"""What an environment holds, asked of its own interpreter, and what a killed installer left in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

# Also lists what a killed installation left without a record; -I: nothing of the user's.
_LIST = """
import json, re, sysconfig
found, broken = {}, {}
try:
    from importlib.metadata import distributions
except ImportError:
    distributions = lambda: ()
for one in distributions():
    name = one.metadata["Name"] if one.metadata else None
    if not name:
        continue
    name = re.sub(r"[-_.]+", "-", name).lower()
    found.setdefault(name, one.version)
    folder = getattr(one, "_path", None)
    if str(folder).endswith(".dist-info") and not one.read_text("RECORD"):
        broken[name] = str(folder)
paths = sysconfig.get_paths()
print(json.dumps({"found": found, "broken": broken,
                  "folders": sorted({paths["purelib"], paths["platlib"]})}))
"""


class Inside(NamedTuple):
    """``found``: normalised name to version. ``broken``: name to the folder of its metadata,

    where the list of its files is missing. ``folders``: where packages lie.
    """

    found: Dict[str, str]
    broken: Dict[str, str]
    folders: List[str]


def look_inside(python: str) -> Optional[Inside]:
    """``None`` where ``python`` does not run."""
    try:
        asked = subprocess.run(
            [python, "-I", "-X", "utf8", "-c", _LIST],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        answer = json.loads(asked.stdout.decode("utf-8"))
        return Inside(dict(answer["found"]), dict(answer["broken"]), list(answer["folders"]))
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        return None


def note_before(path: Path, python: str) -> None:
    """Write down what the environment holds, before anything is installed.

    The note of an installation that did not come to its end is an earlier try's of the same step,
    and stays: it is the one that counts.
    """
    if "folders" in _read(path):
        return
    inside = look_inside(python)
    if inside is None:
        return
    names = {one: sorted(os.listdir(one)) for one in inside.folders if os.path.isdir(one)}
    _write(path, {"folders": names, "found": inside.found})


def note_after(path: Path, python: str) -> None:
    """Put into the note which packages were added, now that the installation is whole."""
    before = _read(path).get("found")
    inside = look_inside(python)
    if not isinstance(before, dict) or inside is None:
        return
    _write(path, {"added": sorted(set(inside.found) - set(before))})


def added(path: Path) -> List[str]:
    """The packages that an installation added, where it came to its end."""
    names = _read(path).get("added")
    return [str(name) for name in names] if isinstance(names, list) else []


def sweep(path: Path) -> List[str]:
    """Remove what is in the package folders and was not when the note ``path`` was made.

    Does nothing where the installation came to its end. Returns what was removed.
    """
    folders = _read(path).get("folders")
    removed: List[str] = []
    for folder, names in folders.items() if isinstance(folders, dict) else ():
        known = set(names)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name not in known:
                remove(os.path.join(folder, name))
                removed.append(os.path.join(folder, name))
    if folders is not None:
        path.unlink()
    return removed


def _read(path: Path) -> Dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(path.name + ".new")
    temp.write_text(json.dumps(value), encoding="utf-8")
    os.replace(temp, path)


def remove(path: str) -> None:
    """A file, a link or a whole folder; what is read-only too."""
    if os.path.isdir(path) and not os.path.islink(path):

        def writable(function: object, name: str, _: object) -> None:
            os.chmod(name, 0o700)
            function(name)  # type: ignore[operator]

        shutil.rmtree(path, onerror=writable)
    elif os.path.lexists(path):
        os.remove(path)
