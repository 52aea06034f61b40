"""Drive the interactive demo through its standard input, and watch what it shows.

The program runs as it is. Its standard input becomes a pipe, into which a thread of ours writes
the prompts, each once enough frames were shown since the last; its viewer's picture is read after
it was drawn. Frames are counted by the program's own ``frame_idx``, and the motion is its own
``motion_tensor``: features in the world frame, metres, z up. Python 3.6 syntax.
"""

import importlib
import os
import pickle
import struct
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any, Dict, List, Optional

from . import heavy
from .vectors import plain

POLL = 0.05
# Where DART's 276 features hold what is written: translation, 22 rotations in 6D, joints.
TRANSL, ROTATIONS, JOINTS = slice(0, 3), slice(3, 135), slice(144, 210)


def install(spec: Dict[str, Any]) -> None:
    """Take over standard input and watch the viewer; ``spec`` is the scenario's ``drive``.

    Keys: ``prompts``, ``frames`` (shown between two of them), ``limit`` (seconds to wait for
    these), ``out`` (the file to write), ``screenshots`` (a folder, or null).
    """
    source, target = os.pipe()
    os.dup2(source, 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    shots = Shots()
    _watch(shots)
    thread = threading.Thread(target=_drive, args=(spec, target, shots), daemon=True)
    thread.start()


class Shots:
    """The viewer's picture, taken by the thread that draws it when somebody waits for one."""

    def __init__(self) -> None:
        self.viewer = False
        self._wanted = threading.Event()
        self._taken = threading.Event()
        self._picture: Any = None

    def offer(self, window: Any) -> None:
        """Called after each drawing, before it is shown, in the thread that owns the context."""
        self.viewer = True
        if self._wanted.is_set():
            self._wanted.clear()
            try:
                self._picture = _drawn(window)
            finally:
                self._taken.set()

    def take(self, limit: float) -> Any:
        """The next picture [H, W, 3] of bytes, or ``None``."""
        self._taken.clear()
        self._wanted.set()
        return self._picture if self._taken.wait(limit) else None


def _watch(shots: Shots) -> None:
    """Read the picture behind ``pyrender.Viewer``'s own drawing. Without pyrender, do nothing."""
    try:
        viewer = importlib.import_module("pyrender").Viewer
    except Exception:  # the program that imports it fails with its own message
        return
    original = viewer.on_draw

    def on_draw(self: Any) -> None:
        original(self)
        shots.offer(self)

    viewer.on_draw = on_draw


def _drawn(window: Any) -> Any:
    """What was just drawn into the window's back buffer, [H, W, 3] of bytes, top row first."""
    gl = importlib.import_module("OpenGL.GL")
    width, height = (int(size) for size in window.get_size())
    gl.glBindFramebuffer(gl.GL_READ_FRAMEBUFFER, 0)
    gl.glReadBuffer(gl.GL_BACK)
    gl.glPixelStorei(gl.GL_PACK_ALIGNMENT, 1)
    data = gl.glReadPixels(0, 0, width, height, gl.GL_RGB, gl.GL_UNSIGNED_BYTE)
    rows = heavy.numpy().frombuffer(data, dtype="uint8").reshape(height, width, 3)
    return rows[::-1].copy()


def _program() -> Any:
    return sys.modules["__main__"]


def _drive(spec: Dict[str, Any], target: int, shots: Shots) -> None:
    prompts: List[str] = spec["prompts"]
    taken: List[int] = []  # the frame shown when each prompt after the first was given
    pictures: List[Any] = []
    began = shown = 0.0
    for place, prompt in enumerate(prompts):
        if place == 0:
            _say(target, prompt)
            began = time.monotonic()
            continue
        since = taken[-1] if taken else 0
        if not _until(lambda since=since: _frame() >= since + spec["frames"], spec["limit"]):
            return  # the run's own limit ends it, and its log says how far it came
        if place == 1:
            began = time.monotonic() if not shown else began
        taken.append(_frame())
        shown = time.monotonic()
        if spec.get("screenshots") and shots.viewer and place in (1, len(prompts) - 1):
            pictures.append(shots.take(spec["limit"]))
        if place == len(prompts) - 1:
            _write(spec, prompts, taken, shown - began, pictures)
        _say(target, prompt)
        _until(lambda prompt=prompt: _prompt() == prompt, spec["limit"])


def _say(target: int, line: str) -> None:
    os.write(target, (line + "\n").encode("utf-8"))


def _until(holds: Any, limit: float) -> bool:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except (AttributeError, KeyError):
            pass  # the program has not come so far
        time.sleep(POLL)
    return False


def _frame() -> int:
    return int(_program().frame_idx)


def _prompt() -> str:
    return str(_program().text_prompt)


def _write(
    spec: Dict[str, Any],
    prompts: List[str],
    taken: List[int],
    seconds: float,
    pictures: List[Any],
) -> None:
    program = _program()
    features = plain(program.motion_tensor[0])[: taken[-1] + 1]
    gaps = [b - a for a, b in zip([0, *taken], taken)]
    measured: Dict[str, float] = {
        "prompts": float(len(taken)),
        "frames_between": float(min(gaps)),
        "shown": float(taken[-1]),
    }
    if seconds > 0 and len(taken) > 1:
        measured["shown_fps"] = (taken[-1] - taken[0]) / seconds
    measured.update(_seen(spec, pictures))
    rotations = [
        [_matrix(frame[ROTATIONS][6 * j : 6 * j + 6]) for j in range(22)] for frame in features
    ]
    sample = {
        "texts": prompts[1:-1],
        "gender": str(getattr(program, "gender", "male")),
        "betas": plain(program.betas[0])[:1],
        "transl": [frame[TRANSL] for frame in features],
        "global_orient": [frame[0] for frame in rotations],
        "body_pose": [frame[1:] for frame in rotations],
        "joints": [[frame[JOINTS][3 * j : 3 * j + 3] for j in range(22)] for frame in features],
        "history_length": int(program.history_length),
        "future_length": int(program.future_length),
        "measured": measured,
    }
    out = Path(spec["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    with part.open("wb") as stream:
        pickle.dump(sample, stream, protocol=4)
    part.replace(out)


def _matrix(six: List[float]) -> List[List[float]]:
    """The rotation of a 6D representation, its first two rows made orthonormal (Zhou 2019)."""
    first = _unit(six[:3])
    along = sum(a * b for a, b in zip(first, six[3:]))
    second = _unit([b - along * a for a, b in zip(first, six[3:])])
    third = [
        first[1] * second[2] - first[2] * second[1],
        first[2] * second[0] - first[0] * second[2],
        first[0] * second[1] - first[1] * second[0],
    ]
    return [first, second, third]


def _unit(vector: List[float]) -> List[float]:
    length = sum(part * part for part in vector) ** 0.5
    return [part / length for part in vector] if length else list(vector)


def _seen(spec: Dict[str, Any], pictures: List[Any]) -> Dict[str, float]:
    """How much there is on the pictures, and how much changed between them; they are kept."""
    there = [picture for picture in pictures if picture is not None]
    if not there:
        return {}
    found: Dict[str, float] = {}
    folder = Path(spec["screenshots"])
    for number, picture in enumerate(there):
        small = picture[::2, ::2]
        _png(folder / f"viewer-{number}.png", small)
    last = there[-1].astype("int16")
    grey = last.mean(axis=2)
    found["picture_spread"] = float(grey.std())
    if len(there) > 1 and there[0].shape == there[-1].shape:
        moved = abs(last - there[0].astype("int16")).max(axis=2) > 16
        found["picture_change"] = float(moved.mean())
    return found


def _png(path: Path, pixels: Any) -> Optional[Path]:
    """Write [H, W, 3] bytes as a PNG (RFC 2083: IHDR, IDAT with filter 0, IEND)."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + pixels[y].tobytes() for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 6))
        + chunk(b"IEND", b"")
    )
    return path
