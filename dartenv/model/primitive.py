"""One motion primitive in torch: sample a latent, decode it, carry the motion on.

This is the reference that exported models are held against; it follows the loop of
zkf1997/DART mld/rollout_mld.py with the noise given from outside.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
import torch

from dartenv.errors import UsageFault
from dartenv.model.denoiser import guided, make_denoiser
from dartenv.model.diffusion import Sampler, sampler
from dartenv.model.features import Body, World, next_history, to_world
from dartenv.model.layout import JOINTS
from dartenv.model.source import DartSource
from dartenv.model.vae import MotionVae


class PrimitiveOut(NamedTuple):
    """What a primitive gives: N future frames, and what the next one starts from.

    ``motion`` [B, N, F] denormalised in the primitive's own frame; ``rotations``
    [B, N, 22, 3, 3], ``translation`` [B, N, 3] and ``joints`` [B, N, 22, 3] in the world;
    ``history`` [B, H, F] normalised, with its ``world``; ``latent`` [B, T, Z].
    """

    motion: Any
    rotations: Any
    translation: Any
    joints: Any
    history: Any
    world: World
    latent: Any


class PrimitiveModel:
    """DART's denoiser and VAE with the weights of ``source``, in torch, without gradients.

    In float32, as DART computes; with ``exact`` in float64, to tell what float32 costs.
    """

    def __init__(self, source: DartSource, respacing: str = "", exact: bool = False) -> None:
        self.source, self.respacing = source, respacing
        self.dtype = torch.float64 if exact else torch.float32
        self.denoiser = load(make_denoiser(source.denoiser), source.denoiser_state, "denoiser")
        self.vae = load(MotionVae(source.vae), source.vae_state, "VAE")
        self.sampler: Sampler = sampler(source.diffusion, respacing)
        self.denoiser.to(self.dtype)
        self.vae.to(self.dtype)
        self.mean = torch.from_numpy(source.mean).to(self.dtype)
        self.std = torch.from_numpy(source.std).to(self.dtype)
        self.scale = torch.from_numpy(np.array(source.latent_scale)).to(self.dtype)

    def sample(self, history: Any, text: Any, noise: Any, guidance: Any) -> Any:
        """A latent [B, T, Z] as the denoiser sees it. ``noise`` [S + 1, B, T, Z]: the start,
        then what each step adds. ``guidance`` [B, 1]."""
        x, scale = noise[0], guidance[:, :, None]
        steps = zip(self.sampler.timesteps, self.sampler.coefficients, noise[1:])
        for timestep, (a, b, c), fresh in steps:
            t = torch.full((x.shape[0],), timestep, dtype=torch.long)
            clean = guided(self.denoiser, x, t, text, history, scale)
            x = float(a) * clean + float(b) * x + float(c) * fresh
        return x

    @torch.no_grad()
    def __call__(
        self,
        history: Any,
        text: Any,
        noise: Any,
        guidance: Any,
        world: World,
        pelvis: Any,
        rest_joints: Optional[Any] = None,
    ) -> PrimitiveOut:
        """One primitive. With ``rest_joints`` [B, 22, 3] the next history's joints are the body
        model's, as DART does without --use_predicted_joints; else those predicted."""
        given = (history, text, noise, guidance, *world, pelvis)
        history, text, noise, guidance, *placed, pelvis = (v.to(self.dtype) for v in given)
        world = World(*placed)
        latent = self.sample(history, text, noise, guidance)
        future = self.vae.decode(latent * self.scale, history, self.source.future_frames)
        motion = future * self.std + self.mean
        frames = torch.cat([history * self.std + self.mean, motion], dim=1)
        body = None
        if rest_joints is not None:
            body = Body(rest_joints.to(self.dtype), self.source.body_parents)
        last = frames[:, -self.source.history_frames :]
        following, following_world = next_history(last, world, pelvis, body)
        rotations, translation, joints = to_world(motion, world, pelvis)
        return PrimitiveOut(
            motion,
            rotations,
            translation,
            joints,
            (following - self.mean) / self.std,
            following_world,
            latent,
        )

    def start(self, batch: int) -> Any:
        """(history [B, H, F], world, pelvis [B, 3], rest joints [B, 22, 3]) of a beginning."""
        history = torch.from_numpy(self.source.history).repeat(batch, 1, 1)
        world = World(torch.eye(3).repeat(batch, 1, 1), torch.zeros(batch, 1, 3))
        rest = torch.from_numpy(self.source.rest_joints[:JOINTS]).repeat(batch, 1, 1)
        return history, world, rest[:, 0], rest


def load(network: Any, state: Any, what: str) -> Any:
    """Give ``network`` the arrays of ``state`` by name and make it ready to run.

    Raises UsageFault for a tensor that is missing or that the network does not have; only
    latent_mean and latent_std may be absent (DART fills them in too).
    """
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    missing, extra = network.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if name not in ("latent_mean", "latent_std")]
    if missing or extra:
        raise UsageFault(
            f"{what}: missing {', '.join(missing) or 'nothing'}; not of this network "
            f"{', '.join(extra) or 'nothing'}",
            "the tensors that its args.yaml describes",
        )
    return network.eval().requires_grad_(False)
