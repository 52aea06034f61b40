"""From a target to a bundle: find what belongs to a denoiser, let stand-ins be made, export."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

import msgspec

from dartenv.assets.spec import AssetsSpec
from dartenv.errors import UsageFault
from dartenv.manifests.export import export_spec
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Tree
from dartenv.model.source import Places
from dartenv.smoke.api import load_scenario
from dartenv.smoke.prepare import prepare
from dartenv.smoke.scenario import ErrorTable, StandInDefaults
from dartenv.smoke.target import Interpreter, target_environment
from dartenv.smoke.workspace import make_workspace
from dartenv.source import bodymodel
from dartenv.source.module import Module
from dartenv.source.text import UnreadableError
from dartenv.target import tree_of

_FIND_VOCABULARY = (
    "import importlib.util as u, os; s = u.find_spec('clip'); "
    "print(os.path.join(os.path.dirname(s.origin), 'bpe_simple_vocab_16e6.txt.gz') if s else '')"
)
Say = Callable[[str], None]


class Ground(NamedTuple):
    """A tree that can be exported: its root, where things lie in it, its kind in bundle.json,
    and what in it is made up."""

    root: Path
    places: Places
    kind: str
    stand_ins: Tuple[str, ...]


def published_denoiser(manifests: Manifests, tree: Tree) -> str:
    """The denoiser that DART's demos use, relative to the root."""
    spec = manifests.read("assets", tree.kind, AssetsSpec)
    for checkpoint in spec.checkpoints:
        if checkpoint.role == "denoiser":
            return checkpoint.path
    raise UsageFault(f"{tree.title}: no denoiser is known", "--denoiser CHECKPOINT")


def body_folder(root: Path, tree: Tree, spec: AssetsSpec) -> Path:
    """body_model_dir as the tree's data_paths.py says it, without running it."""
    path = root.joinpath(*tree.data_paths.split("/"))
    try:
        module = Module(tree.data_paths, path.read_bytes())
        site = bodymodel.find(module, tree.body_model_name, str(root))
    except (OSError, UnreadableError, RecursionError):
        site = None
    text = site.value.text if site is not None and site.value is not None else spec.body_model_dir
    return root / text


def ground(
    manifests: Manifests, root: Path, denoiser: Optional[str], clip: Optional[Path]
) -> Ground:
    """The tree at ``root`` as it is. Raises UsageFault."""
    tree = tree_of(manifests, root)
    spec = manifests.read("assets", tree.kind, AssetsSpec)
    checkpoint = root / (denoiser or published_denoiser(manifests, tree))
    weights: Optional[Path] = None
    if spec.clip is not None:
        weights = clip or Path(spec.clip.path).expanduser()
    places = Places(
        denoiser=checkpoint,
        bodies=body_folder(root, tree, spec),
        motions=export_spec(manifests).motions,
        clip=weights,
        legacy_statistics=spec.statistics.legacy_cfg_path if spec.statistics else "",
    )
    marked = _marked(places, spec)
    kind = "sandbox" if tree.kind == "sandbox" else "plumbing" if marked else "dart"
    return Ground(root, places, kind, marked)


def _marked(places: Places, spec: AssetsSpec) -> Tuple[str, ...]:
    """Files of the tree that say beside them that they are stand-ins."""
    found = [places.denoiser, *([places.clip] if places.clip else [])]
    return tuple(
        path.name for path in found if path.with_name(path.name + spec.stand_in_suffix).exists()
    )


@contextmanager
def with_stand_ins(
    manifests: Manifests,
    root: Path,
    python: str,
    denoiser: Optional[str],
    clip: Optional[Path],
    cache: Path,
    say: Say,
) -> Iterator[Ground]:
    """A shadow of the tree in which stand-ins fill what is missing; gone afterwards.

    ``python`` makes them, with its torch and numpy. Raises UsageFault where it cannot.
    """
    tree = tree_of(manifests, root)
    scenario = load_scenario("rollout", manifests)
    if clip is not None:  # given, it is wanted and no stand-in of it
        needs = tuple(need for need in scenario.needs if need.kind != "clip")
        scenario = msgspec.structs.replace(scenario, needs=needs)
    checkpoint = denoiser or published_denoiser(manifests, tree)
    workspace = make_workspace(root, scenario.mirror, [cache / "export"])
    with tempfile.TemporaryDirectory() as folder:
        try:
            interpreter = Interpreter(
                python, target_environment(scenario.env), workspace.root, Path(folder)
            )
            ready = prepare(
                scenario,
                {**scenario.values, "denoiser_checkpoint": f"./{checkpoint}"},
                workspace,
                interpreter,
                errors=manifests.read("scenarios", "errors", ErrorTable),
                defaults=manifests.read("scenarios", "standins", StandInDefaults),
                cache=cache / "stand-ins",
                allow_stand_ins=True,
                tree_kind=tree.kind,
                assets=manifests.read("assets", tree.kind, AssetsSpec),
                say=say,
            )
            if ready.cause is not None:
                found = ready.cause.sentence + (
                    f" ({ready.cause.error})" if ready.cause.error else ""
                )
                raise UsageFault(found, "a tree in which stand-ins can be made", "dartenv doctor")
            weights = Path(ready.clip[1]) if ready.clip else clip
            made = ground(manifests, workspace.root, checkpoint, weights)
            names = tuple(dict.fromkeys([*(s.id for s in ready.stand_ins), *made.stand_ins]))
            kind = made.kind if made.kind == "sandbox" or not names else "plumbing"
            yield made._replace(kind=kind, stand_ins=names)
        finally:
            workspace.remove()


def find_vocabulary(pythons: List[str]) -> Optional[Path]:
    """CLIP's byte-pair vocabulary in the first of ``pythons`` that has the clip package."""
    for python in pythons:
        try:
            done = subprocess.run(
                [python, "-c", _FIND_VOCABULARY],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        text = done.stdout.decode("utf-8", "replace").strip()
        if text and Path(text).is_file():
            return Path(text)
    return None


def own_python() -> str:
    """The interpreter that runs dartenv."""
    return sys.executable
