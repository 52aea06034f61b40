"""A skeleton: names, parents and rest positions of joints, and where a pose puts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

import numpy as np

from dartenv.bundle.contract import Skeleton as BundleSkeleton
from dartenv.bundle.skeleton import joint_names
from dartenv.errors import UsageFault

BODY_JOINTS = 22
ALL_JOINTS = 55
# Parents of SMPL-X's joints; the first 22 are also SMPL-H's. Source: kintree_table of the
# published body models (smpl-x.is.tue.mpg.de), which bundles carry.
PARENTS_22 = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
_WRISTS = (20, 21)
PARENTS_55 = (
    *PARENTS_22,
    15,
    15,
    15,
    *(
        wrist if number == 0 else 25 + 15 * side + 3 * finger + number - 1
        for side, wrist in enumerate(_WRISTS)
        for finger in range(5)
        for number in range(3)
    ),
)


@dataclass(frozen=True)
class Skeleton:
    """Joints in an order in which parents come first.

    ``rest`` [J, 3]: positions in the body model's own frame (y up, facing z), in metres, with no
    translation; ``rest[0]`` is the pelvis, about which bodies turn. ``body`` is smplx or smplh.
    """

    names: Tuple[str, ...]
    parents: Tuple[int, ...]
    rest: Any
    gender: str = "neutral"
    betas: Tuple[float, ...] = ()
    body: str = "smplx"

    def __post_init__(self) -> None:
        count = len(self.names)
        if len(self.parents) != count or np.shape(self.rest) != (count, 3):
            raise UsageFault(
                f"{count} joint names, {len(self.parents)} parents, rest joints of shape "
                f"{np.shape(self.rest)}",
                "one parent and one position for each joint",
            )
        if not count or self.parents[0] != -1:
            raise UsageFault(f"parents {self.parents[:3]}", "-1 for the first joint, the root")
        for joint, parent in enumerate(self.parents[1:], start=1):
            if not 0 <= parent < joint:
                raise UsageFault(f"joint {joint} has parent {parent}", "a joint that stands before")
        if not np.isfinite(self.rest).all():
            raise UsageFault("rest joints that are no numbers", "positions in metres")

    @property
    def offsets(self) -> Any:
        """[J, 3]: each joint's rest position less its parent's; the root's own position."""
        rest = np.asarray(self.rest, dtype=np.float64)
        offsets = rest.copy()
        offsets[1:] -= rest[list(self.parents[1:])]
        return offsets

    @property
    def pelvis(self) -> Any:
        """[3]: the rest position of the root."""
        return np.asarray(self.rest[0], dtype=np.float64)


def from_bundle(bundle: BundleSkeleton, joints: int = BODY_JOINTS) -> Skeleton:
    """The bundle's skeleton with 22 joints, or 55 with hands and face where it has them.

    Raises UsageFault for another number, or where the bundle has no such joints.
    """
    if joints == BODY_JOINTS:
        names, parents, rest = bundle.names, bundle.parents, bundle.rest_joints
    elif joints == ALL_JOINTS:
        names, parents, rest = bundle.names_55, bundle.parents_55, bundle.rest_joints_55
        if len(rest) != ALL_JOINTS:
            raise UsageFault(
                f"a bundle of {len(bundle.rest_joints)} joints ({bundle.body})",
                "one made with SMPL-X's hands and face, for 55 joints",
                "--joints 22",
            )
    else:
        raise UsageFault(f"{joints} joints", "22 (body) or 55 (with hands and face at rest)")
    return Skeleton(
        tuple(names),
        tuple(parents),
        np.asarray(rest, dtype=np.float64),
        bundle.gender,
        tuple(bundle.betas),
        bundle.body,
    )


def of_rest_joints(rest: Any, gender: str = "neutral", betas: Tuple[float, ...] = ()) -> Skeleton:
    """A skeleton of SMPL-X's tree around rest joints [22, 3] or [55, 3] of a body model."""
    count = np.shape(rest)[0]
    parents = {BODY_JOINTS: PARENTS_22, ALL_JOINTS: PARENTS_55}.get(count)
    if parents is None:
        raise UsageFault(f"{count} rest joints", "22 (body) or 55 (with hands and face)")
    return Skeleton(tuple(joint_names(count)), parents, np.asarray(rest, np.float64), gender, betas)


def forward_kinematics(skeleton: Skeleton, rotations: Any, translation: Any) -> Any:
    """Joint positions [..., J, 3] in metres, of rotations [..., J, 3, 3], translation [..., 3].

    As SMPL places bodies: the root lies at ``translation + rest[0]`` and turns about itself.
    Rotations of fewer joints than the skeleton has leave the rest at rest.
    """
    rotations = fill_rest(np.asarray(rotations, dtype=np.float64), len(skeleton.names))
    translation = np.asarray(translation, dtype=np.float64)
    offsets = skeleton.offsets
    places = [translation + offsets[0]]
    turned = [rotations[..., 0, :, :]]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        places.append(places[parent] + turned[parent] @ offsets[joint])
        turned.append(turned[parent] @ rotations[..., joint, :, :])
    return np.stack(places, axis=-2)


def fill_rest(rotations: Any, joints: int) -> Any:
    """Rotations [..., K, 3, 3] with identities added up to ``joints``, or cut to them."""
    known = rotations.shape[-3]
    if known >= joints:
        return rotations[..., :joints, :, :]
    still = np.broadcast_to(np.eye(3), (*rotations.shape[:-3], joints - known, 3, 3))
    return np.concatenate([rotations, still], axis=-3)
