"""The body of the sandbox: a skeleton of 22 joints read from a small npz of our own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from utils.rotations import axis_angle_to_matrix


class SandboxBody(nn.Module):
    """Forward kinematics of a 22-joint skeleton with ten shape numbers.

    Rest pose: arms stretched sideways, y up, x to the body's left, metres. As in SMPL-X the
    pelvis of the rest pose is not at the origin, and ``transl`` is added after all rotations.
    """

    def __init__(self, path):
        super().__init__()
        with np.load(path) as body:
            regressor = torch.tensor(body['J_regressor'], dtype=torch.float32)
            template = torch.tensor(body['v_template'], dtype=torch.float32)
            shapes = torch.tensor(body['shapedirs'], dtype=torch.float32)
            parents = body['kintree_table'][0].astype(np.int64)
        self.parents = [int(p) for p in parents]
        self.parents[0] = -1
        self.register_buffer('rest', regressor @ template)  # [22, 3]
        self.register_buffer('shapes', torch.einsum('jv,vcs->jcs', regressor, shapes))

    def forward(self, betas=None, global_orient=None, body_pose=None, transl=None, **unused):
        """Joints [N, 22, 3] in metres.

        ``betas`` [N, 10], ``global_orient`` [N, 3, 3], ``body_pose`` [N, 21, 3, 3],
        ``transl`` [N, 3]; what is left out is the rest pose at the origin. Rotations may also
        be axis-angle ([N, 3] and [N, 63]).
        """
        given = [v for v in (betas, global_orient, body_pose, transl) if v is not None]
        count = given[0].shape[0] if given else 1
        rest = self.rest[None].expand(count, -1, -1)
        if betas is not None:
            rest = rest + torch.einsum('jcs,ns->njc', self.shapes, betas)
        rotations = torch.eye(3, device=rest.device).expand(count, 22, 3, 3)
        if global_orient is not None or body_pose is not None:
            root = _matrices(global_orient, count, 1) if global_orient is not None else rotations[:, :1]
            rest_of_body = _matrices(body_pose, count, 21) if body_pose is not None else rotations[:, 1:]
            rotations = torch.cat([root, rest_of_body], dim=1)
        turned, joints = [rotations[:, 0]], [rest[:, 0]]
        for joint in range(1, 22):
            parent = self.parents[joint]
            offset = rest[:, joint] - rest[:, parent]
            joints.append(joints[parent] + torch.einsum('nij,nj->ni', turned[parent], offset))
            turned.append(turned[parent] @ rotations[:, joint])
        joints = torch.stack(joints, dim=1)
        if transl is not None:
            joints = joints + transl[:, None]
        return SimpleNamespace(joints=joints, vertices=joints)


def _matrices(rotations, count, joints):
    if rotations.shape[-2:] == (3, 3):
        return rotations.reshape(count, joints, 3, 3)
    return axis_angle_to_matrix(rotations.reshape(count, joints, 3))


def build_layer(body_model_dir, model_type='smplx', gender='male', ext='npz'):
    """The body of a gender below ``body_model_dir``.

    Raises:
        FileNotFoundError: the file is not there; the message names it.
    """
    path = Path(body_model_dir) / model_type / '{}_{}.{}'.format(
        model_type.upper(), gender.upper(), ext)
    if not path.is_file():
        raise FileNotFoundError(
            'sandbox: no body model at {} (body_model_dir in config_files/data_paths.py is {})'
            .format(path, body_model_dir))
    return SandboxBody(path)
