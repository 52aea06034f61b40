"""Text to motion in the sandbox, primitive by primitive.

    python -m mld.rollout_mld --denoiser_checkpoint ./mld_denoiser/mld_sandbox/checkpoint_N.pt
        --text_prompt "walk forward*6,turn left*4" --guidance_param 5 --use_predicted_joints 1

Writes sample_0.pkl, sample_1.pkl ... beside the checkpoint and prints the folder last.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
import yaml
from torch import nn
from tqdm import tqdm

from data_loaders.humanml.data.dataset import SinglePrimitiveDataset
from mld.train_mld import DenoiserMLPArgs, MLDArgs, create_gaussian_diffusion
from mld.train_mvae import Args as MVAEArgs
from model.mld_denoiser import DenoiserMLP, DenoiserTransformer
from model.mld_vae import AutoMldVae
from utils.misc_util import encode_text, timeline
from utils.rollout_utils import (blender_arrays, first_history, frame_of, join, next_history,
                                 sample_of, to_world, write_pickle)


@dataclass
class RolloutArgs:
    seed: int = 0
    torch_deterministic: bool = True
    device: str = "cuda"

    save_dir = None
    dataset: str = 'babel'

    denoiser_checkpoint: str = ''
    respacing: str = ''

    text_prompt: str = ''

    batch_size: int = 4

    guidance_param: float = 1.0
    """how far classifier-free guidance goes beyond the text-free prediction"""

    export_smpl: int = 0
    """1 writes an npz for Blender's add-on beside every sample"""

    zero_noise: int = 0
    """1 samples from zeros instead of noise"""

    use_predicted_joints: int = 0
    """1 takes the joints that the network predicts, 0 those of the skeleton"""

    fix_floor: int = 0
    """1 keeps the lowest joint on the floor in every frame"""


class ClassifierFreeWrapper(nn.Module):
    """A denoiser guided by text: the text-free prediction plus scale times the difference."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        if model.cond_mask_prob <= 0:
            raise ValueError('sandbox: the denoiser was trained without masking its text')

    def forward(self, x, timesteps, y=None):
        text, history = y['text_embedding'], y['history_motion_normalized']
        both = {
            'text_embedding': torch.cat([text, torch.zeros_like(text)]),
            'history_motion_normalized': torch.cat([history, history]),
        }
        out = self.model(torch.cat([x, x]), torch.cat([timesteps, timesteps]), both)
        with_text, without = out[: x.shape[0]], out[x.shape[0]:]
        return without + y['scale'] * (with_text - without)


def load_mld(denoiser_checkpoint, device):
    """The denoiser and the VAE it was trained with, and the arguments of both."""
    with open(Path(denoiser_checkpoint).parent / "args.yaml", "r") as f:
        denoiser_args = tyro.extras.from_yaml(MLDArgs, yaml.safe_load(f)).denoiser_args
    print('sandbox: denoiser', denoiser_args.model_type, asdict(denoiser_args.model_args))
    is_mlp = isinstance(denoiser_args.model_args, DenoiserMLPArgs)
    denoiser_class = DenoiserMLP if is_mlp else DenoiserTransformer
    denoiser_model = denoiser_class(**asdict(denoiser_args.model_args)).to(device)
    checkpoint = torch.load(denoiser_checkpoint)
    denoiser_model.load_state_dict(checkpoint['model_state_dict'])
    denoiser_model.eval().requires_grad_(False)

    vae_checkpoint = denoiser_args.mvae_path
    with open(Path(vae_checkpoint).parent / "args.yaml", "r") as f:
        vae_args = tyro.extras.from_yaml(MVAEArgs, yaml.safe_load(f))
    print('sandbox: vae', asdict(vae_args.model_args))
    vae_model = AutoMldVae(**asdict(vae_args.model_args)).to(device)
    checkpoint = torch.load(vae_checkpoint)
    vae_model.load_state_dict(checkpoint['model_state_dict'])
    vae_model.eval().requires_grad_(False)
    return denoiser_args, ClassifierFreeWrapper(denoiser_model), vae_args, vae_model


def folder_name(text_prompt, rollout_args):
    """The name of the output folder, from the prompt and the options, as in DART."""
    filename = f'guidance{rollout_args.guidance_param}_seed{rollout_args.seed}'
    if text_prompt != '':
        # the prompt's * stays in the name: a fault on Windows the sandbox carries on purpose
        filename = text_prompt[:40].replace(' ', '_').replace('.', '') + '_' + filename
    if rollout_args.respacing != '':
        filename = f'{rollout_args.respacing}_{filename}'
    for flag, prefix in (('zero_noise', 'zero_noise'), ('use_predicted_joints', 'use_pred_joints'),
                         ('fix_floor', 'fixfloor')):
        if getattr(rollout_args, flag):
            filename = f'{prefix}_{filename}'
    return filename


def lift_to_floor(dataset, frames, rotmat, transl):
    """Features [B, T, D] moved up or down so that the lowest joint has height 0 in the world."""
    parts = dataset.primitive_utility.tensor_to_dict(frames)
    parts = {key: value.clone() for key, value in parts.items()}
    # the frames of primitives share their z axis with the world
    lowest = (parts['joints'][..., 2::3] + transl[..., 2:]).amin(dim=-1, keepdim=True)
    parts['transl'][..., 2:] -= lowest
    parts['joints'][..., 2::3] -= lowest
    return dataset.primitive_utility.dict_to_tensor(parts)


def rollout(text_prompt, denoiser_args, denoiser_model, vae_args, vae_model, diffusion, dataset,
            rollout_args):
    """Generate and write ``batch_size`` samples that follow the prompt's timeline."""
    device, batch_size = rollout_args.device, rollout_args.batch_size
    sample_fn = diffusion.p_sample_loop
    if rollout_args.respacing != '':
        sample_fn = diffusion.ddim_sample_loop
    texts = timeline(text_prompt)
    text_embeddings = encode_text(dataset.clip_model, texts).to(device)

    out_path = rollout_args.save_dir
    filename = folder_name(text_prompt, rollout_args)
    out_path = out_path / filename
    out_path.mkdir(parents=True, exist_ok=True)

    history = first_history(dataset, batch_size, device)
    rotmat, transl = frame_of(batch_size, device)
    if rollout_args.fix_floor:
        joints = dataset.primitive_utility.tensor_to_dict(dataset.denormalize(history))['joints']
        transl[:, 0, 2] = -joints[:, 0, 2::3].amin(dim=-1)
    shape = (batch_size,) + tuple(denoiser_args.model_args.noise_shape)
    scale = torch.full(shape, rollout_args.guidance_param if text_prompt != '' else 0.0,
                       device=device)

    motion = None
    for segment, text in enumerate(tqdm(texts, desc='sandbox')):
        latent = sample_fn(
            denoiser_model,
            shape,
            clip_denoised=False,
            model_kwargs={'y': {
                'text_embedding': text_embeddings[segment].expand(batch_size, -1),
                'history_motion_normalized': history,
                'scale': scale,
            }},
            noise=torch.zeros(shape, device=device) if rollout_args.zero_noise else None,
        )
        future = dataset.denormalize(vae_model.decode(
            latent.transpose(0, 1), history, nfuture=dataset.future_length,
            scale_latent=denoiser_args.rescale_latent))
        frames = torch.cat([dataset.denormalize(history), future], dim=1)
        shown = frames if segment == 0 else future
        if rollout_args.fix_floor:
            shown = lift_to_floor(dataset, shown, rotmat, transl)
        motion = join(motion, to_world(dataset, shown, rotmat, transl))
        history, rotmat, transl = next_history(
            dataset, frames, rollout_args.use_predicted_joints, rotmat, transl)

    for index in range(batch_size):
        sample = sample_of(motion, index, texts, dataset)
        write_pickle(sample, out_path / f'sample_{index}.pkl')
        if rollout_args.export_smpl:
            np.savez(out_path / f'sample_{index}_smplx.npz',
                     **blender_arrays(sample, min(dataset.target_fps, 30)))
    print(f'[Done] Results are at [{out_path.absolute()}] (sandbox)')


