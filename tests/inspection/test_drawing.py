"""Graphs laid out and drawn."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ElementTree

import pytest

from dartenv.inspection.layout import GAP_X, lay_out
from dartenv.inspection.onnx_file import Constant, Node, OnnxFile, OnnxGraph, Value
from dartenv.inspection.svg import render_svg


def _random_graph(seed, count=60):
    source = random.Random(seed)
    edges = {(source.randrange(i), i) for i in range(1, count) for _ in range(2)}
    sizes = [(source.randint(20, 120), 34) for _ in range(count)]
    return sizes, sorted(edges)


@pytest.mark.parametrize("seed", range(5))
def test_edges_go_down_and_boxes_do_not_touch(seed):
    sizes, edges = _random_graph(seed)
    found = lay_out(sizes, edges)
    for (start, end), points in zip(edges, found.edges):
        assert found.boxes[start].y + 34 < found.boxes[end].y
        assert points[0] == (found.boxes[start].x, found.boxes[start].y + 34)
        assert points[-1] == (found.boxes[end].x, found.boxes[end].y)
        assert [y for _, y in points] == sorted(y for _, y in points)
    rows = {}
    for box in found.boxes:
        rows.setdefault(box.y, []).append(box)
        assert box.x - box.width / 2 >= 0
        assert box.x + box.width / 2 <= found.width + 0.01
        assert box.y + box.height <= found.height
    for row in rows.values():
        row.sort(key=lambda box: box.x)
        for one, two in zip(row, row[1:]):
            assert two.x - two.width / 2 - (one.x + one.width / 2) >= GAP_X - 0.01


def test_a_circle_is_refused_and_nothing_is_an_empty_picture():
    with pytest.raises(ValueError, match="circle"):
        lay_out([(10, 10)] * 3, [(0, 1), (1, 2), (2, 1)])
    assert lay_out([], []).boxes == []


def test_a_straight_chain_is_drawn_straight():
    found = lay_out([(50, 20)] * 5, [(i, i + 1) for i in range(4)])
    assert len({round(box.x, 3) for box in found.boxes}) == 1


def test_every_operator_and_the_loops_body_are_in_the_picture():
    body = OnnxGraph(
        "body",
        (Node("Add", "inner", "", ("state", "shift"), ("next",)),),
        (Value("state", "float32", ("batch",)),),
        (Value("next", "float32", ("batch",)),),
    )
    graph = OnnxGraph(
        "main",
        (
            Node("Relu", "r", "", ("x",), ("shift",)),
            Node("Loop", "steps", "", ("", "", "x"), ("y",), (("body", body),)),
            Node("MatMul", "m", "", ("y", "w"), ("z",)),
        ),
        (Value("x", "float32", ("<batch>", 3)),),
        (Value("z", "float32", ("batch", 4)),),
        {"w": Constant("w", "float32", (3, 4))},
    )
    text = render_svg(OnnxFile(8, "", {"": 17}, graph), "a & b")
    root = ElementTree.fromstring(text)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for expected in (
        "a & b",
        "body of Loop steps",
        "Relu",
        "Loop",
        "MatMul",
        "Add",
        "3x4",
        "x",
        "z",
    ):
        assert expected in words
    assert "float32 [<batch>, 3]" in words
    # x to Relu, x to Loop, Relu to Loop (its body uses shift), Loop to MatMul, MatMul to z; and
    # in the body state to Add, Add to next
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 7
