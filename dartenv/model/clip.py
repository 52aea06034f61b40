"""CLIP's text tower in torch, in full precision.

Parameter names are those of openai/CLIP clip/model.py. DART runs it in half precision even on a
CPU, which differs by some 6e-3 from this (of numbers up to 4).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

HEAD_WIDTH = 64  # CLIP has one attention head for each 64 numbers of the text width


class _Block(nn.Module):
    """Attention to what came before, and a feed-forward part; each has its norm in front."""

    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // HEAD_WIDTH)
        self.ln_1 = nn.LayerNorm(width)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Module()
        self.mlp.c_fc = nn.Linear(width, feed_forward)
        self.mlp.c_proj = nn.Linear(feed_forward, width)

    def forward(self, x: Any, mask: Any) -> Any:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        y = self.mlp.c_fc(self.ln_2(x))
        return x + self.mlp.c_proj(y * torch.sigmoid(1.702 * y))


class ClipText(nn.Module):
    """Token embeddings to a text embedding; the token table itself stays outside."""

    def __init__(self, width: int, layers: int, context: int, embedding: int, ff: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(context, width))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(_Block(width, ff) for _ in range(layers))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, embedding))

    def forward(self, embeddings: Any, eot: Any) -> Any:
        """Text embeddings [B, C], not normalised, of token embeddings [B, T, W].

        ``eot`` [B] is the place of the end-of-text token. What follows it changes nothing, since
        each token sees only those before it: T may be cut there.
        """
        length = embeddings.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = (embeddings + self.positional_embedding[:length]).transpose(0, 1)
        for block in self.transformer.resblocks:
            x = block(x, mask)
        last = x.transpose(0, 1)[torch.arange(eot.shape[0]), eot]
        return self.ln_final(last) @ self.text_projection
