"""Train the latent denoiser of the sandbox: python -m mld.train_mld --exp_name NAME
--denoiser_args.mvae_path ./mvae/mvae_sandbox/checkpoint_N.pt

Writes mld_denoiser/NAME/args.yaml and mld_denoiser/NAME/checkpoint_N.pt.
"""

from __future__ import annotations

import copy
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
import tyro
import yaml
from torch import nn
from tqdm import tqdm

from data_loaders.humanml.data.dataset import WeightedPrimitiveSequenceDataset
from diffusion import gaussian_diffusion as gd
from diffusion.resample import create_named_schedule_sampler
from diffusion.respace import SpacedDiffusion, space_timesteps
from mld.train_mvae import Args as MVAEArgs
from mld.train_mvae import (DataArgs, TrainArgs, fill_data_args, motion_losses,
                            own_history_chance, rate_of, seed_everything, write_args)
from model.mld_denoiser import DenoiserMLP, DenoiserTransformer
from model.mld_vae import AutoMldVae
from utils.rollout_utils import next_history


@dataclass
class DiffusionArgs:
    diffusion_steps: int = 10
    respacing: str = ''
    noise_schedule: Literal['linear', 'cosine'] = 'cosine'
    sigma_small: bool = True


@dataclass
class DenoiserMLPArgs:
    h_dim: int = 64
    n_blocks: int = 2
    dropout: float = 0.0
    activation: str = "gelu"
    cond_mask_prob: float = 0.1
    clip_dim: int = 64
    history_shape: tuple = (2, 276)
    noise_shape: tuple = (1, 32)


@dataclass
class DenoiserTransformerArgs:
    h_dim: int = 64
    ff_size: int = 128
    num_layers: int = 3
    num_heads: int = 4
    dropout: float = 0.0
    activation: str = "gelu"
    cond_mask_prob: float = 0.1
    clip_dim: int = 64
    history_shape: tuple = (2, 276)
    noise_shape: tuple = (1, 32)


# The defaults below are a fault the sandbox carries on purpose: Python 3.11 refuses them.
@dataclass
class DenoiserArgs:
    mvae_path: str = ''
    rescale_latent: int = 1
    train_rollout_type: Literal["single", "full"] = "full"
    train_rollout_history: str = "rollout"
    model_type: str = "mlp"
    model_args: DenoiserMLPArgs | DenoiserTransformerArgs = DenoiserMLPArgs()
    diffusion_args: DiffusionArgs = DiffusionArgs()


@dataclass
class MLDArgs:
    train_args: TrainArgs = TrainArgs()
    data_args: DataArgs = DataArgs()
    denoiser_args: DenoiserArgs = DenoiserArgs()

    exp_name: str = "mld"
    seed: int = 0
    torch_deterministic: bool = True
    device: str = "cuda"
    save_dir: str = "./mld_denoiser"

    track: int = 0
    wandb_project_name: str = "sandbox_denoiser"
    wandb_entity: str = "sandbox"


def create_gaussian_diffusion(args, enable_ddim=True):
    """The diffusion of DiffusionArgs; without ``enable_ddim`` all its steps are kept."""
    respacing = args.respacing if enable_ddim else ''
    var_type = gd.ModelVarType.FIXED_SMALL if args.sigma_small else gd.ModelVarType.FIXED_LARGE
    return SpacedDiffusion(
        use_timesteps=space_timesteps(args.diffusion_steps, respacing or [args.diffusion_steps]),
        betas=gd.get_named_beta_schedule(args.noise_schedule, args.diffusion_steps),
        model_mean_type=gd.ModelMeanType.START_X,
        model_var_type=var_type,
        loss_type=gd.LossType.MSE,
        rescale_timesteps=False,
    )


