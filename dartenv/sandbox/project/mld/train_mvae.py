"""Train the motion VAE of the sandbox: python -m mld.train_mvae --exp_name NAME

Writes mvae/NAME/args.yaml and mvae/NAME/checkpoint_N.pt. The fields are DART's; those that the
sandbox has no use for are kept so that an args.yaml reads the same.
"""

from __future__ import annotations

import copy
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
import yaml
from torch import nn
from tqdm import tqdm

from data_loaders.humanml.data.dataset import WeightedPrimitiveSequenceDataset
from model.mld_vae import AutoMldVae
from utils.rollout_utils import next_history
from utils.rotations import matrix_to_rotation_6d, rotation_6d_to_matrix


@dataclass
class VAEArgs:
    arch: str = "all_encoder"
    ff_size: int = 128
    num_layers: int = 3
    num_heads: int = 4
    dropout: float = 0.0
    normalize_before: bool = False
    activation: str = "gelu"
    position_embedding: str = "learned"
    latent_dim: tuple[int, int] = (1, 32)
    h_dim: int = 64

    nfeats: int = 0
    """number of features a frame; filled in"""


@dataclass
class DataArgs:
    cfg_path: str = "./config_files/config_hydra/motion_primitive/mp_h2_f8_r4.yaml"
    data_dir: str = "./data/seq_data_zero_male"
    dataset: str = "sandbox"
    prob_static: float = 0.0
    enforce_gender: str = 'male'
    enforce_zero_beta: int = 1
    weight_scheme: str = 'uniform'
    text_tolerance: float = 0.0
    history_length: int = 0
    future_length: int = 0
    num_primitive: int = 0
    feature_dim: int = 0
    body_type: str = 'smplx'


@dataclass
class TrainArgs:
    learning_rate: float = 1e-3
    anneal_lr: int = 1
    batch_size: int = 128
    grad_clip: float = 1.0
    ema_decay: float = 0.99
    use_amp: int = 0

    stage1_steps: int = 1000
    """steps that start from the true history"""
    stage2_steps: int = 500
    """steps with more and more history of the model's own"""
    stage3_steps: int = 500
    """steps with history of the model's own only"""

    weight_rec: float = 1.0
    weight_kl: float = 1e-4
    weight_smpl_joints_rec: float = 0.0
    weight_joints_consistency: float = 0.0
    weight_transl_delta: float = 0.0
    weight_orient_delta: float = 0.0
    weight_joints_delta: float = 0.0
    weight_latent_rec: float = 1.0
    weight_feature_rec: float = 0.0

    resume_checkpoint: str | None = None
    log_interval: int = 100
    val_interval: int = 1000
    save_interval: int = 100000
    use_predicted_joints: int = 0


# The defaults below are a fault the sandbox carries on purpose: Python 3.11 refuses them.
@dataclass
class Args:
    train_args: TrainArgs = TrainArgs()
    model_args: VAEArgs = VAEArgs()
    data_args: DataArgs = DataArgs()

    exp_name: str = "mvae"
    seed: int = 0
    torch_deterministic: bool = True
    device: str = "cuda"
    save_dir: str = "./mvae"

    track: int = 0
    wandb_project_name: str = "sandbox_vae"
    wandb_entity: str = "sandbox"


def seed_everything(args):
    """Seed every generator; returns the device that training runs on."""
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    torch.backends.cudnn.deterministic = args.torch_deterministic
    return torch.device(args.device if torch.cuda.is_available() else "cpu")


def fill_data_args(data_args, dataset):
    data_args.history_length = dataset.history_length
    data_args.future_length = dataset.future_length
    data_args.num_primitive = dataset.num_primitive
    data_args.feature_dim = dataset.primitive_utility.feature_dim


def write_args(args):
    """args.yaml as tyro writes it, and args_read.yaml for people."""
    args.save_dir.mkdir(parents=True, exist_ok=True)
    with open(args.save_dir / "args.yaml", "w") as f:
        yaml.dump(tyro.extras.to_yaml(args), f)
    with open(args.save_dir / "args_read.yaml", "w") as f:
        yaml.dump(asdict(args), f)


def rate_of(step, train_args, total):
    return train_args.learning_rate * (1 - (step - 1) / total if train_args.anneal_lr else 1)


def own_history_chance(step, train_args):
    """The chance that a step goes on from the model's own motion instead of the true one."""
    return min(1.0, max(0, step - train_args.stage1_steps) / max(train_args.stage2_steps, 1))


