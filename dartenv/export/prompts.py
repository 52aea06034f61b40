"""Texts to embeddings by CLIP's own weights, for judging a bundle while it is being made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import numpy as np

from dartenv.export.clip import clip_nodes, text_sizes, token_table
from dartenv.export.graph import Graph
from dartenv.export.layers import Arrays
from dartenv.export.measure import open_session
from dartenv.runtime.tokenizer import ClipTokenizer


class ClipTexts:
    """Embeddings [1, C] of texts by the tower in ``state`` and the byte-pair ``vocabulary``."""

    def __init__(self, state: Arrays, vocabulary: Path) -> None:
        sizes = text_sizes(state)
        self._state = state
        self._tokenizer = ClipTokenizer(vocabulary, sizes["vocabulary"], sizes["context"])
        self._table = token_table(state)[0]
        self._session: Optional[Any] = None

    def __call__(self, text: str) -> Any:
        if self._session is None:
            g = Graph()
            clip_nodes(g, self._state)
            self._session = open_session(g.model("clip_text", "dartenv").SerializeToString())
        ids, _ = self._tokenizer(text)
        feed = {
            "embeddings": np.asarray(self._table[ids], dtype=np.float32)[None],
            "eot": np.array([len(ids) - 1], dtype=np.int64),
        }
        return self._session.run(["text"], feed)[0]
