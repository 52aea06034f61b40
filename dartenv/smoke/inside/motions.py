"""Stand-in motions: a person standing still, as SinglePrimitiveDataset reads them.

World frame: z up, floor at height 0, facing -y. Python 3.6 syntax.
"""

import pickle
from pathlib import Path
from typing import Any, Dict

from . import heavy

_LEFT_FOOT = 10


def standing(item: Dict[str, Any]) -> None:
    """Write ``item["path"]``: ``item["frames"]`` frames (default 40) of standing.

    Keys: body_pose [T, 63] and global_orient [T, 3] in axis-angle, transl [T, 3] in metres,
    betas [10], gender, texts.
    """
    np = heavy.numpy()

    from .skeleton import rest_joints

    frames = int(item.get("frames", 40))
    joints = rest_joints(float(item.get("scale", 1.0)))
    upright = np.array([np.pi / 2.0, 0.0, 0.0])  # y up -> z up
    pelvis = joints[0]
    height = float(pelvis[1] - joints[_LEFT_FOOT][1])
    transl = np.array([0.0, 0.0, height]) - pelvis
    sequence = {
        "body_pose": np.zeros((frames, 63), dtype=np.float32),
        "global_orient": np.tile(upright.astype(np.float32), (frames, 1)),
        "transl": np.tile(transl.astype(np.float32), (frames, 1)),
        "betas": np.zeros(10, dtype=np.float32),
        "gender": str(item.get("gender", "male")),
        "texts": [str(item.get("text", "stand"))],
        "mocap_framerate": float(item.get("fps", 30)),
    }
    with Path(item["path"]).open("wb") as stream:
        pickle.dump(sequence, stream, protocol=4)
