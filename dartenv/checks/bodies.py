"""Where body models lie instead of where they are looked for."""

from __future__ import annotations

from typing import List, Sequence

from dartenv.facts.model import FileAsset

TOO_DEEP = 2  # folders that an archive program may have put around what was in the archive


def nested(wanted: str, found: str) -> bool:
    """Whether ``found`` is ``wanted`` with one or two folders in between: unpacked too deep."""
    short, long = _parts(wanted), _parts(found)
    extra = len(long) - len(short)
    if not 1 <= extra <= TOO_DEEP:
        return False
    same = 0
    while same < len(short) and short[same] == long[same]:
        same += 1
    # The rest must be the tail; a folder of the same name twice over matches either way.
    return short[same:] == long[same + extra :]


def named_elsewhere(bodies: Sequence[FileAsset]) -> bool:
    """Whether source.body-model-dir makes data_paths.py name the folder where they lie."""
    places = [(f.path, place) for f in bodies if not f.exists for place in f.elsewhere]
    lying = any(not nested(wanted, place) for wanted, place in places)
    return lying and not any(f.exists for f in bodies)


def smplx_remedy(bodies: Sequence[FileAsset]) -> str:
    """How missing body models come to be where they are looked for."""
    if named_elsewhere(bodies):
        return "source.body-model-dir names their folder; or licensed: with your own login only"
    if any(nested(f.path, place) for f in bodies if not f.exists for place in f.elsewhere):
        return "moved to where data_paths.py says, can be undone"
    return "licensed: with your own login only, or dartenv assets import FILE.zip"


def _parts(path: str) -> List[str]:
    return [part for part in path.replace("\\", "/").lower().split("/") if part]
