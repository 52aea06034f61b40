"""A torch checkpoint inspected without torch: names, shapes, and whether its data is all there.

Since 1.6 torch.save writes a zip: ``<name>/data.pkl`` (a pickle whose tensors refer to storages by
persistent ids), ``<name>/data/<key>`` (raw storages). TorchScript adds ``code/`` and
``constants.pkl``. Before 1.6 it wrote pickles followed by raw storages, see
:mod:`dartenv.assets.torch_legacy`.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from dartenv.assets.pickle_file import names_with_nested
from dartenv.assets.pickle_values import Storage, Value, Values, storage_of
from dartenv.assets.pickle_walk import PickleFault, Walk, walk_pickle
from dartenv.assets.sniff import os_reason, sniff
from dartenv.assets.torch_legacy import read_legacy, tar_member_names
from dartenv.assets.torch_state import State, find_state, module_state
from dartenv.assets.window import CutOff, Window
from dartenv.assets.zip_file import ZIP_ERRORS, zip_problem

MAX_PICKLE = 64 * 1024 * 1024  # bytes of data.pkl: structure only, no weights
MAX_MEMBERS = 100_000


@dataclass(frozen=True)
class TorchFile:
    """What a checkpoint file holds.

    ``kind`` is ``torch-zip``, ``torch-legacy``, ``torchscript``, ``torch-tar``, or what the file
    is instead (see :class:`dartenv.assets.sniff.Sniff`). ``tensors`` are those of the model's
    state dict, by name; ``entries`` the keys of the top level. ``complete`` is whether every
    storage is there in its full size, ``None`` when that could not be told.
    """

    path: str
    kind: str
    size: Optional[int] = None
    problem: Optional[str] = None
    tensors: Dict[str, Value] = field(default_factory=dict)
    entries: Dict[str, Value] = field(default_factory=dict)
    steps: Optional[int] = None
    state_under: Optional[str] = None  # the top-level key that held the state dict; "" = top
    complete: Optional[bool] = None
    foreign_globals: Tuple[str, ...] = ()
    modules: Tuple[str, ...] = ()
    locations: Tuple[str, ...] = ()  # devices other than the CPU it was saved from

    @property
    def readable(self) -> bool:
        """Whether its structure could be read at all."""
        return bool(self.tensors or self.entries)


def inspect_torch(path: str, check_crc: bool = False) -> TorchFile:
    """Describe the checkpoint at ``path``; nothing in it is imported or called.

    ``check_crc`` also reads every byte of a zip and compares its check sums. Never raises: what is
    wrong stands in ``problem``.
    """
    seen = sniff(path)
    if seen.problem or not seen.exists:
        return TorchFile(path, seen.kind, seen.size, seen.problem)
    size = seen.size or 0
    try:
        with Path(path).open("rb") as stream:
            if seen.kind == "zip":
                return _from_zip(TorchFile(path, "zip", size), stream, check_crc)
            if seen.kind in ("torch-legacy", "pickle"):
                return _from_legacy(TorchFile(path, seen.kind, size), stream, size)
            if seen.kind == "tar":
                return _from_tar(TorchFile(path, "tar", size), stream)
    except (OSError, RecursionError) as error:
        return TorchFile(path, "unreadable", size, f"cannot be read: {os_reason(error)}")
    what = {"text": "text", "unknown": "unknown data"}
    return TorchFile(path, seen.kind, size, f"{what.get(seen.kind, seen.kind)}, not a checkpoint")


def _from_zip(blank: TorchFile, stream: Any, check_crc: bool) -> TorchFile:
    try:
        with zipfile.ZipFile(stream) as archive:
            return _archive(blank, archive, check_crc)
    except ZIP_ERRORS as error:
        problem = zip_problem(error, stream, blank.size or 0)
        return replace(blank, kind="torch-zip", problem=problem, complete=False)


def _archive(blank: TorchFile, archive: zipfile.ZipFile, check_crc: bool) -> TorchFile:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        return replace(blank, problem=f"a zip of {len(members)} files, not a checkpoint")
    by_name = {info.filename: info for info in members}
    if len(by_name) < len(members):
        return replace(blank, problem="a zip that holds two files of one name")
    pickles = [
        n for n in by_name if n == "data.pkl" or (n.count("/") == 1 and n.endswith("/data.pkl"))
    ]
    if len(pickles) != 1:
        some = ", ".join(list(by_name)[:3]) or "nothing"
        return replace(blank, problem=f"a zip without data.pkl (it holds {some}): not a checkpoint")
    prefix = pickles[0][: -len("data.pkl")]
    script = prefix + "constants.pkl" in by_name or any(
        n.startswith(prefix + "code/") for n in by_name
    )
    blank = replace(blank, kind="torchscript" if script else "torch-zip")
    info = by_name[pickles[0]]
    if info.file_size > MAX_PICKLE:
        return replace(blank, problem=f"its data.pkl has {info.file_size} bytes: not a checkpoint")
    try:
        with archive.open(info) as member:
            data = member.read(MAX_PICKLE + 1)
        window = Window(io.BytesIO(data), 0, len(data))
        walk = walk_pickle(window)
    except (PickleFault, CutOff) as error:
        return replace(blank, problem=f"its data.pkl: {error}", foreign_globals=error.foreign)
    storages, unreadable = _storages(walk)
    faults = [*unreadable, *_record_faults(archive, by_name, prefix + "data/", storages)]
    if check_crc and not faults:
        bad = archive.testzip()
        if bad is not None:
            faults.append(f"{bad} does not match its check sum")
    return _filled(blank, window, walk, storages, faults, script)


def _from_legacy(blank: TorchFile, stream: Any, size: int) -> TorchFile:
    window = Window(stream, 0, size)
    try:
        found = read_legacy(window)
    except (PickleFault, CutOff) as error:
        if blank.kind == "torch-legacy":
            problem, complete = f"an old-style checkpoint: {error}", False
        else:
            problem, complete = "a plain pickle, not a checkpoint", None
        return replace(blank, problem=problem, complete=complete, foreign_globals=error.foreign)
    blank = replace(blank, kind="torch-legacy")
    storages, unreadable = _storages(found.walk)
    faults = [*unreadable, *found.faults]
    filled = _filled(blank, window, found.walk, storages, faults, script=False)
    foreign = dict.fromkeys([*filled.foreign_globals, *found.foreign])
    return replace(filled, foreign_globals=tuple(foreign))


def _from_tar(blank: TorchFile, stream: Any) -> TorchFile:
    names = tar_member_names(stream)
    if {"sys_info", "pickle", "storages", "tensors"} <= set(names):
        return replace(
            blank, kind="torch-tar", problem="a checkpoint older than torch 0.1.10 (tar)"
        )
    some = ", ".join(names[:3]) or "nothing"
    return replace(blank, problem=f"a tar archive (it holds {some}) that was not unpacked")


def _filled(
    blank: TorchFile,
    window: Window,
    walk: Walk,
    storages: Dict[str, Storage],
    faults: List[str],
    script: bool,
) -> TorchFile:
    values = Values(window)
    if script:
        state: State = (module_state(walk.value, values), {}, None, "")
    else:
        state = find_state(walk.value, values)
    tensors, entries, steps, under = state
    faults += [f"{name} {value.problem}" for name, value in tensors.items() if value.problem]
    foreign, modules = names_with_nested(window, walk)
    if script:
        # TorchScript classes come out of the archive's own code; torch.jit.load compiles that.
        foreign = tuple(
            n for n in foreign if not n.startswith(("__torch__.", "torch.jit._pickle."))
        )
    where = dict.fromkeys(s.location for s in storages.values() if s.location != "cpu")
    return replace(
        blank,
        problem=_summed(faults),
        tensors=tensors,
        entries=entries,
        steps=steps,
        state_under=under,
        complete=not faults,
        foreign_globals=foreign,
        modules=modules,
        locations=tuple(where),
    )


def _storages(walk: Walk) -> Tuple[Dict[str, Storage], List[str]]:
    found: Dict[str, Storage] = {}
    faults: List[str] = []
    for pid in walk.pids:
        storage = storage_of(pid)
        if storage is not None:
            found[storage.key] = storage
        elif not (isinstance(pid.value, tuple) and pid.value[:1] == ("module",)):
            faults.append("a storage of an unknown type")
    return found, faults


def _record_faults(
    archive: zipfile.ZipFile,
    by_name: Dict[str, zipfile.ZipInfo],
    folder: str,
    storages: Dict[str, Storage],
) -> List[str]:
    faults: List[str] = []
    for key, storage in storages.items():
        info = by_name.get(folder + key)
        if info is None:
            faults.append(f"storage {key} is missing")
        elif info.file_size != storage.nbytes:
            faults.append(f"storage {key} has {info.file_size} bytes, not {storage.nbytes}")
        else:
            try:
                # Opening reads the local header: a hole left by a broken download shows there.
                archive.open(info).close()
            except ZIP_ERRORS as error:
                faults.append(f"storage {key} is damaged: {error}")
    return faults


def _summed(faults: List[str]) -> Optional[str]:
    if not faults:
        return None
    more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
    return "; ".join(faults[:3]) + more
