"""`dartenv quantize`: reduced files added to a bundle that is there, or nothing changed at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Tuple

import msgspec
import pytest

pytestmark = pytest.mark.ort
np = pytest.importorskip("numpy", reason="needs numpy")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.bundle.files import bundle_files, load_bundle, verify  # noqa: E402
from dartenv.errors import UsageFault  # noqa: E402
from dartenv.export import quantize as module  # noqa: E402
from dartenv.export.bundle import export_bundle  # noqa: E402
from dartenv.export.quantize import quantize_bundle  # noqa: E402
from dartenv.export.writer import ExportOptions  # noqa: E402
from dartenv.manifests.export import export_spec  # noqa: E402
from dartenv.manifests.loader import default_manifests  # noqa: E402

INT8 = ("int8",)


def manifests(**gate: Any) -> Any:
    """Manifests with short loops, and with another gate."""
    real = default_manifests()
    spec = export_spec(real)

    class Changed:
        def read(self, folder: str, stem: str, kind: Any) -> Any:
            if folder != "export":
                return real.read(folder, stem, kind)
            changed = msgspec.structs.replace(spec.gate, **{"primitives": 4, **gate})
            return msgspec.structs.replace(spec, gate=changed)

    return Changed()


@pytest.fixture(scope="module")
def whole(sandbox_source: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle in full precision, and beside it one that was exported in eight bits too."""
    folder = tmp_path_factory.mktemp("包 quantize")
    for name, precisions in (("fp32", ("fp32",)), ("both", ("fp32", "int8"))):
        options = ExportOptions(
            models=("primitive", "vae_decoder"),
            precisions=precisions,
            check=False,
            keep_below_gate=True,
        )
        export_bundle(sandbox_source, folder / name, "sandbox", options, default_manifests())
    return folder


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy of the one in full precision."""
    shutil.copytree(str(whole / "fp32"), str(tmp_path / "b"))
    return tmp_path / "b"


def contents(folder: Path) -> Dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_files_as_export_writes(whole: Path, bundle: Path) -> None:
    before = contents(bundle)
    done = quantize_bundle(bundle, ExportOptions(precisions=INT8), manifests())
    assert done.refused == []
    after = load_bundle(bundle)
    verify(bundle, bundle_files(after))
    names = [f"{m}.int8{v}.onnx" for m in ("primitive", "vae_decoder") for v in ("", ".portable")]
    assert sorted(done.added or []) == sorted(names)
    for name in names:
        assert (bundle / name).read_bytes() == (whole / "both" / name).read_bytes()
    for model in after.models:
        for file in model.files:
            if file.precision == "int8":
                assert file.parity
                assert all(p.gate and p.passed for p in file.parity)
                assert file.speed
    now = contents(bundle)
    assert {k: v for k, v in now.items() if k in before and k != "bundle.json"} == {
        k: v for k, v in before.items() if k != "bundle.json"
    }
    old = msgspec.json.decode(before["bundle.json"])
    new = msgspec.json.decode(now["bundle.json"])
    for fresh, stale in zip(new.pop("models"), old.pop("models")):
        assert fresh["files"][: len(stale["files"])] == stale["files"]
    assert new == old


def test_the_second_time_changes_nothing(bundle: Path) -> None:
    options = ExportOptions(precisions=INT8, models=("vae_decoder",), formats=("onnx", "ort"))
    quantize_bundle(bundle, options, manifests())
    before = contents(bundle)
    assert "vae_decoder.int8.ort" in before
    done = quantize_bundle(bundle, options, manifests())
    assert done.added == []
    assert any("there already" in note and "int8.ort" in note for note in done.notes)
    assert contents(bundle) == before


def test_below_the_gate_is_not_written_and_says_so(bundle: Path) -> None:
    before = contents(bundle)
    options = ExportOptions(precisions=INT8, models=("vae_decoder",), variants=("desktop",))
    done = quantize_bundle(bundle, options, manifests(motion=1e-9))
    assert done.added == []
    now = contents(bundle)
    assert set(now) == set(before)
    (refused,) = load_bundle(bundle).refused
    assert (refused.model, refused.precision, refused.portable) == ("vae_decoder", "int8", False)
    assert "limit 1e-09" in refused.why
    assert refused.parity[0].error > 1e-9
    # asked for, it is written, says so itself, and is refused no longer
    options = ExportOptions(
        precisions=INT8, models=("vae_decoder",), variants=("desktop",), keep_below_gate=True
    )
    quantize_bundle(bundle, options, manifests(motion=1e-9))
    after = load_bundle(bundle)
    assert after.refused == []
    (file,) = [f for m in after.models for f in m.files if f.precision == "int8"]
    assert "limit 1e-09" in (file.below_gate or "")
    verify(bundle, bundle_files(after))


@pytest.mark.parametrize("name", ["primitive.fp32.onnx", "vae_decoder.fp32.portable.onnx"])
@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_bundle_that_was_edited_is_refused(bundle: Path, name: str, fault: str) -> None:
    path = bundle / name
    if fault == "missing":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    before = contents(bundle)
    with pytest.raises(UsageFault, match=name.replace(".", r"\.") + ".*" + fault):
        quantize_bundle(bundle, ExportOptions(precisions=INT8), manifests())
    assert contents(bundle) == before


def test_a_fault_in_between_leaves_the_bundle_as_it_was(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(bundle)

    def full_disk(*args: Any) -> None:
        raise UsageFault("cannot write bundle.json: no space left on device")

    monkeypatch.setattr(module, "save_bundle", full_disk)
    with pytest.raises(UsageFault, match="no space"):
        quantize_bundle(
            bundle, ExportOptions(precisions=INT8, models=("vae_decoder",)), manifests()
        )
    assert contents(bundle) == before


def test_interrupted_when_all_is_done(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bundle.json is in place already: what it names stays."""
    real = module.save_bundle

    def late(*args: Any) -> None:
        real(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "save_bundle", late)
    with pytest.raises(KeyboardInterrupt):
        quantize_bundle(
            bundle, ExportOptions(precisions=INT8, models=("vae_decoder",)), manifests()
        )
    there = load_bundle(bundle)
    verify(bundle, bundle_files(there))
    assert len([f for m in there.models for f in m.files if f.precision == "int8"]) == 2


