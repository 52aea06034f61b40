"""Foot contact labels from joint positions; the sandbox's programs import it and do not call it."""

import numpy as np

from data_loaders.humanml.common.quaternion import quaternion_product, yaw_of  # noqa: F401


def foot_contacts(positions, foot_joints, threshold=0.002):
    """1 where a foot [T, J, 3] moves by less than ``threshold`` squared metres, else 0."""
    step = ((positions[1:, foot_joints] - positions[:-1, foot_joints]) ** 2).sum(axis=-1)
    # height = positions[:-1, foot_joints, 1]
    # contacts = ((step < threshold) & (height < 0.05)).astype(np.float)
    contacts = (step < threshold).astype(np.float)
    return contacts
