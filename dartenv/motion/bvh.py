"""BVH: whole clips, and single frames as they come.

One ROOT with six channels, position and rotation, and three rotations for every other joint, in
degrees. The root's OFFSET is zero and its position is the pelvis's place in the world. The rest
pose stands along the file's up axis: in a z-up file the body model's y-up offsets are turned.
BVH itself states neither unit nor up axis nor where it came from; :func:`describe` puts them into
words for whoever reads the file.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Iterator, List, Optional, TextIO

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.motion import UPS, Y_UP_OF_Z_UP, Motion
from dartenv.motion.rotations import ORDERS, euler_from_matrix, nearest_euler
from dartenv.motion.skeleton import Skeleton, fill_rest
from dartenv.whole import whole_file

UNITS = {"m": 1.0, "cm": 100.0}
DEFAULT_ORDER = "ZXY"
_DIGITS = 6


class BvhStream:
    """Turns frames into BVH's lines, one at a time.

    ``up`` z or y, ``unit`` m or cm, ``order`` of the Euler angles, which read left to right are
    intrinsic. Angles stay near those of the frame before, so a reader may interpolate. Raises
    UsageFault for another ``up``, ``unit`` or ``order``.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        fps: float,
        up: str = "y",
        unit: str = "cm",
        order: str = DEFAULT_ORDER,
    ) -> None:
        for what, value, known in (
            ("up", up, UPS),
            ("unit", unit, UNITS),
            ("order", order, ORDERS),
        ):
            if value not in known:
                raise UsageFault(f"{what} {value!r}", "one of: " + ", ".join(known))
        if not fps > 0:
            raise UsageFault(f"{fps} frames a second", "more than none")
        self.skeleton, self.fps, self.up, self.unit, self.order = skeleton, fps, up, unit, order
        self._scale = UNITS[unit]
        self._standing = Y_UP_OF_Z_UP.T if up == "z" else np.eye(3)
        self._world = Y_UP_OF_Z_UP if up == "y" else np.eye(3)
        self._before: Optional[Any] = None

    def header(self, frames: int) -> str:
        """HIERARCHY and the beginning of MOTION for a file of ``frames`` frames."""
        out: List[str] = ["HIERARCHY\n"]
        self._joint(out, 0, 0)
        out.append(f"MOTION\nFrames: {frames}\nFrame Time: {1 / self.fps:.8f}\n")
        return "".join(out)

    def _joint(self, out: List[str], joint: int, depth: int) -> None:
        tab = "  " * depth
        children = [j for j, p in enumerate(self.skeleton.parents) if p == joint]
        rotations = " ".join(f"{axis}rotation" for axis in self.order)
        kind = "JOINT" if joint else "ROOT"
        out.append(f"{tab}{kind} {self.skeleton.names[joint]}\n{tab}{{\n")
        out.append(f"{tab}  OFFSET {self._numbers(self._offset(joint))}\n")
        if joint:
            out.append(f"{tab}  CHANNELS 3 {rotations}\n")
        else:
            out.append(f"{tab}  CHANNELS 6 Xposition Yposition Zposition {rotations}\n")
        for child in children:
            self._joint(out, child, depth + 1)
        if not children:
            end = self._numbers(self._offset(joint) * 0.5)
            out.append(f"{tab}  End Site\n{tab}  {{\n{tab}    OFFSET {end}\n{tab}  }}\n")
        out.append(f"{tab}}}\n")

    def _offset(self, joint: int) -> Any:
        if joint == 0:
            return np.zeros(3)
        return self._standing @ self.skeleton.offsets[joint] * self._scale

    @property
    def depth_first(self) -> List[int]:
        """The joints in the order of the file's channels."""
        order: List[int] = []
        waiting = [0]
        while waiting:
            joint = waiting.pop()
            order.append(joint)
            waiting += [j for j, p in enumerate(self.skeleton.parents) if p == joint][::-1]
        return order

    def channels(self, rotations: Any, translation: Any) -> Any:
        """[6 + 3 (J - 1)] numbers of one frame: position, then degrees, in the file's order.

        ``rotations`` [K, 3, 3] and ``translation`` [3] as in :class:`Motion`, z up.
        """
        turned = fill_rest(np.asarray(rotations, np.float64), len(self.skeleton.names)).copy()
        standing = self._standing
        turned[0] = self._world @ turned[0] @ standing.T
        turned[1:] = standing @ turned[1:] @ standing.T
        angles = euler_from_matrix(turned, self.order)
        if self._before is not None:
            angles = nearest_euler(angles, self._before)
        self._before = angles
        pelvis = self._world @ (np.asarray(translation, np.float64) + self.skeleton.pelvis)
        degrees = np.degrees(angles[self.depth_first]).reshape(-1)
        return np.concatenate([pelvis * self._scale, degrees])

    def line(self, rotations: Any, translation: Any) -> str:
        """One frame as a line of the MOTION section, with its line end."""
        return self._numbers(self.channels(rotations, translation)) + "\n"

    def _numbers(self, values: Any) -> str:
        # Adding zero turns -0.0 into 0.0.
        return " ".join(f"{value:.{_DIGITS}f}" for value in np.round(values, _DIGITS) + 0.0)


def lines(motion: Motion, stream: BvhStream) -> Iterator[str]:
    """The whole file in pieces: the header, then a line a frame."""
    yield stream.header(len(motion))
    for rotations, translation in zip(motion.rotations, motion.translation):
        yield stream.line(rotations, translation)


def write_bvh(
    motion: Motion,
    path: Path,
    up: str = "y",
    unit: str = "cm",
    order: str = DEFAULT_ORDER,
) -> BvhStream:
    """Write ``motion`` as BVH. Raises UsageFault: a wrong option, or a place that cannot be written."""
    stream = BvhStream(motion.skeleton, motion.fps, up, unit, order)
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(lines(motion, stream))
    return stream


def frame_document(stream: BvhStream, rotations: Any, translation: Any) -> str:
    """A whole BVH of one frame, for a receiver that takes one file a frame."""
    out: TextIO = io.StringIO()
    out.write(stream.header(1))
    out.write(stream.line(rotations, translation))
    return out.getvalue()  # type: ignore[attr-defined,no-any-return]


def describe(stream: BvhStream) -> str:
    """What a reader must be told: joints, up axis, unit, Euler order, rate."""
    unit = {"m": "metres", "cm": "centimetres"}[stream.unit]
    return (
        f"{len(stream.skeleton.names)} joints, {stream.up} up, {unit}, "
        f"Euler {stream.order} (intrinsic, degrees), {stream.fps:g} frames a second"
    )
