"""Linear layers, norms and attention as ONNX nodes, in the forms that run fastest.

Activations are two-dimensional, [rows, width]: then a linear layer and its bias, or what is added
to it, is one Gemm. Weights are torch's, [out, in].
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

import numpy as np

from dartenv.export.graph import Graph
from dartenv.export.reduce import EXACT, FREE

Arrays = Dict[str, Any]
EPSILON = 1e-5  # torch's LayerNorm


def linear(
    g: Graph,
    x: str,
    weight: Any,
    bias: Optional[Any] = None,
    *,
    add: Optional[str] = None,
    exact: bool = False,
    hint: str = "linear",
) -> str:
    """``x`` [rows, in] times ``weight`` [out, in], plus ``bias`` [out] or plus the value ``add``
    [rows, out]; not both. ``exact`` keeps the weights in floating point whatever the precision
    (:mod:`dartenv.export.reduce`)."""
    matrix = g.weight(np.asarray(weight, dtype=np.float32).T, hint)
    note = EXACT if exact else FREE
    extra = add
    if extra is None and bias is not None:
        extra = g.const(np.asarray(bias, dtype=np.float32), hint + ".bias")
    if extra is None:
        return g.op("MatMul", x, matrix, hint=hint, doc_string=note)
    return g.op("Gemm", x, matrix, extra, hint=hint, doc_string=note)


def norm(g: Graph, x: str, scale: Any, shift: Any, hint: str = "norm") -> str:
    """Layer normalisation over the last axis."""
    return g.op(
        "LayerNormalization",
        x,
        g.const(np.asarray(scale, dtype=np.float32), hint + ".scale"),
        g.const(np.asarray(shift, dtype=np.float32), hint + ".shift"),
        hint=hint,
        axis=-1,
        epsilon=EPSILON,
    )


def activate(g: Graph, x: str, kind: str) -> str:
    """The activation ``kind`` of ``x``."""
    if kind == "gelu":
        return _gelu(g, x)
    if kind == "quick_gelu":
        # Plain operators: ONNX Runtime joins them itself where it has a kernel (from 1.13 on).
        if (
            g.real is np.float64
        ):  # they are joined for double too, which some releases have no kernel for
            below = g.op("Exp", g.op("Mul", x, g.const(np.float32(-1.702))))
            return g.op("Div", x, g.op("Add", below, g.const(np.float32(1.0))))
        inner = g.op("Mul", x, g.const(np.float32(1.702)))
        return g.op("Mul", x, g.op("Sigmoid", inner))
    if kind == "lrelu":
        return g.op("LeakyRelu", x, alpha=0.01)
    return g.op({"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[kind], x)


def _gelu(g: Graph, x: str) -> str:
    if g.real is np.float64:
        return _gelu_double(g, x)  # ONNX Runtime's Erf knows no double
    if g.contrib:
        return g.special("Gelu", x)
    # The form that ONNX Runtime knows and joins to one kernel when it loads the model.
    inner = g.op("Erf", g.op("Div", x, g.const(np.float32(np.sqrt(2.0)))))
    outer = g.op("Mul", x, g.op("Add", inner, g.const(np.float32(1.0))))
    return g.op("Mul", outer, g.const(np.float32(0.5)))


# The normal distribution's Phi(x) is sigmoid(x p(x^2)): p's factors of (x / 6)^2, by least squares on 0..6.
# x Phi(x) is then right within 7e-8 everywhere.
_REACH = 6.0
_LOGIT = (
    1.59576843,
    2.61606823,
    -0.08586779,
    -5.15462589,
    13.33343685,
    -16.13860422,
    7.86136334,
)


def _gelu_double(g: Graph, x: str) -> str:
    def real(value: float) -> str:
        return g.const(np.float64(value))

    near = g.op("Min", g.op("Max", x, real(-_REACH)), real(_REACH))
    part = g.op("Mul", near, real(1.0 / _REACH))
    square = g.op("Mul", part, part)
    value = real(_LOGIT[-1])
    for factor in reversed(_LOGIT[:-1]):
        value = g.op("Add", g.op("Mul", value, square), real(factor))
    return g.op("Mul", x, g.op("Sigmoid", g.op("Mul", near, value)))


def attend(g: Graph, q: str, k: str, v: str, mask: Optional[str] = None) -> str:
    """Attention of queries on keys, each [N, heads, tokens, width], to rows [N * tokens, D].

    The queries carry the scale already: it is folded into their weights.
    """
    if g.contrib:
        scores = g.special("FusedMatMul", q, k, transB=1, hint="scores")
    else:
        scores = g.op("MatMul", q, g.swap(k, 4), hint="scores")
    if mask is not None:
        scores = g.op("Add", scores, mask)
    mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), v, hint="mixed")
    return g.op("Transpose", mixed, perm=[0, 2, 1, 3])


def heads_of(g: Graph, x: str, tokens: str, parts: int, heads: int, width: int) -> Sequence[str]:
    """Rows [N * tokens, parts * D] as ``parts`` values [N, heads, tokens, D / heads].

    ``tokens`` names a constant shape [4] = (-1, tokens, parts * heads, width a head).
    """
    grouped = g.op("Transpose", g.op("Reshape", x, tokens), perm=[0, 2, 1, 3])
    if parts == 1:
        return (grouped,)
    return g.ops("Split", parts, grouped, axis=1)


def rows(g: Graph, x: str, width: int) -> str:
    """``x`` with all axes but the last put together: [rows, width]."""
    return g.op("Reshape", x, g.ints(-1, width))


def repeat_rows(g: Graph, value: Any, batch: str, hint: str = "repeated") -> str:
    """The constant ``value`` [tokens, width] for each sample of ``batch`` (see ``zeros``):
    [B, tokens, width]."""
    return g.op("Add", batch, g.const(np.asarray(value, dtype=np.float32)[None], hint))


def zeros(g: Graph, value: str) -> str:
    """Zeros [B, 1, 1] made from ``value`` [B, n]: what is added to them is repeated B times.

    Without a shape that is worked out, every node can run on a GPU.
    """
    first = g.op("Slice", value, g.ints(0), g.ints(1), g.ints(1))
    none = g.op("Mul", first, g.const(np.float32(0.0)))
    return g.op("Reshape", none, g.ints(-1, 1, 1))
