"""The models of a bundle, each as one ONNX model made from a :class:`DartSource`."""

from __future__ import annotations

from typing import Any, Dict, List, Union

import dartenv
from dartenv.bundle.contract import FULL
from dartenv.errors import UsageFault
from dartenv.export.clip import clip_nodes
from dartenv.export.denoiser import denoiser_graph
from dartenv.export.geometry import BodyNames, WorldNames, matrix_of_6d, to_world
from dartenv.export.graph import Graph, named_dims
from dartenv.export.history import LastNames, next_history
from dartenv.export.layers import zeros
from dartenv.export.reduce import reduced
from dartenv.export.sampling import sample
from dartenv.export.vae import VaeGraph
from dartenv.model.diffusion import Sampler, sampler
from dartenv.model.layout import JOINTS
from dartenv.model.source import DartSource

Dims = List[Union[int, str]]
MODELS = ("primitive", "primitive_body", "denoiser", "vae_decoder", "vae_encoder", "clip_text")
BATCH = "batch"
# Rows of the denoiser's table of time tokens, by what a diffusion has at most here.
_MOST_STEPS = 1000


def build(name: str, source: DartSource, precision: str, contrib: bool, respacing: str = "") -> Any:
    """The model ``name`` of :data:`MODELS`. Raises UsageFault where ``source`` lacks its weights.

    ``contrib`` allows operators of ONNX Runtime's own, and the sampler's tables as inputs that may
    be left out; without it the sampler of ``respacing`` is fixed, since other hosts take every
    input for one that must be given; and so for fp64, which is for comparing hosts. The batch's
    dimension is checked to be free on every input and output.
    """
    double = precision == "fp64"
    g = Graph(contrib and not double, double)
    if name.startswith("primitive"):
        primitive(g, source, name == "primitive_body", default_sampler(source, respacing))
    elif name == "clip_text":
        if source.clip_state is None:
            raise UsageFault("clip_text: no CLIP weights", "ViT-B-32.pt", "dartenv fix assets.clip")
        clip_nodes(g, source.clip_state)
    else:
        {"denoiser": denoiser, "vae_decoder": vae_decoder, "vae_encoder": vae_encoder}[name](
            g, source
        )
    model = g.model(name, f"dartenv {dartenv.__version__}")
    assert_free_batch(model)
    return model if precision in FULL else reduced(model, precision, contrib)


def assert_free_batch(model: Any) -> None:
    """Every input but the sampler's tables, and every output, has a free batch dimension."""
    for name, dims in named_dims(model).items():
        if not name.startswith("sampler_") and BATCH not in dims:
            raise AssertionError(f"{name} of {model.graph.name} has the fixed shape {dims}")


def shapes(source: DartSource) -> Dict[str, Dims]:
    """The dimensions of the inputs and outputs that several models share."""
    history: Dims = [BATCH, source.history_frames, source.vae.features]
    future: Dims = [BATCH, source.future_frames, source.vae.features]
    latent: Dims = [BATCH, *source.denoiser.noise]
    return {"history": history, "future": future, "latent": latent}


def _flat(g: Graph, value: str) -> str:
    return g.op("Flatten", value, axis=1)


def primitive(g: Graph, source: DartSource, body: bool, steps: Sampler) -> None:
    """A whole motion primitive: sample, decode, place in the world, make the next history."""
    dims = shapes(source)
    frames, kept = source.future_frames, source.history_frames
    history = g.input("history", dims["history"])
    text = g.input("text", [BATCH, source.denoiser.text])
    noise = g.input("noise", ["steps_and_start", *dims["latent"]])
    guidance = g.input("guidance", [BATCH, 1])
    world = WorldNames(
        g.input("world_rotation", [BATCH, 3, 3]), g.input("world_translation", [BATCH, 1, 3])
    )
    offset = g.input("pelvis_offset", [BATCH, 3])
    rest = g.input("rest_joints", [BATCH, JOINTS, 3]) if body else ""
    batch = zeros(g, text)
    maker = denoiser_graph(source.denoiser, source.denoiser_state, source.diffusion.steps)
    latent = sample(
        g,
        maker,
        steps,
        noise=noise,
        text=text,
        history=history,
        guidance=guidance,
        batch=batch,
    )
    vae = VaeGraph(source.vae, source.vae_state, kept, frames)
    normalised = vae.decode(g, latent, history, batch, scale=source.latent_scale)
    motion = _in_units(g, source, normalised)
    pelvis = g.op("Unsqueeze", offset, g.ints(1))
    rotations = _rotations(g, motion, frames)
    turned, translation, joints = to_world(g, motion, rotations, world, pelvis, frames)
    following, rotation, place = next_history(
        g,
        _last(g, source, history, LastNames(motion, normalised, rotations)),
        world,
        pelvis,
        kept,
        (source.mean, source.std),
        BodyNames(rest, source.body_parents) if body else None,
    )
    g.output(motion, "motion", dims["future"])
    g.output(turned, "rotations", [BATCH, frames, JOINTS, 3, 3])
    g.output(translation, "translation", [BATCH, frames, 3])
    g.output(joints, "joints", [BATCH, frames, JOINTS, 3])
    g.output(following, "next_history", dims["history"])
    g.output(rotation, "next_world_rotation", [BATCH, 3, 3])
    g.output(place, "next_world_translation", [BATCH, 1, 3])


