"""``dartenv unreal``: the body and motion clips for Unreal Engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

import typer

from dartenv.cli import common
from dartenv.cli.generate import need_numpy

if TYPE_CHECKING:
    from dartenv.unreal.handover import Handed

app = typer.Typer(
    help="SMPL-X's body and motion clips for Unreal Engine, as glTF, FBX or BVH.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BLENDER = typer.Option(None, "--blender", metavar="EXE", help="The Blender that writes FBX.")
BPY = typer.Option(
    None, "--bpy-python", metavar="EXE", help="A Python with bpy, instead of a Blender."
)


@app.command("body")
def body(
    smplx: Path = typer.Option(..., "--smplx", metavar="FILE", help="SMPLX_MALE.npz or another."),
    out: Path = typer.Option(..., "-o", "--out", metavar="DIR", help="Where the files go."),
    file_format: str = typer.Option("glb", "--format", help="glb, fbx (through Blender) or both."),
    morphs: str = typer.Option(
        "none", "--morphs", help="none, betas:N, expressions:N, or both with a comma."
    ),
    betas: Optional[str] = typer.Option(
        None, "--betas", metavar="B,...", help="The body's shape, baked into points and bones."
    ),
    blender: Optional[Path] = BLENDER,
    bpy_python: Optional[Path] = BPY,
    as_json: bool = typer.Option(False, "--json", help="What was written, as JSON."),
) -> None:
    """Write the body: 55 bones by name, four weights a point, and the retargeting data."""
    need_numpy()
    from dartenv.unreal.handover import hand_over_body

    handed = hand_over_body(smplx, out, file_format, morphs, betas, blender, bpy_python)
    _show(handed, as_json)


@app.command("clip")
def clip(
    motion: Path = typer.Argument(..., metavar="MOTION", help="A .npz, .bvh, or DART's .pkl."),
    out: Path = typer.Option(..., "-o", "--out", metavar="FILE", help="A .glb, .bvh or .fbx."),
    smplx: Optional[Path] = typer.Option(
        None, "--smplx", metavar="FILE", help="The body that moves: SMPLX_MALE.npz or another."
    ),
    bundle: Optional[Path] = typer.Option(
        None, "--bundle", metavar="DIR", help="The bundle that made it, for its bones alone."
    ),
    mesh: Optional[bool] = typer.Option(
        None, "--mesh/--no-mesh", help="The body in the file.  [glb: with --smplx, fbx: not]"
    ),
    betas: Optional[str] = typer.Option(
        None, "--betas", metavar="B,...", help="The body's shape.  [the motion's]"
    ),
    fps: Optional[float] = typer.Option(None, "--fps", help="Another rate.  [the motion's]"),
    rate: Optional[float] = typer.Option(
        None, "--rate", help="The rate of a motion that names none, as DART's .pkl.  [30]"
    ),
    up: Optional[str] = typer.Option(
        None, "--up", help="The motion's up axis, y or z.  [what it says; npz, pkl: z]"
    ),
    blender: Optional[Path] = BLENDER,
    bpy_python: Optional[Path] = BPY,
    as_json: bool = typer.Option(False, "--json", help="What was written, as JSON."),
) -> None:
    """Write a motion as an animation of the body's bones."""
    need_numpy()
    from dartenv.unreal.body import parse_betas
    from dartenv.unreal.clip import Options
    from dartenv.unreal.handover import hand_over_clip

    options = Options(up, rate, fps, None if betas is None else parse_betas(betas))
    handed = hand_over_clip(motion, out, options, smplx, bundle, mesh, blender, bpy_python)
    _show(handed, as_json)


def _show(handed: Handed, as_json: bool) -> None:
    if as_json:
        import json

        text = json.dumps(handed.document(), indent=2, ensure_ascii=False)
        common.write_document(text + "\n")
        return
    from dartenv.report.terminal import write

    lines: List[str] = []
    width = max(len(str(path)) for path, _ in handed.files)
    for path, about in handed.files:
        lines.append(f"{path!s:<{width}}  {about}".rstrip())
    lines += [f"  {note}" for note in handed.notes]
    if handed.label:
        lines.append(f"  {handed.label}")
    write([[(line, "")] for line in lines], sys.stdout)
