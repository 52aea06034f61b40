"""torch.save's form before 1.6: some pickles, then each storage raw, with its count before it.

Plain pickles of tensors still carry this form inside (see ``_load_from_bytes``).
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from dartenv.assets.pickle_values import Storage, storage_of
from dartenv.assets.pickle_walk import Walk
from dartenv.assets.torch_pickles import TorchPickles, walk_torch_pickles
from dartenv.assets.window import CutOff, Window

_MAX_TAR_MEMBERS = 50


@dataclass(frozen=True)
class Legacy:
    """The walk of the saved object, what is wrong with the storages behind it, and what loading
    any of the file's pickles would call beyond data."""

    walk: Walk
    faults: Tuple[str, ...]
    foreign: Tuple[str, ...]


def read_legacy(window: Window) -> Legacy:
    """Read the old form from the window's start. Raises PickleFault and CutOff."""
    found = walk_torch_pickles(window)
    return Legacy(found.walk, tuple(_faults(window, found)), found.foreign)


def _faults(window: Window, found: TorchPickles) -> List[str]:
    if found.big_endian:
        return ["written on a big-endian machine"]
    if found.keys is None:
        return [f"cut off at {window.size} bytes, before its list of storages"]
    if not isinstance(found.keys, list):
        return ["its list of storages is unreadable"]
    known: Dict[str, Storage] = {}
    for pid in found.walk.pids:
        storage = storage_of(pid)
        if storage is not None:
            known[storage.key] = storage
    for index, key in enumerate(found.keys):
        held = known.get(key) if isinstance(key, str) else None
        if held is None:
            return ["its list of storages names one that no tensor uses"]
        try:
            count = int.from_bytes(window.take(8), "little", signed=True)
            if count != held.numel:
                return [f"storage {key} has {count} elements, not {held.numel}"]
            window.skip(held.nbytes)
        except CutOff:
            return [f"cut off at {window.size} bytes, in storage {index + 1} of {len(found.keys)}"]
    return []


def tar_member_names(stream: Any) -> List[str]:
    """The first names in a tar, by its headers alone."""
    names: List[str] = []
    try:
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                names.append(member.name)
                if len(names) >= _MAX_TAR_MEMBERS:
                    break
    except (tarfile.TarError, ValueError, EOFError):
        pass
    return names