def _rotations(g: Graph, motion: str, frames: int) -> str:
    six = g.op("Slice", motion, g.ints(3), g.ints(3 + 6 * JOINTS), g.ints(-1))
    return matrix_of_6d(g, g.op("Reshape", six, g.ints(0, frames, JOINTS, 6)))


def _in_units(g: Graph, source: DartSource, normalised: str) -> str:
    scaled = g.op("Mul", normalised, g.const(source.std, "std"))
    return g.op("Add", scaled, g.const(source.mean, "mean"))


def _last(g: Graph, source: DartSource, history: str, made: LastNames) -> LastNames:
    """The last H of the frames that were made; of the history too where H exceeds N."""
    frames, kept = source.future_frames, source.history_frames
    if kept <= frames:
        ends = (g.ints(frames - kept), g.ints(frames), g.ints(1))
        return LastNames(*(g.op("Slice", value, *ends) for value in made))
    old = g.op("Slice", history, g.ints(frames), g.ints(kept), g.ints(1))
    last = g.op("Concat", _in_units(g, source, old), made.motion, axis=1)
    normalised = g.op("Concat", old, made.normalised, axis=1)
    return LastNames(last, normalised, _rotations(g, last, kept))


def default_sampler(source: DartSource, respacing: str) -> Sampler:
    """The sampler that a file uses unless the host gives it another; "" is DART's own default."""
    return sampler(source.diffusion, respacing)


def denoiser(g: Graph, source: DartSource) -> None:
    """The denoiser alone, without guidance: one prediction of the clean latent."""
    dims = shapes(source)
    x = g.input("x_t", dims["latent"])
    timesteps = g.input("timesteps", [BATCH], "int64")
    text = g.input("text", [BATCH, source.denoiser.text])
    history = g.input("history", dims["history"])
    steps = min(_MOST_STEPS, source.diffusion.steps)
    maker = denoiser_graph(source.denoiser, source.denoiser_state, steps)
    static = maker.static(g, text, history, zeros(g, text), guided=False)
    time = g.op("Unsqueeze", g.op("Gather", maker.times(g), timesteps, axis=0), g.ints(1))
    hidden = maker.predict(g, x, static, time, guided=False)
    g.output(maker.project(g, hidden), "x_0", dims["latent"])


def vae_decoder(g: Graph, source: DartSource) -> None:
    """The VAE's decoder: a latent in the VAE's own scale to normalised frames."""
    dims = shapes(source)
    latent = g.input("latent", dims["latent"])
    history = g.input("history", dims["history"])
    vae = VaeGraph(source.vae, source.vae_state, source.history_frames, source.future_frames)
    g.output(vae.decode(g, latent, history, zeros(g, _flat(g, latent))), "future", dims["future"])


def vae_encoder(g: Graph, source: DartSource) -> None:
    """The VAE's encoder: frames to the latent's mean and log-variance, in the VAE's own scale."""
    dims = shapes(source)
    history = g.input("history", dims["history"])
    future = g.input("future", dims["future"])
    vae = VaeGraph(source.vae, source.vae_state, source.history_frames, source.future_frames)
    mean, spread = vae.encode(g, history, future, zeros(g, _flat(g, history)))
    g.output(mean, "mean", dims["latent"])
    g.output(spread, "log_variance", dims["latent"])
