"""DART's motion VAE as ONNX nodes: the decoder with all_encoder folded, the others plainly."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence

import numpy as np

from dartenv.export.encoder import Layer, attention_weights, layer, pair, pick
from dartenv.export.graph import Graph
from dartenv.export.layers import (
    Arrays,
    activate,
    attend,
    heads_of,
    linear,
    norm,
    repeat_rows,
    rows,
)
from dartenv.model.config import VaeConfig


class VaeGraph:
    """Makes the nodes of the VAE that ``config`` describes. Frames are normalised features."""

    def __init__(self, config: VaeConfig, state: Arrays, history: int, future: int) -> None:
        self.config, self.state = config, state
        self.history, self.future = history, future

    def decode(
        self,
        g: Graph,
        latent: str,
        history: str,
        batch: str,
        *,
        scale: Any = 1.0,
    ) -> str:
        """Future frames [B, N, F] of a latent [B, T, Z] and history [B, H, F].

        ``scale``, folded into weights, multiplies the latent.
        """
        weight, bias = pair(self.state, "decoder_latent_proj")
        weight = weight * np.asarray(scale, dtype=np.float32)
        flat = rows(g, latent, self.config.latent[1])
        memory = self._tokens(g, linear(g, flat, weight, bias, exact=True), self.config.latent[0])
        before = self._frames(g, history, self.history)
        queries: Any = np.zeros((self.future, self.config.width), dtype=np.float32)
        places = self.state["query_pos_decoder.pe"][:, 0]
        if self.config.arch == "encoder_decoder":
            parts = [before, repeat_rows(g, queries, batch, "queries")]
        else:
            parts = [memory, before, repeat_rows(g, queries, batch, "queries")]
        tokens = g.op("Concat", *parts, axis=1)
        count = self.history + self.future
        if self.config.arch == "all_encoder":
            count += self.config.latent[0]
        wanted = range(count - self.future, count)
        crossed = memory if self.config.arch == "encoder_decoder" else None
        out = self._stack(g, "decoder", tokens, places[:count], wanted, crossed)
        weight, bias = pair(self.state, "final_layer")
        frames = linear(g, out, weight, bias, exact=True, hint="final_layer")
        return g.op("Reshape", frames, g.ints(-1, self.future, self.config.features))

    def encode(self, g: Graph, history: str, future: str, batch: str) -> Sequence[str]:
        """(mean, log-variance) [B, T, Z] of the latent of frames [B, H, F] and [B, N, F]."""
        tokens = self.config.latent[0]
        frames = self._frames(
            g, g.op("Concat", history, future, axis=1), self.history + self.future
        )
        asked = repeat_rows(g, self.state["global_motion_token"], batch, "motion_token")
        joined = g.op("Concat", asked, frames, axis=1)
        count = 2 * tokens + self.history + self.future
        places = self.state["query_pos_encoder.pe"][:count, 0]
        out = self._stack(g, "encoder", joined, places, range(2 * tokens), None)
        numbers = linear(g, out, *pair(self.state, "encoder_latent_proj"), exact=True)
        numbers = g.op("Reshape", numbers, g.ints(-1, 2 * tokens, self.config.latent[1]))
        mean, spread = g.ops("Split", 2, numbers, axis=1)
        low, high = g.const(np.float32(-10.0)), g.const(np.float32(10.0))
        return mean, g.op("Min", g.op("Max", spread, low), high)

    def _frames(self, g: Graph, frames: str, count: int) -> str:
        flat = rows(g, frames, self.config.features)
        return self._tokens(
            g, linear(g, flat, *pair(self.state, "skel_embedding"), exact=True), count
        )

    def _tokens(self, g: Graph, flat: str, count: int) -> str:
        return g.op("Reshape", flat, g.ints(-1, count, self.config.width))

    def _stack(
        self,
        g: Graph,
        name: str,
        tokens: str,
        places: Any,
        wanted: Sequence[int],
        memory: Optional[str],
    ) -> str:
        """The skip transformer ``name``: rows of the ``wanted`` tokens [B * len(wanted), D]."""
        if self.config.norm_first or memory is not None:
            stack: Any = _Plain(g, self, name, memory)
        else:
            stack = _Folded(g, self, name)
        first = rows(
            g, g.op("Add", tokens, g.const(places + stack.carried(0), "places")), self.config.width
        )
        return str(stack.run(first, len(places), list(wanted)))


class _Stack:
    """The order of a skip transformer's layers, and the joints between them."""

    def __init__(self, g: Graph, vae: VaeGraph, name: str) -> None:
        self.g, self.config, self.state, self.name = g, vae.config, vae.state, name
        pairs = (vae.config.layers - 1) // 2
        self.pairs = pairs
        self.blocks = [
            *(f"{name}.input_blocks.{i}" for i in range(pairs)),
            f"{name}.middle_block",
            *(f"{name}.output_blocks.{i}" for i in range(pairs)),
        ]

    def carried(self, index: int) -> Any:
        """What the tokens that go into layer ``index`` carry beside themselves, [D] or 0."""
        return 0.0

    def run(self, x: str, tokens: int, wanted: List[int]) -> str:
        g = self.g
        kept: List[Any] = []
        for index in range(len(self.blocks)):
            if index > self.pairs:
                x = self._joined(x, kept.pop(), index)
            last = index + 1 == len(self.blocks)
            x = self.layer(x, index, tokens, wanted if last else None)
            if index < self.pairs:
                kept.append((x, index + 1))
        scale, shift = pair(self.state, self.name + ".norm")
        return norm(g, x, scale, shift, self.name + ".norm")

    def _joined(self, x: str, held: Any, index: int) -> str:
        """The linear layer before output layer ``index``, on what came and what was kept."""
        skip, carried_at = held
        name = f"{self.name}.linear_blocks.{index - self.pairs - 1}"
        weight, bias = pair(self.state, name)
        width = self.config.width
        # What came out of the layer before carries nothing (see ``layer``), the kept value does.
        bias = bias - weight[:, width:] @ np.broadcast_to(self.carried(carried_at), (width,))
        both = self.g.op("Concat", x, skip, axis=1)
        return linear(self.g, both, weight, bias + self.carried(index), hint=name)

    def layer(self, x: str, index: int, tokens: int, only: Optional[List[int]]) -> str:
        raise NotImplementedError


