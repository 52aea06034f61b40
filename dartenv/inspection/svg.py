"""An ONNX graph as SVG: operators in layers, a loop's body beside it, weights as numbers in boxes."""

from __future__ import annotations

from typing import Dict, List, Tuple
from xml.sax.saxutils import escape

from dartenv.inspection.layout import Box, lay_out
from dartenv.inspection.onnx_file import Node, OnnxFile, OnnxGraph, Value

_MARGIN, _TITLE, _LETTER, _HEIGHT = 20, 44, 6.4, 34
# Fill by what an operator does; anything else is plain.
_COLOURS = {
    "weights": "#dbe9f6",
    "mixing": "#fde3c8",
    "norm": "#e4f1dc",
    "loop": "#f3d9ec",
    "ends": "#e8e8e4",
    "plain": "#ffffff",
}
_KINDS = {
    "weights": {
        "MatMul",
        "Gemm",
        "Conv",
        "MatMulInteger",
        "DynamicQuantizeLinear",
        "QLinearMatMul",
    },
    "mixing": {"Softmax", "Einsum", "Attention", "MultiHeadAttention"},
    "norm": {"LayerNormalization", "SkipLayerNormalization", "Gelu", "FastGelu", "Erf", "Sigmoid"},
    "loop": {"Loop", "If", "Scan"},
}
# Attributes and no style sheet: simple viewers know no classes.
_TEXT = 'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="11" fill="#333"'
_LINES = 'fill="none" stroke="#999" stroke-width="1"'


def render_svg(model: OnnxFile, title: str) -> str:
    """The whole model as one SVG document; graphs inside operators stand beside the main one."""
    panels: List[Tuple[str, OnnxGraph]] = [(title, model.graph)]
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop(0)
        for node in graph.nodes:
            for attribute, body in node.bodies:
                panels.append((f"{attribute} of {node.kind} {node.name}", body))
                waiting.append(body)
    parts: List[str] = []
    left, height = float(_MARGIN), 0.0
    for heading, graph in panels:
        drawn, wide, high = _panel(graph, heading)
        parts.append(f'<g transform="translate({left:.1f},{_MARGIN})">{drawn}</g>')
        left += wide + 3 * _MARGIN
        height = max(height, high)
    width, height = left - 2 * _MARGIN, height + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" {_TEXT}>'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _panel(graph: OnnxGraph, heading: str) -> Tuple[str, float, float]:
    inputs = [v for v in graph.inputs if v.name not in graph.constants]
    boxes = [_end(v) for v in inputs]
    boxes += [_node(node, graph) for node in graph.nodes]
    boxes += [_end(v) for v in graph.outputs]
    maker: Dict[str, int] = {value.name: place for place, value in enumerate(inputs)}
    edges: List[Tuple[int, int]] = []
    for place, node in enumerate(graph.nodes, start=len(inputs)):
        needs = dict.fromkeys([*node.inputs, *_from_outside(node)])
        edges += [(maker[name], place) for name in needs if name in maker]
        maker.update({name: place for name in node.outputs if name})
    first_output = len(inputs) + len(graph.nodes)
    for place, value in enumerate(graph.outputs, start=first_output):
        if value.name in maker:
            edges.append((maker[value.name], place))
    edges = list(dict.fromkeys(edges))
    sizes = [(max(len(one), len(two)) * _LETTER + 14, float(_HEIGHT)) for one, two, _ in boxes]
    laid = lay_out(sizes, edges)
    drawn = [
        f'<text y="14" font-size="14" font-weight="bold">{escape(heading)}</text><g transform="translate(0,{_TITLE})">'
    ]
    drawn += [f"<g {_LINES}>", *(_edge(points) for points in laid.edges), "</g>"]
    drawn += [_box(box, *texts) for box, texts in zip(laid.boxes, boxes)]
    drawn.append("</g>")
    return "".join(drawn), max(laid.width, len(heading) * 9.0), laid.height + _TITLE


def _from_outside(node: Node) -> List[str]:
    """What the graphs inside an operator take from around it."""
    found: List[str] = []
    for _, body in node.bodies:
        for inner in body.nodes:
            found += [*inner.inputs, *_from_outside(inner)]
        found += [value.name for value in body.outputs]
    return found


def _end(value: Value) -> Tuple[str, str, str]:
    return value.name, f"{value.dtype} [{', '.join(map(str, value.shape))}]", "ends"


def _node(node: Node, graph: OnnxGraph) -> Tuple[str, str, str]:
    colour = next((name for name, kinds in _KINDS.items() if node.kind in kinds), "plain")
    kept = [graph.constants[name] for name in node.inputs if name in graph.constants]
    large = [constant for constant in kept if constant.count > 1]
    below = " ".join("x".join(map(str, constant.shape)) for constant in large[:3])
    return node.kind, below or node.name, colour


def _box(box: Box, text: str, small: str, colour: str) -> str:
    left = box.x - box.width / 2
    return (
        f'<rect x="{left:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="4" fill="{_COLOURS[colour]}" stroke="#888"/>'
        f'<text x="{box.x:.1f}" y="{box.y + 14:.1f}" text-anchor="middle">{escape(text)}</text>'
        f'<text font-size="9" fill="#777" x="{box.x:.1f}" y="{box.y + 27:.1f}" text-anchor="middle">'
        f"{escape(small)}</text>"
    )


def _edge(points: List[Tuple[float, float]]) -> str:
    (x, y), rest = points[0], points[1:]
    path = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return f'<path d="{"".join(path)}"/>'
