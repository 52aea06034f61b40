"""The faults of fault_matrix.py: each as the change that it makes to a tree, and what must be said."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

BOTH = ("sandbox", "dart")
SANDBOX = ("sandbox",)
DART = ("dart",)


@dataclass
class Tree:
    """A copy of a tree that may be damaged; ``env`` is added to the run's environment."""

    root: Path
    kind: str
    folder: Path
    env: Dict[str, str] = field(default_factory=dict)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place that reads ``old``."""
        file = self.root.joinpath(*path.split("/"))
        text = file.read_bytes().decode("utf-8")
        assert text.count(old) >= 1, f"{path} holds no {old!r}"
        file.write_bytes(text.replace(old, new, 1).encode("utf-8"))

    def append(self, path: str, text: str) -> None:
        file = self.root.joinpath(*path.split("/"))
        file.write_bytes(file.read_bytes() + text.encode("utf-8"))

    def prepend(self, path: str, text: str) -> None:
        """Put ``text`` before the first import that is not from ``__future__``."""
        file = self.root.joinpath(*path.split("/"))
        lines = file.read_bytes().decode("utf-8").splitlines(keepends=True)
        place = next(
            i
            for i, line in enumerate(lines)
            if line.startswith(("import ", "from ")) and "__future__" not in line
        )
        file.write_bytes("".join([*lines[:place], text, *lines[place:]]).encode("utf-8"))

    def one(self, pattern: str) -> Path:
        return next(iter(sorted(self.root.glob(pattern))))


@dataclass(frozen=True)
class Fault:
    """One fault. ``says``: words that the finding must hold, its cause's check among them."""

    name: str
    inject: Callable[[Tree], None]
    says: Tuple[str, ...]
    trees: Tuple[str, ...] = SANDBOX
    windows: bool = False  # breaks there alone
    stand_ins: bool = True
    time_limit: float = 0.0
    memory_limit: int = 0


def _numpy_alias(tree: Tree) -> None:
    tree.append(
        "data_loaders/humanml/common/quaternion.py",
        "\nimport numpy\n_EPS4 = numpy.finfo(numpy.float).eps * 4.0\n",
    )


def _dataclass_default(tree: Tree) -> None:
    tree.prepend(
        "mld/train_mld.py",
        "from dataclasses import dataclass as _d\n@_d(eq=True)\nclass _A:\n    x: int = 0\n"
        "@_d\nclass _B:\n    a: _A = _A()\n",
    )


def _missing_module(tree: Tree) -> None:
    tree.prepend("mld/rollout_mld.py", "import a_package_that_is_not_there\n")


def _female_body(tree: Tree) -> None:
    if tree.kind == "sandbox":
        tree.one("data/*/smplx/SMPLX_FEMALE.npz").unlink()


def _denoiser(tree: Tree) -> Path:
    return tree.one("mld_denoiser/*/checkpoint_*.pt")


def _vae(tree: Tree) -> Path:
    return tree.one("mvae/*/checkpoint_*.pt")


def _truncated(tree: Tree) -> None:
    path = _denoiser(tree)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _changed_weights(path: Path, change: Callable[[Dict[str, Any]], None]) -> None:
    torch: Any = import_module("torch")
    saved = torch.load(str(path), map_location="cpu", weights_only=True)
    change(saved["model_state_dict"])
    torch.save(saved, str(path))


def _other_dimensions(tree: Tree) -> None:
    def narrow(state: Dict[str, Any]) -> None:
        name = next(n for n, v in state.items() if n.endswith("weight") and v.dim() == 2)
        state[name] = state[name][:, :-1].clone()

    _changed_weights(_denoiser(tree), narrow)


def _nan(tree: Tree) -> None:
    def poison(state: Dict[str, Any]) -> None:
        for value in state.values():
            if value.dim() == 2:
                value[0, 0] = float("nan")

    _changed_weights(_vae(tree), poison)


def _statistics(tree: Tree) -> Path:
    return tree.one("data/seq_data_zero_male/mean_std_h*_f*.pkl")


def _short_statistics(tree: Tree) -> None:
    path = _statistics(tree)
    mean, std = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps((mean[..., :-3].clone(), std[..., :-3].clone())))


def _swapped_statistics(tree: Tree) -> None:
    path = _statistics(tree)
    mean, std = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps((std, mean)))


