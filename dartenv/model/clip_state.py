"""CLIP's weights, held against what its text half is made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from dartenv.assets.arrays import Arrays, read_checkpoint
from dartenv.assets.layouts import ClipTextNumbers, clip_text_tensors
from dartenv.assets.shapes import summarised
from dartenv.errors import UsageFault

HEAD_WIDTH = 64  # CLIP has one attention head for each 64 numbers of the text width
EXPECTED = "openai/CLIP's ViT-B-32.pt"
HELP = "dartenv doctor --select assets.clip"
_BLOCK = re.compile(r"transformer\.resblocks\.([0-9]+)\.")
# What the archive holds beside tensors of its halves, and what no embedding needs.
_BESIDE = frozenset(["input_resolution", "context_length", "vocab_size", "logit_scale"])


def read_clip(path: Path, embedding: int) -> Arrays:
    """The state dict of CLIP at ``path``, whose text embeddings have ``embedding`` numbers.

    Raises UsageFault, naming the file: not there, damaged, a pickle that would run code, tensors
    missing, extra or of another shape, numbers that are not finite, another CLIP.
    """
    state, _ = read_checkpoint(path)
    wrong = _misfits({name: tuple(value.shape) for name, value in state.items()})
    if wrong:
        raise UsageFault(f"{path}: " + "; ".join(summarised(tuple(wrong))), EXPECTED, HELP)
    for name, value in state.items():
        if _is_text(name) and value.dtype.kind == "f" and not np.isfinite(value).all():
            count = int((~np.isfinite(value)).sum())
            raise UsageFault(
                f"{path}: {name} holds {count} numbers that are NaN or infinite", EXPECTED, HELP
            )
    made = state["text_projection"].shape[1]
    if made != embedding:
        raise UsageFault(
            f"{path}: text embeddings of {made} numbers",
            f"{embedding}, as the denoiser takes",
            HELP,
        )
    return state


def _is_text(name: str) -> bool:
    return not name.startswith("visual.") and name not in _BESIDE


def _misfits(shapes: Dict[str, Tuple[int, ...]]) -> List[str]:
    """How the text half differs from CLIP's, one sentence each."""
    table, projection = shapes.get("token_embedding.weight"), shapes.get("text_projection")
    places, inner = shapes.get("positional_embedding"), _feed_forward(shapes)
    sized = {
        "token_embedding.weight": table,
        "text_projection": projection,
        "positional_embedding": places,
    }
    absent = [f"{name} is missing" for name, shape in sized.items() if shape is None]
    if table is None or projection is None or places is None:
        return absent
    if any(len(shape) != 2 for shape in (table, projection, places)) or table[1] % HEAD_WIDTH:
        return [f"{name} is {shape}" for name, shape in sized.items()]
    layers = [int(found.group(1)) for found in map(_BLOCK.match, shapes) if found]
    expected = clip_text_tensors(
        ClipTextNumbers(
            context=places[0],
            vocabulary=table[0],
            width=table[1],
            embedding=projection[1],
            layers=max(layers, default=-1) + 1,
            feed_forward=max(1, inner // table[1]),
        )
    )
    found = {name: shape for name, shape in shapes.items() if _is_text(name)}
    wrong = [
        f"{name} is {found[name]}, CLIP's is {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    wrong += [f"{n} is missing" for n in expected if n not in found and n not in _BESIDE]
    return wrong + [f"{name} is not part of it" for name in found if name not in expected]


def _feed_forward(shapes: Dict[str, Tuple[int, ...]]) -> int:
    shape = shapes.get("transformer.resblocks.0.mlp.c_fc.weight", ())
    return shape[0] if shape else 0
