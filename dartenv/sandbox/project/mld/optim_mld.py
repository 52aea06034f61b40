"""In-betweening in the sandbox: the noise is optimised until the motion ends in the goal pose.

    python -m mld.optim_mld --denoiser_checkpoint ./mld_denoiser/mld_sandbox/checkpoint_N.pt
        --optim_input ./data/inbetween/pace_in_circles/babel_2f.pkl --text_prompt "pace in circles"
        --respacing ddim10 --optim_lr 0.05 --optim_steps 100 --seed_type history

The input's first frames are the start, its last frame is the goal. Writes input.pkl and
sample_0.pkl, sample_1.pkl ... beside the checkpoint and prints the folder last.
"""

from __future__ import annotations

import math
import pickle
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from tqdm import tqdm

from data_loaders.humanml.data.dataset import SinglePrimitiveDataset, sequence_to_body
from mld.rollout_mld import load_mld
from mld.train_mld import create_gaussian_diffusion
from utils.misc_util import encode_text, timeline
from utils.rollout_utils import (blender_arrays, feature_dict, first_history, frame_of, join,
                                 next_history, sample_of, to_world, write_pickle)
from utils.smpl_utils import FOOT_JOINTS_IDX


@dataclass
class OptimArgs:
    seed: int = 0
    torch_deterministic: bool = True
    device: str = "cuda"
    save_dir = None

    denoiser_checkpoint: str = ''
    optim_input: str = ''
    text_prompt: str = None

    respacing: str = 'ddim10'
    guidance_param: float = 5.0
    export_smpl: int = 0
    zero_noise: int = 0
    use_predicted_joints: int = 0
    batch_size: int = 1
    result_dir: str = 'inbetween'
    seed_type: str = 'history'
    """'history' starts from the first frames, 'repeat' from the first frame held still"""

    optim_lr: float = 0.01
    optim_steps: int = 300
    optim_unit_grad: int = 1
    optim_anneal_lr: int = 1
    weight_jerk: float = 0.0
    weight_floor: float = 0.0
    init_noise_scale: float = 1.0


def calc_jerk(joints):
    """The largest third difference of joints [B, T, 22, 3] in a sample, mean over samples."""
    jerk = joints[:, 3:] - 3 * joints[:, 2:-1] + 3 * joints[:, 1:-2] - joints[:, :-3]
    return jerk.norm(dim=-1).amax(dim=(1, 2)).mean()


def sink_into_floor(joints, floor):
    """How deep the feet [B, T, 22, 3] are below their own height in the first frame, on average."""
    feet = joints[:, :, FOOT_JOINTS_IDX, 2].amin(dim=-1)
    return (floor[:, None] - feet).clamp(min=0).mean()


def unroll(noise, texts, history, denoiser_args, denoiser_model, vae_model, diffusion, dataset,
           optim_args):
    """The motion that noise [K, B, 1, Z] leads to; the gradient reaches back to the noise."""
    batch_size, device = optim_args.batch_size, optim_args.device
    embeddings = encode_text(dataset.clip_model, texts).to(device)
    rotmat, transl = frame_of(batch_size, device)
    scale = torch.full(tuple(noise.shape[1:]), optim_args.guidance_param, device=device)
    motion = None
    for segment in range(len(texts)):
        y = {
            'text_embedding': embeddings[segment].expand(batch_size, -1),
            'history_motion_normalized': history,
            'scale': scale,
        }
        latent = diffusion.ddim_sample_loop_full_chain(
            denoiser_model, tuple(noise.shape[1:]), clip_denoised=False, model_kwargs={'y': y},
            noise=noise[segment])
        future = dataset.denormalize(vae_model.decode(
            latent.transpose(0, 1), history, nfuture=dataset.future_length,
            scale_latent=denoiser_args.rescale_latent))
        frames = torch.cat([dataset.denormalize(history), future], dim=1)
        motion = join(motion, to_world(dataset, frames if segment == 0 else future, rotmat, transl))
        history, rotmat, transl = next_history(
            dataset, frames, optim_args.use_predicted_joints, rotmat, transl)
    return motion


def folder_name(text_prompt, optim_args):
    filename = f'guidance{optim_args.guidance_param}_seed{optim_args.seed}'
    if text_prompt != '':
        # the prompt's * stays in the name: a fault on Windows the sandbox carries on purpose
        filename = text_prompt[:40].replace(' ', '_').replace('.', '') + '_' + filename
    if optim_args.respacing != '':
        filename = f'{optim_args.respacing}_{filename}'
    if optim_args.zero_noise:
        filename = f'zero_noise_{filename}'
    if optim_args.use_predicted_joints:
        filename = f'use_pred_joints_{filename}'
    return (f'scale{optim_args.init_noise_scale}_floor{optim_args.weight_floor}'
            f'_jerk{optim_args.weight_jerk}_{filename}')


