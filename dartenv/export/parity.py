"""Full-precision models held against the torch reference of :mod:`dartenv.model`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import torch

from dartenv.bundle.contract import Parity
from dartenv.export.clip import text_sizes
from dartenv.export.measure import noises, random_feed, start_feed, text_like
from dartenv.manifests.export import ParitySpec
from dartenv.model.clip import ClipText
from dartenv.model.denoiser import make_denoiser
from dartenv.model.primitive import PrimitiveModel, load
from dartenv.model.source import DartSource
from dartenv.model.vae import MotionVae

REFERENCE = "dartenv.model (torch, float32)"
# Normalised values are brought back to units: a small deviation would enlarge rounding.
_NAMES = ("motion", "rotations", "translation", "joints", "next_history")


def primitive_parity(
    session: Any, source: DartSource, body: bool, spec: ParitySpec, respacing: str = ""
) -> List[Parity]:
    """One primitive at batch 1 and 4, and a closed loop with the same noise."""
    model = PrimitiveModel(source, respacing)
    with one_thread():
        return _primitive_parity(session, model, body, spec)


def _primitive_parity(
    session: Any, model: PrimitiveModel, body: bool, spec: ParitySpec
) -> List[Parity]:
    found = []
    for batch in (1, 4):
        errors, _ = _loop_errors(session, model, batch, 1, body)
        worst = max(errors, key=lambda name: errors[name])
        what = f"one primitive, batch {batch}: {worst}, the worst of {', '.join(_NAMES)}"
        found.append(_parity(what, errors[worst], spec.primitive, "m or 1"))
    errors, path = _loop_errors(session, model, 1, spec.loop_primitives, body)
    what = f"joints over a closed loop of {spec.loop_primitives} primitives and {path:.1f} m"
    error, limit = errors["joints"], spec.loop
    if not error <= limit:
        error, own = _exact_errors(session, model, spec.loop_primitives, body)
        limit = max(limit, own)
        what += (
            f"; from the same in double precision, as float32 alone costs the reference {own:.1e}"
        )
    found.append(_parity(what, error, limit, "m"))
    return found


def _exact_errors(
    session: Any, model: PrimitiveModel, count: int, body: bool
) -> Tuple[float, float]:
    """Metres from the joints of the loop in double precision: the session's, the reference's."""
    source = model.source
    exact = PrimitiveModel(source, model.respacing, exact=True)
    text, feed = text_like(source, seed=5), start_feed(source, 1, 5.0, body)
    names = [value.name for value in session.get_outputs()]
    states = [model.start(1)[:2] for _ in range(2)]
    _, _, pelvis, rest = model.start(1)
    worst = [0.0, 0.0]
    for noise in noises(source, count, model.sampler.steps, 1, seed=6):
        out = dict(zip(names, session.run(None, {**feed, "text": text, "noise": noise})))
        rounded, right = (
            one(
                history,
                torch.from_numpy(text),
                torch.from_numpy(noise),
                torch.from_numpy(feed["guidance"]),
                world,
                pelvis,
                rest if body else None,
            )
            for one, (history, world) in zip((model, exact), states)
        )
        for place, joints in enumerate((out["joints"], rounded.joints.numpy())):
            worst[place] = max(worst[place], float(np.abs(joints - right.joints.numpy()).max()))
        states = [(made.history, made.world) for made in (rounded, right)]
        for name in ("history", "world_rotation", "world_translation"):
            feed[name] = out["next_" + name]
    return worst[0], worst[1]


def _loop_errors(
    session: Any, model: PrimitiveModel, batch: int, count: int, body: bool
) -> Tuple[Dict[str, float], float]:
    """(the largest difference by output over ``count`` primitives in a row, metres travelled)."""
    source = model.source
    text = np.repeat(text_like(source, seed=5), batch, axis=0)
    path, place = 0.0, np.zeros((batch, 1, 3))
    fresh = noises(source, count, model.sampler.steps, batch, seed=6)
    feed = start_feed(source, batch, 5.0, body)
    names = [value.name for value in session.get_outputs()]
    history, world, pelvis, rest = model.start(batch)
    guidance = torch.from_numpy(feed["guidance"])
    worst: Dict[str, float] = dict.fromkeys(_NAMES, 0.0)
    for noise in fresh:
        out = dict(zip(names, session.run(None, {**feed, "text": text, "noise": noise})))
        wanted = model(
            history,
            torch.from_numpy(text),
            torch.from_numpy(noise),
            guidance,
            world,
            pelvis,
            rest if body else None,
        )
        pairs = {
            "motion": wanted.motion,
            "rotations": wanted.rotations,
            "translation": wanted.translation,
            "joints": wanted.joints,
            "next_history": wanted.history * model.std,
        }
        out["next_history"] = out["next_history"] * source.std
        for name, value in pairs.items():
            worst[name] = max(worst[name], float(np.abs(out[name] - value.numpy()).max()))
        history, world = wanted.history, wanted.world
        path += float(np.linalg.norm(world.translation.numpy() - place, axis=-1).max())
        place = world.translation.numpy()
        for name in ("history", "world_rotation", "world_translation"):
            feed[name] = session_value(out, name, source)
    return worst, path


def session_value(out: Dict[str, Any], name: str, source: DartSource) -> Any:
    """The next input ``name`` out of a run's outputs, where the history was brought to units."""
    value = out["next_" + name]
    return (value / source.std).astype(np.float32) if name == "history" else value


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread: several of them wait for each other on a machine with other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def tensor_parity(session: Any, name: str, source: DartSource, spec: ParitySpec) -> List[Parity]:
    """One of the separate models on random inputs at batch 1 and 3."""
    found = []
    for batch in (1, 3):
        feed = random_feed(session, source, batch, seed=batch)
        outs = session.run(None, feed)
        with one_thread():
            wanted = _reference(name, source, {k: torch.from_numpy(v) for k, v in feed.items()})
        error = max(float(np.abs(o - w.numpy()).max()) for o, w in zip(outs, wanted))
        found.append(_parity(f"random inputs, batch {batch}", error, spec.tensor, "1"))
    return found


@torch.no_grad()
def _reference(name: str, source: DartSource, feed: Dict[str, Any]) -> List[Any]:
    if name == "denoiser":
        network = load(make_denoiser(source.denoiser), source.denoiser_state, name)
        return [network(feed["x_t"], feed["timesteps"], feed["text"], feed["history"])]
    if name == "clip_text":
        return [_clip(source)(feed["embeddings"], feed["eot"])]
    vae = load(MotionVae(source.vae), source.vae_state, "VAE")
    if name == "vae_encoder":
        return list(vae.encode(feed["history"], feed["future"]))
    return [vae.decode(feed["latent"], feed["history"], source.future_frames)]


def _clip(source: DartSource) -> Any:
    assert source.clip_state is not None
    sizes = text_sizes(source.clip_state)
    feed_forward = source.clip_state["transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
    tower = ClipText(
        sizes["width"], sizes["layers"], sizes["context"], sizes["embedding"], feed_forward
    )
    own = {name: source.clip_state[name].astype(np.float32) for name in tower.state_dict()}
    return load(tower, own, "CLIP's text tower")


def _parity(what: str, error: float, limit: float, unit: str) -> Parity:
    return Parity(
        reference=REFERENCE, what=what, error=error, limit=limit, unit=unit, passed=error <= limit
    )
