"""A motion as a small moving picture (GIF or WebP): the skeleton above a floor, drawn with Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.motion import Motion
from dartenv.whole import whole_file

SIZE = 360
# GIF counts in hundredths of a second, and most viewers slow down what is shorter than two.
RATE = 20
_TURN = np.radians(35)  # the camera looks from the front's left
_TILT = np.radians(12)
_PAPER, _FLOOR, _INK = (250, 250, 248), (214, 214, 208), (90, 90, 90)
_CENTRE, _LEFT, _RIGHT = (60, 60, 66), (34, 110, 180), (200, 80, 40)
# How much of the world the picture is high, in metres.
_HEIGHT = 2.6

Point = Tuple[float, float]


def write_picture(motion: Motion, path: Path) -> int:
    """Write ``motion`` to ``path`` (.gif or .webp); the number of frames drawn.

    Raises UsageFault: Pillow is not installed or has no WebP, a place that cannot be written.
    """
    try:
        from PIL import Image, features
    except ImportError:
        raise UsageFault(
            f"{path}: Pillow is not installed", "Pillow, which draws pictures", "pip install pillow"
        ) from None
    if path.suffix.lower() == ".webp" and not features.check("webp"):
        raise UsageFault(f"{path}: this Pillow has no WebP", "one with it, or a .gif")
    images = [_draw(Image, *frame, motion) for frame in _frames(motion)]
    with whole_file(path) as part:
        images[0].save(
            str(part),
            format=path.suffix[1:].upper(),
            save_all=True,
            append_images=images[1:],
            duration=round(1000 / RATE),
            loop=0,
        )
    return len(images)


def _frames(motion: Motion) -> List[Tuple[Any, Point, float, str]]:
    """(joints, what the camera looks at, floor, text) of each frame drawn."""
    places = motion.positions()[:, :22]
    floor = float(np.percentile(places[..., 2].min(axis=1), 10))
    count = max(1, round(len(motion) * RATE / motion.fps))
    chosen = np.minimum((np.arange(count) * motion.fps / RATE).astype(int), len(motion) - 1)
    # The camera follows calmly: the pelvis's path, smoothed over a second.
    width = max(1, int(motion.fps))
    path = np.pad(places[:, 0, :2], ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), path]), axis=0)
    calm = (sums[width:] - sums[:-width]) / width
    texts = motion.texts or ("",) * len(motion)
    return [(places[i], (calm[i, 0], calm[i, 1]), floor, texts[i]) for i in chosen]


def project(points: Any, centre: Point, floor: float) -> Any:
    """Pixels [..., 2] of points [..., 3] in metres, z up, seen from afar."""
    moved = np.asarray(points, dtype=np.float64) - [centre[0], centre[1], floor]
    right = moved[..., 0] * np.cos(_TURN) + moved[..., 1] * np.sin(_TURN)
    away = -moved[..., 0] * np.sin(_TURN) + moved[..., 1] * np.cos(_TURN)
    up = moved[..., 2] * np.cos(_TILT) + away * np.sin(_TILT)
    scale = SIZE / _HEIGHT
    return np.stack([SIZE / 2 + right * scale, SIZE * 0.82 - up * scale], axis=-1)


def _draw(
    image_module: Any, joints: Any, centre: Point, floor: float, text: str, motion: Motion
) -> Any:
    from PIL import ImageDraw

    image = image_module.new("RGB", (SIZE, SIZE), _PAPER)
    pen = ImageDraw.Draw(image)
    for line in _grid(centre, floor):
        pen.line([tuple(p) for p in project(line, centre, floor)], fill=_FLOOR)
    pixels = project(joints, centre, floor)
    for joint, parent in enumerate(motion.skeleton.parents[:22]):
        if parent >= 0:
            ends = [tuple(pixels[parent]), tuple(pixels[joint])]
            pen.line(ends, fill=_colour(motion.skeleton.names[joint]), width=4)
    x, y = pixels[15]
    pen.ellipse((x - 8, y - 12, x + 8, y + 4), fill=_CENTRE)
    _write(pen, (10, 8), text, _INK)
    _write(pen, (10, SIZE - 20), motion.label[:64], _RIGHT)
    return image


def _write(pen: Any, at: Tuple[int, int], text: str, colour: Any) -> None:
    try:
        pen.text(at, text[:64], fill=colour)
    except UnicodeEncodeError:  # Pillow's built-in font may know Latin letters only
        pen.text(at, text[:64].encode("ascii", "replace").decode("ascii"), fill=colour)


def _colour(name: str) -> Tuple[int, int, int]:
    if name.startswith("left"):
        return _LEFT
    return _RIGHT if name.startswith("right") else _CENTRE


def _grid(centre: Point, floor: float) -> Sequence[Any]:
    """Lines of the floor every half metre that stand still in the world."""
    lines: List[Any] = []
    reach = 2.0
    for axis in (0, 1):
        first = np.floor((centre[axis] - reach) * 2) / 2
        for step in range(10):
            one, two = np.zeros(3), np.zeros(3)
            one[axis] = two[axis] = first + step / 2
            one[1 - axis], two[1 - axis] = centre[1 - axis] - reach, centre[1 - axis] + reach
            one[2] = two[2] = floor
            lines.append(np.stack([one, two]))
    return lines
