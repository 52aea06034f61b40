"""The numbers of checkpoints and pickles as numpy arrays; nothing in a file is imported or called.

A pickle is walked (:mod:`dartenv.assets.pickle_walk`) and only what rebuilds data is rebuilt, by
us. A file whose loading would run anything else is refused with the names it would have called.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from dartenv.assets.pickle_file import names_with_nested
from dartenv.assets.pickle_nodes import Blob, Call, Global, Pairs, Pid
from dartenv.assets.pickle_values import LOAD_BYTES, nested_bytes, storage_of
from dartenv.assets.pickle_walk import PickleFault, walk_pickle
from dartenv.assets.torch_file import inspect_torch
from dartenv.assets.torch_pickles import walk_torch_pickles
from dartenv.assets.window import CutOff, Window
from dartenv.assets.zip_file import ZIP_ERRORS
from dartenv.errors import UsageFault

Arrays = Dict[str, Any]  # name -> numpy array
ReadStorage = Callable[[str], bytes]

_DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
_REBUILD = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_PARAMETER = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
_RECONSTRUCT = tuple(f"numpy.{c}.multiarray._reconstruct" for c in ("core", "_core"))
_FROMBUFFER = tuple(f"numpy.{c}.numeric._frombuffer" for c in ("core", "_core"))
_SCALAR = tuple(f"numpy.{c}.multiarray.scalar" for c in ("core", "_core"))


def read_checkpoint(path: Path) -> Tuple[Arrays, Optional[int]]:
    """(state dict, training steps) of a checkpoint that torch.save or torch.jit.save wrote.

    Raises UsageFault: not there, cut off, of the form before torch 1.6, or a pickle whose loading
    would call something that is not data, which is named.
    """
    found = inspect_torch(str(path))
    _refuse_foreign(path, found.foreign_globals)
    if found.kind == "absent":
        raise UsageFault(f"{path}: not there", "a checkpoint", "dartenv doctor --select assets")
    if found.problem or not found.tensors:
        raise UsageFault(f"{path}: {found.problem or 'no tensors in it'}", "a whole checkpoint")
    if found.kind not in ("torch-zip", "torchscript"):
        raise UsageFault(
            f"{path}: {found.kind}", "a zip, as torch.save writes since 1.6", "save it again"
        )
    try:
        with zipfile.ZipFile(str(path)) as archive:
            return _state_of_zip(archive, list(found.tensors)), found.steps
    except ZIP_ERRORS as error:
        raise UsageFault(f"{path}: {error}", "a whole checkpoint") from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None


def _state_of_zip(archive: zipfile.ZipFile, names: Sequence[str]) -> Arrays:
    prefix = next(
        n[: -len("data.pkl")] for n in archive.namelist() if n.endswith("data.pkl")
    )  # inspect_torch saw exactly one
    data = archive.read(prefix + "data.pkl")
    window = Window(io.BytesIO(data), 0, len(data))
    rebuild = Rebuild(window, lambda key: archive.read(f"{prefix}data/{key}"))
    nodes = _tensor_nodes(walk_pickle(window).value)
    return {name: rebuild.array(nodes[name]) for name in names}


def _tensor_nodes(node: Any) -> Dict[str, Any]:
    """Every value below ``node`` by its dotted name, and state dicts by their own flat names."""
    found: Dict[str, Any] = {}
    waiting: List[Tuple[str, Any]] = [("", node)]
    while waiting:
        prefix, item = waiting.pop()
        for key, value in _pairs(item):
            if not isinstance(key, str):
                continue
            found.setdefault(key, value)
            dotted = f"{prefix}.{key}" if prefix else key
            found.setdefault(dotted, value)
            if _pairs(value) and not (isinstance(value, Call) and _is_tensor(value)):
                waiting.append((dotted if isinstance(value, Call) else "", value))
    return found


def _is_tensor(call: Call) -> bool:
    return call.of(*_REBUILD, *_PARAMETER)


def _pairs(node: Any) -> List[Tuple[Any, Any]]:
    if isinstance(node, Pairs):
        return node.items
    if isinstance(node, Call):
        if node.of("collections.OrderedDict", "collections.defaultdict"):
            return node.pairs
        if isinstance(node.state, Pairs):
            return node.state.items
    return []


def read_pickle(path: Path, only: Optional[Sequence[str]] = None) -> Any:
    """A plain pickle as lists, tuples, dictionaries, texts, numbers and numpy arrays.

    With ``only``, the other entries of a dictionary are there as ``None``: nobody need know how to
    rebuild them. Raises UsageFault as ``read_checkpoint`` does; tensors become arrays.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageFault(
            f"{path}: cannot be read: {error.strerror}",
            "a pickle",
            "dartenv doctor --select assets",
        ) from None
    if data[:2] == b"PK":
        raise UsageFault(f"{path}: a zip, as torch.save and numpy.savez write", "a plain pickle")
    window = Window(io.BytesIO(data), 0, len(data))
    try:
        walk = walk_pickle(window)
        _refuse_foreign(path, names_with_nested(window, walk)[0])
        rebuild = Rebuild(window, None)
        if only is not None and isinstance(walk.value, Pairs):
            given = walk.value.text_keys()
            return {key: rebuild.value(given[key]) if key in only else None for key in given}
        return rebuild.value(walk.value)
    except (PickleFault, CutOff) as error:
        _refuse_foreign(path, error.foreign)
        raise UsageFault(f"{path}: {error}", "a whole pickle") from None


