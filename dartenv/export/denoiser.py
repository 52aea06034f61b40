"""DART's denoisers as ONNX nodes, with all that a sampler's steps share worked out beforehand.

Once a model: the time tokens, as a table. Once a primitive: the tokens of text and history. The
first layer's projection of every token is worked out together with the token itself, so that in a
step only the noise's remains.
"""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from dartenv.export.encoder import Layer, layer, pair
from dartenv.export.graph import Graph
from dartenv.export.layers import Arrays, activate, linear, repeat_rows, rows
from dartenv.model.config import DenoiserConfig


def time_vectors(state: Arrays, steps: int) -> Any:
    """The time embedding of diffusion steps 0 to ``steps`` - 1, float32 [steps, D]."""
    first, second = (pair(state, f"embed_timestep.time_embed.{i}") for i in (0, 2))
    places = np.asarray(state["sequence_pos_encoder.pe"][:steps, 0], dtype=np.float64)
    hidden = places @ first[0].T.astype(np.float64) + first[1]
    hidden = hidden / (1.0 + np.exp(-hidden))
    return (hidden @ second[0].T.astype(np.float64) + second[1]).astype(np.float32)


class TransformerGraph:
    """The transformer. Tokens lie in the order text, history, time, noise."""

    def __init__(self, config: DenoiserConfig, state: Arrays, steps: int) -> None:
        self.config = config
        self.history, self.tokens = config.history[0], config.noise[0]
        self.count = 2 + self.history + self.tokens
        self.layers = [
            Layer(state, f"seqTransEncoder.layers.{i}", config.heads, config.activation)
            for i in range(config.layers)
        ]
        self.output = pair(state, "output_process")
        places = state["sequence_pos_encoder.pe"][: self.count, 0]  # time, text, history, noise
        self.time = self._joined(time_vectors(state, steps) + places[0])
        split = 2 + self.history
        self.text = self._embedding(pair(state, "embed_text"), places[1:2])
        self.frames = self._embedding(pair(state, "embed_history"), places[2:split])
        self.noise = self._embedding(pair(state, "embed_noise"), places[split:])

    def _joined(self, token: Any) -> Any:
        """Tokens [n, D] as (residual with the first layer's bias, its q, k, v): [n, 4D]."""
        first = self.layers[0]
        wide = np.asarray(token, dtype=np.float64)
        inner = wide @ first.qkv_weight.T.astype(np.float64) + first.qkv_bias
        return np.concatenate([wide + first.out_bias, inner], axis=1).astype(np.float32)

    def _embedding(self, embed: Any, places: Any) -> Tuple[Any, Any]:
        """(weight [4D, in], bias [tokens, 4D]) from an input to what ``_joined`` gives."""
        weight = embed[0].astype(np.float64)
        first = self.layers[0].qkv_weight.astype(np.float64)
        both = np.concatenate([weight, first @ weight]).astype(np.float32)
        return both, self._joined(embed[1] + places)

    @property
    def wide(self) -> int:
        return 4 * self.config.width

    def static(self, g: Graph, text: str, history: str, batch: str, guided: bool) -> str:
        """Tokens of text [B, C] and history [B, H, F] as [N, 1 + H, 4D]; N is twice B with
        ``guided``, the second half without text."""
        weight, bias = self.text
        words = linear(g, text, weight, bias[0], exact=True, hint="embed_text")
        words = g.op("Unsqueeze", words, g.ints(1))
        flat = rows(g, history, self.config.history[1])
        frames = linear(g, flat, self.frames[0], exact=True, hint="embed_history")
        frames = g.op("Reshape", frames, g.ints(-1, self.history, self.wide))
        frames = g.op("Add", frames, g.const(self.frames[1], "embed_history.bias"))
        with_text = g.op("Concat", words, frames, axis=1)
        if not guided:
            return with_text
        silent = repeat_rows(g, bias, batch, "no_text")
        return g.op("Concat", with_text, g.op("Concat", silent, frames, axis=1), axis=0)

    def times(self, g: Graph) -> str:
        """The table [steps, 4D] that :meth:`predict` takes rows of."""
        return g.const(self.time, "time")

    def predict(self, g: Graph, x: str, static: str, time: str, guided: bool) -> str:
        """Rows [N * T, D] before the output projection, of latents [B, T, Z].

        ``time`` [N, 1, 4D] or [1, 1, 4D], which then holds for all.
        """
        weight, bias = self.noise
        flat = rows(g, x, self.config.noise[1])
        if self.tokens == 1:
            noise = linear(g, flat, weight, bias[0], exact=True, hint="embed_noise")
            noise = g.op("Unsqueeze", noise, g.ints(1))
        else:
            noise = linear(g, flat, weight, exact=True, hint="embed_noise")
            noise = g.op("Reshape", noise, g.ints(-1, self.tokens, self.wide))
            noise = g.op("Add", noise, g.const(bias, "embed_noise.bias"))
        if guided:
            noise = g.op("Concat", noise, noise, axis=0)
        joined = rows(g, g.op("Concat", static, time, noise, axis=1), self.wide)
        width = self.config.width
        h, qkv = g.ops("Split", 2, joined, g.ints(width, 3 * width), axis=1)
        wanted = range(self.count - self.tokens, self.count)
        for index, p in enumerate(self.layers):
            last = index + 1 == len(self.layers)
            h = layer(
                g,
                p,
                h,
                self.count,
                carry=0.0 if last else self.layers[index + 1].out_bias,
                qkv=qkv if index == 0 and not last else None,
                only=wanted if last else None,
            )
        return h

    def project(self, g: Graph, hidden: str) -> str:
        """The output projection: rows [B * T, D] to clean latents [B, T, Z]."""
        out = linear(g, hidden, *self.output, exact=True, hint="output_process")
        return g.op("Reshape", out, g.ints(-1, *self.config.noise))


