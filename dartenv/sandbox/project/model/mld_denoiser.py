"""The latent denoiser of the sandbox: a transformer over time, text, history and noise tokens.

Parameter names are DART's, sizes are small. Both networks predict x0, the clean latent.
"""

import math

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    """Sines and cosines of the position, [5000, 1, D], added to [S, B, D]."""

    def __init__(self, d_model, dropout=0.1, max_len=5000):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        steps = torch.arange(0, d_model, 2).float()
        angle = torch.arange(max_len).float()[:, None] * torch.exp(-math.log(1e4) / d_model * steps)
        table = torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(max_len, 1, d_model)
        self.register_buffer('pe', table)

    def forward(self, x):
        return self.dropout(x + self.pe[: x.shape[0]])


class TimestepEmbedder(nn.Module):
    """Diffusion steps [B] to one token [1, B, D]."""

    def __init__(self, h_dim, sequence_pos_encoder):
        super().__init__()
        self.sequence_pos_encoder = sequence_pos_encoder
        self.time_embed = nn.Sequential(nn.Linear(h_dim, h_dim), nn.SiLU(), nn.Linear(h_dim, h_dim))

    def forward(self, timesteps):
        return self.time_embed(self.sequence_pos_encoder.pe[timesteps, 0])[None]


class Denoiser(nn.Module):
    """What both denoisers share: sizes, and the masking of the text."""

    def __init__(self, h_dim, dropout, clip_dim, history_shape, noise_shape, cond_mask_prob):
        super().__init__()
        self.h_dim = h_dim
        self.clip_dim = clip_dim
        self.history_shape = tuple(history_shape)
        self.noise_shape = tuple(noise_shape)
        self.cond_mask_prob = cond_mask_prob
        self.sequence_pos_encoder = PositionalEncoding(h_dim, dropout)
        self.embed_timestep = TimestepEmbedder(h_dim, self.sequence_pos_encoder)

    def mask_cond(self, cond, force_mask=False):
        """Texts [B, C] with some, or all, put to zero: zero is 'no text'."""
        if force_mask:
            return torch.zeros_like(cond)
        if self.training and self.cond_mask_prob > 0:
            keep = torch.rand(cond.shape[0], 1, device=cond.device) >= self.cond_mask_prob
            return cond * keep
        return cond


class DenoiserTransformer(Denoiser):
    def __init__(self, h_dim=256, ff_size=1024, num_layers=4, num_heads=4, dropout=0.1,
                 activation='gelu', clip_dim=512, history_shape=(2, 276), noise_shape=(1, 128),
                 cond_mask_prob=0.0, **unused):
        super().__init__(h_dim, dropout, clip_dim, history_shape, noise_shape, cond_mask_prob)
        self.embed_text = nn.Linear(clip_dim, h_dim)
        self.embed_history = nn.Linear(self.history_shape[-1], h_dim)
        self.embed_noise = nn.Linear(self.noise_shape[-1], h_dim)
        layer = nn.TransformerEncoderLayer(
            d_model=h_dim, nhead=num_heads, dim_feedforward=ff_size, dropout=dropout,
            activation=activation)
        self.seqTransEncoder = nn.TransformerEncoder(
            layer, num_layers=num_layers, enable_nested_tensor=False)
        self.output_process = nn.Linear(h_dim, self.noise_shape[-1])

    def forward(self, x_t, timesteps, y=None):
        """Clean latents [B, 1, Z] from noisy ones, at diffusion steps [B].

        ``y`` holds text_embedding [B, C], history_motion_normalized [B, H, D] and, if the text
        is to be ignored, uncond=True.
        """
        text = self.mask_cond(y['text_embedding'], y.get('uncond', False))
        tokens = torch.cat([
            self.embed_timestep(timesteps),
            self.embed_text(text)[None],
            self.embed_history(y['history_motion_normalized']).transpose(0, 1),
            self.embed_noise(x_t).transpose(0, 1),
        ])
        tokens = self.seqTransEncoder(self.sequence_pos_encoder(tokens))
        return self.output_process(tokens[-self.noise_shape[0]:]).transpose(0, 1)


class MLP(nn.Module):
    def __init__(self, in_dim, h_dims, activation):
        super().__init__()
        sizes = [in_dim] + list(h_dims)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        self.activation = {'gelu': nn.functional.gelu, 'relu': torch.relu}[activation]

    def forward(self, x):
        for layer in self.layers:
            x = self.activation(layer(x))
        return x


class MLPBlock(nn.Module):
    def __init__(self, h_dim, out_dim, n_blocks, activation):
        super().__init__()
        self.layers = nn.ModuleList(MLP(h_dim, (h_dim, h_dim), activation) for _ in range(n_blocks))
        self.out_fc = nn.Linear(h_dim, out_dim)

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return self.out_fc(x)


class DenoiserMLP(Denoiser):
    """The same task without attention; the sandbox ships no weights for it."""

    def __init__(self, h_dim=512, n_blocks=2, dropout=0.1, activation='gelu', clip_dim=512,
                 history_shape=(2, 276), noise_shape=(1, 128), cond_mask_prob=0.0, **unused):
        super().__init__(h_dim, dropout, clip_dim, history_shape, noise_shape, cond_mask_prob)
        noise = self.noise_shape[0] * self.noise_shape[1]
        history = self.history_shape[0] * self.history_shape[1]
        self.input_project = nn.Linear(h_dim + clip_dim + history + noise, h_dim)
        self.mlp = MLPBlock(h_dim, noise, n_blocks, activation)

    def forward(self, x_t, timesteps, y=None):
        inputs = torch.cat([
            self.embed_timestep(timesteps)[0],
            self.mask_cond(y['text_embedding'], y.get('uncond', False)),
            y['history_motion_normalized'].flatten(1),
            x_t.flatten(1),
        ], dim=1)
        return self.mlp(self.input_project(inputs)).reshape((-1,) + self.noise_shape)
