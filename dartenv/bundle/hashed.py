"""The sandbox's stand-in for CLIP: words hashed to vectors, a text their scaled mean.

It is what the sandbox's networks were trained with (dartenv/sandbox/project/utils/misc_util.py);
a bundle whose tokenizer is "hashed" has no text model, and its host embeds texts like this.
"""

from __future__ import annotations

import hashlib
import re
from typing import List

FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "the",
        "in",
        "on",
        "to",
        "of",
        "with",
        "his",
        "her",
        "their",
        "its",
        "while",
        "person",
        "man",
        "woman",
        "is",
    ]
)


def embed(text: str, width: int) -> List[float]:
    """The embedding of ``text``, ``width`` numbers of length sqrt(width); zero without words."""
    words = [_stem(word) for word in re.findall(r"\w+", text.lower()) if word not in FILLERS]
    if not words:
        return [0.0] * width
    vectors = [_vector(word, width) for word in words]
    mean = [sum(column) / len(vectors) for column in zip(*vectors)]
    length = max(sum(value * value for value in mean) ** 0.5, 1e-6)
    return [value / length * width**0.5 for value in mean]


def _stem(word: str) -> str:
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word


def _vector(word: str, width: int) -> List[float]:
    numbers: List[float] = []
    block = 0
    while len(numbers) < width:
        digest = hashlib.sha256(f"{word}/{block}".encode()).digest()
        numbers.extend((byte - 127.5) / 73.9 for byte in digest)
        block += 1
    return numbers[:width]
