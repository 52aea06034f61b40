"""Motion features of the sandbox: 276 numbers a frame, in DART's layout.

    transl 3, poses_6d 132, transl_delta 3, global_orient_delta_6d 6, joints 66, joints_delta 66

A primitive lives in its own frame: the origin at the pelvis of its first frame, z up, x along
the floor from the left hip to the right one, so that the body looks along y. ``transf_rotmat``
[B, 3, 3] and ``transf_transl`` [B, 1, 3] carry that frame into the world. Every delta is the
next frame less this one. Lengths are metres, angles rotation matrices or their first two rows.
"""

import torch

from config_files.data_paths import *
from utils.body_model import build_layer
from utils.rotations import matrix_to_rotation_6d, rotation_6d_to_matrix

JOINT_NAMES = (
    'pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 '
    'left_foot right_foot neck left_collar right_collar head left_shoulder right_shoulder '
    'left_elbow right_elbow left_wrist right_wrist'
).split()
FOOT_JOINTS_IDX = [JOINT_NAMES.index(name) for name in ('left_foot', 'right_foot')]


def tensor_dict_to_device(tensor_dict, device):
    """Move every tensor of a dictionary; the dictionary is changed and returned."""
    for key, value in tensor_dict.items():
        if torch.is_tensor(value):
            tensor_dict[key] = value.to(device)
    return tensor_dict


def turn_points(rotmat, points):
    """Rotate points [B, ..., 3] by one matrix a sample, [B, 3, 3]."""
    flat = points.reshape(points.shape[0], -1, 3)
    return (flat @ rotmat.transpose(1, 2)).reshape(points.shape)


def turn_6d(rotmat, six):
    """Rotate orientations [B, T, 6] by one matrix a sample."""
    return matrix_to_rotation_6d(rotmat[:, None] @ rotation_6d_to_matrix(six))


def turn_delta_6d(rotmat, six):
    """Carry world-side rotation deltas [B, T, 6] into another frame: R D R^T."""
    delta = rotation_6d_to_matrix(six)
    return matrix_to_rotation_6d(rotmat[:, None] @ delta @ rotmat.transpose(1, 2)[:, None])


def heading_frame(joints):
    """The frame of a body: matrices [B, 3, 3] with its axes as columns, and pelvis [B, 1, 3]."""
    x_axis = joints[:, 2] - joints[:, 1]
    x_axis = torch.cat([x_axis[:, :2], torch.zeros_like(x_axis[:, 2:])], dim=-1)
    x_axis = x_axis / x_axis.norm(dim=-1, keepdim=True)
    z_axis = torch.zeros_like(x_axis)
    z_axis[:, 2] = 1.0
    y_axis = torch.cross(z_axis, x_axis, dim=-1)
    return torch.stack([x_axis, y_axis, z_axis], dim=-1), joints[:, :1]


