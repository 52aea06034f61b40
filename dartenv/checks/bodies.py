"""Where body models lie instead of where they are looked for."""

from __future__ import annotations

from typing import List

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


def _parts(path: str) -> List[str]:
    return [part for part in path.replace("\\", "/").lower().split("/") if part]
