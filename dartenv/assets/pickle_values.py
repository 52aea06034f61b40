"""Arrays and tensors out of a walked pickle: their shapes, element types and where they lay."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from dartenv.assets.numpy_types import numpy_dtype
from dartenv.assets.pickle_nodes import ITEM_SIZES, Blob, Call, Global, Pairs, Pid, dtype_of
from dartenv.assets.pickle_walk import PickleFault
from dartenv.assets.torch_pickles import TorchPickles, walk_torch_pickles
from dartenv.assets.window import CutOff, Window

MAX_NESTED = 64 * 1024 * 1024  # bytes of a torch file inside a pickle
_MAX_DIMS = 64
_CONTINUATION = bytes(range(0x80, 0xC0))

_RECONSTRUCT = tuple(f"numpy.{c}.multiarray._reconstruct" for c in ("core", "_core"))
_FROMBUFFER = tuple(f"numpy.{c}.numeric._frombuffer" for c in ("core", "_core"))
_SCALAR = tuple(f"numpy.{c}.multiarray.scalar" for c in ("core", "_core"))
LOAD_BYTES = "torch.storage._load_from_bytes"


@dataclass(frozen=True)
class Value:
    """One value of a pickle, described.

    ``kind`` is ``array`` (numpy), ``tensor`` (torch), ``text``, ``int``, ``float``, ``bool``,
    ``none``, ``list``, ``tuple``, ``dict``, ``path``, ``bytes`` or ``object``. ``shape`` is that
    of an array or tensor, or the length of a list; ``text`` a short text or number as text;
    ``location`` where a tensor was when it was saved ("cpu", "cuda:0").
    """

    kind: str
    shape: Tuple[int, ...] = ()
    dtype: str = ""
    text: str = ""
    location: Optional[str] = None
    problem: Optional[str] = None


@dataclass(frozen=True)
class Storage:
    """A torch storage as the pickle names it; ``numel`` elements of ``dtype``."""

    key: str
    dtype: str
    location: str
    numel: int

    @property
    def nbytes(self) -> int:
        return self.numel * ITEM_SIZES.get(self.dtype, 1)


def storage_of(pid: Pid) -> Optional[Storage]:
    """torch's persistent id ("storage", class, key, location, elements), or ``None``."""
    parts = pid.value
    if not isinstance(parts, tuple) or len(parts) < 5 or parts[0] != "storage":
        return None
    cls, key, location, numel = parts[1:5]
    dtype = dtype_of(cls) if isinstance(cls, Global) else None
    if dtype is None or not isinstance(key, (str, int)) or not isinstance(location, str):
        return None
    if not isinstance(numel, int) or numel < 0:
        return None
    return Storage(str(key), dtype, location, numel)


def nested_bytes(window: Window, node: Any) -> Optional[bytes]:
    """The bytes that ``node`` stands for when they are short enough to hold, else ``None``."""
    if isinstance(node, bytes):
        return node
    if isinstance(node, Blob) and node.length <= MAX_NESTED:
        data = window.at(node.offset, node.length)
        return data if node.form == "bytes" else _as_latin(data)
    if isinstance(node, Call) and node.of("_codecs.encode"):
        # Bytes in a protocol 2 pickle: text that is encoded while loading.
        text = node.arg(0)
        if isinstance(text, str):
            return text.encode("latin-1", "replace")
        return nested_bytes(window, text) if isinstance(text, Blob) else None
    return None


def _as_latin(data: bytes) -> bytes:
    try:
        return data.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return data


def nested_torch(window: Window, call: Call) -> Tuple[Optional[Storage], TorchPickles]:
    """The torch file inside ``_load_from_bytes(...)``: its storage, and the walk of its pickles.

    Raises PickleFault and CutOff when it is not one.
    """
    data = nested_bytes(window, call.arg(0))
    if data is None:
        raise PickleFault("a torch storage whose bytes are computed while loading")
    inner = Window(io.BytesIO(data), 0, len(data))
    found = walk_torch_pickles(inner)
    value = found.walk.value
    storage = storage_of(value) if isinstance(value, Pid) else None
    if storage is not None:
        inner.skip(8 + storage.nbytes)
    return storage, found


