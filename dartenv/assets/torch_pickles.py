"""The pickles at the head of torch's old file form: each of them is loaded, so each can run code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Tuple

from dartenv.assets.pickle_nodes import Pairs
from dartenv.assets.pickle_walk import PickleFault, Walk, walk_pickle
from dartenv.assets.window import CutOff, Window

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


@dataclass(frozen=True)
class TorchPickles:
    """The saved object, the keys of the storages behind it, and the foreign globals of all.

    ``keys`` is ``None`` when the file ends before the list of storages does.
    """

    walk: Walk
    keys: Any
    foreign: Tuple[str, ...]
    big_endian: bool = False


def walk_torch_pickles(window: Window) -> TorchPickles:
    """Read magic number, version, system, object and keys; the position then stands behind them.

    Raises PickleFault and CutOff, with the foreign globals of the pickles before.
    """
    foreign: List[str] = []
    try:
        magic = _next(window, foreign)
        if not isinstance(magic.value, int) or magic.value != MAGIC:
            raise PickleFault("not torch's magic number")
        version = _next(window, foreign)
        if version.value != PROTOCOL:
            raise PickleFault("an unknown version of torch's old file form")
        system = _next(window, foreign).value
        walk = _next(window, foreign)
    except (PickleFault, CutOff) as fault:
        fault.foreign = tuple(dict.fromkeys([*foreign, *fault.foreign]))
        raise
    try:
        keys = _next(window, foreign).value
    except (PickleFault, CutOff) as fault:
        foreign.extend(fault.foreign)
        keys = None
    big = isinstance(system, Pairs) and system.text_keys().get("little_endian") is False
    return TorchPickles(walk, keys, tuple(dict.fromkeys(foreign)), big)


def _next(window: Window, foreign: List[str]) -> Walk:
    walk = walk_pickle(window)
    foreign.extend(walk.foreign)
    return walk