class Trainer:
    def __init__(self, args):
        self.args = args
        self.device = seed_everything(args)
        data_args, denoiser_args = args.data_args, args.denoiser_args
        args.save_dir = Path(args.save_dir) / args.exp_name
        self.dataset = WeightedPrimitiveSequenceDataset(
            data_args.cfg_path, data_args.data_dir, self.device, data_args.body_type,
            data_args.enforce_gender, data_args.enforce_zero_beta, seed=args.seed)
        fill_data_args(data_args, self.dataset)

        with open(Path(denoiser_args.mvae_path).parent / "args.yaml", "r") as f:
            mvae_args = tyro.extras.from_yaml(MVAEArgs, yaml.safe_load(f))
        self.vae = AutoMldVae(**asdict(mvae_args.model_args)).to(self.device)
        checkpoint = torch.load(denoiser_args.mvae_path)
        self.vae.load_state_dict(checkpoint['model_state_dict'])
        self.vae.eval().requires_grad_(False)

        model_args = denoiser_args.model_args
        model_args.history_shape = (data_args.history_length, data_args.feature_dim)
        model_args.noise_shape = tuple(mvae_args.model_args.latent_dim)
        is_mlp = isinstance(model_args, DenoiserMLPArgs)
        denoiser_args.model_type = "mlp" if is_mlp else "transformer"
        write_args(args)
        denoiser_class = DenoiserMLP if is_mlp else DenoiserTransformer
        self.model = denoiser_class(**asdict(model_args)).to(self.device)
        self.start = 1
        if args.train_args.resume_checkpoint is not None:
            checkpoint = torch.load(args.train_args.resume_checkpoint)
            self.model.load_state_dict(checkpoint['model_state_dict'])
            self.start = checkpoint['num_steps'] + 1
        self.average = copy.deepcopy(self.model).eval()
        self.diffusion = create_gaussian_diffusion(denoiser_args.diffusion_args, enable_ddim=False)
        self.schedule_sampler = create_named_schedule_sampler('uniform', self.diffusion)

    def decode(self, latent, history):
        return self.vae.decode(
            latent.transpose(0, 1), history, self.dataset.future_length,
            scale_latent=self.args.denoiser_args.rescale_latent)

    def loss(self, batch, history):
        """Losses by name of one denoising step at random diffusion steps."""
        train_args = self.args.train_args
        future = batch['motion'][:, self.dataset.history_length:]
        true_history = batch['motion'][:, :self.dataset.history_length]
        with torch.no_grad():
            # the latent of the true motion, so that the model finds back from its own history
            latent, _ = self.vae.encode(
                future, true_history if self.args.denoiser_args.train_rollout_history == 'gt'
                else history, scale_latent=self.args.denoiser_args.rescale_latent)
            latent = latent.transpose(0, 1)
        t, _ = self.schedule_sampler.sample(latent.shape[0], self.device)
        y = {'text_embedding': batch['text_embedding'], 'history_motion_normalized': history}
        predicted = self.model(self.diffusion.q_sample(latent, t), t, y)
        losses = {'latent': nn.functional.huber_loss(predicted, latent)}
        losses['loss'] = train_args.weight_latent_rec * losses['latent']
        if train_args.weight_feature_rec > 0:
            frames = self.decode(predicted, history)
            losses.update(motion_losses(self.dataset, history, frames, future, train_args))
            losses['loss'] = (losses['loss'] + train_args.weight_feature_rec * losses['rec']
                              + losses['weighted'])
        return losses, predicted.detach()

    def own_frames(self, batch, history, single):
        """What the model itself makes of this primitive: the frames that the next one starts from."""
        if self.args.denoiser_args.train_rollout_type == 'single':
            with torch.no_grad():
                return self.dataset.denormalize(self.decode(single, history))
        y = {'text_embedding': batch['text_embedding'], 'history_motion_normalized': history}
        self.model.eval()
        latent = self.diffusion.p_sample_loop(
            self.model, (history.shape[0],) + self.model.noise_shape, clip_denoised=False,
            model_kwargs={'y': y})
        self.model.train()
        with torch.no_grad():
            return self.dataset.denormalize(self.decode(latent, history))

    def train(self):
        train_args = self.args.train_args
        total = train_args.stage1_steps + train_args.stage2_steps + train_args.stage3_steps
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=train_args.learning_rate)
        self.model.train()
        bar = tqdm(total=total, initial=self.start - 1, desc='sandbox denoiser')
        step = self.start
        while step <= total:
            own = None
            for batch in self.dataset.get_batch(train_args.batch_size):
                batch['motion'] = batch['motion_tensor_normalized'].squeeze(2).transpose(1, 2)
                history = batch['motion'][:, :self.dataset.history_length]
                if own is not None:
                    history = next_history(self.dataset, own, train_args.use_predicted_joints)[0]
                optimizer.param_groups[0]['lr'] = rate_of(step, train_args, total)
                losses, single = self.loss(batch, history)
                optimizer.zero_grad()
                losses['loss'].backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), train_args.grad_clip)
                optimizer.step()
                with torch.no_grad():
                    for slow, fast in zip(self.average.parameters(), self.model.parameters()):
                        slow.lerp_(fast, 1 - train_args.ema_decay)
                use_own = random.random() < own_history_chance(step, train_args)
                own = self.own_frames(batch, history, single) if use_own else None
                if step % train_args.log_interval == 0:
                    bar.set_postfix({k: '{:.2g}'.format(float(v)) for k, v in losses.items()})
                bar.update()
                step += 1
        bar.close()
        path = self.args.save_dir / 'checkpoint_{}.pt'.format(step - 1)
        torch.save({'num_steps': step - 1, 'model_state_dict': self.average.state_dict()}, path)
        print('sandbox: saved {}'.format(path))


if __name__ == '__main__':
    trainer = Trainer(tyro.cli(MLDArgs))
    trainer.train()
