"""Records what the C++ core (unreal/DartMotion) is tested with: tests/fixtures/hosts.

    python scripts/record_core.py [--out DIR] [--frames N --bundle DIR]

The sandbox's bundle.json and core.rec: a stream of the Python runtime whose prompt changes, with
what went into the model and came out of it each time, and the bones of another skeleton that follow.
core.rec is "DARTREC1" and then tensors until it ends: length and letters of a name, number of
dimensions, dimensions (32-bit), float32 numbers; all little-endian.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, Tuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _hosts import sandbox_bundle

from dartenv.motion.rotations import (
    matrix_from_axis_angle,
    matrix_from_quaternion,
    quaternion_from_matrix,
)
from dartenv.motion.skeleton import PARENTS_22, forward_kinematics
from dartenv.runtime import load

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "hosts"
FRAMES = 40
PROMPTS = ("turn left", "wave right hand", "", "jump and turn right", "walk forward")
# Cut after three frames of a primitive, after two, and after one, when history reaches further back.
CUTS = {21: "turn left", 31: "wave right hand and turn left", 32: ""}
FIRST = "walk forward"

# Unreal's axes: the body stands with z up and faces y, the world's y is turned round.
BODY = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
WORLD = np.diag([1.0, -1.0, 1.0])
UNIT = 100.0
STRETCH = 1.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=FIXTURES)
    parser.add_argument("--frames", type=int, help="a longer motion, for Tests/Ort.cpp")
    parser.add_argument("--bundle", type=Path, help="where the bundle is written, to be kept")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    frames, cuts = FRAMES, CUTS
    if options.frames:
        frames = options.frames
        cuts = {at: PROMPTS[n % 5] for n, at in enumerate(range(21, frames, 45))}
    with tempfile.TemporaryDirectory() as folder:
        bundle = sandbox_bundle(options.bundle or Path(folder) / "bundle", ("fp32",))
        text = (bundle / "bundle.json").read_text(encoding="utf-8")
        with (options.out / "core.rec").open("wb") as out:
            out.write(b"DARTREC1")
            _record(load(bundle, threads=1), frames, cuts, out)
    (options.out / "bundle.json").write_text(json.dumps(json.loads(text)) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{options.out}: {size} bytes")
    return 0


def _put(out: BinaryIO, name: str, value: Any) -> None:
    array = np.ascontiguousarray(value, dtype="<f4")
    letters = name.encode("utf-8")
    out.write(struct.pack("<I", len(letters)) + letters)
    out.write(struct.pack(f"<{1 + array.ndim}I", array.ndim, *array.shape) + array.tobytes())


def _record(host: Any, count: int, cuts: Dict[int, str], out: BinaryIO) -> None:
    calls: List[Tuple[Dict[str, Any], Dict[str, Any]]] = []
    run = host._run

    def recorded(session: Any, feed: Dict[str, Any]) -> Dict[str, Any]:
        made: Dict[str, Any] = run(session, feed)
        calls.append((feed, made))
        return made

    host._run = recorded
    stream = host.stream(FIRST, seed=0)
    frames = []
    for index in range(count):
        if index in cuts:
            stream.prompt = cuts[index]
        frames.append(next(stream))
    for text in dict.fromkeys((FIRST, *cuts.values())):
        if text:
            _put(out, f"text/{text}", host.embed(" and ".join(sorted(text.split(" and ")))))
    _put(out, f"cut/0/{FIRST}", [])
    for index, text in cuts.items():
        _put(out, f"cut/{index}/{text}", [])
    for number, (feed, made) in enumerate(calls):
        for name, value in (*feed.items(), *made.items()):
            _put(out, f"call/{number}/{name}", value)
    rotations = np.stack([frame.rotations for frame in frames])
    translation = np.stack([frame.translation for frame in frames])
    _put(out, "frames/translation", translation)
    _put(out, "frames/joints", np.stack([frame.joints for frame in frames]))
    _put(out, "frames/positions", forward_kinematics(host.skeleton, rotations, translation))
    _bones(host, rotations, translation, out)


def _target(rest: Any) -> List[Tuple[str, int, int, Any, Any]]:
    """(name, parent, joint, rotation [3, 3], place [3]) in the component's space: a root on the floor, the
    body's bones a tenth longer and turned anyhow, arms hanging down, and bones that follow none."""
    random = np.random.default_rng(5)
    arms = {16: -1.0, 17: 1.0, 18: -1.0, 19: 1.0, 20: -1.0, 21: 1.0}
    places = 1.1 * UNIT * (rest @ BODY.T)
    down = np.array(places)
    for joint, side in arms.items():
        parent = PARENTS_22[joint]
        bone = places[joint] - places[parent]
        if joint > 17:  # from the shoulders on, 50 degrees towards the floor
            bone = _about("y", -50.0 * side) @ bone
        if joint > 19:  # and from the elbows on 20 degrees forwards
            bone = _about("z", -20.0 * side) @ bone
        down[joint] = down[parent] + bone
    down -= [0, 0, down[:, 2].min()]
    bones = [("root", -1, -1, np.eye(3), np.zeros(3))]
    number = {-1: 0}
    for joint, parent in enumerate(PARENTS_22):
        turned = matrix_from_quaternion(random.standard_normal(4))
        number[joint] = len(bones)
        bones.append((f"bone{joint}", number[parent], joint, turned, down[joint]))
        if joint in (18, 19):  # a twist bone halfway along the upper arm
            middle = (down[joint] + down[parent]) / 2
            bones.append((f"twist{joint}", number[parent], -1, turned, middle))
    return bones


