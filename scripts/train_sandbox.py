"""Make the sandbox's bodies, motions, statistics and weights, and judge them.

    python scripts/train_sandbox.py            trains and puts the result into the package
    python scripts/train_sandbox.py --check    trains, judges, changes nothing

Runs in any interpreter with torch, numpy, tyro and PyYAML. Everything is made here: the motion
is procedural, the seeds are fixed. The sandbox's own programs do the training, in a repaired
copy of it; what they write is copied back, weights as float16. Exit status 1 when the judges
are not content, and then nothing is put into the package.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, List, Mapping, Union

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
PROJECT = REPOSITORY / "dartenv" / "sandbox" / "project"
sys.path[:0] = [str(HERE), str(REPOSITORY)]

from _sandbox_assets import mend, write_bodies  # noqa: E402
from _sandbox_judge import judge  # noqa: E402

from dartenv.sandbox.writer import write_sandbox  # noqa: E402

Options = Mapping[str, Union[int, float]]
VAE: Options = {
    "stage1_steps": 1600,
    "stage2_steps": 600,
    "stage3_steps": 600,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "weight_kl": 3e-4,
    "weight_smpl_joints_rec": 10,
    "weight_joints_consistency": 10,
    "weight_transl_delta": 300,
    "weight_joints_delta": 300,
    "weight_orient_delta": 300,
    "use_predicted_joints": 1,
}
DENOISER: Options = {
    "stage1_steps": 2800,
    "stage2_steps": 600,
    "stage3_steps": 600,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "use_predicted_joints": 1,
}
MADE = (".pt", ".pkl", ".npz", "args.yaml")
LEFT_OUT = ("rollout", "optim")


def as_options(values: Options, quick: bool) -> List[str]:
    """The command-line options of TrainArgs."""
    chosen = dict(values)
    if quick:
        chosen.update(stage1_steps=4, stage2_steps=4, stage3_steps=4)
    return [text for key, value in chosen.items() for text in (f"--train_args.{key}", str(value))]


def shrink(path: Path) -> None:
    """Store a checkpoint's weights as float16; the two latent scalars stay as they are."""
    torch: Any = import_module("torch")
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    halves: Dict[int, Any] = {}  # one table stands under two names and is to be stored once
    state: Dict[str, Any] = {}
    for name, value in checkpoint["model_state_dict"].items():
        state[name] = value
        if value.is_floating_point() and value.dim() > 0:
            state[name] = halves.setdefault(value.data_ptr(), value.half())
    torch.save({"num_steps": checkpoint["num_steps"], "model_state_dict": state}, path)


def train(root: Path, env: Dict[str, str], quick: bool) -> Path:
    """Make everything in a new sandbox at ``root``; returns the denoiser's checkpoint."""
    write_sandbox(root)
    for name in ("mld_denoiser", "mvae", "data/seq_data_zero_male"):
        shutil.rmtree(root / name, ignore_errors=True)
    mend(root)
    write_bodies(root / "data" / "sandbox-models" / "smplx")

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=str(root), env=env, check=True)

    run(str(HERE / "_sandbox_assets.py"), str(root))
    run("-m", "mld.train_mvae", "--exp_name", "mvae_sandbox", *as_options(VAE, quick))
    vae = next((root / "mvae" / "mvae_sandbox").glob("checkpoint_*.pt"))
    run(
        *("-m", "mld.train_mld", "--exp_name", "mld_sandbox"),
        *("--denoiser_args.mvae_path", f"./mvae/mvae_sandbox/{vae.name}"),
        *as_options(DENOISER, quick),
        "denoiser-args.model-args:denoiser-transformer-args",
    )
    denoiser = next((root / "mld_denoiser" / "mld_sandbox").glob("checkpoint_*.pt"))
    shrink(vae)
    shrink(denoiser)
    return denoiser


def put_into_package(root: Path) -> None:
    """Replace the made files of the project by those just made."""
    for name in ("mld_denoiser", "mvae"):
        shutil.rmtree(PROJECT / name, ignore_errors=True)
    for source in sorted(root.rglob("*")):
        inside = source.relative_to(root)
        if source.name.endswith(MADE) and not set(LEFT_OUT) & set(inside.parts):
            target = PROJECT / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            print(f"wrote {inside.as_posix()}  {target.stat().st_size} bytes", flush=True)


def main() -> int:
    """Parse, train, judge, and put the result into the package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="leave the package as it is")
    parser.add_argument("--quick", action="store_true", help="a few steps, weights of no use")
    parser.add_argument("--threads", type=int, default=1, help="threads for torch")
    parser.add_argument("--keep", metavar="DIR", help="train in this new folder and leave it")
    options = parser.parse_args()
    env = dict(os.environ, PYTHONUTF8="1", OMP_NUM_THREADS=str(options.threads))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(options.keep or temporary).absolute() / "sandbox"
        denoiser = train(root, env, options.quick)
        print(f"trained in {time.monotonic() - started:.0f} s", flush=True)
        good = options.quick or judge(root, denoiser, env)
        if good and not options.check:
            put_into_package(root)
    print(f"{time.monotonic() - started:.0f} s in all")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
