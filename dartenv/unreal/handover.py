"""From a file to files: what ``dartenv unreal body`` and ``clip`` do, and what they say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from dartenv.errors import UsageFault
from dartenv.unreal.body import Mesh, make_mesh, parse_betas, parse_morphs
from dartenv.unreal.scene import body_glb, mesh_name
from dartenv.unreal.smplx import BodyModel, read_body_model

FORMATS = ("glb", "fbx", "both")


@dataclass
class Handed:
    """What was written: each file with its size in words, notes, and a stand-in's label."""

    label: str = ""
    files: List[Tuple[Path, str]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    facts: Dict[str, Any] = field(default_factory=dict)

    def document(self) -> Dict[str, Any]:
        """The same as plain data."""
        return {
            "label": self.label,
            "files": [
                {"path": str(path), "bytes": path.stat().st_size, "about": about}
                for path, about in self.files
            ],
            "notes": self.notes,
            **self.facts,
        }


def hand_over_body(
    smplx: Path,
    out: Path,
    file_format: str = "glb",
    morphs: str = "none",
    betas: Optional[str] = None,
    blender: Optional[Path] = None,
    bpy_python: Optional[Path] = None,
) -> Handed:
    """Write the body of ``smplx`` into the folder ``out``. Raises UsageFault: any wrong input."""
    if file_format not in FORMATS:
        raise UsageFault(f"--format {file_format}", "one of: " + ", ".join(FORMATS))
    shape = parse_betas(betas)
    model = read_body_model(smplx)
    mesh = make_mesh(model, shape, parse_morphs(morphs, model))
    handed = Handed(label=mesh.label)
    name = mesh_name(mesh)
    if file_format != "fbx":
        data = body_glb(mesh)
        path = save(out / f"{name}.glb", data)
        handed.files.append((path, f"{size(len(data))}, {_without(mesh, model, shape, len(data))}"))
    handed.notes += _about(mesh, model)
    handed.facts = {
        "bones": len(mesh.skeleton.names),
        "points": len(mesh.points),
        "triangles": len(mesh.faces),
        "morphs": len(mesh.morphs),
        "weight_cut": {"most": mesh.cut.most, "mean": mesh.cut.mean, "points": mesh.cut.points},
    }
    return handed


def _without(mesh: Mesh, model: BodyModel, shape: Tuple[float, ...], written: int) -> str:
    """What morphs cost this file, or would cost it."""
    if mesh.morphs:
        plain = len(body_glb(make_mesh(model, shape)))
        return f"{len(mesh.morphs)} morph targets; without them {size(plain)}"
    each = 12 * len(mesh.points)  # three floats a point
    ten, all_of_them = 10 * each, (model.shape.shape[2] + model.expression.shape[2]) * each
    return (
        f"no morph targets; 10 betas make it {size(written + ten)}, "
        f"all shapes and expressions up to {size(written + all_of_them)}"
    )


def _about(mesh: Mesh, model: BodyModel) -> List[str]:
    cut = mesh.cut
    twice = len(mesh.points) - len(model.template)
    seams = f" ({twice} stand twice, on seams of the texture)" if twice else ""
    notes = [
        (
            f"{len(mesh.skeleton.names)} bones, {len(mesh.points)} points{seams}, "
            f"{len(mesh.faces)} triangles; y up, metres"
        ),
        (
            f"4 joints a point: {cut.points} points lost weight, {100 * cut.most:.2g} % at most, "
            f"{100 * cut.mean:.2g} % on average, then made whole again"
        ),
    ]
    if any(mesh.skeleton.betas):
        shown = ", ".join(f"{beta:g}" for beta in mesh.skeleton.betas)
        notes.append(f"betas {shown} in points and bones")
    if any(name.startswith("Shape") for name, _ in mesh.morphs):
        notes.append("shape morphs move points, not bones; --betas moves both")
    return notes


def size(count: int) -> str:
    """``count`` bytes in words."""
    return f"{count / 1e6:.2f} MB" if count >= 10_000 else f"{count} bytes"


def save(path: Path, data: bytes) -> Path:
    """Write ``data``; its folder is made. Raises UsageFault where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UsageFault(
            f"cannot write {path}: {error.strerror or error}", "a folder that can be written"
        ) from None
    return path
