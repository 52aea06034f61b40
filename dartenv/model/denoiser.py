"""DART's latent denoisers in torch: a noisy latent, a text and the history to the clean latent.

Parameter names are those of its checkpoints. Source of names, shapes and order:
zkf1997/DART model/mld_denoiser.py.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

import torch
from torch import nn

from dartenv.model.config import DenoiserConfig

POSITIONS = 5000  # rows of the position table in the checkpoint

ACTIVATIONS: Dict[str, Callable[[Any], Any]] = {
    "gelu": nn.functional.gelu,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "lrelu": nn.functional.leaky_relu,
}


class _Positions(nn.Module):
    """The position table ``pe`` [5000, 1, D]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("pe", torch.zeros(POSITIONS, 1, width))


class _TimeEmbedding(nn.Module):
    """Diffusion steps [B] to tokens [B, D]; the positions are the denoiser's own table."""

    def __init__(self, positions: _Positions, width: int) -> None:
        super().__init__()
        self.sequence_pos_encoder = positions
        self.time_embed = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, timesteps: Any) -> Any:
        return self.time_embed(self.sequence_pos_encoder.pe[timesteps, 0])


class TransformerDenoiser(nn.Module):
    """Tokens: time, text, H frames of history, T of noise; the last T are the answer."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.tokens = config.noise[0]
        width = config.width
        self.sequence_pos_encoder = _Positions(width)
        self.embed_timestep = _TimeEmbedding(self.sequence_pos_encoder, width)
        self.embed_text = nn.Linear(config.text, width)
        self.embed_history = nn.Linear(config.history[1], width)
        self.embed_noise = nn.Linear(config.noise[1], width)
        layer = nn.TransformerEncoderLayer(
            width, config.heads, config.feed_forward, 0.0, config.activation
        )
        self.seqTransEncoder = nn.TransformerEncoder(
            layer, config.layers, enable_nested_tensor=False
        )
        self.output_process = nn.Linear(width, config.noise[1])

    def forward(self, x_t: Any, timesteps: Any, text: Any, history: Any) -> Any:
        """Clean latents [B, T, Z] of noisy ones [B, T, Z] at ``timesteps`` [B] (whole numbers).

        ``text`` [B, C] (all zero: no text), ``history`` [B, H, F] normalised.
        """
        tokens = torch.cat(
            [
                self.embed_timestep(timesteps)[None],
                self.embed_text(text)[None],
                self.embed_history(history).transpose(0, 1),
                self.embed_noise(x_t).transpose(0, 1),
            ]
        )
        tokens = tokens + self.sequence_pos_encoder.pe[: tokens.shape[0]]
        out = self.seqTransEncoder(tokens)[-self.tokens :]
        return self.output_process(out).transpose(0, 1)


class _Mlp(nn.Module):
    """Two linear layers, an activation after each."""

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)])
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = self.activation(layer(x))
        return x


class _Blocks(nn.Module):
    """Residual blocks and an output layer."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _Mlp(config.width, config.activation) for _ in range(config.layers)
        )
        self.out_fc = nn.Linear(config.width, config.noise[0] * config.noise[1])

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = x + layer(x)
        return self.out_fc(x)


class MlpDenoiser(nn.Module):
    """The same without attention: everything side by side in one vector."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.noise = config.noise
        inputs = config.width + config.text
        inputs += config.history[0] * config.history[1] + config.noise[0] * config.noise[1]
        self.sequence_pos_encoder = _Positions(config.width)
        self.embed_timestep = _TimeEmbedding(self.sequence_pos_encoder, config.width)
        self.input_project = nn.Linear(inputs, config.width)
        self.mlp = _Blocks(config)

    def forward(self, x_t: Any, timesteps: Any, text: Any, history: Any) -> Any:
        """As :meth:`TransformerDenoiser.forward`."""
        inputs = torch.cat(
            [self.embed_timestep(timesteps), text, history.flatten(1), x_t.flatten(1)], dim=1
        )
        return self.mlp(self.input_project(inputs)).reshape(-1, *self.noise)


def make_denoiser(config: DenoiserConfig) -> Any:
    """The network that ``config`` describes, without weights."""
    return MlpDenoiser(config) if config.kind == "mlp" else TransformerDenoiser(config)


def guided(network: Any, x_t: Any, timesteps: Any, text: Any, history: Any, scale: Any) -> Any:
    """Classifier-free guidance: the prediction without text plus ``scale`` [B, 1, 1] times what
    the text adds to it."""
    without = network(x_t, timesteps, torch.zeros_like(text), history)
    return without + scale * (network(x_t, timesteps, text, history) - without)
