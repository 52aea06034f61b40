"""The sandbox's programs, repaired, in a process of their own: what they write and print."""

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from dartenv.sandbox.writer import write_sandbox
from tests.sandbox.mended import mended_sandbox, script

NEEDS = ("torch", "numpy", "tyro", "yaml", "tqdm")
MISSING = [name for name in NEEDS if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} in this interpreter"),
    pytest.mark.skipif(os.name == "nt", reason="the plain repair leaves Windows' faults in"),
]


@pytest.fixture(scope="module")
def judge():
    return script("_sandbox_judge")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return mended_sandbox(tmp_path_factory.mktemp("run") / "沙 盒")


def run(root, module, *options, lines=""):
    (checkpoint,) = (root / "mld_denoiser").rglob("checkpoint_*.pt")
    given = ["--denoiser_checkpoint", f"./{checkpoint.relative_to(root).as_posix()}"]
    return subprocess.run(
        [sys.executable, "-m", module, "--device", "cpu", *options, *given],
        cwd=str(root),
        env=dict(os.environ, PYTHONUTF8="1", OMP_NUM_THREADS="1"),
        input=lines,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def folders(result):
    """The folders of results that a program names."""
    assert result.returncode == 0, result.stderr[-2000:]
    done = [line for line in result.stdout.splitlines() if line.startswith("[Done] Results are at")]
    assert "sandbox" in done[-1]
    return [Path(line[line.index("[", 1) + 1 : line.rindex("]")]) for line in done]


def load(folder, name):
    with (folder / name).open("rb") as stream:
        return pickle.load(stream)


def test_unrepaired_it_dies_of_np_float(tmp_path):
    root = write_sandbox(tmp_path / "s").root

    result = run(root, "mld.rollout_mld", "--text_prompt", "stand*1")

    assert result.returncode != 0
    assert "has no attribute 'float'" in result.stderr
    assert "quaternion.py" in result.stderr


def test_with_the_wrong_body_folder_it_names_the_file_it_misses(tmp_path):
    root = write_sandbox(tmp_path / "s").root
    wrong = (root / "config_files" / "data_paths.py").read_bytes()
    script("_sandbox_assets").mend(root)
    (root / "config_files" / "data_paths.py").write_bytes(wrong)

    result = run(root, "mld.rollout_mld", "--text_prompt", "stand*1")

    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("FileNotFoundError: sandbox: no body model at data/")
    assert "SMPLX_MALE.npz" in last


def test_rollout_follows_its_prompts(sandbox, judge):
    """A file of prompts: one start of the program for all of them."""
    import torch

    prompts = ["walk forward*8", "stand*8", "turn left*6", "turn right*6", "wave right hand*8"]
    (sandbox / "prompts.txt").write_text("\n".join(prompts) + "\n", encoding="utf-8")

    result = run(
        sandbox, "mld.rollout_mld", "--text_prompt", "prompts.txt", "--batch_size", "2",
        "--guidance_param", "5", "--respacing", "", "--export_smpl", "1", "--seed", "0",
        "--use_predicted_joints", "1", "--dataset", "babel",
    )  # fmt: skip

    assert "sandbox: 100%" in result.stderr
    written = folders(result)
    assert written[0].name == "use_pred_joints_walk_forward*8_guidance5.0_seed0"
    assert len(written) == len(prompts)
    sample = load(written[0], "sample_1.pkl")
    assert sample["texts"] == ["walk forward"] * 8
    assert sample["gender"] == "male"
    assert (sample["history_length"], sample["future_length"]) == (2, 8)
    frames = 2 + 8 * 8
    shapes = {key: tuple(value.shape) for key, value in sample.items() if torch.is_tensor(value)}
    assert shapes == {
        "betas": (frames, 10),
        "transl": (frames, 3),
        "global_orient": (frames, 3, 3),
        "body_pose": (frames, 21, 3, 3),
        "joints": (frames, 22, 3),
    }
    turns = torch.cat([sample["global_orient"][:, None], sample["body_pose"]], dim=1)
    assert torch.allclose(turns @ turns.transpose(-1, -2), torch.eye(3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(turns), torch.ones(()), atol=1e-5)
    assert (written[0] / "sample_1_smplx.npz").is_file()
    for (prompt, _, measure, least, most), folder in zip(judge.CASES, written):
        assert prompt in prompts
        for index in range(2):
            value = measure(load(folder, f"sample_{index}.pkl")["joints"].numpy())
            assert least <= value <= most, (prompt, index, value)


def test_in_between_comes_closer_to_its_goal(sandbox, judge):
    result = run(
        sandbox, "mld.optim_mld", "--optim_input", "./data/inbetween/pace_in_circles/babel_2f.pkl",
        "--text_prompt", "pace in circles", "--optim_lr", "0.05", "--optim_steps", "25",
        "--batch_size", "2", "--guidance_param", "5", "--respacing", "ddim5",
        "--use_predicted_joints", "1", "--optim_unit_grad", "1", "--optim_anneal_lr", "1",
        "--seed_type", "history", "--init_noise_scale", "0.1",
    )  # fmt: skip

    (folder,) = folders(result)
    assert folder.parts[-3:-1] == ("inbetween", "historyseed")
    goal = load(folder, "input.pkl")["joints"].numpy()
    for index in range(2):
        sample = load(folder, f"sample_{index}.pkl")
        reached = sample["joints"].numpy()
        assert reached.shape == goal.shape == (42, 22, 3)
        assert sample["mocap_framerate"] == 30
        start = judge.distance(goal[0], goal[-1])
        assert judge.distance(reached[-1], goal[-1]) < 0.25 * start
        # it starts where the input starts
        assert judge.distance(reached[0], goal[0]) < 0.02
    said = [line.split()[3] for line in result.stdout.splitlines() if "goal distance" in line]
    assert float(said[1]) < float(said[0])


def test_the_demo_takes_prompts_and_ends_with_its_input(sandbox):
    result = run(
        sandbox, "mld.rollout_demo", "--batch_size", "1", "--guidance_param", "5",
        "--use_predicted_joints", "1", lines="start\nwalk forward\nturn left\n",
    )  # fmt: skip

    assert result.returncode == 0, result.stderr[-2000:]
    said = result.stdout.splitlines()
    for prompt in ("stand", "walk forward", "turn left"):
        assert [line for line in said if line.startswith("sandbox: frame") and prompt in line]
    assert said[-1] == "sandbox: Exit"
