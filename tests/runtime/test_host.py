"""The runtime on a graph whose arithmetic is known."""

from __future__ import annotations

import subprocess
import sys

import pytest

np = pytest.importorskip("numpy")
from dartenv.errors import UsageFault  # noqa: E402


def _load(tiny, **options):
    from dartenv.runtime import load

    return load(tiny.folder, **{"threads": 1, **options})


def _noise(seed, sample, steps=2, primitives=1):
    source = np.random.default_rng([seed, sample])
    return [source.standard_normal((steps + 1, 1, 3), dtype=np.float32) for _ in range(primitives)]


def test_a_motion_is_what_the_graph_makes_of_prompt_noise_and_guidance(tiny):
    host = _load(tiny)
    motion = host.generate("walk*2, turn*1", seed=4, guidance=2.0)[0]
    noise = _noise(4, 0, primitives=3)
    texts = [host.embed(text)[0] for text in ("walk", "walk", "turn")]
    expected, place = [np.zeros((2, 3))], np.zeros(3)
    for text, drawn in zip(texts, noise):
        each = np.array([0.01 * 2.0 * text, 0.01 * drawn.sum() * 3.0, 0])
        expected.append(place + np.outer(np.arange(1, 5), each))
        place = expected[-1][-1]
    assert len(motion) == 2 + 3 * 4
    assert np.allclose(motion.translation, np.concatenate(expected), atol=1e-4)
    assert motion.texts == ("walk",) * 10 + ("turn",) * 4
    assert motion.label == "plumbing: stand-ins for weights"
    assert motion.fps == 30


def test_the_text_is_that_of_the_end_token_and_nothing_is_zero(tiny):
    host = _load(tiny)
    last = tiny.bundle.tokenizer.end_token
    assert np.allclose(host.embed("walk"), (np.arange(6) + last * 6)[:5] / 64, rtol=1e-3)
    assert not host.embed("").any()
    assert not host.embed("   ").any()


def test_guidance_nothing_is_motion_without_text(tiny):
    host = _load(tiny)
    without = host.generate("walk*1", guidance=0)[0].translation
    assert np.allclose(without, host.generate("*1", guidance=5)[0].translation)
    plain = host.generate("walk*1", guidance=1)[0].translation
    assert plain[-1, 0] == pytest.approx(0.04 * host.embed("walk")[0], rel=1e-3)


def test_a_batch_holds_the_single_motion_and_others(tiny):
    host = _load(tiny)
    one = host.generate("walk*2", seed=9)[0]
    four = host.generate("walk*2", seed=9, batch=4)
    assert np.allclose(four[0].translation, one.translation)
    assert not np.allclose(four[1].translation, one.translation)
    again = host.generate("walk*2", seed=9)[0]
    assert np.array_equal(again.translation, one.translation)
    assert not np.allclose(host.generate("walk*2", seed=10)[0].translation, one.translation)


