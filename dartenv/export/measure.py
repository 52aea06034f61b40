"""Running exported models with numpy and ONNX Runtime: closed loops, what their motion is like,
and how long they take."""

from __future__ import annotations

import importlib
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import onnx

from dartenv.bundle import hashed
from dartenv.bundle.contract import Speed
from dartenv.export.conditions import Conditions
from dartenv.model.layout import JOINTS

Feed = Dict[str, Any]
CLIP_LENGTH = 10.0
LATENT = "sampled_latent"


def runtime() -> Optional[Any]:
    """The onnxruntime module, or ``None`` where it is not installed."""
    try:
        return importlib.import_module("onnxruntime")
    except ImportError:
        return None


def open_session(model: Any, threads: int = 1) -> Any:
    """A session on the CPU for a path or for a model's bytes."""
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # defaults of optional inputs are meant
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def start_feed(source: Conditions, batch: int, guidance: float, body: bool = False) -> Feed:
    """The inputs of a primitive at the beginning, all but text and noise."""

    def many(value: Any) -> Any:
        return np.repeat(np.asarray(value, dtype=np.float32)[None], batch, axis=0)

    feed = {
        "history": many(source.history),
        "guidance": np.full((batch, 1), guidance, dtype=np.float32),
        "world_rotation": many(np.eye(3)),
        "world_translation": many(np.zeros((1, 3))),
        "pelvis_offset": many(source.pelvis),
    }
    if body:
        feed["rest_joints"] = many(source.rest_joints[:JOINTS])
    return feed


def noises(source: Conditions, count: int, steps: int, batch: int, seed: int) -> List[Any]:
    """``count`` times the noise [S + 1, B, T, Z] of a primitive."""
    generator = np.random.default_rng(seed)
    shape = (steps + 1, batch, *source.latent_shape)
    return [generator.standard_normal(shape).astype(np.float32) for _ in range(count)]


def text_like(source: Conditions, seed: int, prompt: str = "walk forward") -> Any:
    """A text embedding [1, C]: ``prompt``'s where words are hashed, else a random direction of the
    length that CLIP's embeddings usually have."""
    width = source.text_width
    if source.words_hashed:
        return np.array([hashed.embed(prompt, width)], dtype=np.float32)
    text = np.random.default_rng(seed).standard_normal((1, width)).astype(np.float32)
    return text * np.float32(CLIP_LENGTH / np.linalg.norm(text))


class Rollout(NamedTuple):
    """A closed loop's frames: motion [B, K, N, F], rotations [B, K N, 22, 3, 3], translation
    [B, K N, 3], joints [B, K N, 22, 3]."""

    motion: Any
    rotations: Any
    translation: Any
    joints: Any


class Loop(NamedTuple):
    """A closed loop, primitive by primitive: what went in, and what came out by name."""

    feeds: List[Feed]
    outs: List[Dict[str, Any]]

    def latents(self) -> Any:
        """[K, B, T, Z]; of sessions of :func:`with_latent` alone."""
        return np.stack([out[LATENT] for out in self.outs])

    def rollout(self) -> Rollout:
        """The frames, one primitive after the other."""
        joined = [
            np.concatenate([out[name] for out in self.outs], axis=1)
            for name in ("rotations", "translation", "joints")
        ]
        return Rollout(np.stack([out["motion"] for out in self.outs], axis=1), *joined)


def closed_loop(session: Any, feed: Feed, texts: Sequence[Any], fresh: Sequence[Any]) -> Loop:
    """Primitives one after the other, with ``texts`` [B, C] and noise given for each."""
    feed, loop = dict(feed), Loop([], [])
    for text, noise in zip(texts, fresh):
        given = {**feed, "text": text, "noise": noise}
        out = run_once(session, given)
        loop.feeds.append(given)
        loop.outs.append(out)
        for name in ("history", "world_rotation", "world_translation"):
            feed[name] = out["next_" + name]
    return loop


