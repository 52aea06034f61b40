"""Plain pickles: statistics and motions, and pickles that would run code."""

from __future__ import annotations

import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any, Callable

import pytest

from dartenv.assets.pickle_file import inspect_pickle
from dartenv.assets.pickle_machine import MAX_OPS
from dartenv.assets.pickle_nodes import Call, Global, Pairs
from dartenv.assets.pickle_walk import PickleFault, walk_pickle
from dartenv.assets.torch_file import inspect_torch
from dartenv.assets.window import CutOff, Window


def walk(data: bytes) -> Any:
    return walk_pickle(Window(io.BytesIO(data), 0, len(data)))


def written(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    return str(path)


MOTION = {
    "betas": ((10,), "float64"),
    "transl": ((4, 3), "float64"),
    "global_orient": ((4, 3), "float32"),
    "body_pose": ((4, 63), "float64"),
    "fps": ((), "float64"),
}


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("motion_numpy1_p2.pkl", "numpy.core.multiarray"),
        ("motion_numpy2_p2.pkl", "numpy._core.multiarray"),
        ("motion_numpy2_p4.pkl", "numpy._core.multiarray"),
        ("motion_numpy2_p5.pkl", "numpy._core.numeric"),
    ],
)
def test_motions_of_either_numpy(fixtures: Path, name: str, module: str) -> None:
    found = inspect_pickle(str(fixtures / "torch" / name))
    arrays = {k: (v.shape, v.dtype) for k, v in found.values.items() if v.kind == "array"}
    assert arrays == MOTION
    assert found.values["gender"].text == "male"
    assert (found.values["texts"].kind, found.values["texts"].shape) == ("list", (1,))
    assert module in found.modules
    assert (found.problem, found.foreign_globals) == (None, ())


@pytest.mark.parametrize("protocol", [2, 4])
def test_statistics_with_torch_tensors_inside(fixtures: Path, protocol: int) -> None:
    found = inspect_pickle(str(fixtures / "torch" / f"mean_std_p{protocol}.pkl"))
    assert found.shape_of == "tuple"
    assert [(v.kind, v.shape, v.dtype) for v in found.values.values()] == [
        ("tensor", (1, 1, 276), "float32")
    ] * 2
    assert (found.problem, found.foreign_globals, found.locations) == (None, (), ())


def test_the_old_statistics_are_described_one_deeper(fixtures: Path) -> None:
    found = inspect_pickle(str(fixtures / "torch" / "mean_std_old.pkl"))
    assert found.nested["transl"]["std"].shape == (1, 3)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    shared = ["walk", "run"]
    value = {
        "texts": shared,
        "same": shared,
        "flag": True,
        "none": None,
        "big": 2**70,
        "less": -5,
        "float": 0.5,
        "名": "动作 " * 3,
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "long": "x" * 10_000,
        7: (1, (2, 3)),
    }
    found = inspect_pickle(written(tmp_path, pickle.dumps(value, protocol)))
    assert found.problem is None
    assert found.foreign_globals == ()
    kinds = {k: v.kind for k, v in found.values.items() if k not in ("set", "bytes")}
    assert kinds == {
        "texts": "list",
        "same": "list",
        "flag": "bool",
        "none": "none",
        "big": "int",
        "less": "int",
        "float": "float",
        "名": "text",
        "long": "text",
        "(int) 7": "tuple",
    }
    assert found.values["big"].text == str(2**70)
    assert found.values["名"].text == "动作 " * 3
    assert found.values["long"].shape == (10_000,)


