"""Rotations for the sandbox: axis-angle, matrices and the six-number form.

The six-number form of a rotation matrix is its first two rows, as in the motion features of
DART. All functions take and return tensors of any leading shape.
"""

import torch


def axis_angle_to_matrix(axis_angle):
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3] in radians."""
    angle = axis_angle.norm(dim=-1, keepdim=True)
    # sin(a)/a and (1-cos(a))/a^2 stay finite at a = 0 when written through sinc
    sinc = torch.sinc(angle / torch.pi)[..., None]
    half = torch.sinc(angle / (2 * torch.pi))[..., None]
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1)
    cross = cross.reshape(axis_angle.shape[:-1] + (3, 3))
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return eye + sinc * cross + 0.5 * half * half * (cross @ cross)


def matrix_to_axis_angle(matrix):
    """Axis-angle vectors [..., 3] of rotation matrices [..., 3, 3]; angles lie in [0, pi]."""
    # The largest of the four quaternion parts is found first: the others divide by it.
    m = matrix
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    squares = torch.stack(
        [trace, m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], dim=-1
    )
    squares = 1 + 2 * squares - trace[..., None]
    squares[..., 0] = 1 + trace
    off = {
        (0, 1): m[..., 2, 1] - m[..., 1, 2],
        (0, 2): m[..., 0, 2] - m[..., 2, 0],
        (0, 3): m[..., 1, 0] - m[..., 0, 1],
        (1, 2): m[..., 1, 0] + m[..., 0, 1],
        (1, 3): m[..., 0, 2] + m[..., 2, 0],
        (2, 3): m[..., 2, 1] + m[..., 1, 2],
    }
    rows = []
    for i in range(4):
        rows.append(torch.stack(
            [squares[..., i] if i == j else off[(min(i, j), max(i, j))] for j in range(4)], dim=-1
        ))
    candidates = torch.stack(rows, dim=-2)
    best = squares.argmax(dim=-1)
    index = best[..., None, None].expand(best.shape + (1, 4))
    quaternion = torch.nn.functional.normalize(candidates.gather(-2, index).squeeze(-2), dim=-1)
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    vector = quaternion[..., 1:]
    length = vector.norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(length, quaternion[..., :1])
    scale = torch.where(length > 1e-7, angle / length.clamp(min=1e-7), torch.full_like(angle, 2.0))
    return vector * scale


def rotation_6d_to_matrix(six):
    """Rotation matrices [..., 3, 3] from six numbers [..., 6], by Gram-Schmidt on two rows."""
    first, second = six[..., :3], six[..., 3:]
    row0 = torch.nn.functional.normalize(first, dim=-1)
    second = second - (row0 * second).sum(dim=-1, keepdim=True) * row0
    row1 = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([row0, row1, torch.cross(row0, row1, dim=-1)], dim=-2)


def matrix_to_rotation_6d(matrix):
    """The first two rows of matrices [..., 3, 3] as six numbers [..., 6]."""
    return matrix[..., :2, :].reshape(matrix.shape[:-2] + (6,))


def rotation_about(axis, angle):
    """Rotation matrices [..., 3, 3] about a coordinate axis 'x', 'y' or 'z', angles in radians."""
    vector = torch.zeros(angle.shape + (3,), dtype=angle.dtype, device=angle.device)
    vector[..., 'xyz'.index(axis)] = angle
    return axis_angle_to_matrix(vector)
