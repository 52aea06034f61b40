"""Motion primitives of the sandbox: made ones to train on, and one read from a file to start from."""

import pickle
import random
from pathlib import Path

import numpy as np
import torch
import yaml

from data_loaders.humanml.data.synthetic import TEXTS, draw_actions, perform
from utils.misc_util import encode_text, load_and_freeze_clip
from utils.rotations import axis_angle_to_matrix
from utils.smpl_utils import PrimitiveUtility

LEAST_STD = 0.01  # features that hardly move are not blown up by normalising


class PrimitiveDataset:
    """Lengths, statistics and features that every dataset of primitives shares."""

    def __init__(self, cfg_path, dataset_path, device='cpu', body_type='smplx',
                 enforce_gender='male', enforce_zero_beta=1):
        with open(cfg_path, 'r', encoding='utf-8') as f:
            self.cfg = yaml.safe_load(f)
        self.device = device
        self.enforce_gender = enforce_gender
        self.enforce_zero_beta = enforce_zero_beta
        self.target_fps = self.cfg['fps']
        self.history_length = self.cfg['history_length']
        self.future_length = self.cfg['future_length']
        self.num_primitive = self.cfg['num_primitive']
        self.primitive_length = self.history_length + self.future_length
        self.primitive_utility = PrimitiveUtility(device=device, body_type=body_type)
        self.motion_repr = self.primitive_utility.motion_repr
        self.clip_model = load_and_freeze_clip('sandbox', device=device)
        self.text_embedding_dict = {}
        self.mean_std_path = Path(
            dataset_path, 'mean_std_h{}_f{}.pkl'.format(self.history_length, self.future_length))

    def load_statistics(self):
        """Read mean and standard deviation [1, 1, D] of the features."""
        if not self.mean_std_path.exists():
            raise FileNotFoundError('sandbox: no statistics at {}'.format(self.mean_std_path))
        print('sandbox: loading mean and std from {}'.format(self.mean_std_path))
        with open(self.mean_std_path, 'rb') as f:
            mean, std = pickle.load(f)
        self.tensor_mean, self.tensor_std = mean.to(self.device), std.to(self.device)

    def normalize(self, tensor):
        return (tensor - self.tensor_mean) / self.tensor_std

    def denormalize(self, tensor):
        return tensor * self.tensor_std + self.tensor_mean

    def primitive_features(self, body):
        """Features [B, T, D] in their own frame, from bodies of T + 1 frames in the world."""
        batch = body['transl'].shape[0]
        primitive = dict(body)
        primitive.update(
            gender=self.enforce_gender,
            betas=torch.zeros(body['transl'].shape[:2] + (10,), device=self.device),
            transf_rotmat=torch.eye(3, device=self.device).repeat(batch, 1, 1),
            transf_transl=torch.zeros(batch, 1, 3, device=self.device),
        )
        _, _, primitive = self.primitive_utility.canonicalize(primitive)
        features = self.primitive_utility.calc_features(primitive)
        for key in ('transl', 'poses_6d', 'joints'):
            features[key] = features[key][:, :-1]
        return self.primitive_utility.dict_to_tensor(features)

    def embed(self, texts):
        """Text embeddings [B, C]; every text is encoded once."""
        for text in set(texts) - set(self.text_embedding_dict):
            self.text_embedding_dict[text] = encode_text(self.clip_model, [text])[0]
        return torch.stack([self.text_embedding_dict[text] for text in texts])

    def to_batch(self, features, texts):
        """One primitive as DART hands it over: features [B, D, 1, T], texts and shapes."""
        batch = features.shape[0]
        motion = self.normalize(features).permute(0, 2, 1).unsqueeze(2)
        return {
            'texts': texts,
            'text_embedding': self.embed(texts),
            'gender': [self.enforce_gender] * batch,
            'betas': torch.zeros(batch, self.primitive_length, 10, device=self.device),
            'motion_tensor_normalized': motion,
            'history_length': self.history_length,
            'future_length': self.future_length,
        }


