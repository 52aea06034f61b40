"""Places in files that a finding names, for formats that show findings beside the source."""

from __future__ import annotations

import re
from typing import List, NamedTuple

from dartenv.checks.finding import Finding

_PLACE = re.compile(
    r"^(?P<path>[^\s:][^:]*?\.(?:py|yaml|yml|json|toml)):(?P<line>[1-9]\d*)\b(?P<text>.*)$"
)


class Place(NamedTuple):
    """A line of a file below the DART root; ``path`` with forward slashes."""

    path: str
    line: int
    text: str


def places(item: Finding) -> List[Place]:
    """The places that the finding's evidence begins with, each once, in order."""
    found: List[Place] = []
    for line in item.evidence:
        match = _PLACE.match(line.strip())
        if match is None:
            continue
        place = Place(
            match["path"].replace("\\", "/"), int(match["line"]), match["text"].strip(" :")
        )
        if place not in found:
            found.append(place)
    return found