def _about(axis: str, degrees: float) -> Any:
    """The turn [3, 3] about an axis."""
    return matrix_from_axis_angle(np.radians(degrees) * np.eye(3)["xyz".index(axis)])


def _corrections(bones: List[Tuple[str, int, int, Any, Any]], rest: Any) -> Dict[int, Any]:
    """What turns each joint's bone from the reference pose to the body's rest pose, [3, 3]."""
    place = {joint: where for _, _, joint, _, where in bones if joint >= 0}
    found: Dict[int, Any] = {}
    for joint in range(22):
        children = [child for child in range(22) if PARENTS_22[child] == joint]
        found[joint] = np.eye(3)
        if len(children) < 2:  # it goes with its parent first
            found[joint] = found.get(PARENTS_22[joint], np.eye(3))
        if len(children) == 1:
            old = found[joint] @ (place[children[0]] - place[joint])
            new = BODY @ (rest[children[0]] - rest[joint])
            old, new = old / np.linalg.norm(old), new / np.linalg.norm(new)
            axis, cosine = np.cross(old, new), float(old @ new)
            cross = np.cross(np.eye(3), axis)  # cross @ v is axis x v
            turn = np.eye(3) + cross + cross @ cross / (1 + cosine)
            found[joint] = turn @ found[joint]
    return found


def _bones(host: Any, rotations: Any, translation: Any, out: BinaryIO) -> None:
    """The target's bones and their local transforms, worked out with matrices alone."""
    rest = np.asarray(host.skeleton.rest)
    bones = _target(rest)
    corrections = _corrections(bones, rest)
    reference = []
    for name, parent, joint, rotation, place in bones:
        above, origin = (bones[parent][3], bones[parent][4]) if parent >= 0 else (np.eye(3), 0)
        local = above.T @ rotation, above.T @ (place - origin)
        reference.append(local)
        _put(out, f"bone/{name}/{parent}/{joint}", _seven(*local))
    expected = np.zeros((len(rotations), len(bones), 7))
    for frame, (turns, where) in enumerate(zip(rotations.astype(np.float64), translation)):
        whole = list(turns)
        for joint in range(1, 22):
            whole[joint] = whole[PARENTS_22[joint]] @ turns[joint]
        made: List[Tuple[Any, Any]] = []
        for number, (_, parent, joint, rotation, _) in enumerate(bones):
            above, origin = made[parent] if parent >= 0 else (np.eye(3), np.zeros(3))
            turn, place = reference[number]
            if joint >= 0:
                turn = above.T @ WORLD @ whole[joint] @ BODY.T @ corrections[joint] @ rotation
            if joint == 0:
                place = above.T @ (UNIT * STRETCH * (WORLD @ (where + rest[0])) - origin)
            expected[frame, number] = _seven(turn, place)
            made.append((above @ turn, origin + above @ place))
    _put(out, "bones/local", expected)


def _seven(rotation: Any, place: Any) -> Any:
    """Quaternion (w, x, y, z) and place."""
    return np.concatenate([quaternion_from_matrix(rotation), np.broadcast_to(place, 3)])


if __name__ == "__main__":
    sys.exit(main())
