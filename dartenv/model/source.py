"""Everything that a DART tree says about one denoiser: weights, sizes, statistics, body, start.

Read without torch and without loading a pickle. Paths are followed as DART follows them: the
denoiser's args.yaml names the VAE, the VAE's names its configuration and its statistics.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from dartenv.assets.args_yaml import DartArgs, read_args, read_mapping
from dartenv.assets.arrays import Arrays, read_checkpoint, read_entries, read_pickle
from dartenv.assets.layouts import statistics_name
from dartenv.assets.shapes import expected_tensors, mismatches, optional_tensors, summarised
from dartenv.errors import UsageFault
from dartenv.model.clip_state import read_clip
from dartenv.model.config import (
    DenoiserConfig,
    DiffusionConfig,
    VaeConfig,
    denoiser_config,
    diffusion_config,
    vae_config,
)
from dartenv.model.layout import JOINTS
from dartenv.model.numbers import first_features

BETAS = 10  # shape numbers that DART gives its body models; all zero in every released run


@dataclass(frozen=True)
class Places:
    """What the tree itself does not say: where files lie that args.yaml does not name.

    ``bodies`` is body_model_dir; ``motions`` the seed motion by data set ("hml3d", and "" for all
    others); ``clip`` CLIP's weights or ``None`` where texts are not encoded by CLIP;
    ``legacy_statistics`` the configuration for which DART reads mean_std.pkl.
    """

    denoiser: Path
    bodies: Path
    motions: Dict[str, str]
    clip: Optional[Path]
    gender: str = "male"
    legacy_statistics: str = ""


@dataclass(frozen=True)
class File:
    """A file that was read: its role, and what it held."""

    role: str
    path: Path
    sha256: str
    size: int


@dataclass
class DartSource:
    """One denoiser with all that belongs to it; arrays are numpy's, float32 unless said.

    ``rest_joints`` [55 or 52, 3] in metres at zero shape, ``parents`` of the same length; the
    first 22 are the body. ``history`` [H, F] is the start, normalised, in its own frame.
    """

    root: Path
    denoiser: DenoiserConfig
    vae: VaeConfig
    diffusion: DiffusionConfig
    denoiser_state: Arrays
    vae_state: Arrays
    latent_scale: Any
    history_frames: int
    future_frames: int
    fps: int
    mean: Any
    std: Any
    body: str
    gender: str
    rest_joints: Any
    parents: Tuple[int, ...]
    history: Any
    motion: str
    clip_state: Optional[Arrays] = None
    files: List[File] = field(default_factory=list)

    @property
    def body_parents(self) -> Tuple[int, ...]:
        return self.parents[:JOINTS]

    @property
    def pelvis(self) -> Any:
        """The rest pose's pelvis [3] in metres."""
        return self.rest_joints[0]

    @property
    def latent_shape(self) -> Tuple[int, ...]:
        """(T, Z): tokens of a latent, and the numbers of each."""
        return self.denoiser.noise

    @property
    def text_width(self) -> int:
        """C: the numbers of a text embedding."""
        return self.denoiser.text

    @property
    def diffusion_steps(self) -> int:
        """Steps of the diffusion before any respacing."""
        return self.diffusion.steps

    @property
    def words_hashed(self) -> bool:
        """Whether texts are embedded as the sandbox does, not by CLIP."""
        return self.clip_state is None


def read_source(root: Path, places: Places) -> DartSource:
    """Read all that belongs to the denoiser ``places.denoiser``.

    Raises UsageFault, naming the file: not there, damaged, a pickle that would run code, tensors
    missing, extra or of another shape, or numbers that are not finite.
    """
    files: List[File] = []
    denoiser_args = read_args(_with_args(places.denoiser, "denoiser"))
    denoiser_state = _state(places.denoiser, denoiser_args, "denoiser", files)
    vae_path = _below(root, denoiser_args.need("denoiser_args.mvae_path", str))
    vae_args = read_args(_with_args(vae_path, "VAE"))
    vae_state = _state(vae_path, vae_args, "vae", files)
    denoiser, vae = denoiser_config(denoiser_args), vae_config(vae_args)
    _agree(denoiser, vae, denoiser_args)
    history, future, fps = _lengths(root, vae_args)
    mean, std = _statistics(root, vae_args, (history, future), places, vae.features, files)
    rest, parents, body = _body(places, vae_args, files)
    dataset = str(vae_args.get("data_args.dataset", ""))
    motion = root / places.motions.get(dataset, places.motions[""])
    start = _start(motion, rest, parents, history, files)
    rescaled = bool(denoiser_args.get("denoiser_args.rescale_latent", 1))
    scale = vae_state.get("latent_std", np.float32(1.0)) if rescaled else np.float32(1.0)
    clip_state = None
    if places.clip is not None:
        clip_state = read_clip(places.clip, denoiser.text)
        files.append(_file("clip", places.clip))
    return DartSource(
        root=root,
        denoiser=denoiser,
        vae=vae,
        diffusion=diffusion_config(denoiser_args),
        denoiser_state=denoiser_state,
        vae_state=vae_state,
        latent_scale=np.asarray(scale, dtype=np.float32),
        history_frames=history,
        future_frames=future,
        fps=fps,
        mean=mean,
        std=std,
        body=body,
        gender=places.gender,
        rest_joints=rest,
        parents=parents,
        history=((start - mean) / std).astype(np.float32),
        motion=_shown(root, motion),
        clip_state=clip_state,
        files=files,
    )


