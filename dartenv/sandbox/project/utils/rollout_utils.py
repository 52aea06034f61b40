"""What every program that strings primitives together shares."""

import pickle

import torch

from utils.rotations import matrix_to_axis_angle
from utils.smpl_utils import tensor_dict_to_device


def frame_of(batch, device):
    """The world as the frame of a primitive: rotation [B, 3, 3] and translation [B, 1, 3]."""
    rotmat = torch.eye(3, device=device).repeat(batch, 1, 1)
    return rotmat, torch.zeros(batch, 1, 3, device=device)


def feature_dict(dataset, frames, rotmat, transl):
    """The parts of features [B, T, D] with what is needed to place them in the world."""
    utility = dataset.primitive_utility
    betas = torch.zeros(frames.shape[:2] + (10,), device=frames.device)
    parts = utility.tensor_to_dict(frames)
    parts.update(
        transf_rotmat=rotmat, transf_transl=transl, gender=dataset.enforce_gender, betas=betas,
        pelvis_delta=utility.calc_calibrate_offset(
            {'gender': dataset.enforce_gender, 'betas': betas[:, 0]}))
    return parts


def to_world(dataset, frames, rotmat, transl):
    """Body parameters [B, T, ...] in the world, of features in the given frame."""
    utility = dataset.primitive_utility
    body = utility.feature_dict_to_smpl_dict(feature_dict(dataset, frames, rotmat, transl))
    return utility.transform_primitive_to_world(body)


def next_history(dataset, frames, use_predicted_joints, rotmat=None, transl=None):
    """The normalised history [B, H, D] that follows features [B, T, D], and its frame."""
    if rotmat is None:
        rotmat, transl = frame_of(frames.shape[0], frames.device)
    last = feature_dict(dataset, frames[:, -dataset.history_length:], rotmat, transl)
    body, blended = dataset.primitive_utility.get_blended_feature(last, use_predicted_joints)
    history = dataset.normalize(dataset.primitive_utility.dict_to_tensor(blended))
    return history, body['transf_rotmat'], body['transf_transl']


def join(sequence, more):
    """Append body parameters along time."""
    if sequence is None:
        return more
    for key in ('transl', 'global_orient', 'body_pose', 'betas', 'joints'):
        sequence[key] = torch.cat([sequence[key], more[key]], dim=1)
    return sequence


def first_history(dataset, batch_size, device):
    """The normalised history [B, H, D] that a rollout starts from."""
    batch = dataset.get_batch(batch_size)[0]
    motion = batch['motion_tensor_normalized'].squeeze(2).transpose(1, 2)
    return motion[:, :dataset.history_length].to(device)


def sample_of(sequence, index, texts, dataset, frames=slice(None)):
    """One sample as DART writes it: body parameters [T, ...], texts and lengths, on the CPU."""
    sample = {'texts': texts, 'gender': sequence['gender']}
    for key in ('betas', 'transl', 'global_orient', 'body_pose', 'joints'):
        sample[key] = sequence[key][index, frames].detach().clone()
    sample['history_length'] = dataset.history_length
    sample['future_length'] = dataset.future_length
    return tensor_dict_to_device(sample, 'cpu')


def write_pickle(sample, path):
    with open(path, 'wb') as f:
        pickle.dump(sample, f)


def blender_arrays(sample, fps):
    """What Blender's add-on reads: axis-angle poses [T, 165], translation, shape and rate."""
    matrices = torch.cat([sample['global_orient'][:, None], sample['body_pose']], dim=1)
    poses = matrix_to_axis_angle(matrices).flatten(1)
    poses = torch.cat([poses, poses.new_zeros(poses.shape[0], 99)], dim=1)
    return {
        'mocap_framerate': fps,
        'gender': sample['gender'],
        'betas': sample['betas'][0].numpy(),
        'poses': poses.numpy(),
        'trans': sample['transl'].numpy(),
    }
