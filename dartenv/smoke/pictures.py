"""Pictures of a motion that a person can look at: a contact sheet and a moving one.

Drawn from the joints alone, with Pillow (the extra ``preview``): a skeleton on a floor grid, its
left side in one colour and its right in another, the pelvis' trail behind it, the goal pose of an
in-between as a shadow. World frame: metres, z up.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import msgspec

Point = Tuple[float, float, float]
Pixel = Tuple[float, float]
Colour = Tuple[int, int, int]

PAPER: Colour = (250, 249, 246)
GRID: Colour = (222, 220, 214)
TRAIL: Colour = (190, 160, 90)
INK: Colour = (40, 44, 52)
MUTED: Colour = (120, 122, 128)
LEFT: Colour = (38, 110, 180)
RIGHT: Colour = (200, 85, 50)
MIDDLE: Colour = (60, 64, 72)
GHOST: Colour = (175, 180, 190)

LEFT_JOINTS = frozenset((1, 4, 7, 10, 13, 16, 18, 20))
RIGHT_JOINTS = frozenset((2, 5, 8, 11, 14, 17, 19, 21))

CELL = 240  # pixels of a frame on the contact sheet
ACROSS = 4
MOVING = 420
GIF_FPS = 15.0
MOST_GIF_FRAMES = 90
_OVER = 2  # drawn larger and scaled down: Pillow's lines have no smooth edges


class Motion(msgspec.Struct, frozen=True, kw_only=True):
    """The joints of one sample as the measuring program writes them: whole millimetres."""

    fps: float
    parents: Tuple[int, ...]
    frames: Tuple[Tuple[int, ...], ...]
    texts: Tuple[str, ...] = ()
    history: int = 0
    future: int = 0
    goal: Optional[Tuple[int, ...]] = None

    def points(self, frame: Sequence[int]) -> List[Point]:
        """The joints of ``frame`` in metres."""
        return [
            (frame[i] / 1000.0, frame[i + 1] / 1000.0, frame[i + 2] / 1000.0)
            for i in range(0, len(frame), 3)
        ]


class Camera(NamedTuple):
    """Parallel projection from above and the side, so that sizes can be compared."""

    centre: Point
    span: float  # metres that fit into the picture
    size: int
    yaw: float = math.radians(-60.0)
    pitch: float = math.radians(18.0)

    def pixel(self, point: Point) -> Pixel:
        x, y, z = (point[k] - self.centre[k] for k in range(3))
        right = x * math.cos(self.yaw) + y * math.sin(self.yaw)
        away = -x * math.sin(self.yaw) + y * math.cos(self.yaw)
        up = z * math.cos(self.pitch) + away * math.sin(self.pitch)
        scale = self.size / self.span
        return self.size / 2 + right * scale, self.size / 2 - up * scale


def read_motion(path: Path) -> Motion:
    """The motion in ``path``. Raises OSError and msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Motion)


def draw(motion: Motion, label: str, stem: Path) -> List[Path]:
    """Write ``<stem>.png`` and ``<stem>.gif``; answers them. Raises ImportError without Pillow."""
    from PIL import Image, ImageDraw, ImageFont

    tools = _Tools(Image, ImageDraw, ImageFont.load_default())
    frames = [motion.points(frame) for frame in motion.frames]
    if not frames:
        return []
    sheet, gif = stem.with_suffix(".png"), stem.with_suffix(".gif")
    _sheet(motion, frames, label, tools).save(sheet)
    step = max(1, round(motion.fps / GIF_FPS), math.ceil(len(frames) / MOST_GIF_FRAMES))
    moving = [
        _picture(motion, frames, index, _follow(frames, index, motion, MOVING), tools, label)
        for index in range(0, len(frames), step)
    ]
    moving[0].save(
        gif,
        save_all=True,
        append_images=moving[1:],
        duration=max(20, round(1000.0 * step / motion.fps)),
        loop=0,
        optimize=False,
    )
    return [sheet, gif]


class _Tools(NamedTuple):
    image: Any
    draw: Any
    font: Any


