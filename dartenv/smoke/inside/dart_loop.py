"""DART's own functions, one motion primitive at a time, with the noise known.

The order of calls is that of mld/rollout_mld.py: its samplers draw the start and then each
step's noise from torch's generator, so seeding it before each primitive and drawing the same
shapes beforehand tells the noise. Python 3.6 syntax.
"""

import contextlib
import importlib
import io
from typing import Any, Dict, List, Optional, Tuple

from . import heavy

STAGES = ("motion", "rotations", "translation", "joints")
NEXT = ("next_history", "next_world_rotation", "next_world_translation")


class Dart:
    """DART of the working directory, its denoiser ``checkpoint`` loaded on the CPU.

    ``clip`` is (name, file) of stand-in CLIP weights, or ``None``. DART's printing is kept off
    stdout.
    """

    def __init__(self, checkpoint: str, motion: str, clip: Optional[List[str]] = None) -> None:
        torch = heavy.torch()
        if clip:
            from .bootstrap import redirect

            redirect(clip[0], clip[1])
        with contextlib.redirect_stdout(io.StringIO()):
            self.rollout = importlib.import_module("mld.rollout_mld")
            self.train = importlib.import_module("mld.train_mld")
            loaded = self.rollout.load_mld(checkpoint, torch.device("cpu"))
            self.denoiser_args, self.denoiser, self.vae_args, self.vae = loaded
            data = self.vae_args.data_args
            self.dataset = self.rollout.SinglePrimitiveDataset(
                cfg_path=data.cfg_path,
                dataset_path=data.data_dir,
                body_type=data.body_type,
                sequence_path=motion,
                batch_size=1,
                device="cpu",
                enforce_gender="male",
                enforce_zero_beta=1,
            )
        self.utility = self.dataset.primitive_utility
        self.shape = tuple(self.denoiser_args.model_args.noise_shape)

    def diffusion(self, respacing: str) -> Any:
        """DART's diffusion, respaced."""
        self.denoiser_args.diffusion_args.respacing = respacing
        return self.train.create_gaussian_diffusion(self.denoiser_args.diffusion_args)

    def texts(self, prompts: List[str]) -> Any:
        """DART's text embeddings [N, C] of ``prompts``."""
        torch = heavy.torch()
        found = self.rollout.encode_text(self.dataset.clip_model, prompts, force_empty_zero=True)
        return found.to(dtype=torch.float32)

    def start(self, batch: int) -> Dict[str, Any]:
        """The state of a rollout before its first primitive."""
        torch = heavy.torch()
        made = self.dataset.get_batch(batch_size=batch)[0]
        motion = made["motion_tensor_normalized"].squeeze(2).permute(0, 2, 1)
        betas = torch.zeros(batch, self.dataset.history_length + self.dataset.future_length, 10)
        offset = self.utility.calc_calibrate_offset({"betas": betas[:, 0], "gender": "male"})
        return {
            "history": motion[:, : self.dataset.history_length],
            "world_rotation": torch.eye(3).repeat(batch, 1, 1),
            "world_translation": torch.zeros(batch, 1, 3),
            "pelvis_offset": offset,
            "betas": betas,
        }

    def noise(self, seed: int, batch: int, steps: int) -> Any:
        """[S + 1, B, T, Z]: what DART draws after ``torch.manual_seed(seed)``."""
        torch = heavy.torch()
        torch.manual_seed(seed)
        first = torch.randn(batch, *self.shape)
        return torch.stack([first] + [torch.randn_like(first) for _ in range(steps)])

    def primitive(
        self,
        diffusion: Any,
        respacing: str,
        state: Dict[str, Any],
        text: Any,
        guidance: float,
        predicted: bool,
        seed: int,
    ) -> Dict[str, Any]:
        """One primitive by DART's functions: its outputs and the state after it."""
        torch = heavy.torch()
        batch = text.shape[0]
        history = state["history"]
        scale = torch.ones(batch, *self.shape) * guidance
        sampling = diffusion.p_sample_loop if respacing == "" else diffusion.ddim_sample_loop
        torch.manual_seed(seed)
        with torch.no_grad():
            latent = sampling(
                self.denoiser,
                (batch, *self.shape),
                clip_denoised=False,
                model_kwargs={
                    "y": {
                        "text_embedding": text,
                        "history_motion_normalized": history,
                        "scale": scale,
                    }
                },
                progress=False,
            )
            future = self.vae.decode(
                latent.permute(1, 0, 2),
                history,
                nfuture=self.dataset.future_length,
                scale_latent=self.denoiser_args.rescale_latent,
            )
            motion = self.dataset.denormalize(future)
            frames = torch.cat([self.dataset.denormalize(history), motion], dim=1)
            body = self.utility.feature_dict_to_smpl_dict(self._features(motion, state))
            world = self.utility.transform_primitive_to_world(body)
            last = self._features(frames[:, -self.dataset.history_length :], state)
            placed, blended = self.utility.get_blended_feature(
                last, use_predicted_joints=int(predicted)
            )
            following = self.dataset.normalize(self.utility.dict_to_tensor(blended))
        rotations = torch.cat([world["global_orient"].unsqueeze(2), world["body_pose"]], dim=2)
        return {
            "motion": motion,
            "rotations": rotations,
            "translation": world["transl"],
            "joints": world["joints"],
            "next_history": following,
            "next_world_rotation": placed["transf_rotmat"],
            "next_world_translation": placed["transf_transl"],
            "latent": latent,
        }

    def _features(self, frames: Any, state: Dict[str, Any]) -> Dict[str, Any]:
        parts = dict(self.utility.tensor_to_dict(frames))
        parts["transf_rotmat"] = state["world_rotation"].clone()
        parts["transf_transl"] = state["world_translation"].clone()
        parts["gender"] = "male"
        parts["betas"] = state["betas"][:, : frames.shape[1]]
        parts["pelvis_delta"] = state["pelvis_offset"]
        return parts


def advanced(state: Dict[str, Any], out: Dict[str, Any]) -> Dict[str, Any]:
    """The state after a primitive that gave ``out``."""
    following = dict(state)
    for name in NEXT:
        following[name[len("next_") :]] = out[name]
    return following


def closed_loop(
    dart: Dart, respacing: str, texts: Any, guidance: float, predicted: bool, seed: int
) -> Tuple[List[Dict[str, Any]], List[Any]]:
    """(outputs, noises) of a primitive for each of ``texts`` [K, B, C]; number k is seeded seed + k."""
    diffusion = dart.diffusion(respacing)
    state = dart.start(texts[0].shape[0])
    outs, noises = [], []
    for index, text in enumerate(texts):
        noises.append(dart.noise(seed + index, text.shape[0], diffusion.num_timesteps))
        out = dart.primitive(diffusion, respacing, state, text, guidance, predicted, seed + index)
        outs.append(out)
        state = advanced(state, out)
    return outs, noises
