"""Texts to embeddings, as the bundle's tokenizer says; each text is worked out once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from dartenv.bundle import hashed
from dartenv.bundle.contract import Bundle
from dartenv.bundle.files import safe_path
from dartenv.errors import UsageFault
from dartenv.runtime.tokenizer import ClipTokenizer

OpenText = Callable[[], Any]


def tower_feed(table: Any, ids: Sequence[int]) -> Dict[str, Any]:
    """What clip_text is given for the tokens ``ids``: their rows of ``table``, and which is the last."""
    rows = np.asarray(table[ids], dtype=np.float32)[None]
    return {"embeddings": rows, "eot": np.array([len(ids) - 1], dtype=np.int64)}


class TextEncoder:
    """Embeddings [C] of texts, kept by text. ``open_session`` opens clip_text when it is needed."""

    def __init__(self, bundle: Bundle, folder: Path, open_session: OpenText) -> None:
        self._spec, self._folder, self._open = bundle.tokenizer, folder, open_session
        self._width = bundle.sizes.text
        self._known: Dict[str, Any] = {"": np.zeros(self._width, dtype=np.float32)}
        self._session: Optional[Any] = None
        self._tokenizer: Optional[ClipTokenizer] = None
        self._table: Optional[Any] = None
        self._lock = threading.Lock()
        self.notes: List[str] = []

    def __call__(self, text: str) -> Any:
        """The embedding [C] of ``text``, float32; the empty text's is zero, as in DART."""
        text = text.strip()
        known = self._known.get(text)
        if known is not None:  # without waiting for one that is being worked out
            return known
        with self._lock:
            if text not in self._known:
                self._known[text] = self._made(text)
            return self._known[text]

    def close(self) -> None:
        """Let go of the text model, which is large; what was embedded stays known."""
        with self._lock:
            self._session = self._table = None

    def _made(self, text: str) -> Any:
        if self._spec.kind == "hashed":
            return np.array(hashed.embed(text, self._width), dtype=np.float32)
        if self._tokenizer is None:
            self._tokenizer = self._read_tokenizer()
        ids, cut = self._tokenizer(text)
        if cut:
            self.notes.append(
                f"{text[:40]!r}...: the last {cut} tokens were left out; CLIP takes "
                f"{self._spec.context}, the two that mark the ends included"
            )
        if self._table is None:
            self._table = self._read_table()
        if self._session is None:
            self._session = self._open()
        made = self._session.run(["text"], tower_feed(self._table, ids))[0][0]
        if made.shape != (self._width,) or not np.isfinite(made).all():
            raise UsageFault(
                f"the text model gave {made.shape} for {text[:40]!r}", f"{self._width} numbers"
            )
        return made

    def _read_tokenizer(self) -> ClipTokenizer:
        if self._spec.vocabulary is None:
            raise UsageFault(
                f"{self._folder}: the bundle has no vocabulary",
                "CLIP's bpe_simple_vocab_16e6.txt.gz in it",
                "dartenv export --vocabulary FILE",
            )
        path = self._path(self._spec.vocabulary)
        return ClipTokenizer(path, self._spec.size, self._spec.context)

    def _read_table(self) -> Any:
        path = self._path(self._spec.table)
        try:
            table = np.load(str(path), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UsageFault(f"{path}: {error}", "the bundle's token table") from None
        if table.shape != (self._spec.size, self._spec.width):
            raise UsageFault(
                f"{path}: a table of {table.shape}", f"({self._spec.size}, {self._spec.width})"
            )
        return table

    def _path(self, relative: str) -> Path:
        return self._folder.joinpath(*safe_path(relative, self._folder).parts)
