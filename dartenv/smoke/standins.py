"""Stand-ins: what is made for the files that are not there, and where it is kept.

The plan is plain data; a program in the target interpreter carries it out with the target's own
torch and numpy. Results are kept in the user's cache, keyed by everything that shaped them, and
only ever copied into a workspace: never into the user's tree.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.assets.args_yaml import ArgsFault, DartArgs
from dartenv.assets.shapes import expected_tensors
from dartenv.smoke.needs import Located, Needed, options_of
from dartenv.smoke.scenario import StandInDefaults

SEEDS: Mapping[str, int] = {"denoiser": 1, "vae": 2}
_ENDINGS: Mapping[str, str] = {
    "torch-checkpoint": ".pt",
    "clip": ".pt",
    "smplx": ".npz",
    "smplh": ".pkl",
    "mean-std": ".pkl",
    "motion": ".pkl",
}
_KEPT_BYTES = 1_500_000_000


class StandIn(msgspec.Struct, frozen=True, kw_only=True):
    """One file that is not the real thing; ``path`` as the tree names it."""

    id: str
    path: str
    reason: str


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One file to make: the item for the maker, where it is kept, and what it stands in for."""

    located: Located
    item: Dict[str, Any]
    cached: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every stand-in of a run. ``impossible`` says why some cannot be made."""

    texts: Tuple[Tuple[Located, str], ...] = ()  # args.yaml files, written directly
    files: Tuple[Planned, ...] = ()
    impossible: Tuple[Tuple[Located, str], ...] = ()

    def to_make(self) -> Tuple[Planned, ...]:
        """Those that the cache does not hold yet."""
        return tuple(planned for planned in self.files if not Path(planned.cached).is_file())

    def find(self, kind: str) -> Optional[Planned]:
        """The planned file of ``kind``, if there is one."""
        return next((p for p in self.files if p.located.need.kind == kind), None)


def plan_stand_ins(
    needed: Needed,
    missing: Sequence[Located],
    defaults: StandInDefaults,
    cache: Path,
    versions: Mapping[str, str],
) -> Plan:
    """What to make for ``missing``. Pure, but for the paths it names."""
    texts: List[Tuple[Located, str]] = []
    files: List[Planned] = []
    impossible: List[Tuple[Located, str]] = []
    for located in missing:
        need = located.need
        if need.kind != "clip" and located.relative is None:
            impossible.append((located, f"{located.absolute} lies outside the DART root"))
        elif need.kind == "args":
            # DART reads a YAML file that holds one string of YAML; JSON's form of it is YAML's.
            texts.append((located, json.dumps(defaults.args[need.role])))
        elif need.kind not in _ENDINGS:
            impossible.append((located, "it is not of a kind that stand-ins are made of"))
        else:
            try:
                item = _item(located, needed.args, defaults)
            except ArgsFault as fault:
                impossible.append((located, str(fault)))
                continue
            files.append(_planned(located, item, defaults.layout, cache, versions))
    return Plan(texts=tuple(texts), files=tuple(files), impossible=tuple(impossible))


def _item(
    located: Located, args: Mapping[str, DartArgs], defaults: StandInDefaults
) -> Dict[str, Any]:
    need = located.need
    item: Dict[str, Any] = {"kind": need.kind, **options_of(need, defaults)}
    if need.kind == "torch-checkpoint":
        tensors = expected_tensors(args[need.role])
        item["tensors"] = {name: [list(shape), dtype] for name, (shape, dtype) in tensors.items()}
        item["seed"] = SEEDS.get(need.role, 0)
        item["scales"] = defaults.scales.get(need.role, {})
    elif need.kind == "mean-std":
        item["width"] = args["vae"].size("model_args.nfeats")
    return item


def _planned(
    located: Located,
    item: Dict[str, Any],
    layout: int,
    cache: Path,
    versions: Mapping[str, str],
) -> Planned:
    shaped_by = json.dumps([layout, item, sorted(versions.items())], sort_keys=True)
    key = hashlib.sha256(shaped_by.encode("utf-8")).hexdigest()[:16]
    kind = located.need.kind
    cached = str(cache / f"{kind}-{key}{_ENDINGS[kind]}")
    return Planned(located=located, item={**item, "path": cached}, cached=cached)


def stand_ins_of(plan: Plan, marked: Sequence[Located]) -> Tuple[StandIn, ...]:
    """Every stand-in of the run, those made and those that lie in the tree already."""
    made = [located for located, _ in plan.texts] + [planned.located for planned in plan.files]
    return tuple(
        StandIn(
            id=located.need.id,
            path=located.relative or located.absolute,
            reason=located.detail or located.state,
        )
        for located in [*made, *marked]
    )


def prune(cache: Path, keep: Sequence[str], limit: int = _KEPT_BYTES) -> None:
    """Forget the stand-ins used longest ago, until the rest take at most ``limit`` bytes.

    Those in ``keep`` are in use now: they stay, and count as used.
    """
    kept = {Path(path) for path in keep}
    entries: List[Tuple[bool, float, int, Path]] = []
    for path in cache.glob("*-*.*"):
        try:
            if path in kept:
                os.utime(str(path))
            state = path.stat()
        except OSError:
            continue
        entries.append((path in kept, state.st_mtime, state.st_size, path))
    total = 0
    for used, _, size, path in sorted(entries, reverse=True):
        total += size
        if total > limit and not used:
            try:
                path.unlink()
            except OSError:  # another run reads it
                continue
