"""VMC: Open Sound Control messages with the bones of Unity's humanoid.

/VMC/Ext/OK, /VMC/Ext/T, /VMC/Ext/Root/Pos and one /VMC/Ext/Bone/Pos a bone: name, place, quaternion
(x, y, z, w), relative to the parent. Source: protocol.vmc.info, the marionette's specification.

Unity is left-handed, y up, in metres; a model at rest stands in a T and faces z, its left hand at -x.
SMPL's rest pose is that T, y up, facing z, its left at +x: S = diag(-1, 1, 1) takes places p to S p
and rotations R to S R S. The root stays where it is; the hips move.
"""

from __future__ import annotations

from typing import Any, Callable, List

import numpy as np

from dartenv.live.frame import LiveFrame
from dartenv.motion.motion import Y_UP_OF_Z_UP
from dartenv.motion.rotations import quaternion_from_matrix
from dartenv.motion.skeleton import Skeleton

# In the order of SMPL's joints. Source: docs.unity3d.com, HumanBodyBones.
BONES = (
    "Hips",
    "LeftUpperLeg",
    "RightUpperLeg",
    "Spine",
    "LeftLowerLeg",
    "RightLowerLeg",
    "Chest",
    "LeftFoot",
    "RightFoot",
    "UpperChest",
    "LeftToes",
    "RightToes",
    "Neck",
    "LeftShoulder",
    "RightShoulder",
    "Head",
    "LeftUpperArm",
    "RightUpperArm",
    "LeftLowerArm",
    "RightLowerArm",
    "LeftHand",
    "RightHand",
)
# Below what one Ethernet frame carries, so that no bundle travels in pieces.
MOST_BYTES = 1400
_MIRROR = np.array([-1.0, 1.0, 1.0])


def positions(frame: LiveFrame, skeleton: Skeleton) -> Any:
    """[22, 3] in Unity's metres, each relative to its parent; the hips' in the world."""
    places = skeleton.offsets.copy()
    places[0] = Y_UP_OF_Z_UP @ frame.places[0]
    return places * _MIRROR


def rotations(frame: LiveFrame) -> Any:
    """[22, 4] quaternions (x, y, z, w) in Unity's frame, each relative to its parent."""
    turned = frame.quaternions.copy()
    turned[0] = quaternion_from_matrix(Y_UP_OF_Z_UP @ np.asarray(frame.rotations[0], np.float64))
    w, x, y, z = np.moveaxis(turned, -1, 0)
    # A mirrored rotation turns about the mirrored axis the other way: (x, y, z) to (x, -y, -z).
    return np.stack([x, -y, -z, w], axis=-1)


def pack_vmc(skeleton: Skeleton, fps: float) -> Callable[[LiveFrame], List[bytes]]:
    """What makes a frame's datagrams, each a bundle to be read at once."""
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message_builder import OscMessageBuilder

    def message(address: str, *values: Any) -> Any:
        builder = OscMessageBuilder(address=address)
        for value in values:
            kind = {str: "s", int: "i", float: "f"}[type(value)]
            builder.add_arg(value, kind)
        return builder.build()

    def pack(frame: LiveFrame) -> List[bytes]:
        place = positions(frame, skeleton).tolist()
        turn = rotations(frame).tolist()
        messages = [
            message("/VMC/Ext/OK", 1),
            message("/VMC/Ext/T", frame.number / fps),
            message("/VMC/Ext/Root/Pos", "root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
        ]
        for joint, name in enumerate(BONES):
            messages.append(message("/VMC/Ext/Bone/Pos", name, *place[joint], *turn[joint]))
        datagrams: List[bytes] = []
        builder, size = OscBundleBuilder(IMMEDIATELY), 16
        for one in messages:
            if size + one.size + 4 > MOST_BYTES:
                datagrams.append(builder.build().dgram)
                builder, size = OscBundleBuilder(IMMEDIATELY), 16
            builder.add_content(one)
            size += one.size + 4
        datagrams.append(builder.build().dgram)
        return datagrams

    return pack
