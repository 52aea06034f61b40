"""BVH files whose joints have SMPL-X's names, read back as motion.

BVH says neither unit nor up axis: the unit is taken from the size of the rest pose (a body is
between half a metre and three metres tall), the axis from where its head is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from dartenv.bundle.skeleton import joint_names
from dartenv.errors import UsageFault
from dartenv.motion.motion import UPS, Y_UP_OF_Z_UP, Motion
from dartenv.motion.poses import check_numbers
from dartenv.motion.rotations import ORDERS, matrix_from_euler
from dartenv.motion.skeleton import ALL_JOINTS, BODY_JOINTS, PARENTS_55, of_rest_joints

_MAX_BYTES = 400_000_000
_TALLEST = 3.0  # metres


@dataclass
class _Joint:
    name: str
    parent: Optional[int]
    offset: Any
    channels: Tuple[str, ...] = ()
    first: int = 0


class _Words:
    """The file's words, one after another, with the line of each for messages."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._words = [(w, n) for n, line in enumerate(text.split("\n"), 1) for w in line.split()]
        self._next = 0

    def fault(self, wanted: str) -> UsageFault:
        if self._next > len(self._words) or not self._words:
            return UsageFault(f"{self.path}: ends too early", wanted)
        word, line = self._words[self._next - 1]
        return UsageFault(f"{self.path}: {word[:40]!r} in line {line}", wanted)

    def take(self, wanted: str = "") -> str:
        self._next += 1
        if self._next > len(self._words):
            raise self.fault(wanted or "a whole BVH file")
        word = self._words[self._next - 1][0]
        if wanted and word.lower() != wanted.lower():
            raise self.fault(wanted)
        return word

    @property
    def left(self) -> int:
        return len(self._words) - self._next

    def rest(self) -> Any:
        """All words that are left, as numbers; at once, for there may be a million."""
        try:
            values = np.array([word for word, _ in self._words[self._next :]]).astype(np.float64)
        except ValueError:
            values = np.full(1, np.nan)
        if not np.isfinite(values).all():
            while self.left:  # the first that is none is named
                self.number()
        return values

    def number(self) -> float:
        try:
            value = float(self.take())
        except ValueError:
            raise self.fault("a number") from None
        if not np.isfinite(value):
            raise self.fault("a finite number")
        return value


def read_bvh(path: Path, up: Optional[str] = None, pelvis: Any = None) -> Tuple[Motion, str]:
    """(the motion, z up as all are; how the file was read, in words).

    ``up`` overrides what the rest pose shows. ``pelvis`` [3] is the body model's rest position of
    the root, which BVH does not keep; without it the skeleton's root rests at the origin. Raises
    UsageFault: not there, no BVH, other joints than SMPL-X's 22 or 55.
    """
    joints, frames, step = _parse(path)
    names = [joint.name for joint in joints]
    wanted = joint_names(ALL_JOINTS if len(joints) == ALL_JOINTS else BODY_JOINTS)
    if sorted(names) != sorted(wanted):
        other = next((name for name in names if name not in wanted), "too few")
        raise UsageFault(
            f"{path}: {len(names)} joints, among them {other}",
            f"SMPL-X's {BODY_JOINTS} or {ALL_JOINTS} by name, as dartenv writes them",
        )
    place = {name: index for index, name in enumerate(names)}
    order = [place[name] for name in wanted]
    for joint, index in enumerate(order[1:], start=1):
        parent = joints[index].parent
        if parent is None or names[parent] != wanted[PARENTS_55[joint]]:
            raise UsageFault(f"{path}: {wanted[joint]} hangs elsewhere", "SMPL-X's tree of joints")
    offsets = np.array([joints[index].offset for index in order])
    rest = np.zeros_like(offsets)
    for joint in range(1, len(order)):
        rest[joint] = rest[PARENTS_55[joint]] + offsets[joint]
    head = rest[wanted.index("head")]
    up = up or ("y" if head[1] > head[2] else "z")
    if up not in UPS:
        raise UsageFault(f"up {up!r}", "y or z")
    height = rest[:, "xyz".index(up)].max() - rest[:, "xyz".index(up)].min()
    unit, scale = ("cm", 0.01) if height > _TALLEST else ("m", 1.0)

    local = np.stack([_rotations(joints[index], frames) for index in order], axis=1)
    root = joints[order[0]]
    position = _positions(path, root, frames) * scale
    # As BvhStream turns them, the other way round.
    standing = Y_UP_OF_Z_UP.T if up == "z" else np.eye(3)
    world = Y_UP_OF_Z_UP if up == "y" else np.eye(3)
    local[:, 0] = world.T @ local[:, 0] @ standing
    local[:, 1:] = standing.T @ local[:, 1:] @ standing
    base = np.zeros(3) if pelvis is None else np.asarray(pelvis, np.float64)
    skeleton = of_rest_joints(base + rest @ standing * scale)
    motion = Motion(skeleton, local, position @ world - base, 1 / step)
    return motion, f"{len(names)} joints, {up} up, {unit}, {1 / step:g} frames a second"


