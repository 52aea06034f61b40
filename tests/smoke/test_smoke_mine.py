"""From the end of a log to its cause. The logs are short ones of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from dartenv.smoke.mine import exceptions, mine, read_tail
from dartenv.smoke.scenario import ErrorTable

ROOT = Path("/shadow/w1")


def log(error: str, place: str = "/shadow/w1/mld/rollout_mld.py") -> str:
    return (
        "loading\n  0%|          | 0/3 [00:00<?, ?it/s]\nTraceback (most recent call last):\n"
        '  File "/usr/lib/python3.8/runpy.py", line 194, in _run\n    return run()\n'
        f'  File "{place}", line 101, in load_mld\n    load(checkpoint)\n'
        '  File "/site-packages/torch/serialization.py", line 7, in load\n    fail()\n'
        f"{error}\n"
    )


@pytest.mark.parametrize(
    ("error", "check", "part"),
    [
        (
            "AttributeError: module 'numpy' has no attribute 'float'.",
            "source.numpy-aliases",
            "np.float",
        ),
        (
            (
                "ValueError: mutable default <class 'mld.train_mld.DiffusionArgs'> for field "
                "diffusion_args is not allowed: use default_factory"
            ),
            "source.dataclass-defaults",
            "diffusion_args",
        ),
        (
            "NotImplementedError: cannot instantiate 'PosixPath' on your system",
            "source.posixpath",
            "PosixPath",
        ),
        (
            "OSError: [WinError 123] Invalid name.: 'out\\\\walk*20_guidance5.0_seed0'",
            "source.prompt-filenames",
            "forbids",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
            "gpu.memory",
            "memory",
        ),
        (
            (
                "RuntimeError: Error(s) in loading state_dict for AutoMldVae:\n"
                "\tsize mismatch for final_layer.weight: copying a param with shape torch.Size([1])"
            ),
            "assets.checkpoints",
            "AutoMldVae",
        ),
        (
            (
                "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central "
                "directory"
            ),
            "assets.checkpoints",
            "cut off",
        ),
        (
            (
                "FileNotFoundError: [Errno 2] No such file or directory: "
                "'data/models/smplx/SMPLX_FEMALE.npz'"
            ),
            "assets.smplx",
            "data/models/smplx/SMPLX_FEMALE.npz",
        ),
        (
            "AssertionError: Path data/models/smplh/SMPLH_MALE.pkl does not exist!",
            "assets.smplh",
            "SMPLH_MALE.pkl",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'mvae/m/args.yaml'",
            "assets.args",
            "mvae/m/args.yaml",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: './data/stand.pkl'",
            "assets.motions",
            "stand.pkl",
        ),
        (
            "FileNotFoundError: [WinError 3] Path not found: 'mvae\\\\m\\\\checkpoint_200000.pt'",
            "assets.checkpoints",
            "checkpoint_200000.pt",
        ),
        ("ModuleNotFoundError: No module named 'tyro'", "packages.requirements", "tyro"),
        ("ModuleNotFoundError: No module named 'torch'", "packages.torch", "torch"),
        ("ModuleNotFoundError: No module named 'torch_dct'", "packages.requirements", "torch_dct"),
        (
            "ModuleNotFoundError: No module named 'pytorch3d.transforms'",
            "wheels.pytorch3d",
            "pytorch3d.transforms",
        ),
        ("ModuleNotFoundError: No module named 'clip'", "packages.clip", "clip"),
        ("ModuleNotFoundError: No module named 'mld.train_mld'", "source.root", "mld.train_mld"),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "packages.clip", "setuptools"),
        (
            (
                "RuntimeError: Attempting to deserialize object on a CUDA device but "
                "torch.cuda.is_available() is False."
            ),
            "source.torch-load",
            "GPU",
        ),
        (
            "ImportError: DLL load failed while importing _C: The specified module could not be found.",
            "imports.torch",
            "library",
        ),
        (
            "RuntimeError: Model has been downloaded but the SHA256 checksum does not not match",
            "assets.clip",
            "CLIP",
        ),
        (
            "UnicodeEncodeError: 'charmap' codec can't encode character '\\u2713' in position 0",
            "host.code-page",
            "charmap",
        ),
        (
            (
                "RuntimeError: The size of tensor a (276) must match the size of tensor b (263) at "
                "non-singleton dimension 2"
            ),
            "assets.statistics",
            "276",
        ),
    ],
)
def test_each_error_is_given_to_its_check(
    errors: ErrorTable, error: str, check: str, part: str
) -> None:
    cause = mine(log(error), errors, ROOT)
    assert cause is not None
    assert cause.check == check
    assert part in cause.sentence
    assert "{" not in cause.sentence
    assert cause.error == error.splitlines()[0]
    assert cause.where == "mld/rollout_mld.py:101"


def test_the_last_exception_counts_and_not_the_one_it_came_from(errors: ErrorTable) -> None:
    text = (
        log("ModuleNotFoundError: No module named 'tyro'")
        + "\nDuring handling of the above exception, another exception occurred:\n\n"
        + log("FileNotFoundError: [Errno 2] No such file or directory: 'a/args.yaml'")
    )
    cause = mine(text, errors, ROOT)
    assert cause is not None
    assert cause.check == "assets.args"


def test_an_unknown_last_exception_leads_back_to_a_known_one(errors: ErrorTable) -> None:
    text = (
        log("ModuleNotFoundError: No module named 'tyro'")
        + "\nThe above exception was the direct cause of the following exception:\n\n"
        + log("RuntimeError: could not start")
    )
    cause = mine(text, errors, ROOT)
    assert cause is not None
    assert cause.check == "packages.requirements"


def test_an_unknown_exception_is_told_in_its_own_words(errors: ErrorTable) -> None:
    cause = mine(log("ZeroDivisionError: division by zero"), errors, ROOT)
    assert cause is not None
    assert cause.check is None
    assert cause.sentence == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("body_type: smplx\nno mean std found, exit\n", "assets.statistics"),
        ("/usr/bin/python: No module named mld.rollout_mld\n", "source.root"),
        ("all is well\n[Done] Results are at [x]\n", None),
        ("", None),
    ],
)
def test_programs_that_end_without_an_exception(
    errors: ErrorTable, text: str, check: Optional[str]
) -> None:
    cause = mine(text, errors, ROOT)
    assert (cause.check if cause else None) == check


def test_a_place_in_the_shadow_is_named_whatever_the_slashes(errors: ErrorTable) -> None:
    root = Path("C:/Users/李/cache/w1")
    text = log("ValueError: no", "c:\\Users\\李\\cache\\W1\\data_loaders\\q.py")
    cause = mine(text, errors, root)
    assert cause is not None
    assert cause.where == "data_loaders/q.py:101"


def test_an_exception_ends_before_the_words_that_follow_it() -> None:
    (raised,) = exceptions(log("ValueError: one\n  two") + "\nnext program says\n")
    assert raised.message == "ValueError: one\n  two"
    assert len(raised.frames) == 3


def test_a_log_is_read_from_its_end_with_any_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 400_000 + b"\r\n 50%\r100%\n\xff caf\xc3\xa9")
    lines = read_tail(path).splitlines()
    assert lines[1:] == [" 50%", "100%", "\ufffd café"]
    assert len(lines[0]) < 300_000
    assert read_tail(tmp_path / "none") == ""
