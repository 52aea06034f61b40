"""An ONNX file described: inputs, outputs, operators, parameters, opsets.

Field numbers: onnx/onnx onnx/onnx.proto, which promises never to change them.
"""

from __future__ import annotations

import mmap
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple, Union

from dartenv.errors import UsageFault
from dartenv.inspection.wire import Message, WireFault, message, whole

# TensorProto.DataType, and the bytes of one element.
DTYPES = {
    1: ("float32", 4),
    2: ("uint8", 1),
    3: ("int8", 1),
    4: ("uint16", 2),
    5: ("int16", 2),
    6: ("int32", 4),
    7: ("int64", 8),
    8: ("string", 0),
    9: ("bool", 1),
    10: ("float16", 2),
    11: ("float64", 8),
    12: ("uint32", 4),
    13: ("uint64", 8),
    16: ("bfloat16", 2),
    17: ("float8e4m3fn", 1),
    21: ("uint4", 1),
    22: ("int4", 1),
}
FLOATS = (
    "float32",
    "float16",
    "float64",
    "bfloat16",
    "int8",
    "uint8",
    "float8e4m3fn",
    "int4",
    "uint4",
)
MAX_DEPTH = 8
_PARAMETERS_FROM = 64  # a constant of fewer numbers is a shape or an index, not a weight


@dataclass(frozen=True)
class Value:
    """An input or output: a dimension with a name is the host's to choose, "?" is not stated."""

    name: str
    dtype: str
    shape: Tuple[Union[int, str], ...]


@dataclass(frozen=True)
class Constant:
    """A tensor kept in the file."""

    name: str
    dtype: str
    shape: Tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        total = 1
        for size in self.shape:
            total *= size
        return total


@dataclass(frozen=True)
class Node:
    """One operator, with the graphs it runs (a loop's body) by the attribute's name."""

    kind: str
    name: str
    domain: str
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    bodies: Tuple[Tuple[str, OnnxGraph], ...] = ()


@dataclass(frozen=True)
class OnnxGraph:
    """Operators in order, and what goes in and out."""

    name: str
    nodes: Tuple[Node, ...]
    inputs: Tuple[Value, ...]
    outputs: Tuple[Value, ...]
    constants: Dict[str, Constant] = field(default_factory=dict)

    def every_node(self) -> Iterator[Node]:
        """The operators of this graph and of those inside it."""
        for node in self.nodes:
            yield node
            for _, body in node.bodies:
                yield from body.every_node()

    def every_constant(self) -> Iterator[Constant]:
        """The constants of this graph and of those inside it."""
        yield from self.constants.values()
        for node in self.nodes:
            for _, body in node.bodies:
                yield from body.every_constant()


@dataclass(frozen=True)
class OnnxFile:
    """A whole model. ``opsets`` by domain, "" being ONNX's own."""

    ir: int
    producer: str
    opsets: Dict[str, int]
    graph: OnnxGraph

    @property
    def operators(self) -> List[Tuple[str, int]]:
        """(operator, how often), the most frequent first."""
        names = Counter(
            node.kind if not node.domain else f"{node.domain}:{node.kind}"
            for node in self.graph.every_node()
        )
        return sorted(names.items(), key=lambda item: (-item[1], item[0]))

    @property
    def parameters(self) -> int:
        """Numbers in the weights, without shapes, indices and other small constants."""
        return sum(
            constant.count
            for constant in self.graph.every_constant()
            if constant.dtype in FLOATS and constant.count >= _PARAMETERS_FROM
        )

    @property
    def required(self) -> Tuple[Value, ...]:
        """The inputs that must be given: those without a default."""
        return tuple(v for v in self.graph.inputs if v.name not in self.graph.constants)


def read_onnx(path: Path) -> OnnxFile:
    """The model in ``path``; its weights are stepped over. Raises UsageFault where it is none."""
    try:
        with path.open("rb") as stream:
            if not path.stat().st_size:
                raise UsageFault(f"{path}: empty", "an ONNX model")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return parse_onnx(data)  # type: ignore[arg-type]
    except WireFault as fault:
        raise UsageFault(f"{path}: not an ONNX model: {fault}", "a whole .onnx file") from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}", "an .onnx file") from None


