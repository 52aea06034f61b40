"""Small assets in DART's real forms, made without torch and numpy."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple

import pytest

Shape = Tuple[int, ...]
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder with args.yaml files of DART's runs and files made by torch."""
    return FIXTURES


def text(value: str) -> bytes:
    """The opcode for a short text."""
    data = value.encode("utf-8")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    """The opcode for a whole number."""
    return (
        b"J" + struct.pack("<i", value) if value < 2**31 else b"\x8a\x08" + struct.pack("<q", value)
    )


def numbers(values: Iterable[int]) -> bytes:
    """The opcodes for a tuple of whole numbers."""
    return b"(" + b"".join(number(v) for v in values) + b"t"


def count(shape: Shape) -> int:
    """How many numbers an array of this shape holds."""
    total = 1
    for n in shape:
        total *= n
    return total


def tensor(key: str, shape: Shape, location: str = "cpu", storage: str = "FloatStorage") -> bytes:
    """The opcodes of one contiguous tensor, whole in storage ``key``."""
    strides = [count(shape[i + 1 :]) for i in range(len(shape))]
    pid = b"(" + text("storage") + f"ctorch\n{storage}\n".encode() + text(key) + text(location)
    pid += number(count(shape)) + b"tQ"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + pid
        + number(0)
        + numbers(shape)
        + numbers(strides)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def checkpoint_pickle(tensors: Mapping[str, Shape], location: str, steps: int) -> bytes:
    """data.pkl of {"num_steps": ..., "model_state_dict": {...}}."""
    inner = b"".join(
        text(n) + tensor(str(i), s, location) for i, (n, s) in enumerate(tensors.items())
    )
    state = b"}(" + inner + b"u"
    return (
        b"\x80\x02}(" + text("num_steps") + number(steps) + text("model_state_dict") + state + b"u."
    )


CheckpointMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def make_checkpoint() -> CheckpointMaker:
    """Writes a zip checkpoint of zeros with given tensors; what torch.save would, in small."""

    def make(
        path: Path,
        tensors: Mapping[str, Shape],
        *,
        location: str = "cpu",
        steps: int = 100,
        without: Tuple[str, ...] = (),
        short: Tuple[str, ...] = (),
        data_pkl: Optional[bytes] = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            pkl = data_pkl or checkpoint_pickle(tensors, location, steps)
            archive.writestr("archive/data.pkl", pkl)
            for index, shape in enumerate(tensors.values()):
                if str(index) not in without:
                    size = 4 * count(shape) - (4 if str(index) in short else 0)
                    archive.writestr(f"archive/data/{index}", b"\x00" * size)
            archive.writestr("archive/version", b"3\n")
        return path

    return make


class NumpyArray:
    """Pickles as a numpy array of zeros without numpy: see :func:`motion_pickle`."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


class _MotionPickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """The pure-Python pickler, whose output can be written by hand where numpy would be."""

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, NumpyArray):
            self.write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + numbers((0,)))
            self.write(b"C\x01btR(" + number(1) + numbers(obj.shape))
            self.write(b"cnumpy\ndtype\n(" + text("f8") + b"\x89\x88tR\x89")
            data = b"\x00" * (8 * count(obj.shape))
            self.write(b"B" + struct.pack("<I", len(data)) + data + b"tb")
            return
        super().save(obj, save_persistent_id)


PickleMaker = Callable[[Any], bytes]


@pytest.fixture(scope="session")
def pickled() -> PickleMaker:
    """Pickles a value of plain Python and :class:`NumpyArray`."""

    def dump(value: Any) -> bytes:
        stream = io.BytesIO()
        _MotionPickler(stream, protocol=3).dump(value)
        return stream.getvalue()

    return dump


@pytest.fixture(scope="session")
def zeros() -> Callable[..., NumpyArray]:
    """A stand-in for numpy.zeros that :func:`pickled` understands."""
    return lambda *shape: NumpyArray(shape)


@pytest.fixture(scope="session")
def make_npz() -> Callable[..., Path]:
    """Writes an .npz of zeros (float64) with given shapes."""

    def make(
        path: Path, arrays: Mapping[str, Shape], extra: Optional[Dict[str, bytes]] = None
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, shape in arrays.items():
                archive.writestr(f"{name}.npy", npy("<f8", shape, b"\x00" * (8 * count(shape))))
            for name, data in (extra or {}).items():
                archive.writestr(name, data)
        return path

    return make


def npy(descr: str, shape: Shape, data: bytes) -> bytes:
    """One .npy file of version 1."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.fixture(scope="session")
def make_npy() -> Callable[[str, Shape, bytes], bytes]:
    """The bytes of one .npy file."""
    return npy
