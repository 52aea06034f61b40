"""`dartenv export` on the sandbox: a bundle that is whole, and refusals that say why."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, List

import msgspec
import pytest

from dartenv.bundle.contract import Bundle
from dartenv.bundle.files import bundle_files, file_path, load_bundle, verify
from dartenv.errors import UsageFault
from dartenv.manifests.export import export_spec, oldest_onnxruntime
from dartenv.manifests.loader import default_manifests
from tests.sandbox.mended import mended_sandbox

np = pytest.importorskip("numpy", reason="needs numpy")
onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.bundle import hashed  # noqa: E402
from dartenv.export.bundle import Exported, export_bundle  # noqa: E402
from dartenv.export.graph import Graph, named_dims  # noqa: E402
from dartenv.export.measure import open_session  # noqa: E402
from dartenv.export.models import assert_free_batch, build  # noqa: E402
from dartenv.export.writer import ExportOptions  # noqa: E402

MANIFESTS = default_manifests()


@pytest.fixture(scope="module")
def exported(sandbox_source: Any, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two models in every precision, variant and format."""
    options = ExportOptions(
        models=("primitive", "vae_decoder"),
        precisions=("int8", "fp32", "fp16"),
        formats=("onnx", "ort"),
    )
    out = tmp_path_factory.mktemp("bundle") / "包 bundle"
    return export_bundle(sandbox_source, out, "sandbox", options, changed())


def test_every_file_is_there_and_described(exported: Exported) -> None:
    bundle = load_bundle(exported.folder)
    assert msgspec.to_builtins(bundle) == msgspec.to_builtins(exported.bundle)
    verify(exported.folder, bundle_files(bundle))
    for model in bundle.models:
        assert len(model.files) == 12
    on_disk = {p.name for p in exported.folder.iterdir()} - {"bundle.json"}
    assert on_disk == {file.path for file in bundle_files(bundle)}
    assert bundle.kind == "sandbox"
    assert bundle.tokenizer.kind == "hashed"
    assert [s.respacing for s in bundle.schedules] == [
        "",
        "ddim10",
        "ddim5",
        "ddim4",
        "ddim3",
        "ddim2",
    ]
    assert sum(f.width for f in bundle.features) == bundle.sizes.features == 276
    assert {s.role for s in bundle.sources} == {"denoiser", "vae", "statistics", "body", "motion"}
    assert all(not Path(s.path).is_absolute() for s in bundle.sources)


def test_tensors_are_those_of_the_files(exported: Exported) -> None:
    for model in exported.bundle.models:
        for file in model.files:
            if file.format != "onnx":
                continue
            proto = onnx.load(str(file_path(exported.folder, file)))
            onnx.checker.check_model(proto, full_check=True)
            dims = named_dims(proto)
            tensors = [*model.inputs, *model.outputs]
            wanted = {t.name: t.shape for t in tensors if not (t.optional and file.portable)}
            assert dims == wanted
            domains = {o.domain: o.version for o in proto.opset_import}
            assert proto.ir_version == file.ir == 8
            assert domains.pop("") == file.opset == 17
            assert set(domains) == ({"com.microsoft"} if file.contrib else set())
            assert not (file.contrib and file.portable)


def test_ort_files_run(exported: Exported) -> None:
    decoder = exported.bundle.model("vae_decoder")
    assert decoder is not None
    latent, history = np.zeros((2, 1, 32), np.float32), np.zeros((2, 2, 276), np.float32)
    outs = {}
    for file in decoder.files:
        session = open_session(str(file_path(exported.folder, file)))
        outs[file.path] = session.run(None, {"latent": latent, "history": history})[0]
    for name, out in outs.items():
        limit = {"fp32": 1e-5, "fp16": 2e-2, "int8": 0.3}[name.split(".")[1]]
        assert np.abs(out - outs["vae_decoder.fp32.onnx"]).max() < limit, name