def parse_onnx(data: bytes) -> OnnxFile:
    """The model in ``data``. Raises WireFault."""
    ir, producer, version = 0, "", ""
    opsets: Dict[str, int] = {}
    graph = None
    for number, value in Message(data, 0, len(data)).fields():
        if number == 1:
            ir = whole(value)
        elif number == 2:
            producer = message(value).text()
        elif number == 3:
            version = message(value).text()
        elif number == 7:
            graph = _graph(message(value), 0)
        elif number == 8:
            domain, opset = _opset(message(value))
            opsets[domain] = opset
    if graph is None or not opsets:
        raise WireFault("no graph in it" if graph is None else "it names no opset")
    return OnnxFile(ir, f"{producer} {version}".strip(), opsets, graph)


def _opset(part: Message) -> Tuple[str, int]:
    domain, version = "", 0
    for number, value in part.fields():
        if number == 1:
            domain = message(value).text()
        elif number == 2:
            version = whole(value)
    return "" if domain == "ai.onnx" else domain, version


def _graph(part: Message, depth: int) -> OnnxGraph:
    if depth > MAX_DEPTH:
        raise WireFault(f"graphs inside graphs, more than {MAX_DEPTH} deep")
    name = ""
    nodes: List[Node] = []
    inputs: List[Value] = []
    outputs: List[Value] = []
    constants: Dict[str, Constant] = {}
    for number, value in part.fields():
        if number == 1:
            nodes.append(_node(message(value), depth))
        elif number == 2:
            name = message(value).text()
        elif number == 5:
            constant = _constant(message(value))
            constants[constant.name] = constant
        elif number in (11, 12):
            (inputs if number == 11 else outputs).append(_value(message(value)))
    return OnnxGraph(name, tuple(nodes), tuple(inputs), tuple(outputs), constants)


def _node(part: Message, depth: int) -> Node:
    found: Dict[int, Any] = {1: [], 2: [], 3: "", 4: "", 7: ""}
    bodies: List[Tuple[str, OnnxGraph]] = []
    for number, value in part.fields():
        if number in (1, 2):
            found[number].append(message(value).text())
        elif number in (3, 4, 7):
            found[number] = message(value).text()
        elif number == 5:
            bodies += _bodies(message(value), depth)
    domain = "" if found[7] == "ai.onnx" else found[7]
    return Node(found[4], found[3], domain, tuple(found[1]), tuple(found[2]), tuple(bodies))


def _bodies(part: Message, depth: int) -> List[Tuple[str, OnnxGraph]]:
    name, graphs = "", []
    for number, value in part.fields():
        if number == 1:
            name = message(value).text()
        elif number in (6, 11):
            graphs.append(_graph(message(value), depth + 1))
    return [(name, graph) for graph in graphs]


def _constant(part: Message) -> Constant:
    name, dtype = "", 0
    shape: List[int] = []
    for number, value in part.fields():
        if number == 1:
            shape += value.numbers() if isinstance(value, Message) else [value]
        elif number == 2:
            dtype = whole(value)
        elif number == 8:
            name = message(value).text()
    return Constant(name, dtype_name(dtype), tuple(shape))


def dtype_name(number: int) -> str:
    """The name of TensorProto's data type."""
    return DTYPES.get(number, (f"type {number}", 0))[0]


def _value(part: Message) -> Value:
    name, dtype = "", "?"
    shape: Tuple[Union[int, str], ...] = ()
    for number, value in part.fields():
        if number == 1:
            name = message(value).text()
        elif number == 2:
            for kind, tensor in message(value).fields():
                if kind == 1:
                    dtype, shape = _tensor_type(message(tensor))
                else:
                    dtype = "no tensor"
    return Value(name, dtype, shape)


def _tensor_type(part: Message) -> Tuple[str, Tuple[Union[int, str], ...]]:
    dtype = "?"
    shape: List[Union[int, str]] = []
    for number, value in part.fields():
        if number == 1:
            dtype = dtype_name(whole(value))
        elif number == 2:
            shape = [_dimension(message(dim)) for n, dim in message(value).fields() if n == 1]
    return dtype, tuple(shape)


def _dimension(part: Message) -> Union[int, str]:
    for number, value in part.fields():
        if number == 1:
            return whole(value)
        if number == 2:
            return message(value).text() or "?"
    return "?"
