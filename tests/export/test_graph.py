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
