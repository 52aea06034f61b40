"""Whether bundle.json's own numbers fit one another, before they meet a graph."""

from __future__ import annotations

import math
from typing import Iterator, List, Optional, Sequence, Tuple

from dartenv.bundle.contract import Bundle
from dartenv.errors import UsageFault

# name, what was found, what its sizes say
Misfit = Tuple[str, object, object]
_NEEDED = (
    "transl",
    "poses_6d",
    "transl_delta",
    "global_orient_delta_6d",
    "joints",
    "joints_delta",
)


def check_bundle(bundle: Bundle, where: str) -> None:
    """Raises UsageFault naming the first part of ``bundle`` that does not fit its sizes."""
    for name, found, wanted in _misfits(bundle):
        if found != wanted:
            raise UsageFault(
                f"{where}: {name} is {found}", f"{wanted}, by its sizes", "dartenv export again"
            )


def _misfits(bundle: Bundle) -> Iterator[Misfit]:
    sizes = bundle.sizes
    for name in ("history", "future", "features", "tokens", "latent", "text", "joints"):
        yield f"sizes.{name} above zero", getattr(sizes, name) > 0, True
    yield "fps above zero", bundle.fps > 0, True
    yield "statistics.mean", _shape([bundle.statistics.mean]), (1, sizes.features)
    yield "statistics.std", _shape([bundle.statistics.std]), (1, sizes.features)
    yield "statistics.std all above zero", all(v > 0 for v in bundle.statistics.std), True
    yield "start.history", _shape(bundle.start.history), (sizes.history, sizes.features)
    yield "start.world_rotation", _shape(bundle.start.world_rotation), (3, 3)
    yield "start.world_translation", _shape([bundle.start.world_translation]), (1, 3)
    yield "skeleton.rest_joints", _shape(bundle.skeleton.rest_joints), (sizes.joints, 3)
    yield "skeleton.pelvis_offset", _shape([bundle.skeleton.pelvis_offset]), (1, 3)
    known = {feature.name: feature for feature in bundle.features}
    yield "features", [n for n in _NEEDED if n in known], list(_NEEDED)
    ends = sorted((f.start, f.start + f.width) for f in bundle.features)
    joined = [0, *(end for _, end in ends)]
    yield "features' starts", [start for start, _ in ends], joined[:-1]
    yield "features' end", joined[-1], sizes.features
    for name, width in (("poses_6d", 6), ("joints", 3), ("joints_delta", 3)):
        yield f"the width of {name}", known[name].width, width * sizes.joints
    for schedule in bundle.schedules:
        steps = len(schedule.timesteps)
        yield f"schedule {schedule.name}", _shape(schedule.coefficients), (steps, 3)
    there = "missing" if bundle.sampler() is None else "there"
    yield f"the default schedule {bundle.schedule!r}", there, "there"


def _shape(rows: Sequence[Sequence[float]]) -> Optional[Tuple[int, int]]:
    """(rows, columns), or ``None`` where rows differ or a value is no number."""
    widths: List[int] = [len(row) for row in rows]
    if len(set(widths)) != 1 or not all(math.isfinite(value) for row in rows for value in row):
        return None
    return len(rows), widths[0]