@pytest.mark.torch
def test_parity_and_speed_are_recorded(exported: Exported) -> None:
    pytest.importorskip("torch", reason="needs torch")
    for model in exported.bundle.models:
        for file in model.files:
            assert file.parity
            assert all(p.passed for p in file.parity)
            assert {p.gate for p in file.parity} == {file.precision != "fp32"}
            assert file.speed[0].median_ms > 0
            assert file.below_gate is None


def test_smaller_files_are_smaller(exported: Exported) -> None:
    """And of the kind that is not, the export says so."""
    ort = {f.path: f.size for f in bundle_files(exported.bundle) if f.path.endswith(".ort")}
    grown = ort["vae_decoder.fp16.ort"] > 0.8 * ort["vae_decoder.fp32.ort"]
    assert grown == any("fp16 as .ort" in note for note in exported.notes)
    for model in exported.bundle.models:
        sizes = {f.path: f.size for f in model.files}
        assert sizes[f"{model.name}.fp16.onnx"] < 0.8 * sizes[f"{model.name}.fp32.onnx"]
        assert sizes[f"{model.name}.int8.onnx"] < 0.8 * sizes[f"{model.name}.fp32.onnx"]


def test_double_is_there_once_as_portable(sandbox_source: Any, tmp_path: Path) -> None:
    options = ExportOptions(
        models=("primitive",), precisions=("fp64", "fp32"), variants=("desktop",), check=False
    )
    done = export_bundle(sandbox_source, tmp_path / "b", "sandbox", options, MANIFESTS)
    (model,) = done.bundle.models
    assert [f.path for f in model.files] == [
        "primitive.fp32.onnx",
        "primitive.fp64.portable.onnx",
    ]
    single, double = model.files
    assert (double.portable, double.contrib, double.below_gate) == (True, False, None)
    assert double.size < 1.1 * single.size
    assert (single.onnxruntime, double.onnxruntime) == ("1.12", "1.14")
    proto = onnx.load(str(file_path(done.folder, double)))
    onnx.checker.check_model(proto, full_check=True)
    # Operators that older ONNX Runtimes have no double of, and what those before 1.20 make one of.
    for node in proto.graph.node:
        assert node.op_type not in ("ReduceL2", "Erf")
        if node.op_type == "Transpose":
            assert list(node.attribute[0].ints) == [
                0,
                2,
                1,
                3,
            ]  # not of the last two, then a product


def test_double_gives_one_answer_however_it_is_added_up(
    sandbox_source: Any,
) -> None:
    """Optimised or not, in one thread or two: the same bits, which fp32 does not promise."""
    import onnxruntime

    from dartenv.export.measure import noises, start_feed, text_like

    feed = start_feed(sandbox_source, 1, 5.0)
    feed["noise"] = noises(sandbox_source, 1, 10, 1, seed=3)[0]
    feed["text"] = text_like(sandbox_source, seed=2)
    data = build("primitive", sandbox_source, "fp64", False).SerializeToString()
    outs = []
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        for threads in (1, 2):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
            session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            outs.append(session.run(None, feed))
    for out in outs[1:]:
        for one, other in zip(out, outs[0]):
            assert one.tobytes() == other.tobytes()


def small(precisions: Any, **more: Any) -> ExportOptions:
    return ExportOptions(
        models=("vae_decoder",), precisions=precisions, variants=("portable",), **more
    )


def changed(**gate: Any) -> Any:
    """Manifests with short loops, and with another gate."""
    spec = export_spec(MANIFESTS)

    class Changed:
        def read(self, folder: str, stem: str, kind: Any) -> Any:
            if folder != "export":
                return MANIFESTS.read(folder, stem, kind)
            return msgspec.structs.replace(
                spec,
                gate=msgspec.structs.replace(spec.gate, **{"primitives": 4, **gate}),
                parity=msgspec.structs.replace(spec.parity, loop_primitives=3),
            )

    return Changed()


def test_below_the_gate_is_not_written(sandbox_source: Any, tmp_path: Path) -> None:
    done = export_bundle(
        sandbox_source, tmp_path / "b", "sandbox", small(("fp32", "int8")), changed(motion=1e-9)
    )
    assert [f.path for f in bundle_files(done.bundle)] == ["vae_decoder.fp32.portable.onnx"]
    assert [r.path for r in done.refused] == ["vae_decoder.int8.portable"]
    assert "limit 1e-09" in done.refused[0].why
    assert not (tmp_path / "b" / "vae_decoder.int8.portable.onnx").exists()


