"""SMPL-H with hands: the arrays of its body and MANO's hand components as one model file.

The archive of SMPL-H holds ``model.npz`` without the components that smplx reads; MANO's pickles
hold those, among objects of chumpy and scipy. The pickles are read with nothing but numpy's own
array constructors; every other class becomes an empty shell, so that none of its code runs and
chumpy need not be there. What is taken must be a plain array in the end.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Type

from dartenv.assets.zip_file import ZIP_ERRORS
from dartenv.errors import UsageFault

# What an array's pickle calls, under the names of every numpy.
_ARRAY_PARTS = ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")
_ARRAY_HOMES = (
    "numpy",
    "numpy.core.multiarray",
    "numpy._core.multiarray",
    "numpy.core.numeric",
    "numpy._core.numeric",
)
_NPZ_ERRORS: Tuple[Type[Exception], ...] = (*ZIP_ERRORS, OSError, KeyError)
_BLOCK = 1 << 20


class _Shell:
    """Stands for an object of a class that is not let in: takes any state, does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        return

    def __setstate__(self, state: object) -> None:
        return

    def __call__(self, *_: object, **__: object) -> _Shell:
        return self

    def __setitem__(self, key: object, value: object) -> None:
        return

    def append(self, value: object) -> None:
        """What a list would do."""

    def extend(self, values: object) -> None:
        """What a list would do."""

    def add(self, value: object) -> None:
        """What a set would do."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Arrays, and bytes as Python 2 and 3 write them; everything else is a shell."""
        if module in _ARRAY_HOMES and name in _ARRAY_PARTS:
            return super().find_class(_here(module), name)
        if (module, name) == ("_codecs", "encode"):
            return _encode
        return type("_Shell", (_Shell,), {})


def _encode(text: str, encoding: str = "utf-8") -> bytes:
    if encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise pickle.UnpicklingError(f"bytes in {encoding}")
    return text.encode(encoding)


def _here(module: str) -> str:
    """The home of ``module`` in the numpy that is installed."""
    import numpy as np

    new = int(np.__version__.split(".")[0]) >= 2
    return module.replace("numpy.core.", "numpy._core.") if new else module.replace("_core", "core")


def read_arrays(data: bytes, names: Sequence[str], shown: str) -> Dict[str, Any]:
    """The named arrays of a MANO pickle. Raises UsageFault where one is not a plain array."""
    import numpy as np

    try:
        model = _Reader(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a pickle can fail in any way
        raise UsageFault(
            f"{shown}: no pickle of a model ({type(error).__name__})", "MANO's own file"
        ) from None
    found: Dict[str, Any] = {}
    for name in names:
        value = model.get(name) if isinstance(model, dict) else None
        if type(value) is not np.ndarray or value.dtype.hasobject:
            raise UsageFault(f"{shown}: {name} is no plain array", "MANO v1.2's own file")
        found[name] = value
    return found


def merged(body: bytes, left: bytes, right: bytes, arrays: Sequence[str]) -> Iterator[bytes]:
    """The bytes of SMPLH_<GENDER>.pkl: body arrays as they are, hand arrays with ``l`` and ``r``.

    ``body`` is SMPL-H's model.npz. The pickle loads with any numpy and holds plain arrays alone.
    Raises UsageFault.
    """
    import numpy as np

    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as archive:
            model: Dict[str, Any] = {name: archive[name] for name in _plain(body)}
    except _NPZ_ERRORS as error:
        raise UsageFault(
            f"the body model: {' '.join(str(error).split())[:100]}", "SMPL-H's model.npz"
        ) from None
    hands: List[Tuple[str, bytes]] = [("l", left), ("r", right)]
    for side, data in hands:
        for name, value in read_arrays(data, arrays, f"MANO's hand {side!r}").items():
            model[name + side] = value
    data = _portable(pickle.dumps(model, protocol=3))
    for start in range(0, len(data), _BLOCK):
        yield data[start : start + _BLOCK]


def _plain(body: bytes) -> List[str]:
    """Names of arrays that need no pickle; object arrays are only remarks in these files."""
    import numpy as np

    names = []
    with zipfile.ZipFile(io.BytesIO(body)) as files:
        for member in files.namelist():
            with files.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0
                if version != (1, 0):
                    read = np.lib.format.read_array_header_2_0
                if not read(stream)[2].hasobject:
                    names.append(member[: -len(".npy")] if member.endswith(".npy") else member)
    return names


def _portable(data: bytes) -> bytes:
    """The pickle with numpy's modules under the names that old and new numpy both know."""
    cuts: List[Tuple[int, int, bytes]] = []
    for opcode, argument, position in pickletools.genops(data):
        if opcode.name != "GLOBAL" or position is None:
            continue
        module, name = str(argument).split(" ", 1)
        known = module.replace("numpy._core", "numpy.core")
        if known != module:
            length = len(f"c{module}\n{name}\n")
            cuts.append((position, length, f"c{known}\n{name}\n".encode("ascii")))
    for position, length, text in reversed(cuts):
        data = data[:position] + text + data[position + length :]
    return data
