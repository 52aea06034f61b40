"""Reducing a model that is whole: the same numbers in fewer bytes, and what it refuses."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

pytestmark = pytest.mark.ort
np = pytest.importorskip("numpy", reason="needs numpy")
onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.errors import UsageFault  # noqa: E402
from dartenv.export.graph import Graph  # noqa: E402
from dartenv.export.layers import linear  # noqa: E402
from dartenv.export.measure import open_session, random_feed, relative  # noqa: E402
from dartenv.export.models import build  # noqa: E402
from dartenv.export.reduce import quantised, reduced  # noqa: E402


def layer(width: int, exact: bool = False, add: bool = False) -> Any:
    """One linear layer of 64 inputs, its matrix and the model."""
    matrix = np.random.default_rng(1).standard_normal((width, 64)).astype(np.float32)
    g = Graph()
    x = g.input("x", ["batch", 64])
    bias = np.linspace(-1, 1, width, dtype=np.float32)
    if add:
        other = g.input("other", ["batch", width])
        y = linear(g, x, matrix, add=other, exact=exact)
    else:
        y = linear(g, x, matrix, bias, exact=exact)
    g.output(y, "y", ["batch", width])
    return matrix, bias, g.model("m", "test")


def run(model: Any, **feed: Any) -> Any:
    return open_session(model.SerializeToString()).run(None, feed)[0]


@pytest.mark.parametrize("contrib", [True, False])
@pytest.mark.parametrize("add", [True, False])
def test_eight_bits_by_hand(contrib: bool, add: bool) -> None:
    """Activations in 256 steps over all rows, weights by column, sums in whole numbers."""
    matrix, bias, full = layer(96, add=add)
    x = np.random.default_rng(2).standard_normal((3, 64)).astype(np.float32)
    values, scales = quantised(matrix.T)
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    step = np.float32((high - low) / 255)
    zero = np.clip(np.rint(-low / step), 0, 255)
    q = np.clip(np.rint(x / step) + zero, 0, 255)
    more = {"other": np.ones((3, 96), np.float32)} if add else {}
    wanted = (q - zero) @ values.astype(np.float64) * step * scales + (1.0 if add else bias)
    found = run(reduced(full, "int8", contrib), x=x, **more)
    assert np.abs(found - wanted).max() < 1e-4
    assert relative(found, run(full, x=x, **more)) < 0.03


def test_half_is_the_weights_rounded() -> None:
    matrix, bias, full = layer(96)
    x = np.ones((2, 64), np.float32)
    found = run(reduced(full, "fp16", True), x=x)
    rounded = matrix.astype(np.float16).astype(np.float32)
    assert np.abs(found - (x @ rounded.T + bias)).max() < 1e-4
    assert np.abs(found - (x @ matrix.T + bias)).max() > 1e-4


def test_what_is_marked_exact_stays() -> None:
    _, _, full = layer(96, exact=True)
    assert reduced(full, "int8", True).graph == full.graph
    assert len(reduced(full, "fp16", True).graph.node) == len(full.graph.node) + 1


def test_the_whole_model_stays_as_it_was(sandbox_source: Any) -> None:
    full = build("denoiser", sandbox_source, "fp32", True)
    before = full.SerializeToString(deterministic=True)
    for precision in ("int8", "fp16"):
        assert reduced(full, precision, True).ByteSize() < 0.75 * full.ByteSize()
    assert full.SerializeToString(deterministic=True) == before


def test_a_model_of_others_is_refused() -> None:
    _, _, full = layer(96)
    for node in full.graph.node:
        node.doc_string = ""
    with pytest.raises(UsageFault, match="m: says of none of its products"):
        reduced(full, "int8", True)


@pytest.mark.parametrize("precision", ["int8", "fp16"])
@pytest.mark.parametrize("contrib", [True, False])
@pytest.mark.parametrize("name", ["primitive_body", "denoiser", "vae_decoder", "vae_encoder"])
@pytest.mark.parametrize(
    "options",
    [{"kind": "mlp", "tokens": 2}, {"arch": "encoder_decoder", "norm_first": True}],
    ids=["mlp", "cross"],
)
def test_every_network(
    tiny: Callable[..., Any], options: Dict[str, Any], name: str, contrib: bool, precision: str
) -> None:
    """Every kind of network comes out near itself; only the primitive's random motion is wild."""
    source = tiny(**options)
    full = build(name, source, "fp32", contrib)
    model = build(name, source, precision, contrib)
    domains = {opset.domain for opset in model.opset_import}
    assert contrib or domains == {""}
    kinds = {c.data_type for c in model.graph.initializer}
    if precision == "int8":
        assert onnx.TensorProto.INT8 in kinds
    if name == "primitive_body":
        open_session(model.SerializeToString())
        return
    sessions = [open_session(m.SerializeToString()) for m in (model, full)]
    feed = random_feed(sessions[0], source, 2, 5)
    found, wanted = (session.run(None, feed)[0] for session in sessions)
    assert relative(found, wanted) < {"int8": 0.25, "fp16": 2e-3}[precision]
