"""An ONNX graph built node by node from numpy weights.

Opset 17 and IR 8 throughout: every ONNX Runtime from 1.14 on reads that, Unreal's bundled ones
included. ``contrib`` lets operators of ONNX Runtime itself (com.microsoft) stand where they are
faster; without them only the ai.onnx domain is used.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
CONTRIB_DOMAIN = "com.microsoft"

Dims = Sequence[Union[int, str]]

_TYPES: Dict[str, int] = {
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


class Graph:
    """Nodes in order and the constants they use; :meth:`body` makes the graph of a loop.

    Values are named by what they are, with a number behind; every method that makes a value
    answers its name.
    """

    # ``double`` computes in double what is computed in single, from the same weights: then the order in
    # which a machine adds things up is lost in the rounding to single at the end, and every host gives
    # the same numbers.
    def __init__(self, contrib: bool = True, double: bool = False) -> None:
        self.contrib = contrib
        self.real: Any = np.float64 if double else np.float32
        self._inner = False
        self.nodes: List[Any] = []
        self.inputs: List[Any] = []
        self.outputs: List[Any] = []
        self._shared = _Shared()

    def body(self) -> Graph:
        """A graph for a loop in this one: it sees this one's values, constants are shared."""
        inner = Graph(self.contrib, self.real is np.float64)
        inner._shared = self._shared
        inner._inner = True
        return inner

    @property
    def element(self) -> int:
        """ONNX's number for the type that is computed in."""
        return int(TensorProto.DOUBLE if self.real is np.float64 else TensorProto.FLOAT)

    def input(self, name: str, dims: Dims, dtype: str = "float32") -> str:
        """An input the host gives, which is in single precision whatever is computed in."""
        self.inputs.append(helper.make_tensor_value_info(name, _TYPES[dtype], list(dims)))
        if dtype == "float32" and self.real is np.float64:
            return self.op("Cast", name, hint=name + ".double", to=TensorProto.DOUBLE)
        return name

    def optional_input(self, name: str, value: Any, dims: Dims) -> str:
        """An input with a default: the host may leave it out."""
        array = _whole(value)
        self.inputs.append(
            helper.make_tensor_value_info(name, _TYPES[str(array.dtype)], list(dims))
        )
        self._shared.constants[name] = numpy_helper.from_array(array, name)
        return name

    def output(self, value: str, name: str, dims: Dims, dtype: str = "float32") -> None:
        """Make ``value`` the output ``name``; of the whole model in single precision."""
        kind = _TYPES[dtype]
        if dtype == "float32" and self._inner:
            kind = self.element
        if kind == TensorProto.FLOAT and self.real is np.float64:
            node = helper.make_node("Cast", [value], [name], name=name, to=kind)
        else:
            node = helper.make_node("Identity", [value], [name], name=name)
        self.nodes.append(node)
        self.outputs.append(helper.make_tensor_value_info(name, kind, list(dims)))

    def const(self, value: Any, hint: str = "c") -> str:
        """A constant, floating point in the type that is computed in; equal ones are kept once."""
        array = _whole(value)
        if array.dtype == np.float32 and self.real is not np.float32:
            array = array.astype(self.real)
        return self._shared.constant(array, hint)

    def ints(self, *values: int) -> str:
        """A constant vector of whole numbers."""
        return self.const(np.array(values, dtype=np.int64), "i")

    def op(self, kind: str, *inputs: Optional[str], hint: str = "", **attributes: Any) -> str:
        """One node with one output."""
        return self.ops(kind, 1, *inputs, hint=hint, **attributes)[0]

    def ops(
        self, kind: str, count: int, *inputs: Optional[str], hint: str = "", **attributes: Any
    ) -> Tuple[str, ...]:
        """One node with ``count`` outputs."""
        base = self._shared.name(hint or kind.lower())
        outputs = [base] if count == 1 else [f"{base}.{i}" for i in range(count)]
        names = [name or "" for name in inputs]
        node = helper.make_node(kind, names, outputs, name=base, **attributes)
        self.nodes.append(node)
        return tuple(outputs)

    def swap(self, x: str, axes: int) -> str:
        """``x`` with the last two of its ``axes`` changed over."""
        if self.real is np.float64:
            # A Transpose before a product is joined with it, to a kernel that up to ONNX Runtime 1.19 has no double.
            return self.op("Einsum", x, equation="...ij->...ji")
        return self.op("Transpose", x, perm=[*range(axes - 2), axes - 1, axes - 2])

    def special(self, kind: str, *inputs: Optional[str], hint: str = "", **attributes: Any) -> str:
        """One node of ONNX Runtime's own domain."""
        self._shared.contrib_used = True
        return self.op(kind, *inputs, hint=hint, domain=CONTRIB_DOMAIN, **attributes)

    def weight(self, value: Any, hint: str) -> str:
        """A large float constant, stored in single precision and of the type that is computed in when
        it is used."""
        value = np.ascontiguousarray(value, dtype=np.float32)
        if self.real is not np.float64:
            return self.const(value, hint)
        return self._shared.cast(self._shared.constant(value, hint), self.element)

    def proto(self, name: str) -> Any:
        """The graph alone, for a loop's body: constants stay outside."""
        return helper.make_graph(self.nodes, name, self.inputs, self.outputs)

    def model(self, name: str, producer: str) -> Any:
        """The whole model, checked. Raises onnx.checker.ValidationError."""
        opsets = [helper.make_opsetid("", OPSET)]
        if self._shared.contrib_used:
            opsets.append(helper.make_opsetid(CONTRIB_DOMAIN, 1))
        graph = helper.make_graph(
            # Casts stand outside any loop, so that they are folded when the model is loaded.
            [*self._shared.casts, *self.nodes],
            name,
            self.inputs,
            self.outputs,
            initializer=list(self._shared.constants.values()),
        )
        model = helper.make_model(graph, opset_imports=opsets, producer_name=producer)
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return model


class _Shared:
    """What a graph and the bodies of its loops have in common."""

    def __init__(self) -> None:
        self.constants: Dict[str, Any] = {}
        self.casts: List[Any] = []
        self.contrib_used = False
        self._cast: Dict[str, str] = {}
        self._known: Dict[Tuple[Any, ...], str] = {}
        self._kept: List[Any] = []
        self._count = 0

    def name(self, hint: str) -> str:
        self._count += 1
        return f"{hint}_{self._count}"

    def constant(self, array: Any, hint: str) -> str:
        key = (str(array.dtype), array.shape, array.tobytes() if array.size < 64 else id(array))
        if key not in self._known:
            name = self.name(hint)
            self.constants[name] = numpy_helper.from_array(array, name)
            self._known[key] = name
            if array.size >= 64:
                self._kept.append(array)  # an id is only unique while its array lives
        return self._known[key]

    def cast(self, stored: str, to: int) -> str:
        if stored not in self._cast:
            wide = stored + ".wide"
            node = helper.make_node("Cast", [stored], [wide], name=wide, to=to)
            self.casts.append(node)
            self._cast[stored] = wide
        return self._cast[stored]


def named_dims(model: Any) -> Dict[str, List[Union[int, str]]]:
    """The dimensions of every input and output by name: a text is one the host chooses."""
    found: Dict[str, List[Union[int, str]]] = {}
    for value in [*model.graph.input, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        found[value.name] = [d.dim_param or int(d.dim_value) for d in dims]
    return found


def _whole(value: Any) -> Any:
    """An array; whole numbers are int64, as ONNX's counts and axes are and numpy's on Windows are
    not."""
    array = np.asarray(value, order="C")
    return array.astype(np.int64) if array.dtype == np.int32 else array
