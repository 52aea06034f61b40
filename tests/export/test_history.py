"""The graph's next history held against the runtime's, which is worked out in double."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="needs numpy")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.export.describe import features  # noqa: E402
from dartenv.export.geometry import WorldNames, matrix_of_6d  # noqa: E402
from dartenv.export.graph import Graph  # noqa: E402
from dartenv.export.history import LastNames, next_history  # noqa: E402
from dartenv.export.measure import open_session  # noqa: E402
from dartenv.model.layout import JOINTS  # noqa: E402
from dartenv.runtime.features import Features, World  # noqa: E402


def graph_of(source: Any) -> Any:
    g = Graph(contrib=False)
    normalised = g.input("normalised", ["batch", 2, 276])
    world = WorldNames(g.input("rotation", ["batch", 3, 3]), g.input("place", ["batch", 1, 3]))
    motion = g.op("Add", g.op("Mul", normalised, g.const(source.std)), g.const(source.mean))
    six = g.op("Slice", motion, g.ints(3), g.ints(3 + 6 * JOINTS), g.ints(-1))
    rotations = matrix_of_6d(g, g.op("Reshape", six, g.ints(0, 2, JOINTS, 6)))
    last = LastNames(motion, normalised, rotations)
    pelvis = g.const(np.asarray(source.pelvis, dtype=np.float32).reshape(1, 1, 3))
    made = next_history(g, last, world, pelvis, 2, (source.mean, source.std), None)
    for value, name, dims in zip(made, ("h", "r", "t"), ([2, 276], [3, 3], [1, 3])):
        g.output(value, name, ["batch", *dims])
    return open_session(g.model("history", "test").SerializeToString())


def features_of(source: Any) -> Features:
    told: Any = SimpleNamespace(
        features=features(),
        statistics=SimpleNamespace(mean=source.mean, std=source.std),
        sizes=SimpleNamespace(joints=JOINTS),
        skeleton=SimpleNamespace(pelvis_offset=source.pelvis),
    )
    return Features(told)


def facing(source: Any, degrees: float) -> Any:
    """The seed motion turned about z and moved, normalised, as float32 [1, 2, 276]."""
    mean, std = (np.asarray(v, dtype=np.float64) for v in (source.mean, source.std))
    frames = np.asarray(source.history, dtype=np.float64) * std + mean
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    parts = {f.name: slice(f.start, f.start + f.width) for f in features()}
    for name in ("joints", "joints_delta", "transl_delta"):
        points = frames[:, parts[name]].reshape(2, -1, 3) @ turn.T
        frames[:, parts[name]] = points.reshape(2, -1)
    pelvis = np.asarray(source.pelvis, dtype=np.float64).reshape(3)
    frames[:, parts["transl"]] = (frames[:, parts["transl"]] + pelvis) @ turn.T - pelvis
    frames[:, parts["joints"]] += np.tile([0.05, -0.03, 0.0], JOINTS)
    frames[:, parts["transl"]] += [0.05, -0.03, 0.0]
    columns = np.zeros((2, 3, 3))
    columns[:, :2] = frames[:, parts["poses_6d"]][:, :6].reshape(2, 2, 3)
    columns[:, 2] = np.cross(columns[:, 0], columns[:, 1])
    root = (turn @ columns)[:, :2].reshape(2, 6)
    # As a network predicts them, the rows are not quite orthonormal.
    off = 0.004 * np.random.default_rng(5).standard_normal((2, 6))
    frames[:, parts["poses_6d"].start : parts["poses_6d"].start + 6] = root + off
    frames[:, parts["global_orient_delta_6d"]] += off[::-1]
    return ((frames - mean) / std)[None].astype(np.float32)


@pytest.mark.parametrize("degrees", [0.0, 1.0, -20.0, 60.0, 90.0, -135.0, 179.0])
def test_any_heading(sandbox_source: Any, degrees: float) -> None:
    source = sandbox_source
    given = facing(source, degrees)
    a = np.radians(30)
    rotation = np.array([[[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]])
    world = World(rotation.astype(np.float32), np.array([[[3.0, -2.0, 0.1]]], dtype=np.float32))
    session = graph_of(source)
    feed = {"normalised": given, "rotation": world.rotation, "place": world.translation}
    history, turned, place = session.run(None, feed)
    mean, std = (np.asarray(v, dtype=np.float64) for v in (source.mean, source.std))
    wanted, after = features_of(source).canonical(given.astype(np.float64) * std + mean, world)
    assert np.abs(turned - after.rotation).max() < 5e-7
    assert np.abs(place - after.translation).max() < 1e-6
    error = np.abs(history - wanted)
    # Numbers far from the mean, as those of a body that faces backwards, keep seven digits of themselves.
    assert (error / np.maximum(np.abs(given), np.abs(wanted)).clip(1)).max() < 5e-6
    if (
        abs(degrees) <= 20
    ):  # a primitive's usual turn; frames rounded to metres alone make it 2.1e-7
        assert np.sqrt((error**2).mean()) < 1.5e-7
