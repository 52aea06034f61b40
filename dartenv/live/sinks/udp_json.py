"""Datagrams of JSON as the public JSONLiveLink plugins for Unreal read them.

One datagram a frame: an object with one field for each subject, whose value is an array of bones,
each with Name, Parent (index, -1 for the root), Location [x, y, z], Rotation [x, y, z, w] and Scale
[x, y, z], relative to its parent. Any other field would be taken for a subject, so what must be said
of the motion stands in the subject's name. Format: ue4plugins/JSONLiveLink, HandleReceivedData. Later
plugins of that name take an object for the subject, with the same array in its field Bone.

Unreal is left-handed, z up, in centimetres. D = diag(1, -1, 1) takes DART's world there: places to
100 D p, rotations R to D R D, and the same for every bone's own frame, which stays SMPL's mirrored.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List

import numpy as np

from dartenv.live.frame import LiveFrame
from dartenv.motion.skeleton import Skeleton

_CENTIMETRES = 100.0
_MIRROR = np.array([1.0, -1.0, 1.0])
_SCALE = [1, 1, 1]
FORMS = ("list", "object")


def subject_name(kind: str) -> str:
    """The subject of a bundle's ``kind``: dartenv, or dartenv-sandbox, dartenv-plumbing."""
    return "dartenv" if kind == "dart" else f"dartenv-{kind}"


def locations(frame: LiveFrame, skeleton: Skeleton) -> Any:
    """[22, 3] in Unreal's centimetres, each relative to its parent; the root's in the world."""
    places = skeleton.offsets.copy()
    places[0] = frame.places[0]
    return places * _MIRROR * _CENTIMETRES


def rotations(frame: LiveFrame) -> Any:
    """[22, 4] quaternions (x, y, z, w) in Unreal's frame, each relative to its parent."""
    w, x, y, z = np.moveaxis(frame.quaternions, -1, 0)
    # A mirrored rotation turns about the mirrored axis the other way: (x, y, z) to (-x, y, -z).
    return np.stack([-x, y, -z, w], axis=-1)


def pack_json(
    skeleton: Skeleton, subject: str, form: str = "list"
) -> Callable[[LiveFrame], List[bytes]]:
    """What makes a frame's datagram: the subject is a ``form`` list, or an object with a list."""
    names, parents = skeleton.names, skeleton.parents

    def pack(frame: LiveFrame) -> List[bytes]:
        place = np.round(locations(frame, skeleton), 4).tolist()
        turn = np.round(rotations(frame), 7).tolist()
        bones: List[Dict[str, Any]] = [
            {
                "Name": name,
                "Parent": parents[joint],
                "Location": place[joint],
                "Rotation": turn[joint],
                "Scale": _SCALE,
            }
            for joint, name in enumerate(names)
        ]
        told: Any = {"Bone": bones} if form == "object" else bones
        return [json.dumps({subject: told}, separators=(",", ":")).encode("ascii")]

    return pack
