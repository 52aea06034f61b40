"""ONNX files read without onnx, held against what onnx itself reads."""

from __future__ import annotations

import pytest

from dartenv.errors import UsageFault
from dartenv.inspection.onnx_file import parse_onnx, read_onnx
from dartenv.inspection.wire import Message, WireFault


def _model():
    """A loop around a weight, with an optional input and a free batch."""
    np = pytest.importorskip("numpy")
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def value(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["x_in", "w"], ["y"], name="mul"),
            helper.make_node("Identity", ["going"], ["still"]),
        ],
        "body",
        [value("i", [], 7), value("going", [], 9), value("x_in", ["batch", 16])],
        [value("still", [], 9), value("y", ["batch", 16])],
    )
    nodes = [
        helper.make_node("Loop", ["count", "", "x"], ["z"], name="steps", body=body),
        helper.make_node("FastGelu", ["z"], ["out"], name="act", domain="com.microsoft"),
    ]
    weights = {
        "w": np.eye(16, dtype=np.float32),
        "count": np.array(3, np.int64),
        "half": np.zeros((5, 30), np.float16),
    }
    graph = helper.make_graph(
        nodes,
        "small",
        [value("x", ["batch", 16]), value("count", [], TensorProto.INT64)],
        [value("out", ["batch", 16])],
        initializer=[numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        producer_name="a test",
        producer_version="3",
    )
    model.ir_version = 8
    return model


def test_a_model_is_what_onnx_says_it_is(tmp_path):
    path = tmp_path / "模型.onnx"
    path.write_bytes(_model().SerializeToString())
    found = read_onnx(path)
    assert (found.ir, found.producer) == (8, "a test 3")
    assert found.opsets == {"": 17, "com.microsoft": 1}
    graph = found.graph
    assert [(v.name, v.dtype, v.shape) for v in graph.inputs] == [
        ("x", "float32", ("batch", 16)),
        ("count", "int64", ()),
    ]
    assert [v.name for v in found.required] == ["x"]
    assert [(v.name, v.shape) for v in graph.outputs] == [("out", ("batch", 16))]
    assert [n.kind for n in graph.nodes] == ["Loop", "FastGelu"]
    assert dict(found.operators) == {
        "Loop": 1,
        "MatMul": 1,
        "Identity": 1,
        "com.microsoft:FastGelu": 1,
    }
    assert found.parameters == 16 * 16 + 5 * 30
    assert graph.constants["half"].dtype == "float16"
    assert graph.constants["half"].shape == (5, 30)
    name, body = graph.nodes[0].bodies[0]
    assert (name, next(n.name for n in body.nodes)) == ("body", "mul")


def test_dimensions_packed_and_unpacked_are_the_same():
    data = _model().SerializeToString()
    unpacked = parse_onnx(data)
    tensor = bytes.fromhex("0a020307 1001 4201".replace(" ", "")) + b"w"  # dims packed
    graph = bytes([0x2A, len(tensor)]) + tensor
    opset = bytes([0x42, 2, 0x10, 17])
    packed = parse_onnx(bytes([0x3A, len(graph)]) + graph + opset)
    assert packed.graph.constants["w"].shape == (3, 7)
    assert unpacked.graph.constants["w"].shape == (16, 16)


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello, this is text", b"\x3a\xff\xff\xff\x7f"])
def test_what_is_no_model_is_named(tmp_path, data):
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with pytest.raises(UsageFault, match=r"m\.onnx"):
        read_onnx(path)


def test_a_model_cut_anywhere_is_refused_or_read_and_never_crashes(tmp_path):
    data = _model().SerializeToString()
    refused = 0
    for end in range(0, len(data), 7):
        try:
            parse_onnx(data[:end])
        except WireFault:
            refused += 1
    assert refused > len(data) // 7 // 2


def test_graphs_nested_without_end_are_refused():
    graph = b""
    for _ in range(40):
        attribute = b"\x32" + _sized(graph)
        node = b"\x2a" + _sized(attribute)
        graph = b"\x0a" + _sized(node)
    with pytest.raises(WireFault, match="inside"):
        parse_onnx(b"\x3a" + _sized(graph) + bytes([0x42, 2, 0x10, 17]))


def _sized(data):
    size, out = len(data), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size]) + data


def test_numbers_longer_than_they_can_be_are_refused():
    with pytest.raises(WireFault):
        list(Message(b"\x08" + b"\xff" * 12, 0, 13).fields())
