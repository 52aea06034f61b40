"""Judge the sandbox's weights: run its programs on them and measure the motion they make.

Used by scripts/train_sandbox.py.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

Sample = Dict[str, Any]
Measure = Callable[[Any], float]


def travel(joints: Any) -> float:
    """Metres along the floor from the first pelvis to the last; joints [T, 22, 3]."""
    step = joints[-1, 0, :2] - joints[0, 0, :2]
    return float((step**2).sum() ** 0.5)


def forward(joints: Any) -> float:
    """Metres that the pelvis goes the way the first frame looks; joints [T, 22, 3]."""
    right = joints[0, 2, :2] - joints[0, 1, :2]
    step = joints[-1, 0, :2] - joints[0, 0, :2]
    ahead = step[1] * right[0] - step[0] * right[1]
    return float(ahead / (right**2).sum() ** 0.5)


def turned_left(joints: Any) -> float:
    """Degrees from the first heading to the last, left positive; joints [T, 22, 3]."""
    np: Any = import_module("numpy")
    left = joints[:, 1, :2] - joints[:, 2, :2]
    angles = np.unwrap(np.arctan2(left[:, 1], left[:, 0]))
    return float(np.degrees(angles[-1] - angles[0]))


def right_over_left(joints: Any) -> float:
    """How many times farther the right wrist moves than the left, relative to the pelvis."""
    wrists = joints[:, [20, 21]] - joints[:, :1]
    paths = (((wrists[1:] - wrists[:-1]) ** 2).sum(axis=-1) ** 0.5).sum(axis=0)
    return float(paths[1] / max(paths[0], 1e-3))


# prompt, what is measured, its least and its most
CASES: Tuple[Tuple[str, str, Measure, float, float], ...] = (
    ("walk forward*8", "m ahead", forward, 1.0, 5.0),
    ("stand*8", "m of travel", travel, 0.0, 0.15),
    ("turn left*6", "degrees to the left", turned_left, 30.0, 250.0),
    ("turn right*6", "degrees to the left", turned_left, -250.0, -30.0),
    ("wave right hand*8", "times the left wrist", right_over_left, 3.0, 1e9),
    ("pace in circles*12", "degrees to the left", turned_left, 60.0, 360.0),
)
SEEDS = (0, 1)
BATCH = 4
GOAL = 0.10  # metres that an in-between may miss its goal by, on average over the joints


def judge(root: Path, denoiser: Path, env: Dict[str, str]) -> bool:
    """Print what the motion does, and whether every case is within its limits."""
    good = True

    def verdict(what: str, values: List[float], unit: str, passed: bool) -> None:
        nonlocal good
        good = good and passed
        numbers = ", ".join(f"{value:.2f}" for value in sorted(values))
        print(f"  {'ok' if passed else 'NO':2s}  {what}: {numbers} {unit}", flush=True)

    checkpoint = ["--denoiser_checkpoint", f"./{denoiser.relative_to(root).as_posix()}"]
    common = [*checkpoint, "--guidance_param", "5", "--device", "cpu"]
    prompts = root / "judged_prompts.txt"
    prompts.write_text("\n".join(case[0] for case in CASES) + "\n", encoding="utf-8")
    for predicted in ("1", "0"):
        values: List[List[float]] = [[] for _ in CASES]
        for seed in SEEDS:
            options = ["--text_prompt", prompts.name, "--use_predicted_joints", predicted]
            options += ["--batch_size", str(BATCH), "--seed", str(seed)]
            folders = run_program(root, env, "mld.rollout_mld", *common, *options)
            for case, folder, found in zip(CASES, folders, values):
                found += [case[2](joints_of(folder, f"sample_{i}.pkl")) for i in range(BATCH)]
        for (prompt, unit, _, least, most), found in zip(CASES, values):
            passed = all(least <= value <= most for value in found)
            verdict(f"{prompt}, use_predicted_joints {predicted}", found, unit, passed)
    for seed_type, name in (("history", "babel_2f.pkl"), ("repeat", "babel_1f.pkl")):
        options = ["--optim_input", f"./data/inbetween/pace_in_circles/{name}"]
        options += ["--text_prompt", "pace in circles", "--seed_type", seed_type]
        options += ["--optim_lr", "0.05", "--optim_steps", "100", "--respacing", "ddim10"]
        options += ["--use_predicted_joints", "1", "--init_noise_scale", "0.1"]
        (folder,) = run_program(root, env, "mld.optim_mld", *common, *options)
        goal = joints_of(folder, "input.pkl")
        reached = joints_of(folder, "sample_0.pkl")
        ends = [distance(goal[0], goal[-1]), distance(reached[-1], goal[-1])]
        verdict(f"in-between, {seed_type}", ends, "m to the goal", ends[1] < GOAL)
    return good


def distance(first: Any, second: Any) -> float:
    """Mean distance of the joints [22, 3] of two frames in metres."""
    return float((((first - second) ** 2).sum(axis=-1) ** 0.5).mean())


def joints_of(folder: Path, name: str) -> Any:
    """Joints [T, 22, 3] of a result as a numpy array."""
    pickle: Any = import_module("pickle")
    with (folder / name).open("rb") as stream:
        return pickle.load(stream)["joints"].numpy()


def run_program(root: Path, env: Dict[str, str], module: str, *options: str) -> List[Path]:
    """Run one of the sandbox's programs; the folders it says its results are in."""
    command = [sys.executable, "-m", module, *options]
    result = subprocess.run(
        command, cwd=str(root), env=env, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    done = [text for text in result.stdout.splitlines() if text.startswith("[Done]")]
    return [Path(line[line.index("[", 1) + 1 : line.rindex("]")]) for line in done]
