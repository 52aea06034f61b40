"""The gate's prompts through CLIP's own weights and vocabulary, made small."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ort
np = pytest.importorskip("numpy", reason="needs numpy")
pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from dartenv.assets.layouts import ClipTextNumbers, clip_text_tensors  # noqa: E402
from dartenv.export.clip import clip_nodes  # noqa: E402
from dartenv.export.gate_parts import judge_texts  # noqa: E402
from dartenv.export.graph import Graph  # noqa: E402
from dartenv.export.measure import open_session  # noqa: E402
from dartenv.export.prompts import texts_of_weights  # noqa: E402
from dartenv.export.reduce import reduced  # noqa: E402
from dartenv.manifests.export import export_spec  # noqa: E402
from dartenv.manifests.loader import default_manifests  # noqa: E402

MERGES = ["w a", "wa l", "wal k</w>", "t h"]
SIZE = 512 + len(MERGES) + 2


@pytest.fixture(scope="module")
def state() -> Any:
    numbers = ClipTextNumbers(context=9, vocabulary=SIZE, width=64, embedding=12, layers=2)
    generator = np.random.default_rng(1)
    found = {}
    for name, shape in clip_text_tensors(numbers).items():
        value = generator.standard_normal(shape) / (shape[-1] ** 0.5 if shape else 1.0)
        found[name] = np.asarray(1 + value if ".ln_" in name else value, dtype=np.float32)
    return found


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "bpe.txt.gz"
    path.write_bytes(gzip.compress("\n".join(["bpe_simple_vocab", *MERGES, ""]).encode()))
    return path


def test_texts_are_told_apart(state: Any, vocabulary: Path) -> None:
    texts = texts_of_weights(state, vocabulary)
    feed = texts.feed("walk")
    assert feed["embeddings"].shape == (1, 3, 64)
    token = 512 + MERGES.index("wal k</w>")
    assert np.abs(feed["embeddings"][0, 1] - state["token_embedding.weight"][token]).max() < 1e-3
    assert texts("walk").shape == (1, 12)
    assert np.abs(texts("walk") - texts("wave")).max() > 1e-2
    assert np.array_equal(texts("walk"), texts("walk"))


def test_the_text_tower_is_judged_by_prompts(state: Any, vocabulary: Path) -> None:
    spec = export_spec(default_manifests()).gate
    texts = texts_of_weights(state, vocabulary)
    g = Graph()
    clip_nodes(g, state)
    full = g.model("clip_text", "test")
    session = open_session(full.SerializeToString())
    feeds = [texts.feed(prompt) for prompt in ("walk", "the walk")]
    (same,) = judge_texts(session, session, feeds, spec)
    assert same.error == 0.0
    small = open_session(reduced(full, "int8", True).SerializeToString())
    (line,) = judge_texts(small, session, feeds, spec)
    assert 0.0 < line.error < 0.3
    assert line.limit == spec.text