class Values:
    """Describes nodes of one walked pickle in ``window``."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self._storages: Dict[int, Optional[Storage]] = {}

    def describe(self, node: Any) -> Value:
        """``node`` in one line's worth of facts."""
        plain = _plain(node)
        if plain is not None:
            return plain
        if isinstance(node, Call):
            return self.tensor(node) or self.array(node) or self._other(node)
        return Value("object", text=type(node).__name__.lower())

    def tensor(self, node: Any) -> Optional[Value]:
        """``node`` as a torch tensor, or ``None``."""
        for _ in range(8):
            if not isinstance(node, Call):
                return None
            if node.of(
                "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"
            ):
                node = node.arg(0)
            elif node.of("torch._tensor._rebuild_from_type_v2"):
                node = Call(node.arg(0), node.arg(2))
            else:
                break
        if not isinstance(node, Call):
            return None
        if node.of("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
            return self._stored(node, None)
        if node.of("torch._utils._rebuild_tensor_v3"):
            dtype = node.arg(6)
            return self._stored(node, dtype_of(dtype) if isinstance(dtype, Global) else None)
        return None

    def _stored(self, call: Call, dtype: Optional[str]) -> Value:
        storage = self._storage(call.arg(0))
        shape, stride, offset = _sizes(call.arg(2)), _sizes(call.arg(3)), call.arg(1)
        if storage is None or shape is None:
            return Value("tensor", problem="a tensor without a readable storage")
        dtype = dtype or storage.dtype
        problem = None
        if stride is None or len(stride) != len(shape) or not isinstance(offset, int):
            problem = "a tensor with unreadable strides"
        elif all(shape):
            last = offset + sum((n - 1) * s for n, s in zip(shape, stride))
            held = storage.nbytes // ITEM_SIZES.get(dtype, 1)
            if last >= held:
                problem = f"reaches element {last} of a storage of {held}"
        return Value("tensor", shape, dtype, location=storage.location, problem=problem)

    def _storage(self, node: Any) -> Optional[Storage]:
        if isinstance(node, Pid):
            return storage_of(node)
        if isinstance(node, Call) and node.of("torch.storage.TypedStorage"):
            node = node.arg(0)
        if isinstance(node, Call) and node.of(LOAD_BYTES):
            if id(node) not in self._storages:
                try:
                    self._storages[id(node)] = nested_torch(self.window, node)[0]
                except (PickleFault, CutOff):
                    self._storages[id(node)] = None
            return self._storages[id(node)]
        return None

    def array(self, node: Any) -> Optional[Value]:
        """``node`` as a numpy array or numpy scalar, or ``None``."""
        if not isinstance(node, Call):
            return None
        if node.of(*_RECONSTRUCT) and isinstance(node.state, tuple) and len(node.state) >= 5:
            _, shape, dtype, _, data = node.state[:5]
            return self._filled(_sizes(shape), dtype, data)
        if node.of(*_FROMBUFFER):
            return self._filled(_sizes(node.arg(2)), node.arg(1), node.arg(0))
        if node.of(*_SCALAR):
            return self._filled((), node.arg(0), node.arg(1))
        return None

    def _filled(self, shape: Optional[Tuple[int, ...]], dtype: Any, data: Any) -> Value:
        name, item = numpy_dtype(dtype)
        if shape is None:
            return Value("array", dtype=name, problem="an array with an unreadable shape")
        count = 1
        for n in shape:
            count *= n
        if name == "object":
            return Value("array", shape, name)
        held = self._length(data)
        problem = None
        if item and held is not None and held != count * item:
            problem = f"holds {held} bytes where its shape needs {count * item}"
        return Value("array", shape, name, problem=problem)

    def _length(self, node: Any) -> Optional[int]:
        """How many bytes ``node`` stands for, or ``None`` if that is not plain."""
        if isinstance(node, (bytes, str)):  # a Python 2 string reads as text, a byte a character
            return len(node)
        if isinstance(node, Blob):
            return node.length if node.form != "utf-8" else self._characters(node)
        if isinstance(node, Call) and node.of("_codecs.encode"):
            return self._length(node.arg(0))
        if isinstance(node, Call) and node.of("builtins.bytearray", "builtins.bytes"):
            return self._length(node.arg(0))
        return None

    def _characters(self, blob: Blob) -> int:
        count = 0
        for begin in range(0, blob.length, 1 << 20):
            part = self.window.at(blob.offset + begin, min(1 << 20, blob.length - begin))
            count += len(part.translate(None, _CONTINUATION))
        return count

    def _other(self, call: Call) -> Value:
        target = call.target
        if not isinstance(target, Global):
            return Value("object", text="computed")
        if target.module in ("pathlib", "pathlib._local"):
            parts = call.args if isinstance(call.args, tuple) else ()
            return Value(
                "path",
                dtype=target.name,
                text="/".join(p for p in parts if isinstance(p, str))[:200],
            )
        if target.module.startswith("scipy.sparse") or str(target).endswith("._reconstructor"):
            state = call.state if isinstance(call.state, Pairs) else Pairs()
            shape = _sizes(state.text_keys().get("_shape", state.text_keys().get("shape")))
            named = call.arg(0) if str(target).endswith("._reconstructor") else target
            if shape is not None:
                return Value("array", shape, "sparse")
            return Value("object", text=str(named) if isinstance(named, Global) else "computed")
        if str(target) in ("collections.OrderedDict", "collections.defaultdict"):
            return Value("dict", (len(call.pairs),))
        return Value("object", text=str(target))


def _plain(node: Any) -> Optional[Value]:
    if node is None:
        return Value("none")
    if isinstance(node, bool):
        return Value("bool", text=str(node))
    if isinstance(node, (int, float)):
        return Value(type(node).__name__, text=str(node)[:40])
    if isinstance(node, str):
        return Value("text", (len(node),), text=node[:200])
    if isinstance(node, bytes):
        return Value("bytes", (len(node),))
    if isinstance(node, Blob):
        return Value("bytes" if node.form == "bytes" else "text", (node.length,))
    if isinstance(node, (list, tuple)):
        return Value(type(node).__name__, (len(node),))
    if isinstance(node, Pairs):
        return Value("dict", (len(node.items),))
    return None


def _sizes(node: Any) -> Optional[Tuple[int, ...]]:
    """A shape or strides: a tuple of whole numbers, or torch.Size of one."""
    if isinstance(node, Call) and node.of("torch.Size"):
        node = node.arg(0)
    if not isinstance(node, (tuple, list)) or len(node) > _MAX_DIMS:
        return None
    sizes: List[int] = []
    for n in node:
        if not isinstance(n, int) or not 0 <= n < 2**48:
            return None
        sizes.append(n)
    return tuple(sizes)
