"""DART's motion VAE in torch: N future frames to T latent tokens and back, given H frames before.

Parameter names are those of its checkpoints. Source of names, shapes and order: zkf1997/DART
model/mld_vae.py and mld/models/operator/cross_attention.py (skip transformers).
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import nn

from dartenv.model.config import VaeConfig

POSITIONS = 500  # rows of each position table in the checkpoint


class _Positions(nn.Module):
    """The learned position table ``pe`` [500, 1, D], added to tokens [S, B, D]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pe = nn.Parameter(torch.zeros(POSITIONS, 1, width))

    def forward(self, tokens: Any) -> Any:
        return tokens + self.pe[: tokens.shape[0]]


class SkipTransformer(nn.Module):
    """2n + 1 layers; what leaves layer k on the way in is joined to what enters layer -k."""

    def __init__(self, config: VaeConfig, cross: bool) -> None:
        super().__init__()
        pairs, width = (config.layers - 1) // 2, config.width
        self.input_blocks = nn.ModuleList(_layer(config, cross) for _ in range(pairs))
        self.middle_block = _layer(config, cross)
        self.output_blocks = nn.ModuleList(_layer(config, cross) for _ in range(pairs))
        self.linear_blocks = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(pairs))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Any, memory: Optional[Any] = None) -> Any:
        """Tokens [S, B, D]; ``memory`` [M, B, D] for the layers that look at it."""
        extra = () if memory is None else (memory,)
        kept = []
        for block in self.input_blocks:
            x = block(x, *extra)
            kept.append(x)
        x = self.middle_block(x, *extra)
        for block, linear in zip(self.output_blocks, self.linear_blocks):
            x = block(linear(torch.cat([x, kept.pop()], dim=-1)), *extra)
        return self.norm(x)


def _layer(config: VaeConfig, cross: bool) -> Any:
    kind = nn.TransformerDecoderLayer if cross else nn.TransformerEncoderLayer
    return kind(
        config.width,
        config.heads,
        config.feed_forward,
        0.0,
        config.activation,
        norm_first=config.norm_first,
    )


class MotionVae(nn.Module):
    """Encoder and decoder; frames are normalised features [B, frames, F]."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.tokens, latent = config.latent
        self.cross = config.arch == "encoder_decoder"
        width = config.width
        self.query_pos_encoder = _Positions(width)
        self.query_pos_decoder = _Positions(width)
        self.encoder = SkipTransformer(config, cross=False)
        self.encoder_latent_proj = nn.Linear(width, latent)
        self.decoder = SkipTransformer(config, cross=self.cross)
        self.decoder_latent_proj = nn.Linear(latent, width)
        self.global_motion_token = nn.Parameter(torch.zeros(2 * self.tokens, width))
        self.skel_embedding = nn.Linear(config.features, width)
        self.final_layer = nn.Linear(width, config.features)
        self.register_buffer("latent_mean", torch.tensor(0.0))
        self.register_buffer("latent_std", torch.tensor(1.0))

    def encode(self, history: Any, future: Any) -> Tuple[Any, Any]:
        """Mean and log-variance [B, T, Z] of the latent; the latter is held in [-10, 10]."""
        frames = self.skel_embedding(torch.cat([history, future], dim=1)).transpose(0, 1)
        tokens = self.global_motion_token[:, None].expand(-1, frames.shape[1], -1)
        out = self.encoder(self.query_pos_encoder(torch.cat([tokens, frames])))
        numbers = self.encoder_latent_proj(out[: 2 * self.tokens]).transpose(0, 1)
        mean, log_variance = numbers[:, : self.tokens], numbers[:, self.tokens :]
        return mean, log_variance.clamp(-10.0, 10.0)

    def decode(self, latent: Any, history: Any, frames: int) -> Any:
        """``frames`` future frames of a latent [B, T, Z] in the scale that ``encode`` gives."""
        memory = self.decoder_latent_proj(latent.transpose(0, 1))
        before = self.skel_embedding(history).transpose(0, 1)
        queries = before.new_zeros((frames, *before.shape[1:]))
        if self.cross:
            tokens = self.query_pos_decoder(torch.cat([before, queries]))
            out = self.decoder(tokens, memory)
        else:
            out = self.decoder(self.query_pos_decoder(torch.cat([memory, before, queries])))
        return self.final_layer(out[-frames:]).transpose(0, 1)
