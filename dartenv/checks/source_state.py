"""Checks of the DART tree: how it loads checkpoints, where its body models are, what is patched."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import msgspec

from dartenv.checks.bodies import nested
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.checks.source import files_of, places, version, version_in
from dartenv.facts.model import (
    AssetsFacts,
    FileAsset,
    GpuFacts,
    InterpreterFacts,
    Location,
    SourceFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Patch, Profile

PATCHES: Tuple[Tuple[str, str], ...] = (
    ("source.numpy-aliases", "numpy_aliases"),
    ("source.dataclass-defaults", "dataclass_defaults"),
    ("source.posixpath", "posixpath"),
    ("source.prompt-filenames", "prompt_filenames"),
    ("source.torch-load", "torch_load"),
)


@check("source.torch-load", needs=("source.root",))
def torch_load(
    source: SourceFacts,
    interpreter: Optional[InterpreterFacts],
    gpu: Optional[GpuFacts],
    assets: Optional[AssetsFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """torch.load without map_location on a machine without CUDA."""
    patch = manifests.read("patches", "torch-load", Patch)
    torch, limit = version_in(interpreter, "torch"), version(patch.torch or "")
    strict = torch is not None and limit is not None and torch >= limit
    refused = _refused(source, assets) if strict else []
    if refused:
        yield _weights_only(refused, f"torch {torch}", patch)
    needed = [x for x in source.torch_load if x.state != "repaired"]
    if not needed:
        if not refused:
            yield finding(Status.OK, "every torch.load says where its tensors go")
        return
    live = [x for x in needed if x.live]
    without_cuda = _without_cuda(profile, interpreter, gpu)
    many = f"{len(needed)} calls of torch.load give no map_location"
    many += f", {len(live)} of them on the path of an entry point"
    notes = [many]
    if strict and not refused:
        notes.append(f"torch {torch} also loads weights only, which DART's checkpoints are")
    yield finding(
        Status.WARN if without_cuda and live else Status.INFO,
        "; ".join(notes),
        found=many,
        wanted="map_location where CUDA is not available",
        evidence=places(live or needed),
        why="a checkpoint saved on a GPU does not load where torch sees none",
        remedy=files_of(needed),
        fix="source.torch-load",
        source=patch.source,
    )


def _refused(source: SourceFacts, assets: Optional[AssetsFacts]) -> List[FileAsset]:
    """Checkpoints that hold more than weights, where a live call takes torch's own default."""
    asked = any(x.live and "weights_only is not given" in x.note for x in source.torch_load)
    return [
        file
        for file in (assets.files if assets is not None and asked else ())
        if file.role in ("denoiser", "vae") and file.exists and file.foreign_globals
    ]


def _weights_only(files: Sequence[FileAsset], torch: str, patch: Patch) -> Finding:
    lines = [f"{file.path}: {', '.join(file.foreign_globals)}" for file in files]
    value = finding(
        Status.FAIL,
        f"{torch} loads weights only, and {files[0].path} holds {files[0].foreign_globals[0]}",
        found=lines[0],
        wanted="tensors and plain values alone, as in DART's own checkpoints",
        evidence=lines[1:],
        why="torch.load ends with 'Weights only load failed' before anything is built",
        remedy="take DART's own checkpoint, or save this one again with its state_dict and "
        "num_steps alone; weights_only=False would run what the file names",
        source=patch.source,
    )
    return msgspec.structs.replace(value, cause="assets.pickles")


def _without_cuda(
    profile: Profile, interpreter: Optional[InterpreterFacts], gpu: Optional[GpuFacts]
) -> bool:
    if profile.compute == "cpu" or (gpu is not None and gpu.state != "devices"):
        return True
    torch = version_in(interpreter, "torch")
    return torch is not None and (torch.local or "").startswith("cpu")


@check("source.body-model-dir", needs=("source.root",))
def body_model_dir(
    source: SourceFacts, assets: Optional[AssetsFacts], profile: Profile
) -> Iterator[Finding]:
    """data_paths.py points at where the body models are."""
    where = source.body_model_dir
    place = source.body_model_location
    shown = f"{place.path}:{place.line}" if place is not None else "config_files/data_paths.py"
    if where is None:
        yield finding(
            Status.WARN,
            f"could not tell which folder {shown} names",
            found=place.text if place is not None else "no body_model_dir in data_paths.py",
            wanted="body_model_dir built from constants",
            why="the body models cannot be looked for",
            remedy="write the folder as constants, as DART has it",
            commands=("dartenv explain source.body-model-dir",),
            source="config_files/data_paths.py of DART@4db72d3f",
        )
        return
    bodies = [f for f in (assets.files if assets is not None else ()) if f.role in BODY_ROLES]
    here = [f for f in bodies if f.exists]
    # Those unpacked a folder too deep are moved (assets.smplx); the tree stays as DART has it.
    elsewhere = [
        place for f in bodies if not f.exists for place in f.elsewhere if not nested(f.path, place)
    ]
    if bodies and not here and elsewhere:
        yield finding(
            Status.FAIL,
            f"{shown} names {where}, and the body models lie in {_folder(elsewhere[0])}",
            found=f"{where} ({shown})",
            wanted=f"the folder that holds {_tail(elsewhere[0])}",
            evidence=elsewhere,
            why="the models are read when any entry point is imported: nothing starts",
            remedy="data_paths.py, can be undone",
            fix="source.body-model-dir",
            source="smplx.build_layer appends the model type to this folder",
        )
        return
    yield finding(Status.OK, f"body models are read from {where} ({shown})")


BODY_ROLES = ("smplx", "smplh", "body")


def _folder(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[0]


def _tail(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])


# A place that never needed the patch counts as one that has it.
_STATES = {"repaired": "in order"}


@check("source.patched", needs=("source.root",))
def patched(source: SourceFacts) -> Iterator[Finding]:
    """Each dartenv patch: applied, needed, or in conflict with a local edit."""
    states: List[str] = []
    for fix_id, name in PATCHES:
        locations: Sequence[Location] = getattr(source, name)
        counts: Dict[str, int] = {}
        for location in locations:
            counts[location.state] = counts.get(location.state, 0) + 1
        words = ", ".join(f"{n} {_STATES.get(s, s)}" for s, n in sorted(counts.items()))
        states.append(f"{fix_id}: {words or 'not needed'}")
    conflicts = [
        f"{x.path}:{x.line} {x.note}".rstrip()
        for _, name in PATCHES
        for x in getattr(source, name)
        if x.state in ("conflict", "unsure")
    ]
    count = sum("needed" in s.replace("not needed", "") for s in states)
    yield finding(
        Status.INFO if count or conflicts else Status.OK,
        f"{count} of {len(PATCHES)} patches are needed"
        + (f"; {len(conflicts)} places were changed by hand" if conflicts else ""),
        evidence=[*states, *conflicts],
    )
