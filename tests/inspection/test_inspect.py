"""dartenv inspect: the table of what goes in and comes out."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
import zipfile
from pathlib import Path

import pytest

from dartenv.cli.app import assemble
from dartenv.cli.ending import run

CHECKPOINT = (
    Path(__file__).resolve().parents[2]
    / "dartenv/sandbox/project/mld_denoiser/mld_sandbox/checkpoint_4000.pt"
)


@pytest.fixture
def inspect(capfd, monkeypatch, tmp_path):
    """``inspect(arguments...)``: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dartenv", "inspect", *map(str, arguments)])
        capfd.readouterr()
        code = run(assemble())
        done = capfd.readouterr()
        return code, done.out, done.err

    return call


def test_a_checkpoint_is_told_without_torch(inspect):
    code, out, err = inspect(CHECKPOINT)
    assert (code, err) == (0, "")
    assert "embed_history.weight" in out
    assert "[64, 276]" in out
    assert "774,816" in out
    code, out, _ = inspect(CHECKPOINT, "--format", "json")
    sheet = json.loads(out)
    assert sheet["kind"] == "checkpoint"
    assert sheet["facts"]["training steps"] == 4000
    assert len(sheet["sections"][0]["rows"]) > 40


class _Runs:
    def __reduce__(self):
        return (print, ("this ran",))


def test_a_checkpoint_that_would_run_something_is_named_and_not_run(inspect, tmp_path):
    path = tmp_path / "bad.pt"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("bad/data.pkl", pickle.dumps({"model_state_dict": {}, "x": _Runs()}))
        archive.writestr("bad/version", "3")
    _, out, err = inspect(path)
    assert "print" in out + err
    assert "this ran" not in out


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.onnx", None, "not there"),
        ("bad.onnx", b"no model at all", "not an ONNX model"),
        ("empty.onnx", b"", "empty"),
        ("text.pt", b"hello", "text"),
        ("bundle.json", b"{}", "bundle.json"),
    ],
)
def test_what_is_neither_is_told_what_it_is(inspect, tmp_path, name, data, said):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, out, err = inspect(tmp_path / name)
    assert (code, out) == (2, "")
    assert said in err.replace("\n", " ")


def test_a_checkpoint_has_no_graph_to_draw(inspect):
    code, _, err = inspect(CHECKPOINT, "--svg", "x.svg")
    assert code == 2
    assert "no graph" in err


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle of one model, described; no onnx is needed to write it."""
    pytest.importorskip("numpy")
    pytest.importorskip("onnx")
    from dartenv.export.bundle import export_bundle
    from dartenv.export.writer import ExportOptions
    from dartenv.manifests.loader import Manifests
    from dartenv.model.source import Places, read_source

    root = CHECKPOINT.parents[2]
    places = Places(CHECKPOINT, root / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    out = tmp_path_factory.mktemp("b") / "包"
    options = ExportOptions(models=("primitive", "denoiser"), precisions=("fp32",), check=False)
    export_bundle(read_source(root, places), out, "sandbox", options, Manifests())
    return out


def test_the_table_names_every_tensor_with_its_unit(inspect, bundle):
    code, out, err = inspect(bundle, "--check", "--full")
    assert (code, err) == (0, "")
    for word in ("primitive", "denoiser", "next_world_rotation", "[batch, 8, 22, 3, 3]"):
        assert word in out
    assert "every hash as exported" in out
    assert "world: z up" in out
    assert "opset 17, IR 8" in out


def test_a_model_of_it_is_told_with_the_bundles_words(inspect, bundle):
    code, out, _ = inspect(bundle / "primitive.fp32.onnx", "--format", "json")
    sheet = json.loads(out)
    rows = {row["name"]: row for row in sheet["sections"][0]["rows"]}
    assert code == 0
    assert rows["translation"]["unit"] == "m"
    assert rows["sampler_timesteps"]["role"] == "input, optional"
    assert rows["history"]["shape"] == "[batch, 2, 276]"
    assert sheet["facts"]["parameters"] > 100_000


def test_a_changed_file_is_found_by_check(inspect, bundle, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(str(bundle), str(copy))
    path = copy / "denoiser.fp32.onnx"
    path.write_bytes(path.read_bytes() + b"\x00")
    code, out, err = inspect(copy, "--check")
    assert (code, out) == (2, "")
    assert "denoiser.fp32.onnx" in err


def test_the_graph_is_drawn(inspect, bundle, tmp_path):
    import xml.etree.ElementTree as ElementTree

    code, _, err = inspect(bundle, "--svg", "图.svg", "--model", "denoiser")
    assert code == 0
    assert "denoiser.fp32.onnx drawn" in err
    root = ElementTree.fromstring((tmp_path / "图.svg").read_text(encoding="utf-8"))
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("MatMul") >= 4
    assert "x_t" in words
    code, _, err = inspect(bundle, "--svg", "x.svg", "--model", "clip_text")
    assert code == 2
    assert "primitive, denoiser" in err


def test_netron_is_opened_or_named_where_it_is_missing(inspect, bundle, monkeypatch):
    import types

    monkeypatch.setitem(sys.modules, "netron", None)
    code, _, err = inspect(bundle, "--netron")
    assert code == 2
    assert "pip install netron" in err.replace("\n", " ")
    calls = []
    fake = types.SimpleNamespace(start=calls.append, wait=lambda: calls.append("wait"))
    monkeypatch.setitem(sys.modules, "netron", fake)
    code, _, _ = inspect(bundle, "--netron")
    assert code == 0
    assert calls == [str(bundle / "primitive.fp32.onnx"), "wait"]
    (bundle / "primitive.ort").write_bytes(b"....ORTM" + bytes(64))
    module = importlib.import_module("dartenv.cli.inspect")
    monkeypatch.setattr(module, "_lines", lambda sheet, full: [])
    monkeypatch.setattr("dartenv.inspection.describe.describe", lambda path, check: None)
    code, _, err = inspect(bundle / "primitive.ort", "--netron")
    assert code == 0, err
    assert calls[2:] == [str(bundle / "primitive.ort"), "wait"]


def test_an_ort_file_is_asked_of_onnx_runtime(inspect, bundle, tmp_path):
    ort = pytest.importorskip("onnxruntime")
    options = ort.SessionOptions()
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.optimized_model_filepath = str(tmp_path / "d.ort")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    ort.InferenceSession(
        str(bundle / "denoiser.fp32.onnx"), options, providers=["CPUExecutionProvider"]
    )
    code, out, _ = inspect(tmp_path / "d.ort")
    assert code == 0
    assert "float32  [batch, 1, 32]" in out
