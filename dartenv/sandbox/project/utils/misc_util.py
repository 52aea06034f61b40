"""Prompts of the sandbox: the text encoder and the timeline of a prompt.

The encoder is a stand-in of our own for CLIP, small enough to be worked out by hand: every
word that is not a filler is stemmed and hashed to a fixed vector, and a text is the mean of
its words, scaled to the length sqrt(dim). It needs no weights and gives the same numbers on
every machine.
"""

import hashlib
import re

import torch
from torch import nn

TEXT_DIM = 64
FILLERS = frozenset('a an and the in on to of with his her their its while person man woman is'.split())


def stem(word):
    """A word without its ending: walks, walking and walk are one word."""
    for ending in ('ing', 'es', 's'):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip('e')
    return word.rstrip('e') if len(word) > 3 else word


def word_vector(word):
    """The vector of one stemmed word: bytes of SHA-256 spread to mean 0 and variance 1."""
    numbers = []
    block = 0
    while len(numbers) < TEXT_DIM:
        digest = hashlib.sha256('{}/{}'.format(word, block).encode('utf-8')).digest()
        numbers.extend((byte - 127.5) / 73.9 for byte in digest)
        block += 1
    return numbers[:TEXT_DIM]


class SandboxTextEncoder(nn.Module):
    """Texts to vectors [N, 64]; the empty text, and one of fillers only, is zero."""

    def __init__(self):
        super().__init__()
        self.register_buffer('anchor', torch.zeros(1))  # knows the device

    def encode_text(self, texts):
        rows = []
        for text in texts:
            words = [stem(w) for w in re.findall(r'\w+', text.lower()) if w not in FILLERS]
            vectors = torch.tensor([word_vector(w) for w in words], dtype=torch.float32)
            mean = vectors.mean(dim=0) if words else torch.zeros(TEXT_DIM)
            rows.append(mean / mean.norm().clamp(min=1e-6) * TEXT_DIM ** 0.5)
        return torch.stack(rows).to(self.anchor.device)


def load_and_freeze_clip(clip_version, device='cpu'):
    """The sandbox's text encoder; ``clip_version`` is taken for DART's sake and not used."""
    return SandboxTextEncoder().to(device).eval()


def encode_text(clip_model, raw_text, force_empty_zero=True):
    """Text embeddings [N, 64] of a list of texts."""
    embedding = clip_model.encode_text(raw_text)
    if force_empty_zero:
        for index, text in enumerate(raw_text):
            if text == '':
                embedding[index] = 0
    return embedding


def compose_texts_with_and(texts):
    return ' and '.join(sorted(texts))


def timeline(text_prompt):
    """One text a motion primitive: 'walk forward*2, stand*1' is two of walking, one of standing.

    Raises:
        ValueError: a part of the prompt is not of the form text*count.
    """
    texts = []
    for segment in text_prompt.split(','):
        action, star, count = segment.strip().rpartition('*')
        if not star or not count.strip().isdigit():
            raise ValueError('sandbox: {!r} is not of the form text*count'.format(segment))
        texts += [compose_texts_with_and(action.split(' and '))] * int(count)
    return texts
