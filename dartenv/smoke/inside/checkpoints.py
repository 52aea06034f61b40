"""Stand-in network weights and statistics: seeded, small, in the shapes they are asked for.

The weights are tame on purpose: layer norms are the identity, biases are zero, and the layers
named in ``scales`` are small, so that what the VAE decodes stays near the mean pose and a long
rollout neither drifts nor explodes. Python 3.6 syntax.
"""

import math
import pickle
from pathlib import Path
from typing import Any, Dict, Tuple

from . import heavy

_INTEGERS = ("int64", "int32", "int16", "uint8", "bool")


def torch_checkpoint(item: Dict[str, Any]) -> None:
    """Write ``item["path"]``: a dict of ``num_steps`` and ``model_state_dict``.

    ``item["tensors"]`` maps names to (shape, dtype name); ``item["scales"]`` maps a part of a
    name to the standard deviation of its weights.
    """
    torch = heavy.torch()

    torch.manual_seed(int(item.get("seed", 0)))
    scales = item.get("scales", {})
    tables: Dict[Tuple[int, ...], Any] = {}
    state = {}
    for name, (shape, dtype) in sorted(item["tensors"].items()):
        state[name] = _tensor(name, tuple(shape), dtype, scales, tables)
    checkpoint = {"num_steps": int(item.get("num_steps", 0)), "model_state_dict": state}
    with Path(item["path"]).open("wb") as stream:
        torch.save(checkpoint, stream)


def _tensor(
    name: str,
    shape: Tuple[int, ...],
    dtype: str,
    scales: Dict[str, float],
    tables: Dict[Tuple[int, ...], Any],
) -> Any:
    torch = heavy.torch()

    kind = getattr(torch, dtype)
    leaf = name.rsplit(".", 1)[-1]
    if not shape:  # latent_mean, latent_std and their like
        return torch.tensor(1 if leaf.endswith(("std", "scale")) else 0, dtype=kind)
    if dtype in _INTEGERS:
        return torch.zeros(shape, dtype=kind)
    if leaf == "pe":
        if shape not in tables:
            tables[shape] = _sinusoids(shape)
        return tables[shape].to(kind)
    if len(shape) == 1 and leaf == "weight":  # a layer norm
        return torch.ones(shape, dtype=kind)
    if leaf.endswith("bias"):
        return torch.zeros(shape, dtype=kind)
    deviation = 1.0 / math.sqrt(shape[-1])
    for part, value in scales.items():
        if part in name:
            deviation = float(value)
    return (torch.randn(shape) * deviation).to(kind)


def _sinusoids(shape: Tuple[int, ...]) -> Any:
    """Sine and cosine position codes, [positions, 1, width] or [1, positions, width]."""
    torch = heavy.torch()

    width = shape[-1]
    positions = 1
    for size in shape[:-1]:
        positions *= size
    place = torch.arange(positions, dtype=torch.float32).unsqueeze(1)
    pair = torch.arange((width + 1) // 2, dtype=torch.float32)
    angle = place * torch.pow(torch.tensor(10000.0), -2.0 * pair / width)
    table = torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1).reshape(positions, -1)
    return table[:, :width].reshape(shape).clone()


def mean_std(item: Dict[str, Any]) -> None:
    """Write the pickled pair (mean, std), two torch tensors [1, 1, D], D = ``item["width"]``.

    The mean is the standing skeleton in DART's canonical frame; a width other than 276 gets
    zeros, since the layout is then not ours to guess.
    """
    torch = heavy.torch()

    from .skeleton import mean_features

    width = int(item.get("width", 276))
    features = mean_features(float(item.get("scale", 1.0)))
    if features.shape[0] != width:
        features = features[:0]
    mean = torch.zeros(1, 1, width)
    mean[0, 0, : features.shape[0]] = torch.from_numpy(features).float()
    std = torch.full((1, 1, width), float(item.get("std", 0.05)))
    with Path(item["path"]).open("wb") as stream:
        pickle.dump((mean, std), stream, protocol=4)
