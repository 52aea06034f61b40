"""The sizes of DART's networks, read from args.yaml.

Source: zkf1997/DART mld/train_mld.py (DenoiserArgs), mld/train_mvae.py (VAEArgs, DataArgs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from dartenv.assets.args_yaml import ArgsFault, DartArgs
from dartenv.assets.shapes import denoiser_class

_MODEL = "denoiser_args.model_args"
_DIFFUSION = "denoiser_args.diffusion_args"


@dataclass(frozen=True)
class DenoiserConfig:
    """A denoiser: ``kind`` is ``transformer`` or ``mlp``.

    ``history`` is (H frames, F features), ``noise`` (T tokens, Z numbers). ``layers`` counts
    transformer layers or, for an MLP, its blocks.
    """

    kind: str
    width: int
    feed_forward: int
    layers: int
    heads: int
    activation: str
    text: int
    history: Tuple[int, int]
    noise: Tuple[int, int]


@dataclass(frozen=True)
class VaeConfig:
    """A VAE: ``arch`` is ``all_encoder`` or ``encoder_decoder``; ``latent`` (T tokens, Z)."""

    arch: str
    width: int
    feed_forward: int
    layers: int
    heads: int
    activation: str
    norm_first: bool
    features: int
    latent: Tuple[int, int]


@dataclass(frozen=True)
class DiffusionConfig:
    """The diffusion a denoiser was trained with. ``sigma_small``: the posterior's variance."""

    steps: int
    noise_schedule: str
    sigma_small: bool


def denoiser_config(args: DartArgs) -> DenoiserConfig:
    """The denoiser that ``args`` describes. Raises ArgsFault."""
    history, noise = (
        args.sizes(f"{_MODEL}.history_shape", 2),
        args.sizes(f"{_MODEL}.noise_shape", 2),
    )
    mlp = denoiser_class(args) == "DenoiserMLPArgs"
    return DenoiserConfig(
        kind="mlp" if mlp else "transformer",
        width=args.size(f"{_MODEL}.h_dim"),
        feed_forward=0 if mlp else args.size(f"{_MODEL}.ff_size"),
        layers=args.size(f"{_MODEL}.n_blocks" if mlp else f"{_MODEL}.num_layers"),
        heads=0 if mlp else args.size(f"{_MODEL}.num_heads"),
        activation=_activation(args, f"{_MODEL}.activation", mlp),
        text=args.size(f"{_MODEL}.clip_dim"),
        history=(history[0], history[1]),
        noise=(noise[0], noise[1]),
    )


def vae_config(args: DartArgs) -> VaeConfig:
    """The VAE that ``args`` describes. Raises ArgsFault."""
    at = "model_args"
    tokens, latent = args.sizes(f"{at}.latent_dim", 2)
    positions = args.get(f"{at}.position_embedding", "learned")
    if positions not in ("learned", "v3"):
        # DART's sine table is returned in place of the tokens, so no such network can be trained.
        raise ArgsFault(f"{args.source}: {at}.position_embedding is {positions!r}", "learned")
    arch = args.need(f"{at}.arch", str)
    if arch not in ("all_encoder", "encoder_decoder"):
        raise ArgsFault(f"{args.source}: {at}.arch is {arch!r}", "all_encoder or encoder_decoder")
    return VaeConfig(
        arch=arch,
        width=args.size(f"{at}.h_dim"),
        feed_forward=args.size(f"{at}.ff_size"),
        layers=args.size(f"{at}.num_layers"),
        heads=args.size(f"{at}.num_heads"),
        activation=_activation(args, f"{at}.activation", mlp=False),
        norm_first=bool(args.get(f"{at}.normalize_before", False)),
        features=args.size(f"{at}.nfeats"),
        latent=(tokens, latent),
    )


def diffusion_config(args: DartArgs) -> DiffusionConfig:
    """The diffusion that a denoiser's ``args`` describe. Raises ArgsFault."""
    schedule = args.get(f"{_DIFFUSION}.noise_schedule", "cosine")
    if schedule not in ("cosine", "linear"):
        raise ArgsFault(f"{args.source}: {_DIFFUSION}.noise_schedule is {schedule!r}", "cosine")
    return DiffusionConfig(
        steps=args.size(f"{_DIFFUSION}.diffusion_steps"),
        noise_schedule=str(schedule),
        sigma_small=bool(args.get(f"{_DIFFUSION}.sigma_small", True)),
    )


def _activation(args: DartArgs, dotted: str, mlp: bool) -> str:
    known = ("gelu", "relu", "tanh", "sigmoid", "lrelu") if mlp else ("gelu", "relu")
    found = args.need(dotted, str)
    if found not in known:
        raise ArgsFault(f"{args.source}: {dotted} is {found!r}", " or ".join(known))
    return found