class WeightedPrimitiveSequenceDataset(PrimitiveDataset):
    """Training data: performers who go through random actions, cut into primitives.

    The statistics are worked out from it and written if they are not there yet.
    """

    def __init__(self, cfg_path, dataset_path, device='cpu', body_type='smplx',
                 enforce_gender='male', enforce_zero_beta=1, performers=256, length=40, seed=0):
        super().__init__(cfg_path, dataset_path, device, body_type, enforce_gender,
                         enforce_zero_beta)
        self.length = length
        self.scripts = draw_actions(performers, length, np.random.default_rng(seed))
        body = perform(
            self.primitive_utility.get_smpl_model(enforce_gender), self.scripts,
            self.history_length, self.future_length, self.target_fps, seed)
        self.features = torch.stack([
            self.primitive_features({
                key: value[:, k * self.future_length:][:, :self.primitive_length + 1].to(device)
                for key, value in body.items()
            })
            for k in range(length)
        ], dim=1)  # [N, K, T, D]
        if not self.mean_std_path.exists():
            flat = self.features.reshape(-1, self.features.shape[-1])
            mean = flat.mean(dim=0).reshape(1, 1, -1)
            std = flat.std(dim=0).clamp(min=LEAST_STD).reshape(1, 1, -1)
            self.mean_std_path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.mean_std_path, 'wb') as f:
                pickle.dump((mean.cpu(), std.cpu()), f, protocol=2)
        self.load_statistics()

    def __len__(self):
        return len(self.scripts)

    def get_batch(self, batch_size):
        """A list of ``num_primitive`` batches that follow one another."""
        rows = torch.randint(0, len(self.scripts), (batch_size,))
        first = torch.randint(0, self.length - self.num_primitive + 1, (batch_size,))
        batches = []
        for k in range(self.num_primitive):
            names = [self.scripts[row][at + k] for row, at in zip(rows.tolist(), first.tolist())]
            texts = [random.choice(TEXTS[name]) for name in names]
            batches.append(self.to_batch(self.features[rows, first + k], texts))
        return batches


class SinglePrimitiveDataset(PrimitiveDataset):
    """The first primitive of a sequence in a file: the history that a rollout starts from.

    The file is a pickle of gender, betas, transl [T, 3], global_orient [T, 3] and body_pose
    [T, 63] in axis-angle or as matrices, and texts.
    """

    def __init__(self, cfg_path=None, sequence_path=None, dataset_path=None, device='cpu',
                 batch_size=16, enforce_gender='male', enforce_zero_beta=1, body_type='smplx'):
        super().__init__(cfg_path, dataset_path, device, body_type, enforce_gender,
                         enforce_zero_beta)
        self.batch_size = batch_size
        self.load_statistics()
        self.update_seq(sequence_path)

    def update_seq(self, sequence_path):
        with open(sequence_path, 'rb') as f:
            self.sequence = pickle.load(f)
        body = sequence_to_body(self.sequence, self.device)
        wanted = self.primitive_length + 1
        for key, value in body.items():
            missing = max(0, wanted - value.shape[1])
            value = torch.cat([value, value[:, -1:].repeat_interleave(missing, dim=1)], dim=1)
            body[key] = value[:, :wanted]
        self.features = self.primitive_features(body)
        self.text = self.sequence.get('texts', [''])[0]

    def get_batch(self, batch_size):
        """One primitive, the same for every sample."""
        features = self.features.expand(batch_size, -1, -1)
        return [self.to_batch(features, [self.text] * batch_size)]


def sequence_to_body(sequence, device='cpu'):
    """Body parameters [1, T, ...] as matrices, from a sequence of a motion file."""
    transl = torch.as_tensor(sequence['transl'], dtype=torch.float32)
    frames = transl.shape[0]
    body = {'transl': transl[None]}
    for key, joints in (('global_orient', 1), ('body_pose', 21)):
        value = torch.as_tensor(sequence[key], dtype=torch.float32)
        if value.numel() == frames * joints * 9:
            value = value.reshape(frames, joints, 3, 3)
        else:
            value = axis_angle_to_matrix(value.reshape(frames, joints, 3))
        body[key] = value[None]
    body['global_orient'] = body['global_orient'][:, :, 0]
    return {key: value.to(device) for key, value in body.items()}