def _joint_order(tree: Tree) -> None:
    """The two arms of the body model change places."""
    np: Any = import_module("numpy")
    path = tree.one("data/*/smplx/SMPLX_MALE.npz")
    with np.load(str(path), allow_pickle=False) as body:
        arrays = {name: body[name] for name in body.files}
    order = list(range(22))
    for left, right in ((16, 17), (18, 19), (20, 21)):
        order[left], order[right] = right, left
    arrays["J_regressor"] = arrays["J_regressor"][order]
    np.savez(str(path), **arrays)


def _transposed(tree: Tree) -> None:
    tree.edit(
        "utils/smpl_utils.py",
        "        smpl_dict['global_orient'] = matrices[..., 0, :, :]",
        "        matrices = matrices.transpose(-1, -2)\n"
        "        smpl_dict['global_orient'] = matrices[..., 0, :, :]",
    )


def _args_cut(tree: Tree) -> None:
    name = "mld_sandbox" if tree.kind == "sandbox" else "mld_fps_clip_repeat_euler"
    path = tree.one(f"mld_denoiser/{name}/args.yaml")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def _clip_cut(tree: Tree) -> None:
    """A home of its own whose CLIP cache holds the beginning of an archive."""
    home = tree.folder / "home"
    cache = home / ".cache" / "clip"
    cache.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(str(cache / "ViT-B-32.pt"), "w") as archive:
        archive.writestr("ViT-B-32/data.pkl", b"x" * 1_000_000)
    whole = (cache / "ViT-B-32.pt").read_bytes()
    (cache / "ViT-B-32.pt").write_bytes(whole[: len(whole) // 2])
    tree.env["HOME"] = tree.env["USERPROFILE"] = str(home)


def _at_start(text: str) -> Callable[[Tree], None]:
    def inject(tree: Tree) -> None:
        tree.prepend("mld/rollout_mld.py", text)

    return inject


def _at_end(text: str) -> Callable[[Tree], None]:
    def inject(tree: Tree) -> None:
        tree.append("mld/rollout_mld.py", text)

    return inject


FAULTS: Tuple[Fault, ...] = (
    Fault("numpy alias not repaired", _numpy_alias, ("float", "source.numpy-aliases"), BOTH),
    Fault(
        "dataclass default not repaired",
        _dataclass_default,
        ("mutable default", "source.dataclass-defaults"),
        BOTH,
    ),
    Fault("package missing", _missing_module, ("a_package_that_is_not_there",), BOTH),
    Fault(
        "SMPLX_FEMALE missing",
        _female_body,
        ("female",),
        SANDBOX,
        stand_ins=False,
    ),
    Fault("SMPLX_FEMALE missing, no stand-ins", _female_body, ("assets.",), DART, stand_ins=False),
    Fault("checkpoint cut off", _truncated, ("assets.checkpoints",)),
    Fault("checkpoint of other dimensions", _other_dimensions, ("assets.checkpoints",)),
    Fault("NaN in the weights", _nan, ("finite", "assets.checkpoints")),
    Fault("statistics of the wrong length", _short_statistics, ("assets.statistics",)),
    Fault("mean and deviation swapped", _swapped_statistics, ("finite", "statistics")),
    Fault("joints in a wrong order", _joint_order, ("skeleton", "assets.smplx")),
    Fault("a rotation transposed", _transposed, ("skeleton",)),
    Fault("args.yaml cut off", _args_cut, ("assets.args",), BOTH),
    Fault("CLIP cut off", _clip_cut, ("ViT-B-32", "assets.clip"), DART),
    Fault(
        "says it is done and writes nothing",
        _at_start("import sys\nprint('[Done] Results are at [nowhere]')\nsys.exit(0)\n"),
        ("wrote no motion",),
        BOTH,
    ),
    Fault(
        "hangs",
        _at_start("import time\nprint('loading', flush=True)\ntime.sleep(100000)\n"),
        ("ended by us after",),
        BOTH,
        time_limit=8.0,
    ),
    Fault(
        "eats memory",
        _at_start(
            "import time\nhoard = [bytearray(50_000_000) for _ in range(40)]\ntime.sleep(60)\n"
        ),
        ("of memory", "host.memory"),
        BOTH,
        memory_limit=1_000_000_000,
    ),
    Fault(
        "crashes after writing",
        _at_end("\nimport os\nos._exit(139)\n"),
        ("139", "after it had written motion"),
        BOTH,
    ),
)
