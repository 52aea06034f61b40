"""The graph builder by itself."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.ort
np = pytest.importorskip("numpy", reason="needs numpy")
onnx = pytest.importorskip("onnx", reason="needs onnx")

from dartenv.export.graph import Graph  # noqa: E402


def test_whole_numbers_are_int64_whatever_numpy_makes_of_them() -> None:
    """numpy below 2 makes int32 of a Python number on Windows, and ONNX refuses that as a count."""
    graph = Graph()
    graph.const(np.array(10, dtype=np.int32), "count")
    graph.optional_input("steps", np.arange(3, dtype=np.int32), (3,))
    types = {one.data_type for one in graph._shared.constants.values()}
    assert types == {onnx.TensorProto.INT64}
    assert graph.inputs[0].type.tensor_type.elem_type == onnx.TensorProto.INT64


def test_two_products_of_weights_in_eight_bits_fit_sixteen() -> None:
    """What x86 processors without VNNI add them up in; beyond it they saturate, and nothing says so."""
    from dartenv.export.reduce import quantised

    weight = np.random.default_rng(4).standard_normal((5, 300)).astype(np.float32)
    values, scale = quantised(weight.T)
    assert values.dtype == np.int8
    assert 2 * 255 * int(np.abs(values.astype(int)).max()) <= 2**15 - 1
    assert np.abs(values).max(axis=0).min() >= 62  # and the range is used
    assert np.abs(values * scale - weight.T).max() <= scale.max() / 2 + 1e-6


def test_double_stands_between_inputs_and_outputs_in_single() -> None:
    graph = Graph(contrib=False, double=True)
    x = graph.input("x", ["batch", 70])
    weight = np.random.default_rng(1).standard_normal((70, 70)).astype(np.float32)
    value = graph.op("MatMul", x, graph.weight(weight, "w"))
    graph.output(graph.op("Add", value, graph.const(np.float32(0.1))), "y", ["batch", 70])
    model = graph.model("m", "test")
    onnx.checker.check_model(model, full_check=True)
    types = {one.name: one.data_type for one in model.graph.initializer}
    # Weights are as large as in fp32; small constants need no cast.
    assert sorted(types.values()) == [onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE]
    ends = {v.type.tensor_type.elem_type for v in [*model.graph.input, *model.graph.output]}
    assert ends == {onnx.TensorProto.FLOAT}

    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given = np.random.default_rng(2).standard_normal((3, 70)).astype(np.float32)
    (found,) = session.run(None, {"x": given})
    exact = given.astype(np.float64) @ weight.astype(np.float64) + float(np.float32(0.1))
    assert found.tolist() == exact.astype(np.float32).tolist()


def test_gelu_in_double_is_gelu() -> None:
    from math import erf

    from dartenv.export.layers import activate

    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    graph = Graph(contrib=False, double=True)
    x = graph.input("x", ["n"])
    graph.output(activate(graph, x, "gelu"), "y", ["n"])
    model = graph.model("m", "test").SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = np.linspace(-12, 12, 24001).astype(np.float32)
    (found,) = session.run(None, {"x": given})
    wanted = [v * 0.5 * (1 + erf(v / 2**0.5)) for v in given.astype(float)]
    # Single precision itself is 5e-7 at 12.
    assert np.abs((found - wanted) / np.maximum(1, np.abs(given))).max() < 1.5e-7


def test_the_text_tower_in_double_gives_what_single_gives() -> None:
    from dartenv.export.clip import clip_nodes

    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    random = np.random.default_rng(7)

    def some(*shape: int) -> object:
        return (0.2 * random.standard_normal(shape)).astype(np.float32)

    block = "transformer.resblocks.0."
    shapes = {
        "token_embedding.weight": (30, 64),
        "positional_embedding": (9, 64),
        "text_projection": (64, 12),
        "ln_final.weight": (64,),
        "ln_final.bias": (64,),
        block + "attn.in_proj_weight": (192, 64),
        block + "attn.in_proj_bias": (192,),
    }
    for name, wide, high in (
        ("attn.out_proj", 64, 64),
        ("mlp.c_fc", 64, 256),
        ("mlp.c_proj", 256, 64),
    ):
        shapes[f"{block}{name}.weight"], shapes[f"{block}{name}.bias"] = (high, wide), (high,)
    for name in ("ln_1", "ln_2"):
        shapes[f"{block}{name}.weight"] = shapes[f"{block}{name}.bias"] = (64,)
    state = {name: some(*shape) for name, shape in shapes.items()}
    feed = {"embeddings": some(2, 5, 64), "eot": np.array([4, 2])}
    outs = []
    for precision in ("fp32", "fp64"):
        graph = Graph(contrib=False, double=precision == "fp64")
        clip_nodes(graph, state)
        model = graph.model("clip_text", "test").SerializeToString()
        session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
        outs.append(session.run(None, feed)[0])
    assert outs[1].dtype == np.float32
    assert np.abs(outs[0]).max() > 0.1
    assert np.abs(outs[0] - outs[1]).max() < 1e-5
