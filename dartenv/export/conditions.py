"""What exported models are run under when they are judged: out of a DART tree, or of a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Sequence, Tuple

import numpy as np

from dartenv.bundle.contract import Bundle


class Conditions(Protocol):
    """Where a motion begins, of which sizes and on which body; DartSource is one.

    ``history`` [H, F] normalised, ``mean`` and ``std`` [F], ``rest_joints`` [22 or more, 3] and
    ``pelvis`` [3] in metres, ``latent_shape`` (T, Z), ``text_width`` C, ``diffusion_steps`` before
    any respacing, ``latent_scale`` from the denoiser's latents to the VAE's. ``words_hashed``: texts are embedded as the sandbox does, not by CLIP.
    """

    @property
    def history(self) -> Any: ...
    @property
    def mean(self) -> Any: ...
    @property
    def std(self) -> Any: ...
    @property
    def rest_joints(self) -> Any: ...
    @property
    def pelvis(self) -> Any: ...
    @property
    def body_parents(self) -> Tuple[int, ...]: ...
    @property
    def fps(self) -> int: ...
    @property
    def future_frames(self) -> int: ...
    @property
    def latent_shape(self) -> Tuple[int, ...]: ...
    @property
    def text_width(self) -> int: ...
    @property
    def diffusion_steps(self) -> int: ...
    @property
    def latent_scale(self) -> Any: ...
    @property
    def words_hashed(self) -> bool: ...


@dataclass(frozen=True)
class BundleConditions:
    """The same out of bundle.json."""

    history: Any
    mean: Any
    std: Any
    rest_joints: Any
    body_parents: Tuple[int, ...]
    fps: int
    future_frames: int
    latent_shape: Tuple[int, ...]
    text_width: int
    diffusion_steps: int
    latent_scale: Any
    words_hashed: bool

    @property
    def pelvis(self) -> Any:
        """The rest pose's pelvis [3] in metres."""
        return self.rest_joints[0]


def of_bundle(bundle: Bundle) -> BundleConditions:
    """What ``bundle`` says of itself."""

    def array(values: Sequence[Any]) -> Any:
        return np.array(values, dtype=np.float32)

    sizes, statistics = bundle.sizes, bundle.statistics
    return BundleConditions(
        history=array(bundle.start.history),
        mean=array(statistics.mean),
        std=array(statistics.std),
        rest_joints=array(bundle.skeleton.rest_joints),
        body_parents=tuple(bundle.skeleton.parents),
        fps=bundle.fps,
        future_frames=sizes.future,
        latent_shape=(sizes.tokens, sizes.latent),
        text_width=sizes.text,
        diffusion_steps=1 + max(max(s.timesteps) for s in bundle.schedules),
        latent_scale=np.float32(bundle.latent_scale),
        words_hashed=bundle.tokenizer.kind == "hashed",
    )
