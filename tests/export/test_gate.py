"""The accuracy gate: what it measures, and what it lets through."""

from __future__ import annotations

import math
from typing import Any, List, Sequence

import msgspec
import pytest

pytestmark = pytest.mark.ort
np = pytest.importorskip("numpy", reason="needs numpy")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.bundle.contract import Parity  # noqa: E402
from dartenv.export.gate import JUDGES, PrimitiveGate, Verdict, line, missed  # noqa: E402
from dartenv.export.gate_parts import PartsGate  # noqa: E402
from dartenv.export.measure import (  # noqa: E402
    LATENT,
    Rollout,
    closed_loop,
    noises,
    open_session,
    start_feed,
    text_like,
    with_latent,
)
from dartenv.export.models import build  # noqa: E402
from dartenv.export.reduce import reduced  # noqa: E402
from dartenv.gating import smoke_judge  # noqa: E402
from dartenv.manifests.export import export_spec  # noqa: E402
from dartenv.manifests.loader import default_manifests  # noqa: E402
from dartenv.model.diffusion import sampler  # noqa: E402

MANIFESTS = default_manifests()
SPEC = msgspec.structs.replace(export_spec(MANIFESTS).gate, primitives=8)


@pytest.fixture(scope="module")
def full(sandbox_source: Any) -> Any:
    return build("primitive", sandbox_source, "fp32", True)


def gate(source: Any, full: Any, prompts: Sequence[str], judge: Any = None) -> PrimitiveGate:
    texts = {prompt: text_like(source, 0, prompt) for prompt in prompts}
    return PrimitiveGate(full, source, False, texts, SPEC, 5.0, 10, judge)


def found(lines: List[Parity], words: str) -> Parity:
    (one,) = [line for line in lines if words in line.what]
    return one


def test_the_latent_is_the_samplers(sandbox_source: Any, full: Any) -> None:
    """The added output is what the denoiser alone arrives at, and the model is as before."""
    count = len(full.graph.output)
    session = open_session(with_latent(full))
    assert len(full.graph.output) == count
    noise = noises(sandbox_source, 1, 10, 1, 3)
    text = text_like(sandbox_source, 0)
    feed = start_feed(sandbox_source, 1, 5.0)
    loop = closed_loop(session, feed, [text], noise)
    denoiser = open_session(build("denoiser", sandbox_source, "fp32", True).SerializeToString())
    steps = sampler(sandbox_source.diffusion, "")
    x = noise[0][0]
    for step, (a, b, c), fresh in zip(steps.timesteps, steps.coefficients, noise[0][1:]):
        with_text, without = (
            denoiser.run(
                None,
                {
                    "x_t": x,
                    "timesteps": np.array([step]),
                    "text": text * on,
                    "history": feed["history"],
                },
            )[0]
            for on in (np.float32(1), np.float32(0))
        )
        clean = without + 5.0 * (with_text - without)
        x = (a * clean + b * x + c * fresh).astype(np.float32)
    assert np.abs(loop.latents()[0] - x).max() < 1e-4
    assert LATENT in loop.outs[0]


def test_a_model_is_as_good_as_itself(sandbox_source: Any, full: Any) -> None:
    judge = smoke_judge(MANIFESTS, "sandbox", sandbox_source)
    lines = gate(sandbox_source, full, ["walk forward", "wave right hand"], judge).judged(full)
    assert missed(lines) is None
    for words in ("latent over", "motion over", "joints over", "latent at the end"):
        assert found(lines, words).error == 0.0
    said = [one.what[14:] for one in lines if one.what.startswith("walk forward: ")]
    names = {words.split()[0] for words in said}
    assert names >= {"finite", "skeleton", "skate", "floor", "jerk", "speed", "ahead"}
    assert found(lines, "wave right hand: right hand").passed
    assert found(lines, "joints at the end").limit is None


def spoilt(full: Any, hint: str, change: Any) -> Any:
    """``full`` with the constants changed whose name holds ``hint``."""
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(full)
    hit = 0
    for constant in made.graph.initializer:
        if hint in constant.name:
            value = onnx.numpy_helper.to_array(constant)
            if value.dtype == np.float32:
                constant.CopyFrom(onnx.numpy_helper.from_array(change(value), constant.name))
                hit += 1
    assert hit
    return made


def test_a_wrong_denoiser_misses_by_its_latent(sandbox_source: Any, full: Any) -> None:
    wrong = spoilt(full, "output_process", lambda value: value * np.float32(1.5))
    why = missed(gate(sandbox_source, full, ["walk forward"]).judged(wrong))
    assert why is not None
    assert "latent over the histories of closed loops of 8 primitives" in why


