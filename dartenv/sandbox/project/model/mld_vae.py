"""The motion VAE of the sandbox: eight future frames to one latent and back, given the history.

Parameter names are DART's, sizes are small. Encoder and decoder are transformers whose layers
are joined in pairs by skip connections.
"""

import torch
from torch import nn


class LearnedPositions(nn.Module):
    """A learned table [500, 1, D], added to tokens [S, B, D]."""

    def __init__(self, d_model, max_len=500):
        super().__init__()
        self.pe = nn.Parameter(torch.rand(max_len, 1, d_model))

    def forward(self, tokens):
        return tokens + self.pe[: tokens.shape[0]]


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each with a residual and a norm after it."""

    def __init__(self, d_model, num_heads, ff_size, dropout, activation, normalize_before):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d_model, num_heads, dropout=dropout)
        self.linear1 = nn.Linear(d_model, ff_size)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(ff_size, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)
        self.activation = {'gelu': nn.functional.gelu, 'relu': torch.relu}[activation]
        self.normalize_before = normalize_before

    def _attend(self, x):
        return self.dropout1(self.self_attn(x, x, x, need_weights=False)[0])

    def _feed(self, x):
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

    def forward(self, x):
        if self.normalize_before:
            x = x + self._attend(self.norm1(x))
            return x + self._feed(self.norm2(x))
        x = self.norm1(x + self._attend(x))
        return self.norm2(x + self._feed(x))


class SkipTransformerEncoder(nn.Module):
    """An odd number of layers; what goes in on the way down is given back on the way up."""

    def __init__(self, make_layer, num_layers, d_model):
        super().__init__()
        if num_layers % 2 == 0:
            raise ValueError('sandbox: num_layers is {}, an odd number is needed'.format(num_layers))
        pairs = (num_layers - 1) // 2
        self.input_blocks = nn.ModuleList(make_layer() for _ in range(pairs))
        self.middle_block = make_layer()
        self.output_blocks = nn.ModuleList(make_layer() for _ in range(pairs))
        self.linear_blocks = nn.ModuleList(nn.Linear(2 * d_model, d_model) for _ in range(pairs))
        self.norm = nn.LayerNorm(d_model)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x):
        kept = []
        for block in self.input_blocks:
            x = block(x)
            kept.append(x)
        x = self.middle_block(x)
        for block, linear in zip(self.output_blocks, self.linear_blocks):
            x = block(linear(torch.cat([x, kept.pop()], dim=-1)))
        return self.norm(x)


class AutoMldVae(nn.Module):
    def __init__(self, nfeats, latent_dim=(1, 256), h_dim=512, ff_size=1024, num_layers=9,
                 num_heads=4, dropout=0.1, arch='all_encoder', normalize_before=False,
                 activation='gelu', position_embedding='learned', **unused):
        super().__init__()
        if arch != 'all_encoder' or position_embedding != 'learned':
            raise ValueError('sandbox: only arch all_encoder with learned positions is here')
        self.latent_size, self.latent_dim = latent_dim[0], latent_dim[-1]
        self.h_dim = h_dim
        self.arch = arch

        def make_layer():
            return EncoderLayer(h_dim, num_heads, ff_size, dropout, activation, normalize_before)

        self.query_pos_encoder = LearnedPositions(h_dim)
        self.query_pos_decoder = LearnedPositions(h_dim)
        self.encoder = SkipTransformerEncoder(make_layer, num_layers, h_dim)
        self.encoder_latent_proj = nn.Linear(h_dim, self.latent_dim)
        self.decoder = SkipTransformerEncoder(make_layer, num_layers, h_dim)
        self.decoder_latent_proj = nn.Linear(self.latent_dim, h_dim)
        self.global_motion_token = nn.Parameter(torch.randn(2 * self.latent_size, h_dim))
        self.skel_embedding = nn.Linear(nfeats, h_dim)
        self.final_layer = nn.Linear(h_dim, nfeats)
        self.register_buffer('latent_mean', torch.tensor(0.0))
        self.register_buffer('latent_std', torch.tensor(1.0))

    def encode(self, future_motion, history_motion, scale_latent=False):
        """A latent [1, B, Z] drawn from the posterior, and the posterior, of normalised frames.

        ``future_motion`` [B, F, D], ``history_motion`` [B, H, D]. With ``scale_latent`` the
        latent is divided by its standard deviation over the training data.
        """
        frames = self.skel_embedding(torch.cat([history_motion, future_motion], dim=1))
        tokens = self.global_motion_token[:, None].expand(-1, frames.shape[0], -1)
        tokens = self.query_pos_encoder(torch.cat([tokens, frames.transpose(0, 1)]))
        numbers = self.encoder_latent_proj(self.encoder(tokens)[: 2 * self.latent_size])
        mean, logvar = numbers.chunk(2)
        posterior = torch.distributions.Normal(mean, torch.exp(0.5 * logvar.clamp(-10, 10)))
        latent = posterior.rsample()
        return (latent / self.latent_std if scale_latent else latent), posterior

    def decode(self, z, history_motion, nfuture, scale_latent=False):
        """Normalised future frames [B, F, D] from a latent [1, B, Z] and the history."""
        z = z * self.latent_std if scale_latent else z
        history = self.skel_embedding(history_motion).transpose(0, 1)
        queries = history.new_zeros((nfuture,) + history.shape[1:])
        tokens = torch.cat([self.decoder_latent_proj(z), history, queries])
        tokens = self.decoder(self.query_pos_decoder(tokens))[-nfuture:]
        return self.final_layer(tokens).transpose(0, 1)