def _parse(path: Path) -> Tuple[List[_Joint], Any, float]:
    words = _Words(path, _text(path))
    words.take("HIERARCHY")
    words.take("ROOT")
    joints: List[_Joint] = []
    total = _joints(words, joints)
    words.take("MOTION")
    words.take("Frames:")
    count = int(words.number())
    words.take("Frame")
    words.take("Time:")
    step = words.number()
    if not 0.001 <= step <= 1:
        raise words.fault("1 to 1000 frames a second")
    left = words.left
    if count < 1 or left != count * total:
        raise UsageFault(
            f"{path}: {left} numbers after {count} frames", f"{count} x {total} of them, at least 1"
        )
    numbers = check_numbers(path, "a frame", words.rest())
    return joints, numbers.reshape(count, total), step


def _joints(words: _Words, joints: List[_Joint]) -> int:
    """Read the tree after the word ROOT; how many channels there are."""
    total, open_joints = 0, [-1]
    joints.append(_Joint(words.take(), None, np.zeros(3)))
    words.take("{")
    open_joints = [0]
    end = False
    while open_joints:
        word = words.take().upper()
        if word == "OFFSET":
            offset = np.array([words.number() for _ in range(3)])
            if not end:
                joints[open_joints[-1]].offset = offset
        elif word == "CHANNELS" and not end:
            count = int(words.number())
            joint = joints[open_joints[-1]]
            joint.channels = tuple(words.take() for _ in range(min(count, 6)))
            joint.first = total
            total += len(joint.channels)
        elif word == "JOINT":
            joints.append(_Joint(words.take(), open_joints[-1], np.zeros(3)))
            words.take("{")
            open_joints.append(len(joints) - 1)
            if len(open_joints) > 200 or len(joints) > 1000:
                raise words.fault("a body of some 55 joints")
        elif word == "END":
            words.take()
            words.take("{")
            end = True
        elif word == "}":
            if end:
                end = False
            else:
                open_joints.pop()
        else:
            raise words.fault("OFFSET, CHANNELS, JOINT, End Site or }")
    return total


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageFault(f"{path}: more than {_MAX_BYTES // 10**6} MB", "a BVH file")
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise UsageFault(f"{path}: not there", "a motion as .bvh") from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror or error}") from None


def _rotations(joint: _Joint, frames: Any) -> Any:
    """[T, 3, 3] of a joint's channels; identities where it has none."""
    turns = [(name[0].upper(), i) for i, name in enumerate(joint.channels) if "rot" in name.lower()]
    order = "".join(axis for axis, _ in turns)
    if not turns:
        return np.broadcast_to(np.eye(3), (len(frames), 3, 3)).copy()
    if order not in ORDERS:
        raise UsageFault(f"{joint.name}: rotations {order}", "one each of X, Y and Z")
    angles = np.radians(frames[:, [joint.first + i for _, i in turns]])
    return matrix_from_euler(angles, order)


def _positions(path: Path, root: _Joint, frames: Any) -> Any:
    columns: Dict[str, int] = {
        name[0].upper(): root.first + i
        for i, name in enumerate(root.channels)
        if "pos" in name.lower()
    }
    if sorted(columns) != ["X", "Y", "Z"]:
        raise UsageFault(f"{path}: {root.name} has {root.channels}", "Xposition and so on")
    return frames[:, [columns[axis] for axis in "XYZ"]]
