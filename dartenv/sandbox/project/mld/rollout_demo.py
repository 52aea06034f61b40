"""The interactive demo of the sandbox, without a window: prompts in, motion out, line by line.

    python -m mld.rollout_demo --denoiser_checkpoint ./mld_denoiser/mld_sandbox/checkpoint_N.pt
        --batch_size 1 --guidance_param 5 --use_predicted_joints 1

Type start, then prompts such as "walk forward", then exit. A line is printed for every
primitive that was played; nothing is written to disk. As in DART's demo, module variables hold
what was shown: the frame, the prompt, and the motion so far as features in the world.
"""

from __future__ import annotations

import queue
import random
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
import yaml

from data_loaders.humanml.data.dataset import SinglePrimitiveDataset
from mld.rollout_mld import ClassifierFreeWrapper
from mld.train_mld import DenoiserMLPArgs, MLDArgs, create_gaussian_diffusion
from mld.train_mvae import Args as MVAEArgs
from model.mld_denoiser import DenoiserMLP, DenoiserTransformer
from model.mld_vae import AutoMldVae
from utils.misc_util import encode_text
from utils.rollout_utils import feature_dict, first_history, frame_of, next_history, to_world


frame_idx = 0
text_prompt = ''
motion_tensor = None
gender = 'male'
betas = torch.zeros(1, 1, 10)
history_length = future_length = 0


@dataclass
class RolloutArgs:
    seed: int = 0
    torch_deterministic: bool = True
    batch_size: int = 4
    save_dir = None
    dataset: str = 'babel'
    device: str = 'cuda'

    denoiser_checkpoint: str = ''
    respacing: str = ''

    text_prompt: str = ''
    guidance_param: float = 1.0
    export_smpl: int = 0
    zero_noise: int = 0
    use_predicted_joints: int = 0


def load_mld(denoiser_checkpoint, device):
    """The demo's own loader: denoiser and VAE from their checkpoints and args.yaml."""
    with open(Path(denoiser_checkpoint).parent / "args.yaml", "r") as f:
        denoiser_args = tyro.extras.from_yaml(MLDArgs, yaml.safe_load(f)).denoiser_args
    is_mlp = isinstance(denoiser_args.model_args, DenoiserMLPArgs)
    denoiser_class = DenoiserMLP if is_mlp else DenoiserTransformer
    denoiser_model = denoiser_class(**asdict(denoiser_args.model_args)).to(device)
    denoiser_model.load_state_dict(torch.load(denoiser_checkpoint)['model_state_dict'])
    denoiser_model.eval().requires_grad_(False)
    print(f'sandbox: loaded denoiser {denoiser_checkpoint}')

    with open(Path(denoiser_args.mvae_path).parent / "args.yaml", "r") as f:
        vae_args = tyro.extras.from_yaml(MVAEArgs, yaml.safe_load(f))
    vae_model = AutoMldVae(**asdict(vae_args.model_args)).to(device)
    vae_model.load_state_dict(torch.load(denoiser_args.mvae_path)['model_state_dict'])
    vae_model.eval().requires_grad_(False)
    print(f'sandbox: loaded vae {denoiser_args.mvae_path}')
    return denoiser_args, ClassifierFreeWrapper(denoiser_model), vae_args, vae_model


class Demo:
    """The motion so far, and the prompt that the next primitive follows."""

    def __init__(self, denoiser_args, denoiser_model, vae_model, diffusion, dataset, rollout_args):
        self.denoiser_args = denoiser_args
        self.denoiser_model = denoiser_model
        self.vae_model = vae_model
        self.diffusion = diffusion
        self.dataset = dataset
        self.rollout_args = rollout_args
        self.text_prompt = rollout_args.text_prompt or 'stand'
        self.history = first_history(dataset, rollout_args.batch_size, rollout_args.device)
        self.rotmat, self.transl = frame_of(rollout_args.batch_size, rollout_args.device)

    def play(self):
        """Generate one primitive with the current prompt; returns joints [B, F, 22, 3] in the world."""
        args = self.rollout_args
        shape = (args.batch_size,) + tuple(self.denoiser_args.model_args.noise_shape)
        sample_fn = self.diffusion.p_sample_loop
        if args.respacing != '':
            sample_fn = self.diffusion.ddim_sample_loop
        embedding = encode_text(self.dataset.clip_model, [self.text_prompt]).to(args.device)
        y = {
            'text_embedding': embedding.expand(args.batch_size, -1),
            'history_motion_normalized': self.history,
            'scale': torch.full(shape, args.guidance_param, device=args.device),
        }
        noise = torch.zeros(shape, device=args.device) if args.zero_noise else None
        latent = sample_fn(self.denoiser_model, shape, clip_denoised=False,
                           model_kwargs={'y': y}, noise=noise)
        future = self.dataset.denormalize(self.vae_model.decode(
            latent.transpose(0, 1), self.history, nfuture=self.dataset.future_length,
            scale_latent=self.denoiser_args.rescale_latent))
        joints = to_world(self.dataset, future, self.rotmat, self.transl)['joints']
        self._keep(future)
        frames = torch.cat([self.dataset.denormalize(self.history), future], dim=1)
        self.history, self.rotmat, self.transl = next_history(
            self.dataset, frames, args.use_predicted_joints, self.rotmat, self.transl)
        return joints

    def _keep(self, future):
        """Append what was played to the motion so far."""
        global motion_tensor
        utility = self.dataset.primitive_utility
        world = utility.transform_feature_to_world(
            feature_dict(self.dataset, future, self.rotmat, self.transl))
        world = utility.dict_to_tensor(world)
        motion_tensor = world if motion_tensor is None else torch.cat([motion_tensor, world], dim=1)


def read_input(lines):
    """Hand over every line of standard input; the end of it counts as exit."""
    for line in sys.stdin:
        lines.put(line.strip())
    lines.put('exit')


def start(demo):
    """Play at 30 frames a second until exit; every prompt is played for a primitive at least."""
    global frame_idx, text_prompt
    lines = queue.Queue()
    threading.Thread(target=read_input, args=(lines,), daemon=True).start()
    print("sandbox: enter 'start' to start ?", flush=True)
    lines.get()
    print('sandbox: start', flush=True)
    played, late = 0, time.perf_counter()
    while True:
        joints = demo.play()[0]
        played += joints.shape[0]
        frame_idx = played - 1
        x, y, z = joints[-1, 0].tolist()
        print(f'sandbox: frame {played} [{demo.text_prompt}] pelvis {x:+.3f} {y:+.3f} {z:+.3f} m',
              flush=True)
        late += joints.shape[0] / demo.dataset.target_fps
        try:
            line = lines.get(timeout=max(0.0, late - time.perf_counter()))
        except queue.Empty:
            continue
        print(f'sandbox: You entered new prompt: {line}', flush=True)
        text_prompt = line
        if line.lower() == 'exit':
            print('sandbox: Exit', flush=True)
            return
        demo.text_prompt = line
        late = time.perf_counter()


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
    diffusion_args = denoiser_args.diffusion_args
    diffusion_args.respacing = rollout_args.respacing
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
    history_length, future_length = dataset.history_length, dataset.future_length
    start(Demo(denoiser_args, denoiser_model, vae_model, diffusion, dataset, rollout_args))
