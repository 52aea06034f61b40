"""What the other asset files hold: statistics, motions, body models, CLIP's text encoder.

Names and shapes only; every number comes from the caller, who has it from a manifest or from
args.yaml. Needs the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

Shape = Tuple[int, ...]
ANY = -1  # a dimension that may have any length


@dataclass(frozen=True)
class BodyNumbers:
    """The sizes of one body model (SMPL-X: 10475, 20908, 55, 400, 45, 51)."""

    vertices: int
    faces: int
    joints: int
    shape_components: int = ANY
    hand_components: int = 45
    landmarks: int = 0  # SMPL-H has none


@dataclass(frozen=True)
class ClipTextNumbers:
    """The sizes of CLIP's text encoder (ViT-B/32: 77, 49408, 512, 512, 12, 4)."""

    context: int
    vocabulary: int
    width: int
    embedding: int
    layers: int
    feed_forward: int = 4  # times the width


def body_arrays(numbers: BodyNumbers) -> Dict[str, Shape]:
    """Arrays that the smplx package reads from a body model file, by name.

    Lengths in metres, weights and regressors without unit. Each joint but the root adds nine pose
    blend shapes, one for each element of its rotation matrix. Source: smplx body_models.py.
    """
    n = numbers
    arrays: Dict[str, Shape] = {
        "v_template": (n.vertices, 3),
        "shapedirs": (n.vertices, 3, n.shape_components),
        "posedirs": (n.vertices, 3, (n.joints - 1) * 9),
        "J_regressor": (n.joints, n.vertices),
        "weights": (n.vertices, n.joints),
        "f": (n.faces, 3),
        "kintree_table": (2, n.joints),
        "hands_componentsl": (n.hand_components, n.hand_components),
        "hands_componentsr": (n.hand_components, n.hand_components),
        "hands_meanl": (n.hand_components,),
        "hands_meanr": (n.hand_components,),
    }
    if n.landmarks:
        arrays["lmk_faces_idx"] = (n.landmarks,)
        arrays["lmk_bary_coords"] = (n.landmarks, 3)
    return arrays


def clip_text_tensors(numbers: ClipTextNumbers) -> Dict[str, Shape]:
    """Tensors of CLIP's text half, by name. Source: CLIP's clip/model.py."""
    n = numbers
    tensors: Dict[str, Shape] = {
        "positional_embedding": (n.context, n.width),
        "token_embedding.weight": (n.vocabulary, n.width),
        "text_projection": (n.width, n.embedding),
        "logit_scale": (),
        "ln_final.weight": (n.width,),
        "ln_final.bias": (n.width,),
    }
    inner = n.width * n.feed_forward
    for index in range(n.layers):
        block = f"transformer.resblocks.{index}"
        tensors[f"{block}.attn.in_proj_weight"] = (3 * n.width, n.width)
        tensors[f"{block}.attn.in_proj_bias"] = (3 * n.width,)
        tensors[f"{block}.attn.out_proj.weight"] = (n.width, n.width)
        tensors[f"{block}.attn.out_proj.bias"] = (n.width,)
        tensors[f"{block}.mlp.c_fc.weight"] = (inner, n.width)
        tensors[f"{block}.mlp.c_fc.bias"] = (inner,)
        tensors[f"{block}.mlp.c_proj.weight"] = (n.width, inner)
        tensors[f"{block}.mlp.c_proj.bias"] = (n.width,)
        for norm in ("ln_1", "ln_2"):
            tensors[f"{block}.{norm}.weight"] = (n.width,)
            tensors[f"{block}.{norm}.bias"] = (n.width,)
    return tensors


def statistics_name(
    cfg_path: str, history_length: int, future_length: int, legacy_cfg_path: str
) -> str:
    """The file in data_dir that holds mean and standard deviation of the motion features.

    DART compares ``cfg_path`` as it is written, so another spelling of the same path does not
    count as the old one. Source: DART's data_loaders/humanml/data/dataset.py:2349.
    """
    if cfg_path == legacy_cfg_path:
        return "mean_std.pkl"
    return f"mean_std_h{history_length}_f{future_length}.pkl"


def statistics_layout(feature_dim: int) -> Tuple[Shape, Shape]:
    """Shapes of the pair (mean, standard deviation) of torch tensors, float32."""
    return (1, 1, feature_dim), (1, 1, feature_dim)


def motion_layout(frames: int, body_joints: int, betas: int) -> Dict[str, Shape]:
    """Arrays of a motion pickle: metres, axis-angle in radians, z up.

    ``body_joints`` without the pelvis (21). Beside them stand "gender" (text) and "texts" (list of
    text, the first one is the prompt). DART also reads rotation matrices, (frames, joints, 3, 3).
    """
    return {
        "betas": (betas,),
        "transl": (frames, 3),
        "global_orient": (frames, 3),
        "body_pose": (frames, 3 * body_joints),
    }


def fits(found: Shape, wanted: Shape) -> bool:
    """Whether ``found`` is ``wanted``, where ANY stands for any length."""
    if len(found) != len(wanted):
        return False
    return all(w in (ANY, f) for f, w in zip(found, wanted))


def shown(shape: Shape) -> str:
    """A shape as people write it: "(10475, 3, any)"."""
    inner = ", ".join("any" if n == ANY else str(n) for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