class _Folded(_Stack):
    """Layers that norm after each part, without a memory: see :mod:`dartenv.export.encoder`."""

    def __init__(self, g: Graph, vae: VaeGraph, name: str) -> None:
        super().__init__(g, vae, name)
        heads, kind = vae.config.heads, vae.config.activation
        self.layers = [Layer(vae.state, block, heads, kind) for block in self.blocks]

    def carried(self, index: int) -> Any:
        return self.layers[index].out_bias

    def layer(self, x: str, index: int, tokens: int, only: Optional[List[int]]) -> str:
        # Before an output layer a linear layer comes, which puts the bias in itself.
        carry = self.layers[index + 1].out_bias if index < self.pairs else 0.0
        return layer(self.g, self.layers[index], x, tokens, carry=carry, only=only)


class _Plain(_Stack):
    """Any layer, as torch's TransformerEncoderLayer and TransformerDecoderLayer have it."""

    def __init__(self, g: Graph, vae: VaeGraph, name: str, memory: Optional[str]) -> None:
        super().__init__(g, vae, name)
        self.memory = memory

    def layer(self, x: str, index: int, tokens: int, only: Optional[List[int]]) -> str:
        block = self.blocks[index]
        parts: List[Callable[[str], str]] = [lambda y: self._self(y, block, tokens)]
        if self.memory is not None:
            parts.append(lambda y: self._cross(y, block, tokens))
        parts.append(lambda y: self._feed(y, block))
        for number, part in enumerate(parts, start=1):
            scale, shift = pair(self.state, f"{block}.norm{number}")
            if self.config.norm_first:
                x = self.g.op("Add", x, part(norm(self.g, x, scale, shift)))
            else:
                x = norm(self.g, self.g.op("Add", x, part(x)), scale, shift)
        if only is not None:
            x = pick(self.g, x, tokens, self.config.width, only)
        return x

    def _self(self, x: str, block: str, tokens: int) -> str:
        g, heads, width = self.g, self.config.heads, self.config.width
        name = block + ".self_attn"
        weight, bias = attention_weights(self.state, name, heads)
        qkv = linear(g, x, weight, bias, hint=name)
        shape = g.ints(-1, tokens, 3 * heads, width // heads)
        q, k, v = heads_of(g, qkv, shape, 3, heads, width // heads)
        mixed = rows(g, attend(g, q, k, v), width)
        return linear(g, mixed, *pair(self.state, name + ".out_proj"), hint=name + ".out")

    def _cross(self, x: str, block: str, tokens: int) -> str:
        g, heads, width = self.g, self.config.heads, self.config.width
        assert self.memory is not None
        name = block + ".multihead_attn"
        weight, bias = attention_weights(self.state, name, heads)
        memory_tokens = self.config.latent[0]
        q = linear(g, x, weight[:width], bias[:width], hint=name + ".q")
        memory = rows(g, self.memory, width)
        kv = linear(g, memory, weight[width:], bias[width:], hint=name + ".kv")
        wide = width // heads
        (queries,) = heads_of(g, q, g.ints(-1, tokens, heads, wide), 1, heads, wide)
        shape = g.ints(-1, memory_tokens, 2 * heads, wide)
        k, v = heads_of(g, kv, shape, 2, heads, wide)
        mixed = rows(g, attend(g, queries, k, v), width)
        return linear(g, mixed, *pair(self.state, name + ".out_proj"), hint=name + ".out")

    def _feed(self, x: str, block: str) -> str:
        g = self.g
        h = linear(g, x, *pair(self.state, block + ".linear1"), hint=block + ".linear1")
        h = activate(g, h, self.config.activation)
        return linear(g, h, *pair(self.state, block + ".linear2"), hint=block + ".linear2")