def test_another_respacing_gives_its_own_tables_and_noise(tiny):
    host = _load(tiny)
    found = host.generate("*1", seed=2, respacing="ddim1")[0].translation[-1, 1]
    assert found == pytest.approx(0.04 * 7 * _noise(2, 0, steps=1)[0].sum(), abs=1e-5)
    with pytest.raises(UsageFault, match="ddpm2, ddim1"):
        host.generate("*1", respacing="ddim7")
    with pytest.raises(UsageFault, match="sampler ddpm2 is fixed"):
        _load(tiny, portable=True).generate("*1", respacing="ddim1")
    portable = _load(tiny, portable=True).generate("walk*1")[0]
    assert np.allclose(portable.translation, host.generate("walk*1")[0].translation)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch": 0}, "batch 0"),
        ({"batch": 10**9}, "batch 1000000000"),
        ({"guidance": float("nan")}, "guidance nan"),
        ({"guidance": -1}, "guidance -1"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_what_cannot_be_asked_is_named(tiny, options, said):
    with pytest.raises(UsageFault, match=said):
        _load(tiny).generate("walk*1", **options)


@pytest.mark.parametrize("name", ["primitive.fp32.onnx", "table.npy", "clip_text.fp32.onnx"])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_a_file_changed_after_export_is_named(tiny, name, how):
    path = tiny.folder / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(data if how == "flipped" else data[: len(data) // 2])
    with pytest.raises(UsageFault, match=name):
        _load(tiny).generate("walk*1")


def test_a_missing_provider_is_named_and_not_replaced(tiny):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(UsageFault, match=r"no CUDAExecutionProvider .it has .*cpu") as caught:
        _load(tiny, provider="cuda")
    assert "onnxruntime-gpu" in str(caught.value)
    with pytest.raises(UsageFault, match="'abacus'"):
        _load(tiny, provider="abacus")


def test_a_session_that_took_another_provider_is_refused(tiny, monkeypatch):
    import onnxruntime

    from dartenv.runtime import sessions

    class Fell:
        def __init__(self, *args, **kwargs):
            assert kwargs["providers"] == ["CUDAExecutionProvider"]

        def get_providers(self):
            return ["CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Fell)
    file = tiny.bundle.models[0].files[0]
    with pytest.raises(UsageFault, match="CUDAExecutionProvider did not start"):
        sessions.open_session(tiny.folder / file.path, file, "CUDAExecutionProvider", 1)


@pytest.mark.parametrize(("spin", "said"), [(False, "0"), (True, "1")])
def test_waiting_threads_spin_only_where_asked(tiny, spin, said):
    from dartenv.runtime import sessions

    file = tiny.bundle.models[0].files[0]
    session = sessions.open_session(tiny.folder / file.path, file, "CPUExecutionProvider", 1, spin)
    entry = "session.intra_op.allow_spinning"
    assert session.get_session_options().get_session_config_entry(entry) == said


def test_an_older_onnxruntime_than_the_file_needs_is_named(tiny):
    import msgspec

    model = tiny.bundle.models[0]
    newer = [msgspec.structs.replace(file, onnxruntime="99.1") for file in model.files]
    tiny.change(models=[msgspec.structs.replace(model, files=newer), *tiny.bundle.models[1:]])
    with pytest.raises(UsageFault, match=r"99\.1 or newer"):
        _load(tiny).generate("walk*1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "int8"}, "primitive is there as fp32"),
        ({"joints": "body-model"}, "no primitive_body"),
        ({"threads": -1}, "-1 threads"),
    ],
)
def test_what_the_bundle_has_not_is_named(tiny, options, said):
    with pytest.raises(UsageFault, match=said):
        _load(tiny, **options)


def test_a_bundle_without_text_model_still_moves_without_text(tiny):
    tiny.change(models=tiny.bundle.models[:1])
    host = _load(tiny)
    assert len(host.generate("*1")[0]) == 6
    with pytest.raises(UsageFault, match="no clip_text"):
        host.generate("walk*1")


def test_a_prompt_of_500_words_is_cut_and_said_so(tiny):
    host = _load(tiny)
    assert len(host.generate(" ".join(["walk"] * 500) + "*1")[0]) == 6
    assert "493 tokens were left out" in host.notes[0]


def test_torch_is_never_imported(tiny):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from dartenv.runtime import load\n"
        "h = load(sys.argv[1], threads=1); h.generate('walk*1'); h.stream('walk').take(3)\n"
        "import dartenv.cli.generate, dartenv.motion.bvh, dartenv.motion.npz\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('torch', 'onnx', 'scipy')"
        " and sys.modules[m] is not None]\n"
        "assert not bad, bad\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny.folder)], capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def _replaced(part, **fields):
    import msgspec

    return msgspec.structs.replace(part, **fields)


@pytest.mark.parametrize(
    ("part", "fields", "said"),
    [
        ("statistics", {"mean": [0.0]}, "statistics.mean is"),
        ("statistics", {"std": [0.0] * 276}, "statistics.std all above zero is False"),
        ("start", {"history": [[0.0] * 276]}, "start.history is"),
        ("start", {"history": [[0.0] * 276, [0.0]]}, "start.history is None"),
        ("skeleton", {"pelvis_offset": [0.0]}, "skeleton.pelvis_offset is"),
        ("sizes", {"features": 275}, "276"),
        ("sizes", {"latent": 0}, "sizes.latent"),
        ("sizes", {"latent": 4}, "does not run"),
        ("sizes", {"text": 7}, "7 numbers"),
    ],
)
def test_a_bundle_whose_numbers_do_not_fit_is_named(tiny, part, fields, said):
    tiny.change(**{part: _replaced(getattr(tiny.bundle, part), **fields)})
    with pytest.raises(UsageFault, match=said):
        _load(tiny).generate("walk*1")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"features": []}, "features is"),
        ({"schedules": []}, "default schedule"),
        ({"schedule": "none"}, "default schedule"),
        ({"fps": 0}, "fps above zero"),
    ],
)
def test_a_bundle_that_lacks_a_part_is_named(tiny, fields, said):
    tiny.change(**fields)
    with pytest.raises(UsageFault, match=said):
        _load(tiny)
