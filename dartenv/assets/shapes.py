"""The tensors that DART's networks keep in a checkpoint, worked out from args.yaml.

Sources: DART's model/mld_denoiser.py (DenoiserTransformer, DenoiserMLP), model/mld_vae.py
(AutoMldVae) and mld/models/operator/ (skip transformers, position encodings), with the parameter
names of torch's Linear, LayerNorm, MultiheadAttention and TransformerEncoder. Needs nothing but the
standard library and a :class:`~dartenv.assets.args_yaml.DartArgs`.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Mapping, Tuple

from dartenv.assets.args_yaml import ArgsFault, DartArgs

Shape = Tuple[int, ...]
Tensors = Dict[str, Tuple[Shape, str]]

FLOAT = "float32"
# Lengths of the two position tables in DART's code; neither is an argument.
DENOISER_POSITIONS = 5000
VAE_POSITIONS = 500
# Written since DART rescales latents; its loaders fill them in when an older file lacks them.
OPTIONAL_VAE = frozenset(["latent_mean", "latent_std"])


def expected_tensors(args: DartArgs) -> Tensors:
    """Name -> (shape, dtype) of every tensor in the state dict that ``args`` describes.

    For a denoiser (transformer or MLP) or a VAE (``all_encoder`` or ``encoder_decoder``). Raises
    ArgsFault when a size is missing, impossible, or the kind has no known network.
    """
    if args.kind == "denoiser":
        if denoiser_class(args) == "DenoiserMLPArgs":
            return _denoiser_mlp(args, "denoiser_args.model_args")
        return _denoiser_transformer(args, "denoiser_args.model_args")
    if args.kind == "vae":
        return _vae(args, "model_args")
    raise ArgsFault(f"{args.source}: {args.kind or 'unknown'} arguments", "a denoiser or a VAE")


def optional_tensors(args: DartArgs) -> FrozenSet[str]:
    """Names from :func:`expected_tensors` that older checkpoints lack, harmlessly."""
    return OPTIONAL_VAE if args.kind == "vae" else frozenset()


def denoiser_class(args: DartArgs) -> str:
    """``DenoiserMLPArgs`` or ``DenoiserTransformerArgs``. Raises ArgsFault.

    DART decides by the dataclass of model_args; the plain form has no tag, its keys tell.
    """
    tagged = args.class_at("denoiser_args.model_args")
    if tagged is not None:
        if tagged not in ("DenoiserMLPArgs", "DenoiserTransformerArgs"):
            raise ArgsFault(f"{args.source}: denoiser_args.model_args is a {tagged}", "a denoiser")
        return tagged
    model = args.need("denoiser_args.model_args", dict)
    return "DenoiserMLPArgs" if "n_blocks" in model else "DenoiserTransformerArgs"


def mismatches(
    found: Mapping[str, Shape], expected: Tensors, optional: FrozenSet[str] = frozenset()
) -> Tuple[str, ...]:
    """How ``found`` (name -> shape) differs from ``expected``, one sentence each.

    Wrong shapes first, then missing, then unexpected tensors; dtypes are not compared, since
    loading a state dict converts them.
    """
    wrong = []
    for name, (shape, _) in expected.items():
        if name in found and tuple(found[name]) != shape:
            wrong.append(f"{name} is {found[name]}, args.yaml wants {shape}")
    missing = [n for n in expected if n not in found and n not in optional]
    extra = [n for n in found if n not in expected]
    return (
        *wrong,
        *(f"{name} is missing, args.yaml wants {expected[name][0]}" for name in missing),
        *(f"{name} is not part of this network" for name in extra),
    )


def summarised(sentences: Tuple[str, ...], limit: int = 6) -> Tuple[str, ...]:
    """At most ``limit`` of ``sentences``, then how many more there are."""
    if len(sentences) <= limit:
        return sentences
    return (*sentences[:limit], f"and {len(sentences) - limit} more that do not fit")


def _linear(out: Tensors, name: str, inputs: int, outputs: int) -> None:
    out[f"{name}.weight"] = ((outputs, inputs), FLOAT)
    out[f"{name}.bias"] = ((outputs,), FLOAT)


def _norm(out: Tensors, name: str, width: int) -> None:
    out[f"{name}.weight"] = ((width,), FLOAT)
    out[f"{name}.bias"] = ((width,), FLOAT)


def _attention(out: Tensors, name: str, width: int) -> None:
    out[f"{name}.in_proj_weight"] = ((3 * width, width), FLOAT)
    out[f"{name}.in_proj_bias"] = ((3 * width,), FLOAT)
    _linear(out, f"{name}.out_proj", width, width)


def _layer(out: Tensors, name: str, width: int, ff_size: int, cross: bool = False) -> None:
    """One transformer layer; ``cross`` adds the attention to the memory and its norm."""
    _attention(out, f"{name}.self_attn", width)
    if cross:
        _attention(out, f"{name}.multihead_attn", width)
    _linear(out, f"{name}.linear1", width, ff_size)
    _linear(out, f"{name}.linear2", ff_size, width)
    for index in range(1, 4 if cross else 3):
        _norm(out, f"{name}.norm{index}", width)


def _time_embedding(out: Tensors, width: int) -> None:
    positions = ((DENOISER_POSITIONS, 1, width), FLOAT)
    out["sequence_pos_encoder.pe"] = positions
    # The timestep embedder keeps the same module, so it is stored twice.
    out["embed_timestep.sequence_pos_encoder.pe"] = positions
    _linear(out, "embed_timestep.time_embed.0", width, width)
    _linear(out, "embed_timestep.time_embed.2", width, width)


def _denoiser_transformer(args: DartArgs, at: str) -> Tensors:
    width = _heads_fit(args, at)
    ff_size = args.size(f"{at}.ff_size")
    history = args.sizes(f"{at}.history_shape", 2)
    noise = args.sizes(f"{at}.noise_shape", 2)
    out: Tensors = {}
    _time_embedding(out, width)
    _linear(out, "embed_text", args.size(f"{at}.clip_dim"), width)
    _linear(out, "embed_history", history[-1], width)
    _linear(out, "embed_noise", noise[-1], width)
    for index in range(_count(args, f"{at}.num_layers")):
        _layer(out, f"seqTransEncoder.layers.{index}", width, ff_size)
    _linear(out, "output_process", width, noise[-1])
    return out


def _denoiser_mlp(args: DartArgs, at: str) -> Tensors:
    width = args.size(f"{at}.h_dim")
    history = args.sizes(f"{at}.history_shape", 2)
    noise = args.sizes(f"{at}.noise_shape", 2)
    noise_size = noise[0] * noise[1]
    out: Tensors = {}
    _time_embedding(out, width)
    inputs = width + args.size(f"{at}.clip_dim") + history[0] * history[1] + noise_size
    _linear(out, "input_project", inputs, width)
    for index in range(_count(args, f"{at}.n_blocks")):
        _linear(out, f"mlp.layers.{index}.layers.0", width, width)
        _linear(out, f"mlp.layers.{index}.layers.1", width, width)
    _linear(out, "mlp.out_fc", width, noise_size)
    return out


def _skip_transformer(
    out: Tensors, name: str, width: int, ff_size: int, layers: int, cross: bool
) -> None:
    """``layers`` = 2n + 1: n blocks in, one in the middle, n out, n linears that join them."""
    pairs = (layers - 1) // 2
    for index in range(pairs):
        _layer(out, f"{name}.input_blocks.{index}", width, ff_size, cross)
    _layer(out, f"{name}.middle_block", width, ff_size, cross)
    for index in range(pairs):
        _layer(out, f"{name}.output_blocks.{index}", width, ff_size, cross)
        _linear(out, f"{name}.linear_blocks.{index}", 2 * width, width)
    _norm(out, f"{name}.norm", width)


def _vae(args: DartArgs, at: str) -> Tensors:
    width = _heads_fit(args, at)
    ff_size = args.size(f"{at}.ff_size")
    layers = _count(args, f"{at}.num_layers")
    if layers % 2 == 0:
        raise ArgsFault(f"{args.source}: {at}.num_layers is {layers}", "an odd number")
    arch = args.need(f"{at}.arch", str)
    if arch not in ("all_encoder", "encoder_decoder"):
        raise ArgsFault(f"{args.source}: {at}.arch is {arch!r}", "all_encoder or encoder_decoder")
    tokens, latent = args.sizes(f"{at}.latent_dim", 2)
    features = args.size(f"{at}.nfeats")
    out: Tensors = {}
    out["global_motion_token"] = ((2 * tokens, width), FLOAT)
    for name in sorted(OPTIONAL_VAE):
        out[name] = ((), FLOAT)
    out["query_pos_encoder.pe"] = ((VAE_POSITIONS, 1, width), FLOAT)
    out["query_pos_decoder.pe"] = ((VAE_POSITIONS, 1, width), FLOAT)
    _skip_transformer(out, "encoder", width, ff_size, layers, cross=False)
    _linear(out, "encoder_latent_proj", width, latent)
    _skip_transformer(out, "decoder", width, ff_size, layers, cross=arch == "encoder_decoder")
    _linear(out, "decoder_latent_proj", latent, width)
    _linear(out, "skel_embedding", features, width)
    _linear(out, "final_layer", width, features)
    return out


def _count(args: DartArgs, dotted: str) -> int:
    count = args.size(dotted)
    if count > 1000:
        raise ArgsFault(f"{args.source}: {dotted} is {count}", "at most 1000")
    return count


def _heads_fit(args: DartArgs, at: str) -> int:
    width, heads = args.size(f"{at}.h_dim"), args.size(f"{at}.num_heads")
    if width % heads:
        raise ArgsFault(f"{args.source}: {at}.h_dim is {width}", f"a multiple of {heads} heads")
    return width
