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
