"""A graph laid out in layers from top to bottom: a box a layer below all that it needs.

The usual four steps of layered drawing, each in its plainest form: layers by the longest way from
the inputs, a lane for every layer that an edge passes, fewer crossings by barycentres, places by
the median of neighbours. Our own since no dot program may be asked for and what pip has for it
brings more than it saves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

GAP_X, GAP_Y, LANE = 14, 26, 6
_SWEEPS = 6
_MOST_LANES = 60_000


@dataclass(frozen=True)
class Box:
    """A laid out box: its middle's x, its top's y, width and height, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where boxes stand, and the points that each edge passes, in the edges' order."""

    boxes: List[Box]
    edges: List[List[Tuple[float, float]]]
    width: float
    height: float


def lay_out(sizes: Sequence[Tuple[float, float]], edges: Sequence[Tuple[int, int]]) -> Layout:
    """Lay out boxes of (width, height) joined by edges (from, to), which form no circle."""
    layer = _layers(len(sizes), edges)
    nodes: List[Tuple[float, float]] = list(sizes)
    rank = list(layer)
    chains: List[List[int]] = []
    for start, end in edges:
        chain = [start]
        if len(nodes) < _MOST_LANES:
            for between in range(layer[start] + 1, layer[end]):
                chain.append(len(nodes))
                nodes.append((LANE, 0))
                rank.append(between)
        chains.append([*chain, end])
    rows: List[List[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for node, row in enumerate(rank):
        rows[row].append(node)
    above: Dict[int, List[int]] = {}
    below: Dict[int, List[int]] = {}
    for chain in chains:
        for one, two in zip(chain, chain[1:]):
            above.setdefault(two, []).append(one)
            below.setdefault(one, []).append(two)
    _order(rows, above, below)
    return _placed(nodes, rows, chains, above, below, len(sizes))


def _layers(count: int, edges: Sequence[Tuple[int, int]]) -> List[int]:
    """The longest way to each box; one that only feeds others stands right above the first."""
    after: List[List[int]] = [[] for _ in range(count)]
    needs = [0] * count
    for start, end in edges:
        after[start].append(end)
        needs[end] += 1
    sources = [node for node in range(count) if not needs[node]]
    layer, waiting, done = [0] * count, list(sources), 0
    while waiting:
        node = waiting.pop()
        done += 1
        for other in after[node]:
            layer[other] = max(layer[other], layer[node] + 1)
            needs[other] -= 1
            if not needs[other]:
                waiting.append(other)
    if done < count:
        raise ValueError("a graph with a circle in it")
    for node in sources:
        if after[node]:
            layer[node] = min(layer[other] for other in after[node]) - 1
    return layer


def _order(rows: List[List[int]], above: Dict[int, List[int]], below: Dict[int, List[int]]) -> None:
    """Sort each row by the mean place of its neighbours, down and up again."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        place: Dict[int, float] = {}
        for row in rows if down else reversed(rows):
            means = {
                node: _mean([place[other] for other in neighbours.get(node, ()) if other in place])
                for node in row
            }
            # One without neighbours stays where it is.
            width = max(1, len(row) - 1)
            keys = {node: at / width for at, node in enumerate(row)}
            keys.update({node: mean for node, mean in means.items() if mean is not None})
            row.sort(key=keys.__getitem__)
            place.update({node: at / width for at, node in enumerate(row)})


def _mean(places: List[float]) -> Optional[float]:
    return sum(places) / len(places) if places else None


def _placed(
    nodes: List[Tuple[float, float]],
    rows: List[List[int]],
    chains: List[List[int]],
    above: Dict[int, List[int]],
    below: Dict[int, List[int]],
    boxes: int,
) -> Layout:
    x: Dict[int, float] = {}
    for row in rows:
        at = 0.0
        for node in row:
            x[node] = at + nodes[node][0] / 2
            at += nodes[node][0] + GAP_X
        for node in row:
            x[node] -= at / 2
    for turn in range(4):
        neighbours = above if turn % 2 == 0 else below
        for row in rows if turn % 2 == 0 else reversed(rows):
            _settle(row, x, nodes, neighbours)
    y: Dict[int, float] = {}
    top = 0.0
    for row in rows:
        height = max((nodes[node][1] for node in row), default=0)
        for node in row:
            y[node] = top + (height - nodes[node][1]) / 2
        top += height + GAP_Y
    left = min((x[n] - nodes[n][0] / 2 for n in x), default=0)
    right = max((x[n] + nodes[n][0] / 2 for n in x), default=0)
    lines = []
    for chain in chains:
        first, last = chain[0], chain[-1]
        points = [(x[first] - left, y[first] + nodes[first][1])]
        points += [(x[n] - left, y[n]) for n in chain[1:-1]]
        lines.append([*points, (x[last] - left, y[last])])
    placed = [Box(x[n] - left, y[n], *nodes[n]) for n in range(boxes)]
    return Layout(placed, lines, right - left, max(0.0, top - GAP_Y))


def _settle(
    row: List[int],
    x: Dict[int, float],
    nodes: List[Tuple[float, float]],
    neighbours: Dict[int, List[int]],
) -> None:
    """Move a row's boxes towards their neighbours' median, keeping order and gaps: pushed to the
    right from the left and to the left from the right, and the middle of both taken."""
    wish = []
    for node in row:
        near = sorted(x[other] for other in neighbours.get(node, ()))
        middle = len(near) // 2
        wish.append((near[middle] + near[~middle]) / 2 if near else x[node])
    low, high = list(wish), list(wish)
    for i in range(1, len(row)):
        apart = (nodes[row[i - 1]][0] + nodes[row[i]][0]) / 2 + GAP_X
        low[i] = max(low[i], low[i - 1] + apart)
    for i in range(len(row) - 2, -1, -1):
        apart = (nodes[row[i]][0] + nodes[row[i + 1]][0]) / 2 + GAP_X
        high[i] = min(high[i], high[i + 1] - apart)
    for i, node in enumerate(row):
        x[node] = (low[i] + high[i]) / 2
