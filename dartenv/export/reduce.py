"""Reduced precisions of a full model: weights in half, or in eight bits.

The full model is all that is needed, so that a bundle's own files can be reduced as well as a
model just built. What must stay in floating point is marked in the model (:data:`EXACT`).
"""

from __future__ import annotations

from typing import Any, Dict, List, Set, Tuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dartenv.errors import UsageFault
from dartenv.export.graph import CONTRIB_DOMAIN

# The note (doc_string) on a product whose weights keep floating point whatever the precision.
EXACT = "exact"
# The note on a product that may be reduced: a model without any was not made by this exporter.
FREE = "may be reduced"
# A constant smaller than this is not worth halving.
_HALVE_FROM = 4096
# x86 processors without VNNI add pairs of products in 16 bits, where two of 255 * 127 do not fit: joints of
# the sandbox were 27 mm off after one primitive. Two of 255 * 63 do fit, and it is 4 mm.
_MOST = 63


def reduced(full: Any, precision: str, contrib: bool) -> Any:
    """``full`` in ``precision`` ("fp16" or "int8"), a new model; ``full`` stays as it is.

    ``contrib`` allows operators of ONNX Runtime's own. Raises UsageFault: a model that carries no
    marks on what may be reduced.
    """
    notes = {node.doc_string for node in _nodes(full.graph)}
    if not notes & {EXACT, FREE}:
        raise UsageFault(
            f"{full.graph.name}: says of none of its products whether it may be reduced",
            "a full-precision file that this dartenv exported",
            "dartenv export --dart-root DIR --out BUNDLE",
        )
    made = onnx.ModelProto()
    made.CopyFrom(full)
    if precision == "fp16":
        _halve(made.graph)
    else:
        _Bytes(made, contrib).run()
    onnx.checker.check_model(made)
    return made


def quantised(matrix: Any) -> Tuple[Any, Any]:
    """(int8 [in, out], scales [out]): each column's weights spread symmetrically over -63..63."""
    matrix = np.asarray(matrix, dtype=np.float32)
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / _MOST
    return np.rint(matrix / scale).astype(np.int8), scale.astype(np.float32)


def _nodes(graph: Any) -> List[Any]:
    """Every node, those of loops' bodies too."""
    found = []
    for node in graph.node:
        found.append(node)
        for body in _bodies(node):
            found += _nodes(body)
    return found


def _bodies(node: Any) -> List[Any]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _weights(graph: Any) -> Dict[str, Any]:
    """The float32 matrices that products multiply with, by name."""
    matrices = {c.name: c for c in graph.initializer if len(c.dims) == 2}
    found = {}
    for node in _nodes(graph):
        if node.doc_string in (EXACT, FREE) and node.input[1] in matrices:
            constant = matrices[node.input[1]]
            if constant.data_type == TensorProto.FLOAT:
                found[constant.name] = constant
    return found


def _replace_constants(graph: Any, new: List[Any], gone: Set[str]) -> None:
    kept = [constant for constant in graph.initializer if constant.name not in gone]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *new])


def _halve(graph: Any) -> None:
    """Weights stored in half and made float32 again where they are used."""
    new, casts, gone = [], [], set()
    for name, constant in _weights(graph).items():
        array = numpy_helper.to_array(constant)
        if array.size < _HALVE_FROM or np.abs(array).max() > float(np.finfo(np.float16).max):
            continue
        stored = name + ".half"
        new.append(numpy_helper.from_array(array.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], name=name, to=TensorProto.FLOAT))
        gone.add(name)
    _replace_constants(graph, new, gone)
    # The casts stand outside any loop, so that they are folded when the model is loaded.
    rest = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(rest)


class _Bytes:
    """Weights in eight bits, activations quantised as they come, over all rows together."""

    def __init__(self, model: Any, contrib: bool) -> None:
        self.model, self.contrib = model, contrib
        self.weights = _weights(model.graph)
        self.constants = {c.name for c in model.graph.initializer}
        self.new: Dict[str, Any] = {}
        self.used = False

    def run(self) -> None:
        graph = self.model.graph
        self._graph(graph)
        names = {name for node in _nodes(graph) for name in node.input}
        _replace_constants(graph, list(self.new.values()), set(self.weights) - names)
        domains = {opset.domain for opset in self.model.opset_import}
        if self.used and CONTRIB_DOMAIN not in domains:
            self.model.opset_import.append(helper.make_opsetid(CONTRIB_DOMAIN, 1))

    def _graph(self, graph: Any) -> None:
        nodes: List[Any] = []
        for node in graph.node:
            for body in _bodies(node):
                self._graph(body)
            if node.doc_string == FREE and node.input[1] in self.weights:
                nodes += self._product(node)
            else:
                nodes.append(node)
        del graph.node[:]
        graph.node.extend(nodes)

    def _product(self, node: Any) -> List[Any]:
        """What stands for x W, x W + bias, or x W + another value."""
        x, weight = node.input[0], node.input[1]
        extra = node.input[2] if len(node.input) > 2 else ""
        bias = extra if extra in self.constants else ""
        add = extra if extra and not bias else ""
        out = node.output[0]
        product = out + ".product" if add else out
        matrix, scales = self._matrix(weight)
        if self.contrib:
            self.used = True
            nodes = [
                helper.make_node(
                    "DynamicQuantizeMatMul",
                    [x, matrix, scales, "", bias],
                    [product],
                    name=node.name,
                    domain=CONTRIB_DOMAIN,
                )
            ]
        else:
            nodes = _plain(node.name, x, matrix, scales, bias, product)
        if add:
            nodes.append(helper.make_node("Add", [product, add], [out], name=out + ".sum"))
        return nodes

    def _matrix(self, name: str) -> Tuple[str, str]:
        matrix, scales = name + ".bytes", name + ".scale"
        if matrix not in self.new:
            values, scale = quantised(numpy_helper.to_array(self.weights[name]))
            self.new[matrix] = numpy_helper.from_array(values, matrix)
            self.new[scales] = numpy_helper.from_array(scale, scales)
        return matrix, scales


def _plain(name: str, x: str, matrix: str, scales: str, bias: str, out: str) -> List[Any]:
    """The product in operators of ai.onnx alone."""
    quant = [f"{name}.quant.{i}" for i in range(3)]
    whole, wide, both = (f"{name}.{part}" for part in ("whole", "wide", "both"))
    scaled = f"{name}.scaled" if bias else out

    def node(kind: str, inputs: List[str], outputs: List[str], **more: Any) -> Any:
        return helper.make_node(kind, inputs, outputs, name=outputs[0], **more)

    nodes = [
        node("DynamicQuantizeLinear", [x], quant),
        node("MatMulInteger", [quant[0], matrix, quant[2]], [whole]),
        node("Mul", [quant[1], scales], [both]),
        node("Cast", [whole], [wide], to=TensorProto.FLOAT),
        node("Mul", [wide, both], [scaled]),
    ]
    if bias:
        nodes.append(node("Add", [scaled, bias], [out]))
    return nodes