def optimize(text_prompt, goal, denoiser_args, denoiser_model, vae_model, diffusion, dataset,
             optim_args):
    """Optimise the noise and write what comes of it. ``goal`` is the input in its own frame."""
    device, batch_size = optim_args.device, optim_args.batch_size
    texts = timeline(text_prompt)
    frames = goal['transl'].shape[1]
    start = dataset.history_length - 1 if optim_args.seed_type == 'repeat' else 0
    end = start + frames - 1
    goal_joints = goal['joints'][:, -1].expand(batch_size, -1, -1)

    out_path = optim_args.save_dir
    filename = folder_name(text_prompt, optim_args)
    out_path = out_path / optim_args.result_dir / f'{optim_args.seed_type}seed' / filename
    out_path.mkdir(parents=True, exist_ok=True)

    history = first_history(dataset, batch_size, device)
    shape = (len(texts), batch_size) + tuple(denoiser_args.model_args.noise_shape)
    noise = (torch.randn(shape, device=device) * optim_args.init_noise_scale).requires_grad_(True)
    optimizer = torch.optim.Adam([noise], lr=optim_args.optim_lr)

    def run():
        return unroll(noise, texts, history, denoiser_args, denoiser_model, vae_model, diffusion,
                      dataset, optim_args)

    bar = tqdm(range(optim_args.optim_steps), desc='sandbox')
    for step in bar:
        if optim_args.optim_anneal_lr:
            optimizer.param_groups[0]['lr'] = optim_args.optim_lr * (
                1 - step / optim_args.optim_steps)
        joints = run()['joints']
        loss_joints = torch.nn.functional.huber_loss(joints[:, end], goal_joints)
        span = joints[:, start:end + 1]
        floor = joints[:, 0, FOOT_JOINTS_IDX, 2].amin(dim=-1)
        loss = (loss_joints + optim_args.weight_jerk * calc_jerk(span)
                + optim_args.weight_floor * sink_into_floor(span, floor))
        optimizer.zero_grad()
        loss.backward()
        if optim_args.optim_unit_grad:
            length = noise.grad.flatten(1).norm(dim=1).clamp(min=1e-6)
            noise.grad /= length.reshape((-1,) + (1,) * (noise.dim() - 1))
        optimizer.step()
        distance = (joints[:, end] - goal_joints).norm(dim=-1).mean().item()
        if step == 0:
            print(f'sandbox: goal distance {distance:.4f} m before')
        bar.set_postfix(goal=f'{distance:.4f} m')

    with torch.no_grad():
        motion = run()
    distance = (motion['joints'][:, end] - goal_joints).norm(dim=-1).mean().item()
    print(f'sandbox: goal distance {distance:.4f} m after {optim_args.optim_steps} steps')

    given = sample_of(goal, 0, texts, dataset)
    given['mocap_framerate'] = dataset.target_fps
    if optim_args.seed_type == 'history':
        for key in ('betas', 'transl', 'global_orient', 'body_pose', 'joints'):
            given[key][dataset.history_length:-1] = given[key][dataset.history_length].clone()
    write_pickle(given, out_path / 'input.pkl')
    for index in range(batch_size):
        sample = sample_of(motion, index, texts, dataset, slice(start, end + 1))
        sample['mocap_framerate'] = dataset.target_fps
        write_pickle(sample, out_path / f'sample_{index}.pkl')
        if optim_args.export_smpl:
            np.savez(out_path / f'sample_{index}_smplx.npz',
                     **blender_arrays(sample, dataset.target_fps))
    print(f'[Done] Results are at [{out_path.absolute()}] (sandbox)')


def read_goal(path, dataset, device):
    """The input sequence in the frame of its first body, with joints [1, T, 22, 3]."""
    with open(path, 'rb') as f:
        sequence = pickle.load(f)
    body = sequence_to_body(sequence, device)
    rotmat, transl = frame_of(1, device)
    empty = torch.zeros(body['transl'].shape[:2] + (276,), device=device)
    body = dict(feature_dict(dataset, empty, rotmat, transl), **body)
    del body['joints']
    _, _, body = dataset.primitive_utility.canonicalize(body)
    body['joints'] = dataset.primitive_utility.body_joints(body)
    return sequence, body


if __name__ == '__main__':
    optim_args = tyro.cli(OptimArgs)
    random.seed(optim_args.seed)
    np.random.seed(optim_args.seed)
    torch.manual_seed(optim_args.seed)
    torch.backends.cudnn.deterministic = optim_args.torch_deterministic
    device = torch.device(optim_args.device if torch.cuda.is_available() else "cpu")
    optim_args.device = device
    print('sandbox: this is the dartenv sandbox, not DART; device', device)

    denoiser_args, denoiser_model, vae_args, vae_model = load_mld(
        optim_args.denoiser_checkpoint, device)
    denoiser_checkpoint = Path(optim_args.denoiser_checkpoint)
    save_dir = denoiser_checkpoint.parent / denoiser_checkpoint.name.split('.')[0] / 'optim'
    save_dir.mkdir(parents=True, exist_ok=True)
    optim_args.save_dir = save_dir

    diffusion_args = denoiser_args.diffusion_args
    diffusion_args.respacing = optim_args.respacing
    print('sandbox: diffusion', asdict(diffusion_args))
    diffusion = create_gaussian_diffusion(diffusion_args)

    seq_path = Path(optim_args.optim_input)
    dataset = SinglePrimitiveDataset(
        cfg_path=vae_args.data_args.cfg_path,
        dataset_path=vae_args.data_args.data_dir,
        body_type=vae_args.data_args.body_type,
        sequence_path=seq_path,
        batch_size=optim_args.batch_size,
        device=device,
        enforce_gender='male',
        enforce_zero_beta=1,
    )
    sequence, goal = read_goal(seq_path, dataset, device)
    held = 1 if optim_args.seed_type == 'repeat' else dataset.history_length
    num_rollout = math.ceil((goal['transl'].shape[1] - held) / dataset.future_length)
    text = sequence['texts'][0] if optim_args.text_prompt is None else optim_args.text_prompt
    print(f'sandbox: {goal["transl"].shape[1]} frames, {num_rollout} primitives')
    optimize(f'{text}*{num_rollout}', goal, denoiser_args, denoiser_model, vae_model, diffusion,
             dataset, optim_args)