def test_below_the_gate_on_request(sandbox_source: Any, tmp_path: Path) -> None:
    options = small(("int8",), keep_below_gate=True)
    done = export_bundle(sandbox_source, tmp_path / "b", "sandbox", options, changed(motion=1e-9))
    (file,) = done.bundle.models[0].files
    assert file.below_gate is not None
    assert "limit 1e-09" in file.below_gate
    assert (tmp_path / "b" / file.path).is_file()


def test_unjudged_is_not_written(sandbox_source: Any, tmp_path: Path) -> None:
    options = small(("fp32", "int8"), check=False)
    done = export_bundle(sandbox_source, tmp_path / "b", "sandbox", options, MANIFESTS)
    assert [f.precision for f in done.bundle.models[0].files] == ["fp32"]
    assert "not judged" in done.refused[0].why


@pytest.mark.parametrize(
    "options",
    [
        {"models": ("denoser",)},
        {"precisions": ("fp8",)},
        {"variants": ("web",)},
        {"formats": ("tflite",)},
        {"respacing": "ddim7"},
        {"models": ("clip_text",)},
    ],
    ids=lambda o: next(iter(o)),
)
def test_what_there_is_not(sandbox_source: Any, tmp_path: Path, options: Any) -> None:
    with pytest.raises(UsageFault):
        export_bundle(
            sandbox_source, tmp_path / "b", "sandbox", ExportOptions(**options), MANIFESTS
        )
    assert not (tmp_path / "b" / "bundle.json").exists()


def test_a_folder_with_other_things(sandbox_source: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_bytes(b"x")
    with pytest.raises(UsageFault, match="holds other things"):
        export_bundle(sandbox_source, tmp_path, "sandbox", small(("fp32",)), MANIFESTS)


@pytest.mark.parametrize(
    "name",
    [
        "vae_decoder.fp32.portable.onnx",
        "primitive_body.int8.ort.part",
        "clip_tokens.npy",
        "bundle.json.part",
    ],
)
def test_an_export_that_was_cut_short_is_made_again(
    sandbox_source: Any, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"half")
    export_bundle(sandbox_source, tmp_path, "sandbox", small(("fp32",), check=False), MANIFESTS)
    verify(tmp_path, bundle_files(load_bundle(tmp_path)))


@pytest.mark.parametrize("name", ["vae_decoder.fp32.onnx.txt", "my.fp32.onnx", "notes.part"])
def test_what_only_looks_like_a_bundles_is_left_alone(
    sandbox_source: Any, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UsageFault, match="holds other things"):
        export_bundle(sandbox_source, tmp_path, "sandbox", small(("fp32",)), MANIFESTS)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"mine"]


def test_a_vocabulary_that_is_none_is_named_before_anything_is_made(
    sandbox_source: Any, tmp_path: Path
) -> None:
    words = tmp_path / "words.txt"
    words.write_bytes(b"walk")
    source = replace(sandbox_source, clip_state={})
    for path, said in ((words, "gzip"), (tmp_path / "nowhere.gz", "No such file")):
        with pytest.raises(UsageFault, match=said):
            export_bundle(
                source, tmp_path / "b", "dart", small(("fp32",), vocabulary=path), MANIFESTS
            )
    assert not (tmp_path / "b").exists()


def test_a_fixed_batch_is_caught() -> None:
    g = Graph()
    x = g.input("x", [1, 3])
    g.output(x, "y", ["batch", 3])
    with pytest.raises(AssertionError, match=r"x of m has the fixed shape \[1, 3\]"):
        assert_free_batch(g.model("m", "test"))


def test_weights_too_large_for_half_stay_whole(sandbox_source: Any) -> None:
    state = dict(sandbox_source.vae_state)
    name = "decoder.middle_block.linear1.weight"
    state[name] = state[name].copy()
    state[name][0, 0] = 1e5
    proto = build("vae_decoder", replace(sandbox_source, vae_state=state), "fp16", True)
    largest = max(
        float(np.abs(onnx.numpy_helper.to_array(c).astype(np.float64)).max())
        for c in proto.graph.initializer
        if c.data_type in (1, 10)
    )
    assert largest == 1e5


