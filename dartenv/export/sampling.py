"""The sampler's loop as an ONNX Loop: S steps of denoising with guidance, one latent out."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from dartenv.export.graph import Graph
from dartenv.model.diffusion import Sampler


def sample(
    g: Graph,
    maker: Any,
    sampler: Sampler,
    *,
    noise: str,
    text: str,
    history: str,
    guidance: str,
    batch: str,
) -> str:
    """The latent [B, T, Z] that the denoiser of ``maker`` arrives at from ``noise[0]``.

    With contrib the steps' tables are optional inputs, so that one file serves every respacing.
    """
    told = np.array(sampler.timesteps, dtype=np.int64)
    mixed = sampler.coefficients.astype(np.float32)
    if g.contrib:
        steps = g.optional_input("sampler_timesteps", told, ["steps"])
        table = g.optional_input("sampler_coefficients", mixed, ["steps", 3])
    else:
        steps, table = g.const(told, "timesteps"), g.const(mixed, "coefficients")
    static = maker.static(g, text, history, batch, guided=True)
    start = g.op("Squeeze", g.op("Slice", noise, g.ints(0), g.ints(1), g.ints(0)), g.ints(0))
    fresh = g.op("Slice", noise, g.ints(1), g.ints(2**62), g.ints(0))
    a, b, c = g.ops("Split", 3, g.op("Reshape", table, g.ints(-1, 3, 1, 1)), axis=1)
    scaled = g.op("Mul", fresh, c)  # [S, B, T, Z]
    times = g.op("Gather", maker.times(g), steps, axis=0)
    scale = g.op("Reshape", guidance, g.ints(-1, 1))
    both = g.op("Concat", batch, batch, axis=0)
    tokens = maker.config.noise[0]
    if tokens > 1 and maker.config.kind == "transformer":
        scale = g.op("Reshape", g.op("Tile", scale, g.ints(1, tokens)), g.ints(-1, 1))

    body = g.body()
    index, going = "step", "going"
    body.inputs.append(helper.make_tensor_value_info(index, TensorProto.INT64, []))
    body.inputs.append(helper.make_tensor_value_info(going, TensorProto.BOOL, []))
    body.inputs.append(
        helper.make_tensor_value_info("x_t", body.element, ["batch", *maker.config.noise])
    )
    time = body.op("Reshape", body.op("Gather", times, index, axis=0), body.ints(1, 1, -1))
    if maker.config.kind == "transformer":
        time = body.op("Add", time, both)
    hidden = maker.predict(body, "x_t", static, time, guided=True)
    with_text, without = body.ops("Split", 2, hidden, axis=0)
    added = body.op("Mul", body.op("Sub", with_text, without), scale)
    clean = maker.project(body, body.op("Add", without, added))
    kept = body.op("Mul", "x_t", body.op("Gather", b, index, axis=0))
    kept = body.op("Add", kept, body.op("Gather", scaled, index, axis=0))
    new = body.op("Add", body.op("Mul", clean, body.op("Gather", a, index, axis=0)), kept)
    body.output(going, "still", [], "bool")
    body.output(new, "x_next", ["batch", *maker.config.noise])
    count = g.op("Size", steps) if g.contrib else g.const(np.array(sampler.steps), "count")
    return g.op("Loop", count, "", start, hint="sampler", body=body.proto("sampler_step"))