def motion_losses(dataset, history, predicted, truth, train_args):
    """Losses by name between predicted and true normalised frames [B, F, D] after a history.

    Beside the plain reconstruction there are those of TrainArgs whose weight is not 0, and
    'weighted', their weighted sum.
    """
    utility, huber = dataset.primitive_utility, nn.functional.huber_loss
    losses = {'rec': huber(predicted, truth), 'weighted': 0.0}
    # the last frame of the history goes first, so that the motion leaves it without a jump
    joined = dataset.denormalize(torch.cat([history[:, -1:], predicted], dim=1))
    parts = utility.tensor_to_dict(joined)
    shape = joined.shape[:2]

    def add(name, make):
        weight = getattr(train_args, 'weight_' + name)
        if weight > 0:
            losses[name] = huber(*make())
            losses['weighted'] = losses['weighted'] + weight * losses[name]

    def delta(name):
        return lambda: (parts[name][:, 1:] - parts[name][:, :-1], parts[name + '_delta'][:, :-1])

    def turned():
        orient = rotation_6d_to_matrix(parts['poses_6d'][..., :6])
        step = matrix_to_rotation_6d(orient[:, 1:] @ orient[:, :-1].transpose(2, 3))
        return step, parts['global_orient_delta_6d'][:, :-1]

    add('transl_delta', delta('transl'))
    add('joints_delta', delta('joints'))
    add('orient_delta', turned)
    if train_args.weight_smpl_joints_rec > 0 or train_args.weight_joints_consistency > 0:
        body = utility.feature_dict_to_smpl_dict(dict(
            parts, gender=dataset.enforce_gender, betas=predicted.new_zeros(shape + (10,))))
        joints = utility.body_joints(body).reshape(shape + (66,))[:, 1:]
        true_joints = utility.tensor_to_dict(dataset.denormalize(truth))['joints']
        add('smpl_joints_rec', lambda: (joints, true_joints))
        add('joints_consistency', lambda: (joints, parts['joints'][:, 1:]))
    return losses


class Trainer:
    def __init__(self, args):
        self.args = args
        self.device = seed_everything(args)
        data_args = args.data_args
        args.save_dir = Path(args.save_dir) / args.exp_name
        self.dataset = WeightedPrimitiveSequenceDataset(
            data_args.cfg_path, data_args.data_dir, self.device, data_args.body_type,
            data_args.enforce_gender, data_args.enforce_zero_beta, seed=args.seed)
        fill_data_args(data_args, self.dataset)
        args.model_args.nfeats = data_args.feature_dim
        write_args(args)
        self.model = AutoMldVae(**asdict(args.model_args)).to(self.device)
        self.start = 1
        if args.train_args.resume_checkpoint is not None:
            checkpoint = torch.load(args.train_args.resume_checkpoint)
            self.model.load_state_dict(checkpoint['model_state_dict'])
            self.start = checkpoint['num_steps'] + 1
        self.average = copy.deepcopy(self.model).eval()

    def loss(self, batch, history):
        future = batch['motion'][:, self.dataset.history_length:]
        latent, posterior = self.model.encode(future, history)
        predicted = self.model.decode(latent, history, self.dataset.future_length)
        train_args = self.args.train_args
        prior = torch.distributions.Normal(0.0, 1.0)
        losses = motion_losses(self.dataset, history, predicted, future, train_args)
        losses['kl'] = torch.distributions.kl_divergence(posterior, prior).mean()
        losses['loss'] = (train_args.weight_rec * losses['rec'] + losses['weighted']
                          + train_args.weight_kl * losses['kl'])
        return losses, predicted.detach()

    def train(self):
        train_args = self.args.train_args
        total = train_args.stage1_steps + train_args.stage2_steps + train_args.stage3_steps
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=train_args.learning_rate)
        self.model.train()
        bar = tqdm(total=total, initial=self.start - 1, desc='sandbox vae')
        step = self.start
        while step <= total:
            own = None
            for batch in self.dataset.get_batch(train_args.batch_size):
                batch['motion'] = batch['motion_tensor_normalized'].squeeze(2).transpose(1, 2)
                history = batch['motion'][:, :self.dataset.history_length]
                if own is not None:
                    history = next_history(self.dataset, own, train_args.use_predicted_joints)[0]
                optimizer.param_groups[0]['lr'] = rate_of(step, train_args, total)
                losses, predicted = self.loss(batch, history)
                optimizer.zero_grad()
                losses['loss'].backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), train_args.grad_clip)
                optimizer.step()
                with torch.no_grad():
                    for slow, fast in zip(self.average.parameters(), self.model.parameters()):
                        slow.lerp_(fast, 1 - train_args.ema_decay)
                use_own = random.random() < own_history_chance(step, train_args)
                own = self.dataset.denormalize(predicted) if use_own else None
                if step % train_args.log_interval == 0:
                    bar.set_postfix({k: '{:.2g}'.format(float(v)) for k, v in losses.items()})
                bar.update()
                step += 1
        bar.close()
        self.save(step - 1)

    def save(self, step):
        """Write the averaged model, with the scale of its latents over the training data."""
        with torch.no_grad():
            batch = self.dataset.get_batch(1024)[0]['motion_tensor_normalized']
            motion = batch.squeeze(2).transpose(1, 2)
            history = self.dataset.history_length
            latent, _ = self.average.encode(motion[:, history:], motion[:, :history])
            self.average.latent_mean.copy_(latent.mean())
            self.average.latent_std.copy_(latent.std())
        path = self.args.save_dir / 'checkpoint_{}.pt'.format(step)
        torch.save({'num_steps': step, 'model_state_dict': self.average.state_dict()}, path)
        print('sandbox: saved {}'.format(path))


if __name__ == '__main__':
    trainer = Trainer(tyro.cli(Args))
    trainer.train()