def _sheet(motion: Motion, frames: List[List[Point]], label: str, tools: _Tools) -> Any:
    """Evenly spaced frames, the first and the last among them."""
    count = min(2 * ACROSS, len(frames))
    chosen = [round(i * (len(frames) - 1) / max(1, count - 1)) for i in range(count)]
    rows = math.ceil(count / ACROSS)
    margin = 26
    whole = tools.image.new("RGB", (ACROSS * CELL, rows * CELL + margin), PAPER)
    for place, index in enumerate(chosen):
        cell = _picture(
            motion, frames, index, _follow(frames, index, motion, CELL), tools, f"{index}"
        )
        whole.paste(cell, ((place % ACROSS) * CELL, margin + place // ACROSS * CELL))
    pen = tools.draw.Draw(whole)
    pen.text((8, 6), _plain(label), fill=INK, font=tools.font)
    return whole


def _follow(frames: List[List[Point]], index: int, motion: Motion, size: int) -> Camera:
    """A camera that looks at the pelvis, wide enough for the goal of an in-between."""
    pelvis = frames[index][0]
    floor = _floor(frames)
    span = 2.4
    if motion.goal is not None:
        away = max(math.dist(p[0][:2], motion.points(motion.goal)[0][:2]) for p in frames)
        span = max(span, min(2.0 * away + 1.6, 8.0))
        aim = motion.points(motion.goal)[0]
        start = frames[0][0]
        pelvis = ((start[0] + aim[0]) / 2, (start[1] + aim[1]) / 2, pelvis[2])
    return Camera((pelvis[0], pelvis[1], floor + 0.95), span, size)


def _picture(
    motion: Motion,
    frames: List[List[Point]],
    index: int,
    camera: Camera,
    tools: _Tools,
    label: str,
) -> Any:
    big = camera._replace(size=camera.size * _OVER)
    image = tools.image.new("RGB", (big.size, big.size), PAPER)
    pen = tools.draw.Draw(image)
    floor = _floor(frames)
    _grid(pen, big, floor)
    trail = [big.pixel((frame[0][0], frame[0][1], floor)) for frame in frames[: index + 1]]
    if len(trail) > 1:
        pen.line(trail, fill=TRAIL, width=2 * _OVER)
    if motion.goal is not None:
        _skeleton(pen, big, motion.points(motion.goal), motion.parents, GHOST)
    _skeleton(pen, big, frames[index], motion.parents, None)
    small = image.resize((camera.size, camera.size), tools.image.LANCZOS)
    pen = tools.draw.Draw(small)
    pen.text(
        (8, camera.size - 18), _plain(_caption(motion, index, label)), fill=MUTED, font=tools.font
    )
    return small


def _caption(motion: Motion, index: int, label: str) -> str:
    text = ""
    if motion.texts and motion.future:
        segment = max(0, index - motion.history) // motion.future
        text = motion.texts[min(segment, len(motion.texts) - 1)]
    return "  ".join(part for part in (label, text, f"{index / motion.fps:.2f} s") if part)


def _grid(pen: Any, camera: Camera, floor: float) -> None:
    """Lines half a metre apart, fixed to the world so that travel can be seen."""
    reach = camera.span
    x0 = math.floor((camera.centre[0] - reach) * 2) / 2
    y0 = math.floor((camera.centre[1] - reach) * 2) / 2
    steps = int(reach * 4) + 2
    for i in range(steps):
        for a, b in (
            ((x0 + i / 2, y0, floor), (x0 + i / 2, y0 + steps / 2, floor)),
            ((x0, y0 + i / 2, floor), (x0 + steps / 2, y0 + i / 2, floor)),
        ):
            pen.line([camera.pixel(a), camera.pixel(b)], fill=GRID, width=_OVER)


def _skeleton(
    pen: Any,
    camera: Camera,
    joints: List[Point],
    parents: Sequence[int],
    colour: Optional[Colour],
) -> None:
    width = max(2, round(camera.size / camera.span * 0.035))
    for joint, parent in enumerate(parents[: len(joints)]):
        if parent < 0:
            continue
        paint = colour or (
            LEFT if joint in LEFT_JOINTS else RIGHT if joint in RIGHT_JOINTS else MIDDLE
        )
        a, b = camera.pixel(joints[parent]), camera.pixel(joints[joint])
        pen.line([a, b], fill=paint, width=width)
        _dot(pen, b, width / 2, paint)
    if len(joints) > 15:
        _dot(pen, camera.pixel(joints[15]), width * 1.6, colour or MIDDLE)


def _dot(pen: Any, at: Pixel, radius: float, colour: Colour) -> None:
    pen.ellipse([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius], fill=colour)


def _floor(frames: List[List[Point]]) -> float:
    return min(joint[2] for joint in frames[0])


def _plain(text: str) -> str:
    """What Pillow's own small font can draw."""
    return text.encode("ascii", "replace").decode("ascii")
