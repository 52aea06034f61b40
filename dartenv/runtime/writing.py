"""Motions into files, by the ending of the name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

from dartenv.bundle.contract import Bundle
from dartenv.errors import UsageFault
from dartenv.motion.motion import Motion, resample
from dartenv.motion.skeleton import from_bundle

ENDINGS = (".bvh", ".npz", ".gif", ".webp")


class Written(NamedTuple):
    """One file: where it is, its motion, and what its reader must know."""

    path: Path
    motion: Motion
    about: str


class Wanted(NamedTuple):
    """How motions are written. ``None`` is the format's own: BVH y up in centimetres, npz z up in
    metres (always), the bundle's rate."""

    fps: Optional[float] = None
    up: Optional[str] = None
    joints: int = 22
    unit: Optional[str] = None


def check_wanted(path: Path, wanted: Wanted, bundle: Bundle) -> None:
    """Find what cannot be before minutes go into a motion. Raises UsageFault."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageFault(f"-o {path}", "a name ending in " + ", ".join(ENDINGS))
    if not path.absolute().parent.is_dir():
        raise UsageFault(f"-o {path}: no folder {path.absolute().parent}", "a folder that is there")
    for what, value, known in (
        ("--up", wanted.up, ("y", "z")),
        ("--unit", wanted.unit, ("m", "cm")),
    ):
        if value is not None and value not in known:
            raise UsageFault(f"{what} {value}", "one of: " + ", ".join(known))
    if wanted.unit is not None and path.suffix.lower() != ".bvh":
        raise UsageFault(f"--unit {wanted.unit} for {path.suffix}", "a .bvh; the others are metres")
    if wanted.fps is not None and not 1 <= wanted.fps <= 1000:
        raise UsageFault(f"--fps {wanted.fps:g}", "1 to 1000; DART's own are 30 and 20")
    from_bundle(bundle.skeleton, wanted.joints)


def write_motions(
    motions: Sequence[Motion], path: Path, wanted: Wanted, bundle: Bundle
) -> List[Written]:
    """Write each motion; several get numbers: walk.bvh becomes walk-0.bvh, walk-1.bvh.

    Raises UsageFault as ``check_wanted`` does, and where a file cannot be written.
    """
    check_wanted(path, wanted, bundle)
    skeleton = from_bundle(bundle.skeleton, wanted.joints)
    written = []
    for place, motion in enumerate(motions):
        shown = resample(replace(motion, skeleton=skeleton), wanted.fps or motion.fps)
        name = path if len(motions) == 1 else path.with_name(f"{path.stem}-{place}{path.suffix}")
        written.append(Written(name, shown, _write(shown, name, wanted)))
    return written


def _write(motion: Motion, path: Path, wanted: Wanted) -> str:
    ending = path.suffix.lower()
    if ending == ".bvh":
        from dartenv.motion.bvh import describe, write_bvh

        return describe(write_bvh(motion, path, wanted.up or "y", wanted.unit or "cm"))
    if ending == ".npz":
        from dartenv.motion.npz import write_npz

        up = wanted.up or "z"
        write_npz(motion, path, up)
        return f"AMASS layout, {up} up, metres, axis-angle, {motion.fps:g} frames a second"
    from dartenv.motion.picture import RATE, write_picture

    return f"{write_picture(motion, path)} pictures, {RATE} a second"
