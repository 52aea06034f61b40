"""Exported graphs against the torch reference, for every kind of network and sampler."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import pytest

pytestmark = pytest.mark.torch
np = pytest.importorskip("numpy", reason="needs numpy")
torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.export.measure import (  # noqa: E402
    motion_facts,
    noises,
    open_session,
    random_feed,
    rollout,
    start_feed,
    text_like,
)
from dartenv.export.models import build  # noqa: E402
from dartenv.export.parity import one_thread, tensor_parity  # noqa: E402
from dartenv.manifests.export import export_spec  # noqa: E402
from dartenv.manifests.loader import default_manifests  # noqa: E402
from dartenv.model.features import World  # noqa: E402
from dartenv.model.primitive import PrimitiveModel  # noqa: E402

SPEC = export_spec(default_manifests()).parity


def turned(batch: int, seed: int) -> Any:
    """Random rotations [B, 3, 3]."""
    q, _r = np.linalg.qr(np.random.default_rng(seed).standard_normal((batch, 3, 3)))
    q = q * np.sign(np.linalg.det(q))[:, None, None]
    return q.astype(np.float32)


def differences(
    source: Any,
    *,
    contrib: bool = True,
    body: bool = False,
    batch: int = 1,
    respacing: str = "",
    guidance: float = 5.0,
    precision: str = "fp32",
    session: Optional[Any] = None,
) -> Dict[str, float]:
    """The largest difference of every output from the reference, in units; relative to the largest
    value where that is above 1, since random networks have no measure."""
    name = "primitive_body" if body else "primitive"
    if session is None:
        session = open_session(
            build(name, source, precision, contrib, respacing).SerializeToString()
        )
    model = PrimitiveModel(source, respacing)
    feed = start_feed(source, batch, guidance, body)
    feed["world_rotation"] = turned(batch, 3)
    feed["world_translation"] += np.float32(2.5)
    feed["text"] = np.random.default_rng(4).standard_normal((batch, source.denoiser.text))
    feed["text"] = feed["text"].astype(np.float32)
    feed["noise"] = noises(source, 1, model.sampler.steps, batch, 5)[0]
    if contrib:  # the file's own default may be another sampler's
        feed["sampler_timesteps"] = np.array(model.sampler.timesteps, dtype=np.int64)
        feed["sampler_coefficients"] = model.sampler.coefficients.astype(np.float32)
    names = [value.name for value in session.get_outputs()]
    found = dict(zip(names, session.run(None, feed)))
    t = {key: torch.from_numpy(value) for key, value in feed.items()}
    with one_thread():
        out = model(
            t["history"],
            t["text"],
            t["noise"],
            t["guidance"],
            World(t["world_rotation"], t["world_translation"]),
            t["pelvis_offset"],
            t.get("rest_joints"),
        )
    wanted = {
        "motion": out.motion,
        "rotations": out.rotations,
        "translation": out.translation,
        "joints": out.joints,
        "next_history": out.history,
        "next_world_rotation": out.world.rotation,
        "next_world_translation": out.world.translation,
    }
    assert set(found) == set(wanted)
    scale = {"next_history": source.std}
    return {
        key: float(np.abs((found[key] - value.numpy()) * scale.get(key, 1.0)).max())
        / max(1.0, float(value.abs().max()))
        for key, value in wanted.items()
    }


@pytest.mark.parametrize("contrib", [True, False])
@pytest.mark.parametrize("body", [True, False])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("respacing", ["", "ddim5"])
def test_sandbox(
    sandbox_source: Any, contrib: bool, body: bool, batch: int, respacing: str
) -> None:
    found = differences(
        sandbox_source, contrib=contrib, body=body, batch=batch, respacing=respacing
    )
    assert max(found.values()) < 1e-5, found


@pytest.mark.parametrize("body", [True, False])
@pytest.mark.parametrize("batch", [1, 4])
def test_sandbox_in_double(sandbox_source: Any, body: bool, batch: int) -> None:
    found = differences(sandbox_source, contrib=False, body=body, batch=batch, precision="fp64")
    assert max(found.values()) < 1e-5, found


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
@pytest.mark.parametrize("body", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"kind": "mlp"},
        {"kind": "mlp", "tokens": 2},
        {"tokens": 3},
        {"arch": "encoder_decoder"},
        {"arch": "encoder_decoder", "tokens": 2, "norm_first": True},
        {"norm_first": True},
        {"history": 1},
        {"history": 10},
    ],
    ids=lambda options: "-".join(f"{v}" for v in options.values()),
)
def test_every_network(
    tiny: Callable[..., Any], options: Dict[str, Any], body: bool, precision: str
) -> None:
    source = tiny(**options)
    found = differences(
        source, contrib=precision == "fp32", body=body, batch=3, precision=precision
    )
    # random networks make wild frames: rotations from nearly parallel rows lose digits
    assert max(found.values()) < 2e-4, found
    assert found["motion"] < 5e-5


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_guidance_of_nothing_and_one(sandbox_source: Any, guidance: float) -> None:
    assert max(differences(sandbox_source, guidance=guidance).values()) < 1e-5


@pytest.mark.parametrize(
    ("precision", "contrib"), [("fp32", True), ("fp32", False), ("fp64", False)]
)
@pytest.mark.parametrize("name", ["denoiser", "vae_decoder", "vae_encoder"])
@pytest.mark.parametrize(
    "options",
    [{}, {"kind": "mlp", "tokens": 2}, {"arch": "encoder_decoder"}, {"norm_first": True}],
    ids=["plain", "mlp", "cross", "first"],
)
def test_separate(
    tiny: Callable[..., Any], options: Any, name: str, precision: str, contrib: bool
) -> None:
    source = tiny(**options)
    session = open_session(build(name, source, precision, contrib).SerializeToString())
    for line in tensor_parity(session, name, source, SPEC):
        assert line.passed, line


def test_one_file_for_every_sampler(sandbox_source: Any) -> None:
    session = open_session(build("primitive", sandbox_source, "fp32", True).SerializeToString())
    for respacing in ("", "ddim10", "ddim5", "ddim2"):
        found = differences(sandbox_source, respacing=respacing, session=session)
        assert max(found.values()) < 1e-5, (respacing, found)


def test_forty_primitives(sandbox_source: Any) -> None:
    """A person who waves on the spot stays within a tenth of a millimetre of the reference."""
    source = sandbox_source
    session = open_session(build("primitive", source, "fp32", False).SerializeToString())
    model = PrimitiveModel(source)
    text = text_like(source, 0, "wave right hand")
    fresh = noises(source, 40, model.sampler.steps, 1, 6)
    feed = start_feed(source, 1, 5.0)
    found = rollout(session, feed, [text] * 40, fresh)
    history, world, pelvis, _ = model.start(1)
    joints = []
    with one_thread():
        for noise in fresh:
            out = model(
                history,
                torch.from_numpy(text),
                torch.from_numpy(noise),
                torch.from_numpy(feed["guidance"]),
                world,
                pelvis,
            )
            history, world = out.history, out.world
            joints.append(out.joints.numpy())
    assert np.abs(found.joints - np.concatenate(joints, axis=1)).max() < 1e-4


def test_the_motion_is_a_walk(sandbox_source: Any) -> None:
    """What comes out of the graph alone is the motion that the prompt asks for."""
    source = sandbox_source
    session = open_session(build("primitive", source, "fp32", True).SerializeToString())
    fresh = noises(source, 8, 10, 1, 1)
    paths = {}
    for prompt in ("walk forward", "stand"):
        text = text_like(source, 0, prompt)
        run = rollout(session, start_feed(source, 1, 5.0), [text] * 8, fresh)
        facts = motion_facts(run, source.body_parents, source.fps)
        assert facts.finite
        assert facts.rotation < 1e-5
        assert facts.joint_speed < 12.0
        paths[prompt] = facts.path
    assert paths["walk forward"] > 1.0 > 5 * paths["stand"]


@pytest.mark.parametrize("batch", [0, 1, 7])
def test_any_batch(sandbox_source: Any, batch: int) -> None:
    session = open_session(build("denoiser", sandbox_source, "fp32", True).SerializeToString())
    (out,) = session.run(None, random_feed(session, sandbox_source, batch, 0))
    assert out.shape == (batch, 1, 32)