def _with_args(checkpoint: Path, role: str) -> Path:
    path = checkpoint.parent / "args.yaml"
    if not path.is_file():
        raise UsageFault(
            f"{path}: not there", f"the arguments of the {role}", "dartenv doctor --select assets"
        )
    return path


def _state(path: Path, args: DartArgs, role: str, files: List[File]) -> Arrays:
    """The state dict of ``path``, held against what args.yaml describes."""
    state, _ = read_checkpoint(path)
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    wrong = mismatches(shapes, expected_tensors(args), optional_tensors(args))
    if wrong:
        raise UsageFault(
            f"{path}: " + "; ".join(summarised(wrong)),
            f"the {role} that {args.source} describes",
            "dartenv doctor --select assets.checkpoints",
        )
    for name, value in state.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            count = int((~np.isfinite(value)).sum())
            raise UsageFault(
                f"{path}: {name} holds {count} numbers that are NaN or infinite",
                "finite weights",
                "dartenv doctor --select assets.checkpoints",
            )
    files.append(_file(role, path))
    return {
        name: value.astype(np.float32) if value.dtype.kind == "f" else value
        for name, value in state.items()
    }


def _agree(denoiser: DenoiserConfig, vae: VaeConfig, args: DartArgs) -> None:
    if denoiser.noise != vae.latent or denoiser.history[1] != vae.features:
        raise UsageFault(
            f"{args.source}: a denoiser of latents {denoiser.noise} and"
            f" {denoiser.history[1]} features, with a VAE of {vae.latent} and {vae.features}",
            "two networks that were trained together",
        )


def _lengths(root: Path, args: DartArgs) -> Tuple[int, int, int]:
    """(history frames, future frames, frames a second) of the VAE's motion configuration."""
    config = _below(root, args.need("data_args.cfg_path", str))
    values = read_mapping(config)
    found = []
    for name in ("history_length", "future_length", "fps"):
        value = values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageFault(f"{config}: {name} is {value!r}", "a positive whole number")
        found.append(value)
    return found[0], found[1], found[2]


def _statistics(
    root: Path,
    args: DartArgs,
    lengths: Tuple[int, int],
    places: Places,
    features: int,
    files: List[File],
) -> Tuple[Any, Any]:
    cfg = args.need("data_args.cfg_path", str)
    name = statistics_name(cfg, lengths[0], lengths[1], places.legacy_statistics)
    path = _below(root, args.need("data_args.data_dir", str)) / name
    pair = read_pickle(path)
    files.append(_file("statistics", path))
    good = isinstance(pair, (tuple, list)) and len(pair) == 2
    arrays = [np.asarray(part, dtype=np.float32).reshape(-1) for part in pair] if good else []
    if not arrays or any(part.shape != (features,) for part in arrays):
        raise UsageFault(f"{path}: not mean and deviation", f"two tensors of {features} numbers")
    if not np.isfinite(arrays[0]).all() or not (arrays[1] > 0).all():
        raise UsageFault(f"{path}: not finite, or a deviation of 0", "statistics of motion")
    return arrays[0], arrays[1]


def _body(places: Places, args: DartArgs, files: List[File]) -> Tuple[Any, Tuple[int, ...], str]:
    """(rest joints [J, 3], parents, "smplx" or "smplh") of the body model at zero shape."""
    kind = str(args.get("data_args.body_type", "smplx"))
    ending = "pkl" if kind == "smplh" else "npz"
    path = places.bodies / kind / f"{kind.upper()}_{places.gender.upper()}.{ending}"
    names = ("J_regressor", "v_template", "kintree_table")
    if ending == "pkl":
        arrays = read_entries(path, names)
    else:
        arrays = _npz(path, names)
    files.append(_file("body", path))
    try:
        template = np.asarray(arrays["v_template"], dtype=np.float64)
        rest = np.asarray(arrays["J_regressor"], dtype=np.float64) @ template
        parents = [int(p) for p in np.asarray(arrays["kintree_table"])[0].astype(np.int64)]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageFault(f"{path}: not a body model: {error}", ", ".join(names)) from None
    if rest.shape[0] < JOINTS or len(parents) != rest.shape[0]:
        raise UsageFault(f"{path}: {rest.shape[0]} joints", f"at least {JOINTS}")
    parents[0] = -1
    return rest.astype(np.float32), tuple(parents), kind


def _npz(path: Path, names: Sequence[str]) -> Dict[str, Any]:
    try:
        with np.load(str(path), allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except FileNotFoundError:
        raise UsageFault(
            f"{path}: not there", "a body model", "dartenv doctor --select assets"
        ) from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UsageFault(f"{path}: {error}", "an npz with " + ", ".join(names)) from None


def _start(path: Path, rest: Any, parents: Sequence[int], frames: int, files: List[File]) -> Any:
    motion = read_pickle(path)
    files.append(_file("motion", path))
    keys = ("transl", "global_orient", "body_pose")
    if not isinstance(motion, dict) or any(key not in motion for key in keys):
        raise UsageFault(f"{path}: not a motion", "a dictionary with " + ", ".join(keys))
    body = np.asarray(rest[:JOINTS], dtype=np.float64)
    try:
        return first_features(motion, body, parents[:JOINTS], frames)
    except (ValueError, IndexError, TypeError) as error:
        raise UsageFault(f"{path}: not a motion of {JOINTS} joints: {error}") from None


def _below(root: Path, text: str) -> Path:
    """A path as DART's args.yaml writes it, relative to the folder DART is started in."""
    return root / text.replace("\\", "/")


def _shown(root: Path, path: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.name


def _file(role: str, path: Path) -> File:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
            size += len(block)
    return File(role, path, digest.hexdigest(), size)
