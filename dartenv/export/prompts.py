"""Texts to embeddings by CLIP's own weights, for judging what is exported with real prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Optional

import numpy as np

from dartenv.bundle.contract import Bundle
from dartenv.export.clip import clip_nodes, text_sizes, token_table
from dartenv.export.graph import Graph
from dartenv.export.layers import Arrays
from dartenv.export.measure import open_session
from dartenv.runtime.text import tower_feed
from dartenv.runtime.tokenizer import ClipTokenizer


class ClipTexts:
    """Prompts through CLIP: ``table`` holds the tokens' embeddings, ``open_tower`` opens the text
    tower when it is needed."""

    def __init__(self, tokenizer: ClipTokenizer, table: Any, open_tower: Callable[[], Any]) -> None:
        self._tokenizer, self._table, self._open = tokenizer, table, open_tower
        self._session: Optional[Any] = None

    def feed(self, text: str) -> Dict[str, Any]:
        """What the text tower is given for ``text``."""
        ids, _ = self._tokenizer(text)
        return tower_feed(self._table, ids)

    def __call__(self, text: str) -> Any:
        """The embedding [1, C] of ``text``."""
        if self._session is None:
            self._session = self._open()
        return self._session.run(["text"], self.feed(text))[0]


def texts_of_weights(state: Arrays, vocabulary: Path) -> ClipTexts:
    """By the weights in ``state`` and the byte-pair ``vocabulary``. Raises UsageFault."""
    sizes = text_sizes(state)

    def tower() -> Any:
        g = Graph()
        clip_nodes(g, state)
        return open_session(g.model("clip_text", "dartenv").SerializeToString())

    tokenizer = ClipTokenizer(vocabulary, sizes["vocabulary"], sizes["context"])
    return ClipTexts(tokenizer, token_table(state)[0], tower)


def texts_of_bundle(bundle: Bundle, folder: Path, tower: Path) -> Optional[ClipTexts]:
    """By a bundle's vocabulary, table and text ``tower``; ``None`` without a vocabulary."""
    spec = bundle.tokenizer
    if spec.vocabulary is None or spec.kind != "clip-bpe":
        return None
    tokenizer = ClipTokenizer(folder / spec.vocabulary, spec.size, spec.context)
    table = np.load(str(folder / spec.table), mmap_mode="r", allow_pickle=False)
    return ClipTexts(tokenizer, table, lambda: open_session(str(tower)))
