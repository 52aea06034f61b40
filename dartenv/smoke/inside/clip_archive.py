"""A stand-in for ViT-B-32.pt: a real TorchScript archive with its tensor names and shapes.

CLIP rebuilds its network from the names and shapes of the archive's state dict, so the modules
here only carry tensors; they compute nothing. Python 3.6 syntax.
"""

from pathlib import Path
from typing import Any, Dict, List, Tuple

from . import heavy

Shape = Tuple[int, ...]


def shapes(layout: Dict[str, int]) -> List[Tuple[str, Shape, bool]]:
    """(name, shape, kept in half precision) of every tensor, ViT layout."""
    embed, width, text = layout["embed"], layout["vision_width"], layout["text_width"]
    patch, grid = layout["patch"], layout["resolution"] // layout["patch"]
    found: List[Tuple[str, Shape, bool]] = [
        ("positional_embedding", (layout["context"], text), False),
        ("text_projection", (text, embed), True),
        ("logit_scale", (), False),
        ("token_embedding.weight", (layout["vocabulary"], text), False),
        ("ln_final.weight", (text,), False),
        ("ln_final.bias", (text,), False),
        ("visual.class_embedding", (width,), False),
        ("visual.positional_embedding", (grid * grid + 1, width), False),
        ("visual.proj", (width, embed), True),
        ("visual.conv1.weight", (width, 3, patch, patch), True),
    ]
    for norm in ("visual.ln_pre", "visual.ln_post"):
        found += [(norm + ".weight", (width,), False), (norm + ".bias", (width,), False)]
    for prefix, size, layers in (
        ("transformer", text, layout["text_layers"]),
        ("visual.transformer", width, layout["vision_layers"]),
    ):
        for layer in range(layers):
            found += _block(f"{prefix}.resblocks.{layer}", size)
    return found


def _block(prefix: str, size: int) -> List[Tuple[str, Shape, bool]]:
    found: List[Tuple[str, Shape, bool]] = [
        (prefix + ".attn.in_proj_weight", (3 * size, size), True),
        (prefix + ".attn.in_proj_bias", (3 * size,), True),
    ]
    for name, rows, columns in (
        ("attn.out_proj", size, size),
        ("mlp.c_fc", 4 * size, size),
        ("mlp.c_proj", size, 4 * size),
    ):
        found.append((f"{prefix}.{name}.weight", (rows, columns), True))
        found.append((f"{prefix}.{name}.bias", (rows,), True))
    for norm in ("ln_1", "ln_2"):
        found.append((f"{prefix}.{norm}.weight", (size,), False))
        found.append((f"{prefix}.{norm}.bias", (size,), False))
    return found


def clip_archive(item: Dict[str, Any]) -> None:
    """Write ``item["path"]`` for the sizes in ``item["layout"]``."""
    torch = heavy.torch()

    torch.manual_seed(int(item.get("seed", 0)))
    layout = item["layout"]

    root = torch.nn.Module()
    noise = torch.randn(1 << 22)
    for name, shape, half in shapes(layout):
        *path, leaf = name.split(".")
        place = root
        for step in path:
            if not hasattr(place, step):
                place.add_module(step, torch.nn.Module())
            place = getattr(place, step)
        tensor = _tensor(name, shape, noise)
        place.register_parameter(
            leaf, torch.nn.Parameter(tensor.half() if half else tensor, requires_grad=False)
        )
    for key, value in (
        ("input_resolution", layout["resolution"]),
        ("context_length", layout["context"]),
        ("vocab_size", layout["vocabulary"]),
    ):
        root.register_buffer(key, torch.tensor(value))
    root.eval()
    with Path(item["path"]).open("wb") as stream:  # a path would go through the ANSI code page
        torch.jit.save(torch.jit.script(root), stream)


def _tensor(name: str, shape: Shape, noise: Any) -> Any:
    torch = heavy.torch()

    if not shape:
        return torch.tensor(4.6052)  # logit_scale: log(100)
    if name.endswith(("bias", "in_proj_bias")):
        return torch.zeros(shape)
    if len(shape) == 1 and "ln_" in name:
        return torch.ones(shape)
    count = 1
    for size in shape:
        count *= size
    repeats = -(-count // noise.numel())
    values = noise.repeat(repeats)[:count] if repeats > 1 else noise[:count]
    # Each tensor starts elsewhere in the noise: equal layers would be too regular.
    values = torch.roll(values, shifts=len(name) * 7919 + count % 104729)
    return values.reshape(shape) * (shape[-1] ** -0.5)
