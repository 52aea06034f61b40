"""What the judges look at, drawn over time: speed, feet, jerk, bones, heading, the way to a goal.

One picture a sample, small charts side by side, each with the quantity's range in numbers. Drawn
with Pillow from the joints alone (metres, z up).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from dartenv.smoke.inside.motion import FEET, floor_height, sliding, turning
from dartenv.smoke.pictures import GRID, INK, LEFT, MUTED, PAPER, RIGHT, Motion, Point

WIDTH, HEIGHT, ACROSS, MARGIN = 300, 150, 3, 26

Line = Tuple[List[float], Tuple[int, int, int]]


def series(motion: Motion) -> Dict[str, List[Line]]:
    """Title -> lines (values over the frames, colour). Titles name the judge and the unit."""
    frames = [motion.points(frame) for frame in motion.frames]
    fps = motion.fps
    floor = floor_height(frames)
    pelvis = [frame[0] for frame in frames]
    speed = [math.dist(a[:2], b[:2]) * fps for a, b in zip(pelvis, pelvis[1:])]
    found: Dict[str, List[Line]] = {"speed of the pelvis, m/s": [(speed, INK)]}
    heights = [
        ([frame[joint][2] - floor for frame in frames], colour)
        for joint, colour in zip(FEET, (LEFT, RIGHT))
    ]
    found["feet above the floor, m (left blue, right red)"] = heights
    found["skate: speed of a foot on the floor, m/s"] = [
        ([speed or 0.0 for speed in sliding(frames, joint, fps)], colour)  # 0 in the air
        for joint, colour in zip(FEET, (LEFT, RIGHT))
    ]
    found["jerk, mean of the joints, m/s^3"] = [(_jerk(frames, fps), INK)]
    found["bones: furthest from its mean length, m"] = [(_bones(frames, motion.parents), INK)]
    found["heading, degrees, left up"] = [(turning(frames), INK)]
    if motion.goal is not None:
        goal = motion.points(motion.goal)
        away = [sum(map(math.dist, frame, goal)) / len(goal) for frame in frames]
        found["goal: mean distance of the joints, m"] = [(away, INK)]
    return found


def draw_curves(motion: Motion, label: str, path: Path) -> Path:
    """Write the charts of ``motion`` to ``path``. Raises ImportError without Pillow."""
    from PIL import Image, ImageDraw, ImageFont

    charts = series(motion)
    rows = math.ceil(len(charts) / ACROSS)
    image = Image.new("RGB", (ACROSS * WIDTH, rows * HEIGHT + MARGIN), PAPER)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default()
    pen.text((8, 6), label.encode("ascii", "replace").decode("ascii"), fill=INK, font=font)
    for place, (title, lines) in enumerate(charts.items()):
        left, top = (place % ACROSS) * WIDTH, MARGIN + (place // ACROSS) * HEIGHT
        _chart(pen, font, left, top, title, lines, len(motion.frames) / motion.fps)
    image.save(path)
    return path


def _chart(
    pen: Any, font: Any, left: int, top: int, title: str, lines: Sequence[Line], seconds: float
) -> None:
    values = [value for line, _ in lines for value in line] or [0.0]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    x0, x1, y0, y1 = left + 44, left + WIDTH - 12, top + 22, top + HEIGHT - 22
    pen.text((left + 8, top + 4), title, fill=MUTED, font=font)
    for value in (low, high):
        y = y1 - (value - low) / span * (y1 - y0)
        pen.line([(x0, y), (x1, y)], fill=GRID)
        pen.text((left + 6, y - 6), f"{value:.3g}", fill=MUTED, font=font)
    pen.text((x1 - 34, y1 + 5), f"{seconds:.1f} s", fill=MUTED, font=font)
    for line, colour in lines:
        if len(line) > 1:
            step = (x1 - x0) / (len(line) - 1)
            points = [
                (x0 + i * step, y1 - (value - low) / span * (y1 - y0))
                for i, value in enumerate(line)
            ]
            pen.line(points, fill=colour, width=2)


def _jerk(frames: List[List[Point]], fps: float) -> List[float]:
    found: List[float] = []
    for four in zip(frames, frames[1:], frames[2:], frames[3:]):
        lengths = [
            math.sqrt(sum((d[k] - 3 * c[k] + 3 * b[k] - a[k]) ** 2 for k in range(3)))
            for a, b, c, d in zip(*four)
        ]
        found.append(sum(lengths) / len(lengths) * fps**3)
    return found


def _bones(frames: List[List[Point]], parents: Sequence[int]) -> List[float]:
    lengths: List[List[float]] = [
        [
            math.dist(frame[joint], frame[parent]) if parent >= 0 else 0.0
            for joint, parent in enumerate(parents[: len(frame)])
        ]
        for frame in frames
    ]
    means = [sum(column) / len(column) for column in zip(*lengths)]
    return [max(abs(a - b) for a, b in zip(row, means)) for row in lengths]