class PrimitiveUtility:
    """Motion primitives between features, body parameters and the world."""

    def __init__(self, device='cpu', dtype=torch.float32, body_type='smplx'):
        self.device = device
        self.dtype = dtype
        self.body_type = body_type
        self.motion_repr = {
            'transl': 3,
            'poses_6d': 132,
            'transl_delta': 3,
            'global_orient_delta_6d': 6,
            'joints': 66,
            'joints_delta': 66,
        }
        self.feature_dim = sum(self.motion_repr.values())
        self.bm_male = build_layer(body_model_dir, body_type, 'male').to(device).eval()
        self.bm_female = build_layer(body_model_dir, body_type, 'female').to(device).eval()

    def get_smpl_model(self, gender):
        return self.bm_male if gender == 'male' else self.bm_female

    def dict_to_tensor(self, data_dict):
        """Features [..., 276] from their parts."""
        return torch.cat([data_dict[key] for key in self.motion_repr], dim=-1)

    def tensor_to_dict(self, tensor):
        """The parts of features [..., 276]."""
        parts = torch.split(tensor, list(self.motion_repr.values()), dim=-1)
        return dict(zip(self.motion_repr, parts))

    def calc_calibrate_offset(self, body_param_dict):
        """Pelvis [B, 3] of the rest pose: what lies between ``transl`` and the pelvis."""
        model = self.get_smpl_model(body_param_dict['gender'])
        return model(betas=body_param_dict['betas']).joints[:, 0]

    def body_joints(self, primitive_dict):
        """Joints [B, T, 22, 3] of body parameters, by forward kinematics."""
        shape = primitive_dict['transl'].shape[:2]
        flat = {
            key: primitive_dict[key].reshape((-1,) + primitive_dict[key].shape[2:])
            for key in ('betas', 'transl', 'global_orient', 'body_pose')
        }
        joints = self.get_smpl_model(primitive_dict['gender'])(**flat).joints
        return joints.reshape(shape + (22, 3))

    def feature_dict_to_smpl_dict(self, feature_dict):
        """Body parameters from features; joints stay those the network predicted."""
        matrices = rotation_6d_to_matrix(
            feature_dict['poses_6d'].reshape(feature_dict['poses_6d'].shape[:-1] + (22, 6)))
        kept = ('gender', 'betas', 'transf_rotmat', 'transf_transl', 'transl', 'joints',
                'pelvis_delta')
        smpl_dict = {key: feature_dict[key] for key in kept if key in feature_dict}
        smpl_dict['global_orient'] = matrices[..., 0, :, :]
        smpl_dict['body_pose'] = matrices[..., 1:, :, :]
        return smpl_dict

    def _pelvis_delta(self, primitive_dict):
        if 'pelvis_delta' in primitive_dict:
            return primitive_dict['pelvis_delta']
        return self.calc_calibrate_offset(
            {'gender': primitive_dict['gender'], 'betas': primitive_dict['betas'][:, 0]})

    def canonicalize(self, primitive_dict, use_predicted_joints=False):
        """Move a primitive into the frame of its first body; the dictionary is changed.

        Returns that frame in the old one (rotation [B, 3, 3], translation [B, 1, 3]) and the
        dictionary, whose ``transf_*`` now lead from the new frame to the world.
        """
        batch, frames = primitive_dict['transl'].shape[:2]
        if use_predicted_joints:
            first = primitive_dict['joints'][:, 0].reshape(batch, 22, 3)
        else:
            keys = ('betas', 'transl', 'global_orient', 'body_pose')
            first_body = {key: primitive_dict[key][:, :1] for key in keys}
            first = self.body_joints(dict(first_body, gender=primitive_dict['gender']))[:, 0]
        rotmat, transl = heading_frame(first)
        back = rotmat.transpose(1, 2)
        delta = self._pelvis_delta(primitive_dict)[:, None]
        primitive_dict['global_orient'] = back[:, None] @ primitive_dict['global_orient']
        primitive_dict['transl'] = turn_points(back, primitive_dict['transl'] + delta - transl) - delta
        if 'joints' in primitive_dict:
            joints = primitive_dict['joints'].reshape(batch, frames * 22, 3)
            primitive_dict['joints'] = turn_points(back, joints - transl).reshape(batch, frames, 66)
        old_rotmat, old_transl = primitive_dict['transf_rotmat'], primitive_dict['transf_transl']
        primitive_dict['transf_rotmat'] = old_rotmat @ rotmat
        primitive_dict['transf_transl'] = turn_points(old_rotmat, transl) + old_transl
        return rotmat, transl, primitive_dict

    def calc_features(self, primitive_dict, use_predicted_joints=False):
        """Features of a primitive [B, T, ...]; the deltas have one frame less."""
        shape = primitive_dict['transl'].shape[:2]
        if use_predicted_joints:
            joints = primitive_dict['joints'].reshape(shape + (66,))
        else:
            joints = self.body_joints(primitive_dict).reshape(shape + (66,))
        orient, transl = primitive_dict['global_orient'], primitive_dict['transl']
        poses = torch.cat([orient[:, :, None], primitive_dict['body_pose']], dim=2)
        return {
            'transl': transl,
            'transl_delta': transl[:, 1:] - transl[:, :-1],
            'joints': joints,
            'joints_delta': joints[:, 1:] - joints[:, :-1],
            'global_orient_delta_6d': matrix_to_rotation_6d(
                orient[:, 1:] @ orient[:, :-1].transpose(2, 3)),
            'poses_6d': matrix_to_rotation_6d(poses).reshape(shape + (132,)),
        }

    def get_blended_feature(self, feature_dict, use_predicted_joints=False):
        """The history for the next primitive, from the last frames of this one.

        With predicted joints every feature is only carried over into the new frame. Without,
        they are worked out anew from the body, and the last frame, whose next frame does not
        exist yet, keeps the deltas that the network predicted.
        Returns (body parameters in the new frame, features in the new frame).
        """
        primitive_dict = self.feature_dict_to_smpl_dict(feature_dict)
        rotmat, _, primitive_dict = self.canonicalize(primitive_dict, use_predicted_joints)
        back = rotmat.transpose(1, 2)
        carried = {
            'transl_delta': turn_points(back, feature_dict['transl_delta']),
            'joints_delta': turn_points(back, feature_dict['joints_delta']),
            'global_orient_delta_6d': turn_delta_6d(back, feature_dict['global_orient_delta_6d']),
        }
        if use_predicted_joints:
            poses = feature_dict['poses_6d']
            features = dict(
                carried,
                transl=primitive_dict['transl'],
                joints=primitive_dict['joints'],
                poses_6d=torch.cat([turn_6d(back, poses[..., :6]), poses[..., 6:]], dim=-1),
            )
        else:
            features = self.calc_features(primitive_dict)
            for key, value in carried.items():
                features[key] = torch.cat([features[key], value[:, -1:]], dim=1)
        for key in ('transf_rotmat', 'transf_transl', 'gender', 'betas', 'pelvis_delta'):
            if key in primitive_dict:
                features[key] = primitive_dict[key]
        return primitive_dict, features

    def _world(self, rotmat, transl):
        identity = torch.eye(3, device=rotmat.device, dtype=rotmat.dtype)
        return {
            'transf_rotmat': identity.expand_as(rotmat).clone(),
            'transf_transl': torch.zeros_like(transl),
        }

    def _transl_to_world(self, primitive_dict):
        delta = self._pelvis_delta(primitive_dict)[:, None]
        rotmat, transl = primitive_dict['transf_rotmat'], primitive_dict['transf_transl']
        return turn_points(rotmat, primitive_dict['transl'] + delta) - delta + transl

    def transform_primitive_to_world(self, primitive_dict):
        """Body parameters in the world; joints come as [B, T, 22, 3]. Changes the dictionary."""
        rotmat, transl = primitive_dict['transf_rotmat'], primitive_dict['transf_transl']
        batch, frames = primitive_dict['transl'].shape[:2]
        joints = primitive_dict['joints'].reshape(batch, frames, 22, 3)
        primitive_dict['joints'] = turn_points(rotmat, joints) + transl[:, None]
        primitive_dict['transl'] = self._transl_to_world(primitive_dict)
        primitive_dict['global_orient'] = rotmat[:, None] @ primitive_dict['global_orient']
        primitive_dict.update(self._world(rotmat, transl))
        return primitive_dict

    def transform_feature_to_world(self, feature_dict):
        """The same features with the world for their frame, as a new dictionary."""
        rotmat, transl = feature_dict['transf_rotmat'], feature_dict['transf_transl']
        batch, frames = feature_dict['transl'].shape[:2]
        joints = feature_dict['joints'].reshape(batch, frames, 22, 3)
        poses = feature_dict['poses_6d']
        world = dict(feature_dict)
        world.update(
            transl=self._transl_to_world(feature_dict),
            joints=(turn_points(rotmat, joints) + transl[:, None]).reshape(batch, frames, 66),
            transl_delta=turn_points(rotmat, feature_dict['transl_delta']),
            joints_delta=turn_points(rotmat, feature_dict['joints_delta']),
            global_orient_delta_6d=turn_delta_6d(rotmat, feature_dict['global_orient_delta_6d']),
            poses_6d=torch.cat([turn_6d(rotmat, poses[..., :6]), poses[..., 6:]], dim=-1),
        )
        world.update(self._world(rotmat, transl))
        return world