def read_entries(path: Path, names: Sequence[str]) -> Arrays:
    """The arrays ``names`` of a pickled dictionary, whatever else it would call when loaded.

    Body models in the SMPL family's older form hold objects of chumpy and scipy: their numbers
    are taken out of them, nothing is called. Raises UsageFault where one is not there.
    """
    try:
        data = path.read_bytes()
        window = Window(io.BytesIO(data), 0, len(data))
        found = {k: v for k, v in _pairs(walk_pickle(window).value) if isinstance(k, str)}
        rebuild = Rebuild(window, None)
        return {name: rebuild.inside(found[name]) for name in names}
    except OSError as error:
        raise UsageFault(
            f"{path}: cannot be read: {error.strerror}",
            "a body model",
            "dartenv doctor --select assets",
        ) from None
    except (PickleFault, CutOff, KeyError) as error:
        raise UsageFault(f"{path}: {error}", "a pickle with " + ", ".join(names)) from None


def _refuse_foreign(path: Path, names: Sequence[str]) -> None:
    if names:
        shown = ", ".join(names[:4])
        raise UsageFault(
            f"{path}: loading it would call {shown}",
            "tensors, numbers and texts alone; it was not loaded",
            "dartenv explain assets.pickles",
        )


class Rebuild:
    """Makes numpy arrays and plain values from the nodes of one walked pickle."""

    def __init__(self, window: Window, storage: Optional[ReadStorage]) -> None:
        self._window = window
        self._storage = storage

    def value(self, node: Any) -> Any:
        """``node`` as plain data. Raises PickleFault for what is neither data nor an array."""
        if node is None or isinstance(node, (bool, int, float, str, bytes)):
            return node
        if isinstance(node, Blob):
            data = self._window.at(node.offset, node.length)
            return data if node.form == "bytes" else data.decode("utf-8", "replace")
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if isinstance(node, tuple):
            return tuple(self.value(item) for item in node)
        if isinstance(node, Pairs) or (
            isinstance(node, Call) and node.of("collections.OrderedDict", "collections.defaultdict")
        ):
            return {self.value(k): self.value(v) for k, v in _pairs(node)}
        return self.array(node)

    def inside(self, node: Any) -> Any:
        """``node`` as an array, also where it is wrapped: chumpy's Ch, scipy's sparse matrices."""
        if not isinstance(node, Call) or not isinstance(node.state, Pairs):
            return self.array(node)
        parts = node.state.text_keys()
        if "x" in parts:
            return self.array(parts["x"])
        if not {"data", "indices", "indptr"} <= set(parts):
            return self.array(node)
        shape = _whole(parts.get("_shape", parts.get("shape")))
        data, index, start = (self.array(parts[name]) for name in ("data", "indices", "indptr"))
        named = node.arg(0) if isinstance(node.arg(0), Global) else node.target
        by_column = isinstance(named, Global) and named.name.startswith("csc")
        lines: Any = np.repeat(np.arange(len(start) - 1), np.diff(start))
        full = np.zeros(shape, dtype=data.dtype)
        full[(index, lines) if by_column else (lines, index)] = data
        return full

    def array(self, node: Any) -> Any:
        """``node`` as a numpy array. Raises PickleFault."""
        for _ in range(8):
            if isinstance(node, Call) and node.of(*_PARAMETER):
                node = node.arg(0)
        if not isinstance(node, Call):
            raise PickleFault(f"a {type(node).__name__.lower()} where an array is wanted")
        if node.of(*_REBUILD):
            return self._tensor(node)
        if node.of(*_RECONSTRUCT) and isinstance(node.state, tuple) and len(node.state) >= 5:
            _, shape, dtype, fortran, data = node.state[:5]
            return self._numpy(data, dtype, _whole(shape), "F" if fortran else "C")
        if node.of(*_FROMBUFFER):
            return self._numpy(node.arg(0), node.arg(1), _whole(node.arg(2)), node.arg(3) or "C")
        if node.of(*_SCALAR):
            return self._numpy(node.arg(1), node.arg(0), (), "C")
        raise PickleFault(f"{node.target} where an array is wanted")

    def _tensor(self, call: Call) -> Any:
        shape, stride, offset = _whole(call.arg(2)), _whole(call.arg(3)), call.arg(1)
        data, dtype = self._bytes_of(call.arg(0))
        flat = np.frombuffer(data, dtype=dtype)
        if not all(shape):
            return np.zeros(shape, dtype=dtype)
        last = offset + sum((n - 1) * s for n, s in zip(shape, stride))
        if not isinstance(offset, int) or len(stride) != len(shape) or last >= flat.size:
            raise PickleFault("a tensor that reaches beyond its storage")
        steps = [s * flat.itemsize for s in stride]
        return np.lib.stride_tricks.as_strided(flat[offset:], shape, steps).copy()

    def _bytes_of(self, node: Any) -> Tuple[bytes, Any]:
        """The bytes of a storage, and numpy's type for them."""
        if isinstance(node, Call) and node.of("torch.storage.TypedStorage"):
            node = node.arg(0)
        if isinstance(node, Pid) and self._storage is not None:
            storage = storage_of(node)
            if storage is not None:
                return self._storage(storage.key), _torch_dtype(storage.dtype)
        if isinstance(node, Call) and node.of(LOAD_BYTES):
            return self._nested(node)
        raise PickleFault("a tensor without a readable storage")

    def _nested(self, call: Call) -> Tuple[bytes, Any]:
        data = nested_bytes(self._window, call.arg(0))
        if data is None:
            raise PickleFault("a torch storage whose bytes are computed while loading")
        inner = Window(io.BytesIO(data), 0, len(data))
        found = walk_torch_pickles(inner)
        storage = storage_of(found.walk.value) if isinstance(found.walk.value, Pid) else None
        if storage is None or found.big_endian:
            raise PickleFault("a torch storage of an unknown form")
        inner.skip(8)  # the number of elements again
        return inner.take(storage.nbytes), _torch_dtype(storage.dtype)

    def _numpy(self, data: Any, dtype: Any, shape: Tuple[int, ...], order: str) -> Any:
        code = dtype.arg(0) if isinstance(dtype, Call) and dtype.of("numpy.dtype") else dtype
        raw = nested_bytes(self._window, data)
        if isinstance(data, str):  # Python 2 wrote bytes as text
            raw = data.encode("latin-1", "replace")
        if not isinstance(code, str) or code.lstrip("<>=|")[:1] not in "fiub" or raw is None:
            raise PickleFault(f"an array of {code!r:.40}")
        big = isinstance(dtype, Call) and isinstance(dtype.state, tuple) and ">" in dtype.state[:2]
        kind = np.dtype((">" if big else "<") + code.lstrip("<>=|"))
        count = int(np.prod(shape, dtype=np.int64))
        if len(raw) != count * kind.itemsize:
            raise PickleFault(f"an array of {len(raw)} bytes where {count * kind.itemsize} fit")
        return np.frombuffer(raw, dtype=kind).reshape(shape, order="F" if order == "F" else "C")


def _torch_dtype(name: str) -> Any:
    if name not in _DTYPES:
        raise PickleFault(f"a tensor of {name}, which numpy does not have")
    return np.dtype(name)


def _whole(node: Any) -> Tuple[int, ...]:
    if isinstance(node, Call) and node.of("torch.Size"):
        node = node.arg(0)
    if not isinstance(node, (tuple, list)) or not all(type(n) is int and n >= 0 for n in node):
        raise PickleFault("an unreadable shape")
    return tuple(node)