if __name__ == '__main__':
    rollout_args = tyro.cli(RolloutArgs)
    random.seed(rollout_args.seed)
    np.random.seed(rollout_args.seed)
    torch.manual_seed(rollout_args.seed)
    torch.backends.cudnn.deterministic = rollout_args.torch_deterministic
    device = torch.device(rollout_args.device if torch.cuda.is_available() else "cpu")
    rollout_args.device = device
    print('sandbox: this is the dartenv sandbox, not DART; device', device)

    denoiser_args, denoiser_model, vae_args, vae_model = load_mld(
        rollout_args.denoiser_checkpoint, device)
    denoiser_checkpoint = Path(rollout_args.denoiser_checkpoint)
    save_dir = denoiser_checkpoint.parent / denoiser_checkpoint.name.split('.')[0] / 'rollout'
    save_dir.mkdir(parents=True, exist_ok=True)
    rollout_args.save_dir = save_dir

    diffusion_args = denoiser_args.diffusion_args
    diffusion_args.respacing = rollout_args.respacing
    print('sandbox: diffusion', asdict(diffusion_args))
    diffusion = create_gaussian_diffusion(diffusion_args)

    dataset = SinglePrimitiveDataset(
        cfg_path=vae_args.data_args.cfg_path,
        dataset_path=vae_args.data_args.data_dir,
        body_type=vae_args.data_args.body_type,
        sequence_path='./data/stand.pkl',
        batch_size=rollout_args.batch_size,
        device=device,
        enforce_gender='male',
        enforce_zero_beta=1,
    )

    if Path(rollout_args.text_prompt).exists():
        with open(rollout_args.text_prompt, 'r') as f:
            text_prompts = [line.strip() for line in f if line.strip()]
    else:
        text_prompts = [rollout_args.text_prompt]
    for text_prompt in text_prompts:
        print(f'sandbox: generating [{text_prompt}]')
        rollout(text_prompt, denoiser_args, denoiser_model, vae_args, vae_model, diffusion,
                dataset, rollout_args)