class Evil:
    """Loading its pickle makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_a_pickle_that_would_run_code_is_named_and_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    evil = pickle.dumps({"transl": Evil(marker), "ok": 1}, protocol)
    found = inspect_pickle(written(tmp_path, evil))
    assert found.foreign_globals == (f"{os.mkdir.__module__}.mkdir",)
    assert not marker.exists()
    pickle.loads(evil)  # it is a working trap
    assert marker.exists()


def test_a_trap_before_a_broken_end_is_still_named(tmp_path: Path) -> None:
    evil = pickle.dumps(Evil(tmp_path / "ran"), 2)
    for data in (evil[:-1], evil[:-1] + b"\xff", evil[:-1] + b"J\x01"):
        found = inspect_pickle(written(tmp_path, data))
        assert found.problem is not None
        assert found.foreign_globals == (f"{os.mkdir.__module__}.mkdir",)


def test_a_trap_in_a_value_that_is_thrown_away_is_still_named(tmp_path: Path) -> None:
    evil = b"\x80\x02cbuiltins\neval\n" + b"X\x01\x00\x00\x001\x85R0N."
    assert inspect_pickle(written(tmp_path, evil)).foreign_globals == ("builtins.eval",)


def nested(inner: bytes) -> bytes:
    """A tensor whose storage is the torch file ``inner``, as in a plain pickle of a tensor."""
    storage = (
        b"ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(inner)) + inner + b"\x85R"
    )
    return b"\x80\x03ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00))\x89NtR."


def test_a_trap_in_the_torch_file_inside_a_tensor_is_named(tmp_path: Path) -> None:
    evil = pickle.dumps(Evil(tmp_path / "ran"), 2)
    found = inspect_pickle(written(tmp_path, nested(evil)))
    assert f"{os.mkdir.__module__}.mkdir" in found.foreign_globals
    assert not (tmp_path / "ran").exists()


def test_unreadable_bytes_in_a_tensor_are_foreign(tmp_path: Path) -> None:
    found = inspect_pickle(written(tmp_path, nested(b"PK\x03\x04 whatever")))
    assert found.foreign_globals == ("torch.storage._load_from_bytes of unreadable bytes",)


@pytest.mark.parametrize("pickle_index", [0, 1, 2])
def test_a_trap_in_the_head_of_an_old_checkpoint_is_named(
    tmp_path: Path, fixtures: Path, pickle_index: int
) -> None:
    magic, version = pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2)
    raw = (fixtures / "torch" / "legacy.pt").read_bytes()
    assert raw.startswith(magic + version)
    parts = [magic, version, raw[len(magic + version) :]]
    # The value stays what it was, and a call goes before it.
    trap = b"\x80\x02cnt\nsystem\nX\x01\x00\x00\x00x\x85R0"
    parts[pickle_index] = trap + parts[pickle_index][2:]
    path = tmp_path / "legacy.pt"
    path.write_bytes(b"".join(parts))
    found = inspect_torch(str(path))
    assert found.foreign_globals == ("nt.system",)
    assert found.kind == "torch-legacy"
    assert len(found.tensors) == 12


def test_a_trap_in_a_zip_checkpoint_is_named(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    evil = pickle.dumps({"num_steps": 1, "model_state_dict": {}, "x": Evil(tmp_path / "ran")}, 2)
    found = inspect_torch(str(make_checkpoint(tmp_path / "c.pt", {}, data_pkl=evil)))
    assert found.foreign_globals == (f"{os.mkdir.__module__}.mkdir",)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("collections", "OrderedDict.fromkeys"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("builtins", "getattr"),
        ("pathlib", "Path.unlink"),
        ("chumpy.ch", "Ch"),
        ("numpy.testing", "multiarray.scalar"),
    ],
)
def test_names_that_do_more_than_rebuild_data_are_foreign(module: str, name: str) -> None:
    data = b"\x80\x04\x8c" + bytes([len(module)]) + module.encode()
    data += b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
    assert walk(data).foreign == (f"{module}.{name}",)


def test_a_name_put_together_while_loading_is_foreign() -> None:
    assert walk(b"\x80\x04]]\x93.").foreign == ("(computed).(computed)",)
    assert walk(b"\x82\x07.").foreign == ("copyreg.extension_registry[7]",)


def test_calls_and_states_become_records() -> None:
    found = walk(b"\x80\x02ccollections\nOrderedDict\n)RX\x01\x00\x00\x00kK\x05s}b.").value
    assert isinstance(found, Call)
    assert found.target == Global("collections", "OrderedDict")
    assert found.pairs == [("k", 5)]
    assert isinstance(found.state, Pairs)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02.",
        b"\x80\x02h\x05.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02N(K\x01e.",
        b"\x80\x09N.",
        b"\x80\x02\xee.",
        b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
        b"S'unquoted\n.",
        b"I12x\n.",
        b"\x80\x02K\x01\x87.",
        b"\x80\x05\x97.",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
    ],
)
def test_what_is_no_pickle_is_refused(data: bytes) -> None:
    with pytest.raises((PickleFault, CutOff)):
        walk(data)


def test_announced_lengths_are_checked_against_the_file() -> None:
    for data in (
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fx.",
        b"B\xff\xff\xff\x7fx.",
        b"T\xff\xff\xff\xffx.",
    ):
        with pytest.raises(CutOff):
            walk(data)


def test_a_wild_memo_index_costs_nothing() -> None:
    assert walk(b"\x80\x02Nr\xff\xff\xff\xff.").value is None


def test_a_pickle_of_endless_operations_is_stopped() -> None:
    with pytest.raises(PickleFault, match="operations"):
        walk(b"N0" * (MAX_OPS // 2 + 1))


def test_shared_parts_are_not_expanded(tmp_path: Path) -> None:
    # Sixty tuples, each of two times the one before: 2**60 leaves when written out.
    data = b"\x80\x02N" + b"q\x00h\x00\x86" * 60 + b"}h\x00K\x01sN0."
    found = inspect_pickle(written(tmp_path, data))
    assert list(found.values) == ["(tuple)"]


def test_deep_nesting_is_no_problem(tmp_path: Path) -> None:
    found = inspect_pickle(written(tmp_path, b"\x80\x02" + b"N" + b"\x85" * 100_000 + b"."))
    assert found.shape_of == "tuple"


def test_an_array_with_too_few_bytes_is_found(
    tmp_path: Path, pickled: Callable[[Any], bytes], zeros: Callable[..., Any]
) -> None:
    data = pickled({"transl": zeros(2, 3)})
    assert inspect_pickle(written(tmp_path, data)).problem is None
    short = data.replace(struct.pack("<I", 48) + b"\x00" * 48, struct.pack("<I", 40) + b"\x00" * 40)
    assert inspect_pickle(written(tmp_path, short)).problem == (
        "transl: holds 40 bytes where its shape needs 48"
    )


@pytest.mark.parametrize("size", [1, 50, 400])
def test_a_cut_off_pickle_is_called_so(fixtures: Path, tmp_path: Path, size: int) -> None:
    raw = (fixtures / "torch" / "mean_std_p4.pkl").read_bytes()
    found = inspect_pickle(written(tmp_path, raw[:-size]))
    assert found.problem is not None
    assert found.problem.startswith("cut off at byte")


def test_web_pages_and_text_are_not_pickles(tmp_path: Path) -> None:
    assert inspect_pickle(written(tmp_path, b"<html>login</html>")).kind == "html"
    found = inspect_pickle(written(tmp_path, b"Some words.\n"))
    assert (found.kind, found.problem) == ("text", "not a pickle")
