"""A transformer layer that norms after each part, as ONNX nodes, with biases folded away.

The layer adds two biases to its residual: the output projection's and the second linear's. Both
are folded into the shift of the norm before (or into the embedding), and taken back where that
norm's value is used otherwise. So the residual, the product and the sum are one Gemm.
"""

from __future__ import annotations

from typing import Any, Optional, Sequence

import numpy as np

from dartenv.export.graph import Graph
from dartenv.export.layers import Arrays, activate, attend, heads_of, linear, norm, rows


class Layer:
    """The weights of one layer under ``prefix``, in torch's names; the scale of the attention
    is folded into the queries' weights."""

    def __init__(self, state: Arrays, prefix: str, heads: int, activation: str) -> None:
        self.heads, self.activation, self.name = heads, activation, prefix
        self.qkv_weight, self.qkv_bias = attention_weights(state, prefix + ".self_attn", heads)
        self.width = self.qkv_weight.shape[1]
        self.out_weight, self.out_bias = pair(state, prefix + ".self_attn.out_proj")
        self.in_weight, self.in_bias = pair(state, prefix + ".linear1")
        self.back_weight, self.back_bias = pair(state, prefix + ".linear2")
        self.norm1, self.norm2 = pair(state, prefix + ".norm1"), pair(state, prefix + ".norm2")

    @property
    def head_width(self) -> int:
        return int(self.width // self.heads)


def pair(state: Arrays, name: str) -> Any:
    """(weight, bias) of ``name``."""
    return state[name + ".weight"], state[name + ".bias"]


def attention_weights(state: Arrays, prefix: str, heads: int) -> Any:
    """(weight [3D, D], bias [3D]) of an attention's input projection, the queries scaled."""
    weight = np.array(state[prefix + ".in_proj_weight"], dtype=np.float32)
    bias = np.array(state[prefix + ".in_proj_bias"], dtype=np.float32)
    width = weight.shape[1]
    scale = np.float32((width // heads) ** -0.5)
    weight[:width] *= scale
    bias[:width] *= scale
    return weight, bias


def layer(
    g: Graph,
    p: Layer,
    x: str,
    tokens: int,
    *,
    carry: Any = 0.0,
    qkv: Optional[str] = None,
    only: Optional[Sequence[int]] = None,
) -> str:
    """One layer on rows [N * tokens, D] that carry ``p.out_bias`` already.

    The answer carries ``carry`` (the next layer's out_bias). ``qkv`` [N * tokens, 3D] where it is
    known; ``only`` the tokens that are wanted of the answer, whose rows it then holds alone.
    """
    shape = g.ints(-1, tokens, 3 * p.heads, p.head_width)
    bias = p.qkv_bias - p.qkv_weight @ p.out_bias
    if only is None:
        if qkv is None:
            qkv = linear(g, x, p.qkv_weight, bias, hint=p.name + ".qkv")
        q, k, v = heads_of(g, qkv, shape, 3, p.heads, p.head_width)
    else:
        x, q, k, v = _pruned(g, p, x, tokens, bias, only)
    mixed = rows(g, attend(g, q, k, v), p.width)
    y = linear(g, mixed, p.out_weight, add=x, hint=p.name + ".out")
    y = norm(g, y, p.norm1[0], p.norm1[1] + p.back_bias, hint=p.name + ".norm1")
    inner = p.in_bias - p.in_weight @ p.back_bias
    h = activate(g, linear(g, y, p.in_weight, inner, hint=p.name + ".linear1"), p.activation)
    z = linear(g, h, p.back_weight, add=y, hint=p.name + ".linear2")
    return norm(g, z, p.norm2[0], p.norm2[1] + carry, hint=p.name + ".norm2")


def _pruned(
    g: Graph, p: Layer, x: str, tokens: int, bias: Any, only: Sequence[int]
) -> Sequence[str]:
    """(rows that are wanted, their queries, keys and values of all)."""
    width = p.width
    wanted = pick(g, x, tokens, width, only)
    q = linear(g, wanted, p.qkv_weight[:width], bias[:width], hint=p.name + ".q")
    kv = linear(g, x, p.qkv_weight[width:], bias[width:], hint=p.name + ".kv")
    few = g.ints(-1, len(only), p.heads, p.head_width)
    (queries,) = heads_of(g, q, few, 1, p.heads, p.head_width)
    both = g.ints(-1, tokens, 2 * p.heads, p.head_width)
    k, v = heads_of(g, kv, both, 2, p.heads, p.head_width)
    return wanted, queries, k, v


def pick(g: Graph, x: str, tokens: int, width: int, only: Sequence[int]) -> str:
    """The rows of the tokens ``only`` (one after the other) out of [N * tokens, D]."""
    cube = g.op("Reshape", x, g.ints(-1, tokens, width))
    first, last = only[0], only[-1] + 1
    part = g.op("Slice", cube, g.ints(first), g.ints(last), g.ints(1))
    return rows(g, part, width)