class MlpGraph:
    """The MLP: its first layer's product is the sum of those of time, text, history and noise."""

    def __init__(self, config: DenoiserConfig, state: Arrays, steps: int) -> None:
        self.config = config
        weight, self.bias = pair(state, "input_project")
        sizes = np.cumsum([config.width, config.text, config.history[0] * config.history[1]])
        time, self.text, self.frames, self.noise = np.split(weight, sizes, axis=1)
        self.time = (time_vectors(state, steps) @ time.T)[:, None]
        self.blocks = [
            [pair(state, f"mlp.layers.{i}.layers.{j}") for j in (0, 1)]
            for i in range(config.layers)
        ]
        self.output = pair(state, "mlp.out_fc")

    @property
    def wide(self) -> int:
        return self.config.width

    def static(self, g: Graph, text: str, history: str, batch: str, guided: bool) -> str:
        """As :meth:`TransformerGraph.static`, in one vector: [N, 1, D]."""
        flat = g.op("Flatten", history, axis=1)
        frames = linear(g, flat, self.frames, self.bias, exact=True, hint="history")
        words = linear(g, text, self.text, add=frames, exact=True, hint="text")
        if guided:
            words = g.op("Concat", words, frames, axis=0)
        return g.op("Unsqueeze", words, g.ints(1))

    def times(self, g: Graph) -> str:
        """The table [steps, D] of the time's part."""
        return g.const(self.time[:, 0], "time")

    def predict(self, g: Graph, x: str, static: str, time: str, guided: bool) -> str:
        """Rows [N, D] before the output layer; see :meth:`TransformerGraph.predict`."""
        noise = linear(g, g.op("Flatten", x, axis=1), self.noise, exact=True, hint="noise")
        if guided:
            noise = g.op("Concat", noise, noise, axis=0)
        known = rows(g, g.op("Add", static, time), self.config.width)
        h = g.op("Add", known, noise)
        for index, block in enumerate(self.blocks):
            inner = h
            for weight, bias in block:
                inner = linear(g, inner, weight, bias, hint=f"mlp.{index}")
                inner = activate(g, inner, self.config.activation)
            h = g.op("Add", h, inner)
        return h

    def project(self, g: Graph, hidden: str) -> str:
        """The output layer, to clean latents [B, T, Z]."""
        out = linear(g, hidden, *self.output, exact=True, hint="out_fc")
        return g.op("Reshape", out, g.ints(-1, *self.config.noise))


def denoiser_graph(config: DenoiserConfig, state: Arrays, steps: int) -> Any:
    """The maker of nodes for the denoiser that ``config`` describes."""
    kind = MlpGraph if config.kind == "mlp" else TransformerGraph
    return kind(config, state, steps)
