"""Checkpoints and pickles as arrays: the same numbers as torch reads, and nothing is executed."""

from __future__ import annotations

import os
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dartenv.errors import UsageFault

np = pytest.importorskip("numpy", reason="needs numpy")
pytestmark = pytest.mark.ort

from dartenv.assets.arrays import read_checkpoint, read_entries, read_pickle  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2] / "dartenv" / "sandbox" / "project"
CHECKPOINTS = (
    "mvae/mvae_sandbox/checkpoint_2800.pt",
    "mld_denoiser/mld_sandbox/checkpoint_4000.pt",
)


class Call:
    """Pickles as a call of ``os.mkdir``."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@pytest.mark.torch
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_same_as_torch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    wanted = torch.load(str(PROJECT / name), map_location="cpu")["model_state_dict"]
    found, steps = read_checkpoint(PROJECT / name)
    assert steps == int(name.rsplit("_", 1)[1].split(".")[0])
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        assert found[key].shape == tuple(value.shape)
        assert (found[key] == value.numpy()).all()


@pytest.mark.torch
def test_views_of_one_storage(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {"turned": whole.t(), "part": whole[1:3, 2:], "whole": whole, "one": torch.tensor(7)}
    torch.save({"model_state_dict": state}, str(tmp_path / "c.pt"))
    found, _ = read_checkpoint(tmp_path / "c.pt")
    for key, value in state.items():
        assert found[key].shape == tuple(value.shape)
        assert (found[key] == value.numpy()).all()


def test_statistics_with_tensors_inside() -> None:
    mean, std = read_pickle(PROJECT / "data/seq_data_zero_male/mean_std_h2_f8.pkl")
    assert mean.shape == std.shape == (1, 1, 276)
    assert std.min() > 0


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_motion(tmp_path: Path, protocol: int) -> None:
    if protocol > pickle.HIGHEST_PROTOCOL:
        pytest.skip("not of this Python")
    wanted = {
        "transl": np.arange(6, dtype=np.float32).reshape(2, 3),
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "count": np.int64(3),
        "texts": ["走", "walk"],
        "gender": "male",
    }
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(wanted, protocol=protocol))
    found = read_pickle(path)
    assert found["texts"] == ["走", "walk"]
    assert found["gender"] == "male"
    for key in ("transl", "turned", "count"):
        assert found[key].dtype == np.asarray(wanted[key]).dtype
        assert (found[key] == wanted[key]).all()


def test_a_pickle_that_calls_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "made"
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"transl": Call(victim)}))
    with pytest.raises(UsageFault, match=r"would call \w+\.mkdir"):
        read_pickle(path)
    assert not victim.exists()


def test_a_checkpoint_that_calls_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "made"
    path = tmp_path / "c.pt"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("c/data.pkl", pickle.dumps({"model_state_dict": Call(victim)}, protocol=2))
        archive.writestr("c/version", "3\n")
    with pytest.raises(UsageFault, match=r"would call \w+\.mkdir.*it was not loaded"):
        read_checkpoint(path)
    assert not victim.exists()


@pytest.mark.parametrize("data", [b"", b"<html>", b"PK\x03\x04", b"\x80\x04"])
def test_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "c.pt"
    path.write_bytes(data)
    with pytest.raises(UsageFault):
        read_checkpoint(path)
    with pytest.raises(UsageFault):
        read_pickle(path)


def test_cut_off(tmp_path: Path) -> None:
    data = (PROJECT / CHECKPOINTS[0]).read_bytes()
    path = tmp_path / "c.pt"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UsageFault, match="cut off"):
        read_checkpoint(path)


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="not there"):
        read_checkpoint(tmp_path / "c.pt")


def fake(name: str, class_name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A class that pickles as ``name.class_name``."""
    module = types.ModuleType(name)
    kind = type(class_name, (), {"__module__": name})
    setattr(module, class_name, kind)
    parts = name.split(".")
    for end in range(1, len(parts)):
        package = types.ModuleType(".".join(parts[:end]))
        package.__path__ = []  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, name, module)
    return kind


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("form", ["csc_matrix", "csr_matrix"])
def test_numbers_inside_chumpy_and_scipy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int, form: str
) -> None:
    template = fake("chumpy.ch", "Ch", monkeypatch)()
    template.x = np.arange(6.0).reshape(2, 3)
    dense = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
    turned = dense.T if form == "csc_matrix" else dense
    sparse = fake("scipy.sparse.csc", form, monkeypatch)()
    sparse.data = turned[turned != 0]
    sparse.indices = np.nonzero(turned)[1].astype(np.int32)
    counts = (turned != 0).sum(axis=1)
    sparse.indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    sparse._shape = dense.shape
    path = tmp_path / "SMPLH_MALE.pkl"
    values = {"v_template": template, "J_regressor": sparse, "weights": np.ones(3)}
    path.write_bytes(pickle.dumps(values, protocol=protocol))
    found = read_entries(path, list(values))
    assert (found["v_template"] == template.x).all()
    assert (found["J_regressor"] == dense).all()
    with pytest.raises(UsageFault, match="kintree_table"):
        read_entries(path, ["kintree_table"])
    with pytest.raises(UsageFault, match=r"would call chumpy\.ch\.Ch"):
        read_pickle(path)