def run_once(session: Any, feed: Feed) -> Dict[str, Any]:
    """The outputs by name."""
    return dict(zip([value.name for value in session.get_outputs()], session.run(None, feed)))


def rollout(session: Any, feed: Feed, texts: Sequence[Any], fresh: Sequence[Any]) -> Rollout:
    """The frames of a closed loop."""
    return closed_loop(session, feed, texts, fresh).rollout()


def with_latent(model: Any) -> bytes:
    """A primitive's model, its sampled latent [B, T, Z] one more output named ``LATENT``."""
    (loop,) = [node for node in model.graph.node if node.op_type == "Loop"]
    kind = onnx.helper.make_tensor_value_info(LATENT, onnx.TensorProto.FLOAT, None)
    model.graph.output.append(kind)
    model.graph.node.append(onnx.helper.make_node("Identity", [loop.output[0]], [LATENT]))
    try:
        return bytes(model.SerializeToString())
    finally:
        del model.graph.output[-1], model.graph.node[-1]


class MotionFacts(NamedTuple):
    """What a motion is like: the largest |R R^T - I|, the fastest joint in m/s, how far a bone
    strays from its mean length in m, and the pelvis's path along the floor in m."""

    finite: bool
    rotation: float
    joint_speed: float
    bone_drift: float
    path: float


def motion_facts(run: Rollout, parents: Sequence[int], fps: int) -> MotionFacts:
    """The same numbers as the smoke tests' judges, of a closed loop."""
    finite = all(bool(np.isfinite(part).all()) for part in run)
    if not finite:
        return MotionFacts(False, np.inf, np.inf, np.inf, np.inf)
    product = run.rotations @ np.swapaxes(run.rotations, -1, -2)
    steps = np.linalg.norm(np.diff(run.joints, axis=1), axis=-1)
    above = [max(parent, 0) for parent in parents]
    bones = np.linalg.norm(run.joints - run.joints[:, :, above], axis=-1)
    path = np.linalg.norm(np.diff(run.joints[:, :, 0, :2], axis=1), axis=-1)
    return MotionFacts(
        True,
        float(np.abs(product - np.eye(3)).max()),
        float(steps.max() * fps),
        float(np.abs(bones - bones.mean(axis=1, keepdims=True)).max()),
        float(path.sum(axis=1).mean()),
    )


def measure_speed(session: Any, feed: Feed, threads: int, runs: int = 7) -> Speed:
    """Median and least time of ``runs`` runs after one that is not counted."""
    ort = importlib.import_module("onnxruntime")
    session.run(None, feed)
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - began) * 1e3)
    return Speed(
        provider="CPUExecutionProvider",
        threads=threads,
        batch=1,
        runs=runs,
        median_ms=round(float(np.median(times)), 3),
        min_ms=round(min(times), 3),
        onnxruntime=str(ort.__version__),
        note="measured at export, beside whatever else the machine did",
    )


def random_feed(session: Any, source: Conditions, batch: int, seed: int) -> Feed:
    """Plausible inputs for any of the separate models."""
    generator = np.random.default_rng(seed)
    feed: Feed = {}
    for value in session.get_inputs():
        shape = [batch if d == "batch" else 8 if d == "tokens" else d for d in value.shape]
        if value.name == "timesteps":
            feed[value.name] = generator.integers(0, source.diffusion_steps, shape)
        elif value.name == "eot":
            feed[value.name] = np.full(shape, 5, dtype=np.int64)
        else:
            feed[value.name] = generator.standard_normal(shape).astype(np.float32)
    return feed


def relative(found: Any, wanted: Any) -> float:
    """The root mean square of the difference over that of ``wanted``."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    scale = float(np.sqrt(np.mean(np.square(wanted, dtype=np.float64))))
    return float(np.sqrt(np.mean(np.square(found - wanted, dtype=np.float64)))) / max(scale, 1e-12)
