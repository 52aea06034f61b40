"""No damage to a file makes a reader raise: what is wrong is always told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dartenv.assets.args_yaml import ArgsFault, read_args
from dartenv.assets.clip_file import inspect_clip
from dartenv.assets.npz import inspect_npz
from dartenv.assets.pickle_file import inspect_pickle
from dartenv.assets.torch_file import inspect_torch

FILES = [
    "torch/checkpoint.pt",
    "torch/legacy.pt",
    "torch/script.pt",
    "torch/mean_std_p2.pkl",
    "torch/mean_std_p4.pkl",
    "torch/motion_numpy2_p5.pkl",
    "torch/body.npz",
    "dart-args/mvae/mvae_fps_clip/args.yaml",
]


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """``raw`` cut off, with bytes changed, doubled or taken away."""
    data = bytearray(raw)
    how = chance.randrange(4)
    at = chance.randrange(len(data))
    if how == 0:
        del data[at:]
    elif how == 1:
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data))] = chance.choice((0, 255, 46, chance.randrange(256)))
    elif how == 2:
        data[at:at] = data[: chance.randrange(60)]
    else:
        del data[at : at + chance.randrange(60)]
    return bytes(data)


def said_of_args(data: bytes) -> str:
    """What is wrong with ``data`` as an args.yaml, or nothing."""
    try:
        read_args(data)
    except ArgsFault as error:
        return error.render()
    return ""


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_described(fixtures: Path, tmp_path: Path, name: str) -> None:
    raw = (fixtures / name).read_bytes()
    chance = random.Random(name)
    path = tmp_path / "damaged"
    for _ in range(15):
        data = damaged(raw, chance)
        path.write_bytes(data)
        for described in (
            inspect_torch(str(path), check_crc=True),
            inspect_pickle(str(path)),
            inspect_npz(str(path)),
            inspect_clip(str(path), len(data) + 1, "0" * 64),
        ):
            assert described.problem is None or "\n" not in described.problem
        assert "\n" not in said_of_args(data)
