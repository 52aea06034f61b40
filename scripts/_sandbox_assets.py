"""What the sandbox holds beside code and weights: its bodies, its motions, its repair for training.

Used by scripts/train_sandbox.py. numpy and torch are only imported where they are needed, so
that ``mend`` serves tests on any Python.
"""

from __future__ import annotations

import os
import pickle
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

Point = Tuple[float, float, float]

# The rest pose in metres, y up, x to the body's left: offset of each joint from its parent.
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
CENTRE: Dict[int, Point] = {
    0: (0.0, -0.30, 0.0),
    3: (0.0, 0.11, -0.02),
    6: (0.0, 0.13, 0.01),
    9: (0.0, 0.06, 0.01),
    12: (0.0, 0.21, -0.02),
    15: (0.0, 0.09, 0.03),
}
# the right-hand joint follows each left-hand one, mirrored
LEFT: Dict[int, Point] = {
    1: (0.09, -0.08, 0.0),
    4: (0.01, -0.40, 0.0),
    7: (-0.005, -0.41, -0.02),
    10: (0.02, -0.06, 0.13),
    13: (0.06, 0.12, -0.01),
    16: (0.11, 0.03, -0.01),
    18: (0.26, -0.01, -0.01),
    20: (0.25, 0.01, 0.0),
}
LABEL = "dartenv sandbox: 22 joints of our own, not SMPL-X"

REPAIRS = (
    ("data_loaders/humanml/common/quaternion.py", "np.finfo(np.float)", "np.finfo(float)"),
    ("mld/train_mvae.py", "import asdict, dataclass", "import asdict, dataclass, field"),
    ("mld/train_mld.py", "import asdict, dataclass", "import asdict, dataclass, field"),
    ("config_files/data_paths.py", "'smplx_lockedhead_20230207/models_lockedhead/'",
     "'sandbox-models'"),
)  # fmt: skip
DEFAULTS = {
    "mld/train_mvae.py": ("TrainArgs", "VAEArgs", "DataArgs"),
    "mld/train_mld.py": (
        "TrainArgs",
        "DataArgs",
        "DenoiserArgs",
        "DenoiserMLPArgs",
        "DiffusionArgs",
    ),
}


def mend(root: Path) -> None:
    """Repair the sandbox's faults by plain replacement, enough for it to run on this machine."""
    for name, old, new in REPAIRS:
        replace(root / name, old, new)
    for name, classes in DEFAULTS.items():
        for made in classes:
            replace(root / name, f"= {made}()\n", f"= field(default_factory={made})\n")


def replace(path: Path, old: str, new: str) -> None:
    """Replace text in a file that must hold it."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise SystemExit(f"{path} does not hold {old!r}")
    path.write_bytes(text.replace(old, new).encode("utf-8"))


def rest_joints() -> List[Point]:
    """Joints of the rest pose, 22 points."""
    offsets = dict(CENTRE)
    for joint, (x, y, z) in LEFT.items():
        offsets[joint], offsets[joint + 1] = (x, y, z), (-x, y, z)
    joints: List[Point] = []
    for joint, parent in enumerate(PARENTS):
        start = joints[parent] if parent >= 0 else (0.0, 0.0, 0.0)
        x, y, z = (a + b for a, b in zip(start, offsets[joint]))
        joints.append((x, y, z))
    return joints


def write_bodies(folder: Path) -> None:
    """Write the two skeletons, the second three per cent smaller, with SMPL-X's array names."""
    np: Any = import_module("numpy")
    rest = np.array(rest_joints(), dtype=np.float32)
    shapes = np.zeros((22, 3, 10), dtype=np.float32)
    shapes[:, :, 0] = 0.03 * rest  # the first shape number makes the body larger or smaller
    folder.mkdir(parents=True, exist_ok=True)
    for gender, size in (("MALE", 1.0), ("FEMALE", 0.97)):
        np.savez(
            folder / f"SMPLX_{gender}.npz",
            v_template=rest * np.float32(size),
            shapedirs=shapes * np.float32(size),
            J_regressor=np.eye(22, dtype=np.float32),
            weights=np.eye(22, dtype=np.float32),
            kintree_table=np.array([PARENTS, range(22)], dtype=np.int32),
            label=np.array(LABEL),
        )


def portable_pickle(value: Any) -> bytes:
    """A pickle that numpy 1 and numpy 2 both read: the module moved in between."""
    return pickle.dumps(value, protocol=2).replace(b"cnumpy._core.", b"cnumpy.core.")


def write_motions(root: Path) -> None:
    """Write stand.pkl and the two in-between inputs.

    Runs in a process of its own, in which the modules of the repaired sandbox at ``root`` are
    the ones imported.
    """
    sys.path.insert(0, str(root))
    os.chdir(root)
    np: Any = import_module("numpy")
    perform: Any = import_module("data_loaders.humanml.data.synthetic").perform
    to_angles: Any = import_module("utils.rotations").matrix_to_axis_angle
    body: Any = import_module("utils.body_model").build_layer(root / "data" / "sandbox-models")

    def sequence(script: Sequence[str], first: int, frames: int) -> Dict[str, Any]:
        moves = perform(body, [list(script)], seed=1, spread=0.0)
        cut = {name: value[0, first : first + frames] for name, value in moves.items()}
        angles = {name: to_angles(cut[name]) for name in ("global_orient", "body_pose")}
        arrays = dict(angles, transl=cut["transl"])
        motion = {
            name: value.reshape(frames, -1).double().numpy() for name, value in arrays.items()
        }
        return dict(motion, gender="male", betas=np.zeros(10), texts=[script[-1]])

    def hold(motion: Dict[str, Any], first: int) -> Dict[str, Any]:
        """Keep the frames up to ``first`` and the last one; what is between repeats ``first``."""
        for key in ("transl", "global_orient", "body_pose"):
            motion[key][first:-1] = motion[key][first]
        return motion

    text = "pace in circles"
    folder = root / "data" / "inbetween" / "pace_in_circles"
    folder.mkdir(parents=True, exist_ok=True)
    for path, motion in (
        (root / "data" / "stand.pkl", sequence(["stand"] * 5, 4, 30)),
        (folder / "babel_1f.pkl", hold(sequence(["stand"] + [text] * 6, 9, 41), 0)),
        (folder / "babel_2f.pkl", hold(sequence([text] * 10, 24, 42), 2)),
    ):
        path.write_bytes(portable_pickle(motion))


if __name__ == "__main__":
    write_motions(Path(sys.argv[1]))
