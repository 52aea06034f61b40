"""CLIP's text tower as ONNX nodes; the token table stays outside, in a file of its own.

Names and order: openai/CLIP clip/model.py. Tokens after the end-of-text token change nothing, so
the host cuts them away.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.export.encoder import attention_weights, pair
from dartenv.export.graph import Graph
from dartenv.export.layers import Arrays, activate, attend, heads_of, linear, norm, rows

HEAD_WIDTH = 64
TABLE = "token_embedding.weight"


def text_sizes(state: Arrays) -> Dict[str, int]:
    """The sizes of the text tower in ``state``. Raises UsageFault where it is not CLIP's."""
    try:
        context, width = state["positional_embedding"].shape
        vocabulary = state[TABLE].shape[0]
        embedding = state["text_projection"].shape[1]
    except KeyError as error:
        raise UsageFault(f"CLIP weights without {error}", "openai/CLIP's ViT-B-32.pt") from None
    layers = 0
    while f"transformer.resblocks.{layers}.ln_1.weight" in state:
        layers += 1
    return {
        "context": int(context),
        "width": int(width),
        "vocabulary": int(vocabulary),
        "embedding": int(embedding),
        "layers": layers,
    }


def clip_nodes(g: Graph, state: Arrays) -> None:
    """Token embeddings [B, T, W] and the place of the end-of-text token [B] to text [B, C]."""
    sizes = text_sizes(state)
    width, heads = sizes["width"], sizes["width"] // HEAD_WIDTH
    state = {name: _plain(value) for name, value in state.items() if _is_text(name)}
    embeddings = g.input("embeddings", ["batch", "tokens", width])
    eot = g.input("eot", ["batch"], "int64")
    length = g.op("Slice", g.op("Shape", embeddings), g.ints(1), g.ints(2))
    places = g.const(state["positional_embedding"], "places")
    places = g.op("Slice", places, g.ints(0), length, g.ints(0))
    x = rows(g, g.op("Add", embeddings, places), width)
    mask = _mask(g, sizes["context"], length)
    shape = g.op("Concat", g.ints(-1), length, g.ints(3 * heads, HEAD_WIDTH), axis=0)
    for index in range(sizes["layers"]):
        x = _block(g, state, f"transformer.resblocks.{index}", x, shape, heads, mask)
    cube = g.op("Reshape", x, g.op("Concat", g.ints(-1), length, g.ints(width), axis=0))
    at = g.op("Unsqueeze", eot, g.ints(1))
    last = g.op("GatherND", cube, at, batch_dims=1)
    last = _norm(g, state, "ln_final", last)
    text = linear(g, last, state["text_projection"].T, exact=True, hint="text_projection")
    g.output(text, "text", ["batch", sizes["embedding"]])


def _is_text(name: str) -> bool:
    return not name.startswith("visual.") and name != TABLE


def _plain(value: Any) -> Any:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _norm(g: Graph, state: Arrays, name: str, x: str) -> str:
    scale, shift = pair(state, name)
    return norm(g, x, scale, shift, name)


def _mask(g: Graph, context: int, length: str) -> str:
    """What each token may not see: [T, T], a large negative number above the diagonal."""
    whole: Any = np.triu(np.full((context, context), -1e9, dtype=np.float32), 1)
    part = g.op("Slice", g.const(whole, "mask"), g.ints(0), length, g.ints(0))
    return g.op("Slice", part, g.ints(0), length, g.ints(1))


def _block(g: Graph, state: Arrays, name: str, x: str, shape: str, heads: int, mask: str) -> str:
    weight, bias = attention_weights(state, name + ".attn", heads)
    width = weight.shape[1]
    y = _norm(g, state, name + ".ln_1", x)
    qkv = linear(g, y, weight, bias, hint=name + ".qkv")
    q, k, v = heads_of(g, qkv, shape, 3, heads, HEAD_WIDTH)
    mixed = rows(g, attend(g, q, k, v, mask), width)
    out = linear(g, mixed, *pair(state, name + ".attn.out_proj"), hint=name + ".out")
    x = g.op("Add", x, out)
    y = _norm(g, state, name + ".ln_2", x)
    h = linear(g, y, *pair(state, name + ".mlp.c_fc"), hint=name + ".c_fc")
    h = activate(g, h, "quick_gelu")
    h = linear(g, h, *pair(state, name + ".mlp.c_proj"), hint=name + ".c_proj")
    return g.op("Add", x, h)


def token_table(state: Arrays) -> Tuple[Any, float]:
    """(float16 table [vocabulary, W], the largest rounding error that halving made)."""
    table = np.asarray(state[TABLE], dtype=np.float32)
    half = table.astype(np.float16)
    return half, float(np.abs(table - half.astype(np.float32)).max())
