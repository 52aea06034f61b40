"""Pictures of a motion: they exist, move, and show what they should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, Set, Tuple

import pytest

from dartenv.smoke.curves import draw_curves, series
from dartenv.smoke.inside.skeleton import PARENTS
from dartenv.smoke.pictures import GHOST, LEFT, MOST_GIF_FRAMES, RIGHT, draw, read_motion
from tests.smoke.test_smoke_motion import standing

image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def written(tmp_path: Path, frames: int, goal: bool = False) -> Path:
    def millimetres(y: float) -> List[int]:
        return [round(1000 * v) for joint in standing(y=y) for v in joint]

    path = tmp_path / "run-0.motion.json"
    path.write_text(
        json.dumps(
            {
                "fps": 30.0,
                "parents": PARENTS[:22],
                "texts": ["walk", "站立"],
                "history": 2,
                "future": 8,
                "frames": [millimetres(0.03 * t) for t in range(frames)],
                "goal": millimetres(1.5) if goal else None,
            }
        ),
        encoding="utf-8",
    )
    return path


def colours(path: Path) -> Set[Tuple[int, int, int]]:
    with image.open(path) as picture:
        return {colour for _, colour in picture.convert("RGB").getcolors(1 << 22)}


def test_a_sheet_and_a_moving_picture(tmp_path: Path) -> None:
    motion = read_motion(written(tmp_path, 26))
    sheet, gif = draw(motion, "SANDBOX  rollout  seed 0", tmp_path / "rollout-run-0")
    with image.open(sheet) as picture:
        assert picture.size == (4 * 240, 2 * 240 + 26)
    assert {LEFT, RIGHT} <= colours(sheet)
    assert GHOST not in colours(sheet)
    with image.open(gif) as picture:
        assert picture.n_frames == 13
        assert picture.info["duration"] in (60, 70)
        first = picture.convert("RGB").tobytes()
        picture.seek(12)
        assert picture.convert("RGB").tobytes() != first


def test_a_long_motion_stays_small_and_a_goal_is_shown(tmp_path: Path) -> None:
    motion = read_motion(written(tmp_path, 200, goal=True))
    sheet, gif = draw(motion, "x", tmp_path / "long")
    assert GHOST in colours(sheet)
    with image.open(gif) as picture:
        assert picture.n_frames <= MOST_GIF_FRAMES


def test_one_frame_is_a_picture(tmp_path: Path) -> None:
    sheet, _ = draw(read_motion(written(tmp_path, 1)), "x", tmp_path / "one")
    assert sheet.is_file()


def test_curves_hold_the_numbers_of_the_motion(tmp_path: Path) -> None:
    motion = read_motion(written(tmp_path, 26, goal=True))
    charts = series(motion)
    (speed, _), *_ = charts["speed of the pelvis, m/s"]
    assert len(speed) == 25
    assert all(value == pytest.approx(0.9) for value in speed)  # 3 cm a frame, 30 a second
    (away, _), *_ = charts["goal: mean distance of the joints, m"]
    assert (away[0], away[-1]) == (pytest.approx(1.5), pytest.approx(0.75))
    (turn, _), *_ = charts["heading, degrees, left up"]
    assert max(map(abs, turn)) == 0.0
    path = draw_curves(motion, "x", tmp_path / "curves.png")
    with image.open(path) as picture:
        assert picture.size == (900, 3 * 150 + 26)
    assert RIGHT in colours(path)  # the feet are level: one line covers the other
