"""What a pickle says, as inert values: nothing here is the thing it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple, Union


@dataclass(frozen=True)
class Global:
    """A name that loading would import: ``module`` and ``name`` (dotted for nested ones)."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Blob:
    """A long string or bytes left in the file: ``length`` bytes at ``offset`` of the window.

    ``form`` is ``bytes``, ``utf-8`` or ``text`` (a protocol 0 line).
    """

    offset: int
    length: int
    form: str


@dataclass(frozen=True)
class Pid:
    """A persistent id: torch's way to name a storage."""

    value: Any


@dataclass(eq=False)
class Pairs:
    """A dictionary as its (key, value) pairs; keys may be anything."""

    items: List[Tuple[Any, Any]] = field(default_factory=list)

    def text_keys(self) -> Dict[str, Any]:
        """The pairs whose key is text; the last of equal keys counts."""
        return {k: v for k, v in self.items if isinstance(k, str)}


@dataclass(eq=False)
class Call:
    """What loading would call: ``target(*args)``, then state, pairs and items laid on it."""

    target: Any
    args: Any
    state: Any = None
    pairs: List[Tuple[Any, Any]] = field(default_factory=list)
    items: List[Any] = field(default_factory=list)

    def of(self, *names: str) -> bool:
        """Whether the target is one of the globals ``module.name``."""
        return isinstance(self.target, Global) and str(self.target) in names

    def arg(self, index: int) -> Any:
        """Positional argument ``index``, or ``None``."""
        if isinstance(self.args, tuple) and index < len(self.args):
            return self.args[index]
        return None


Text = Union[str, Blob]

# Globals that only rebuild data. Loading a pickle that names others runs code of its author's
# choice, or at least of a package that must be there.
_TORCH_REBUILD = (
    "_rebuild_tensor",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
    "_rebuild_qtensor",
    "_rebuild_sparse_tensor",
    "_rebuild_meta_tensor_no_storage",
    "_rebuild_device_tensor_from_numpy",
    "_rebuild_device_tensor_from_cpu_tensor",
)
STORAGE_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
    "_UntypedStorage": "uint8",
}
ITEM_SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2,
    "int8": 1, "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex32": 4,
    "complex64": 8, "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1,
    "float8_e5m2fnuz": 1,
}  # fmt: skip
_TORCH_NAMES = {"Size", "device", "Tensor", "LongTensor", "FloatTensor", *ITEM_SIZES}
_NUMPY_MODULES = ("numpy", "numpy.core", "numpy._core", "numpy.ma")
_NUMPY_NAMES = {
    "multiarray._reconstruct",
    "multiarray.scalar",
    "numeric._frombuffer",
    "ndarray",
    "dtype",
}
_EXACT = {
    "_codecs.encode",
    "collections.OrderedDict",
    "collections.defaultdict",
    "copyreg._reconstructor",
    "copy_reg._reconstructor",
    "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer",
    "torch._tensor._rebuild_from_type_v2",
    "torch.storage._load_from_bytes",
    "torch.storage.TypedStorage",
    "torch.storage.UntypedStorage",
    "torch.serialization._get_layout",
    *(f"torch._utils.{name}" for name in _TORCH_REBUILD),
}
_BUILTINS = {"object", "set", "frozenset", "bytearray", "bytes", "complex", "slice", "range"}
_BUILTINS |= {"list", "dict", "tuple", "int", "float", "str", "bool", "unicode", "long"}
_PATHS = {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath"}
_SPARSE = ("csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array")


def is_known(name: Global) -> bool:
    """Whether loading ``name`` rebuilds data of Python, numpy, scipy or torch, and nothing else."""
    full = str(name)
    if full in _EXACT:
        return True
    if name.module in ("builtins", "__builtin__"):
        return name.name in _BUILTINS
    if name.module == "torch":
        return name.name in STORAGE_DTYPES or name.name in _TORCH_NAMES
    if name.module == "torch.cuda":
        return name.name in STORAGE_DTYPES
    if name.module in ("pathlib", "pathlib._local"):
        return name.name in _PATHS
    if name.module.startswith("numpy"):
        return any(full == f"{m}.{n}" for m in _NUMPY_MODULES for n in _NUMPY_NAMES)
    if name.module.startswith("scipy.sparse"):
        return name.name in _SPARSE
    return False


def dtype_of(name: Optional[Global]) -> Optional[str]:
    """The element type that a torch storage class or dtype name stands for."""
    if name is None:
        return None
    if name.name in STORAGE_DTYPES:
        return STORAGE_DTYPES[name.name]
    return name.name if name.name in ITEM_SIZES else None