KILLED = """
import os, sys
from pathlib import Path
from dartenv.export import writer
from dartenv.export.quantize import quantize_bundle
from dartenv.export.writer import ExportOptions
from dartenv.manifests.loader import default_manifests
moves, real = [0], Path.replace
def replace(self, target):
    moves[0] += 1
    if moves[0] > int(sys.argv[2]):
        os._exit(9)
    return real(self, target)
Path.replace = replace
options = ExportOptions(precisions=("int8",), models=("vae_decoder",), check=False, keep_below_gate=True)
quantize_bundle(Path(sys.argv[1]), options, default_manifests())
"""


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_killed_before_each_file_is_put_in_place(bundle: Path, moves: int) -> None:
    """Two files and bundle.json: until the last is in place the bundle is the old one, whole."""
    before = contents(bundle)
    done = subprocess.run([sys.executable, "-c", KILLED, str(bundle), str(moves)], timeout=300)
    assert done.returncode == (0 if moves == 3 else 9)
    there = load_bundle(bundle)
    verify(bundle, bundle_files(there))
    now = contents(bundle)
    assert {name: now[name] for name in before if name != "bundle.json"} == {
        name: data for name, data in before.items() if name != "bundle.json"
    }
    assert (now["bundle.json"] == before["bundle.json"]) == (moves < 3)
    options = ExportOptions(
        precisions=INT8, models=("vae_decoder",), check=False, keep_below_gate=True
    )
    quantize_bundle(bundle, options, default_manifests())  # the next run goes on from either
    again = load_bundle(bundle)
    verify(bundle, bundle_files(again))
    assert len([f for m in again.models for f in m.files if f.precision == "int8"]) == 2
    assert not list(bundle.glob("*.part"))


def run(capfd: Any, *args: Any) -> Tuple[int, str, str]:
    from dartenv.cli.app import assemble
    from dartenv.cli.ending import run as ending

    before = sys.argv
    sys.argv = ["dartenv", "quantize", *map(str, args)]
    try:
        code = ending(assemble())
    finally:
        sys.argv = before
    out, err = capfd.readouterr()
    return int(code), out, err


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the command's locks are."""
    monkeypatch.setenv("DARTENV_CACHE_DIR", str(tmp_path / "cache"))


def test_two_at_once(bundle: Path, capfd: Any) -> None:
    before = contents(bundle)
    with module.alone(bundle / "bundle.json"):
        code, _, err = run(capfd, bundle)
    assert code == 2
    assert "another dartenv is at work on" in err
    assert contents(bundle) == before


def test_the_command(bundle: Path, capfd: Any) -> None:
    code, out, err = run(capfd, bundle, "--model", "vae_decoder", "--variant", "portable")
    assert code == 0, err
    assert "vae_decoder.int8.portable.onnx" in out
    assert "gate " in out
    assert "fp32" not in out
    code, out, err = run(capfd, bundle, "--model", "vae_decoder", "--format", "json")
    assert code == 0, err
    files = [f["path"] for f in json.loads(out)["models"][1]["files"]]
    assert "vae_decoder.int8.onnx" in files


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--precision", "fp32"], "precision 'fp32'; expected one of: fp16, int8"),
        (["--precision", "int4"], "precision 'int4'"),
        (["--model", "clip_text"], "model 'clip_text'; expected one of: primitive, vae_decoder"),
        (["--variant", "web"], "variant 'web'"),
        (["--as", "tflite"], "format 'tflite'"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)
def test_what_there_is_not(bundle: Path, capfd: Any, args: Any, words: str) -> None:
    before = contents(bundle)
    code, _, err = run(capfd, bundle, *args)
    assert code == 2
    assert words in err
    assert contents(bundle) == before


def test_no_bundle(tmp_path: Path, capfd: Any) -> None:
    code, _, err = run(capfd, tmp_path)
    assert code == 2
    assert "bundle.json: cannot be read" in err
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_without_full_precision(whole: Path, tmp_path: Path, capfd: Any) -> None:
    shutil.copytree(str(whole / "fp32"), str(tmp_path / "b"))
    path = tmp_path / "b" / "bundle.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    for model in document["models"]:
        model["files"] = []
    path.write_text(json.dumps(document), encoding="utf-8")
    code, _, err = run(capfd, tmp_path / "b")
    assert code == 2
    assert "no full-precision .onnx file" in err