def test_the_oldest_runtime_comes_from_the_table() -> None:
    assert oldest_onnxruntime(MANIFESTS, 17, 8) == "1.12"
    with pytest.raises(UsageFault):
        oldest_onnxruntime(MANIFESTS, 999, 8)


@pytest.mark.torch
@pytest.mark.parametrize(
    "text", ["walk forward", "", "the", "走路 🚶", "Walks, WALKING; waved!", "a " * 500 + "turn"]
)
def test_hashed_texts_are_the_sandboxs(text: str) -> None:
    pytest.importorskip("torch", reason="needs torch")
    path = Path(__file__).resolve().parents[2] / "dartenv/sandbox/project/utils/misc_util.py"
    spec: Any = importlib.util.spec_from_file_location("sandbox_misc", str(path))
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wanted = module.encode_text(module.load_and_freeze_clip("sandbox"), [text])[0].numpy()
    assert np.allclose(hashed.embed(text, 64), wanted, atol=1e-6)


def run(capfd: Any, *args: Any) -> Any:
    import sys

    from dartenv.cli.app import assemble
    from dartenv.cli.ending import run as ending

    before = sys.argv
    sys.argv = ["dartenv", "export", *map(str, args)]
    try:
        code = ending(assemble())
    finally:
        sys.argv = before
    out, err = capfd.readouterr()
    return code, out, err


def test_the_command(tmp_path: Path, capfd: Any) -> None:
    root = mended_sandbox(tmp_path / "沙 盒")
    before: List[Any] = sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*"))
    base = ("--dart-root", root, "--model", "vae_decoder", "--precision", "fp32")
    code, out, err = run(capfd, *base, "--out", tmp_path / "b", "--no-check", "--format", "json")
    assert code == 0, err
    bundle = msgspec.convert(json.loads(out), Bundle)
    assert bundle.kind == "sandbox"
    verify(tmp_path / "b", bundle_files(load_bundle(tmp_path / "b")))
    assert sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*")) == before
    code, out, err = run(capfd, *base, "--out", tmp_path / "c", "--variant", "portable")
    assert code == 0, err
    assert "sandbox" in out
    assert "vae_decoder.fp32.portable.onnx" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--precision", "fp8"], "fp8"),
        (["--respacing", "ddim7"], "ddim10, ddim5"),
        (["--denoiser", "mld_denoiser/none/checkpoint_1.pt"], "args.yaml: not there"),
        (["--model", "clip_text"], "no CLIP weights"),
    ],
)
def test_the_command_refuses(tmp_path: Path, capfd: Any, options: Any, words: str) -> None:
    root = mended_sandbox(tmp_path / "s")
    code, out, err = run(capfd, "--dart-root", root, "--out", tmp_path / "b", *options)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_not_a_tree(tmp_path: Path, capfd: Any) -> None:
    code, out, err = run(capfd, "--dart-root", tmp_path, "--out", tmp_path / "b")
    assert (code, out) == (2, "")
    assert "not a DART tree" in err


def test_an_ort_file_that_cannot_be_written(sandbox_source: Any, tmp_path: Path) -> None:
    from dartenv.export.files import write_ort

    model = build("vae_encoder", sandbox_source, "fp32", False).SerializeToString()
    with pytest.raises(UsageFault, match=r"cannot write .*m\.ort"):
        write_ort(model, tmp_path / "gone" / "m.ort", contrib=False)


def test_a_bundle_that_may_not_be_changed(
    sandbox_source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bundle.json").write_bytes(b"{}")

    def denied(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "unlink", denied)
    with pytest.raises(UsageFault, match="Operation not permitted"):
        export_bundle(sandbox_source, tmp_path, "sandbox", small(("fp32",)), MANIFESTS)
    assert (tmp_path / "bundle.json").read_bytes() == b"{}"