def test_a_motion_that_is_another_misses_by_the_judges(sandbox_source: Any, full: Any) -> None:
    """Without its text the model does not wave: near in numbers or not, the judges say so."""
    deaf = spoilt(full, "embed_text", lambda value: value * np.float32(0.0))
    judge = smoke_judge(MANIFESTS, "sandbox", sandbox_source)
    lines = gate(sandbox_source, full, ["wave right hand"], judge).judged(deaf)
    verdict = found(lines, "wave right hand: right hand")
    assert verdict.reference == JUDGES
    assert not verdict.passed
    assert "at least 3" in verdict.what


def test_not_a_number_misses_and_can_be_written(sandbox_source: Any, full: Any) -> None:
    wrong = spoilt(full, "final_layer", lambda value: value * np.float32(np.nan))
    judge = smoke_judge(MANIFESTS, "sandbox", sandbox_source)
    lines = gate(sandbox_source, full, ["walk forward"], judge).judged(wrong)
    assert not found(lines, "motion over").passed
    assert not found(lines, "walk forward: finite").passed
    again = msgspec.json.decode(msgspec.json.encode(lines), type=List[Parity])
    assert again == lines
    assert all(math.isfinite(one.error) for one in again)


def test_what_the_full_model_misses_is_not_held_against_the_reduced(
    sandbox_source: Any, full: Any
) -> None:
    def judge(prompt: str, run: Rollout) -> List[Verdict]:
        return [
            Verdict("over", 2.0, "m", None, 1.0, False),
            Verdict("under", 0.1, "m", 0.5, None, False),
        ]

    lines = gate(sandbox_source, full, ["stand"], judge).judged(reduced(full, "int8", True))
    for words in ("stand: over", "stand: under"):
        assert found(lines, words).limit is None
        assert found(lines, words).passed


def test_stand_ins_are_not_judged_by_quality(sandbox_source: Any, full: Any) -> None:
    judge = smoke_judge(MANIFESTS, "plumbing", sandbox_source)
    still = gate(sandbox_source, full, ["walk forward"]).full["walk forward"].rollout()
    assert [verdict.name for verdict in judge("walk forward", still)] == ["finite"]


@pytest.fixture(scope="module")
def parts(sandbox_source: Any, full: Any) -> PartsGate:
    loops = gate(sandbox_source, full, ["walk forward", "stand"]).full
    return PartsGate(loops, sandbox_source, SPEC, sampler(sandbox_source.diffusion, ""), 5.0)


@pytest.mark.parametrize(
    ("name", "hint", "words"),
    [
        ("denoiser", "output_process", "predicted latent at each step, 2 primitives"),
        ("vae_decoder", "final_layer", "joints over 16 primitives of closed loops"),
        ("vae_encoder", "linear", "latent's mean over 16 primitives"),
    ],
)
def test_a_separate_model_in_the_loops(
    sandbox_source: Any, parts: PartsGate, name: str, hint: str, words: str
) -> None:
    """As good as itself, good in eight bits, and not when its last layer is half as large again."""
    model = build(name, sandbox_source, "fp32", True)
    session = open_session(model.SerializeToString())
    assert max(one.error for one in parts.judged(name, session, session)) == 0.0
    small = open_session(reduced(model, "int8", True).SerializeToString())
    lines = parts.judged(name, small, session)
    assert missed(lines) is None
    assert found(lines, words).error > 1e-4
    wrong = spoilt(model, hint, lambda value: value * np.float32(1.5))
    why = missed(parts.judged(name, open_session(wrong.SerializeToString()), session))
    assert why is not None
    assert words.split()[0] in why


def test_the_decoder_is_given_what_the_primitive_decodes(
    sandbox_source: Any, parts: PartsGate
) -> None:
    """Scaled latents: otherwise the joints of its frames would not be the primitive's own."""
    session = open_session(build("vae_decoder", sandbox_source, "fp32", True).SerializeToString())
    loop = parts.loops["walk forward"]
    latent = (loop.outs[3][LATENT] * np.float32(sandbox_source.latent_scale)).astype(np.float32)
    (future,) = session.run(None, {"latent": latent, "history": loop.feeds[3]["history"]})
    motion = future * sandbox_source.std + sandbox_source.mean
    assert np.abs(motion - loop.outs[3]["motion"]).max() < 1e-4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_line_holds_no_infinity(value: float) -> None:
    one = line("x", value, 1.0, "m")
    assert not one.passed
    assert math.isfinite(one.error)
