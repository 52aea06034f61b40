"""From a file to files: what ``dartenv unreal body`` and ``clip`` do, and what they say of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from dartenv.bundle.files import load_bundle
from dartenv.errors import UsageFault
from dartenv.manifests.compat_editor import MannequinTable, UnrealTable
from dartenv.manifests.loader import Manifests
from dartenv.motion.bvh import describe, write_bvh
from dartenv.motion.skeleton import Skeleton, from_bundle
from dartenv.unreal.body import Mesh, make_mesh, parse_betas, parse_morphs
from dartenv.unreal.clip import Options, read_clip
from dartenv.unreal.fbx import Blender, body_arrays, clip_arrays, find_blender, write_fbx
from dartenv.unreal.retarget import retarget_of, to_json
from dartenv.unreal.scene import body_glb, clip_glb, mesh_name
from dartenv.unreal.smplx import BodyModel, read_body_model

FORMATS = ("glb", "fbx", "both")
CLIPS = (".glb", ".fbx", ".bvh")


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
    wanted = parse_morphs(morphs, model)
    # Before seconds go into anything else.
    writer = blender_of(blender, bpy_python) if file_format != "glb" else None
    mesh = make_mesh(model, shape, wanted)
    handed = Handed(label=mesh.label)
    name = mesh_name(mesh)
    if file_format != "fbx":
        data = body_glb(mesh)
        path = save(out / f"{name}.glb", data)
        handed.files.append((path, f"{size(len(data))}, {_without(mesh, model, shape, len(data))}"))
    if writer is not None:
        path = write_fbx(body_arrays(mesh), out / f"{name}.fbx", writer)
        about = f"{size(path.stat().st_size)}, {len(mesh.morphs) or 'no'} morph targets"
        handed.files.append((path, f"{about}; z up, centimetres, by Blender {writer.version}"))
        handed.notes += [writer.note] if writer.note else []
    table = Manifests().read("compat", "mannequin", MannequinTable)
    document = retarget_of(mesh.skeleton, mesh.label, table)
    path = save(out / f"{name}.retarget.json", to_json(document))
    mapped = sum(bone.unreal is not None for bone in document.bones)
    about = f"{mapped} bones of Unreal's mannequin, {len(document.chains)} chains, T-pose to A-pose"
    handed.files.append((path, about))
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


def hand_over_clip(
    path: Path,
    out: Path,
    options: Options,
    smplx: Optional[Path] = None,
    bundle: Optional[Path] = None,
    with_mesh: Optional[bool] = None,
    blender: Optional[Path] = None,
    bpy_python: Optional[Path] = None,
) -> Handed:
    """Write the motion at ``path`` as ``out``, by the ending of its name.

    ``with_mesh``: whether the body of ``smplx`` goes into the file; by default into a GLB, where an
    importer may look for a skin, and not into an FBX. Raises UsageFault: any wrong input.
    """
    ending = out.suffix.lower()
    if ending not in CLIPS:
        raise UsageFault(f"--out {out}", "a name ending in " + ", ".join(CLIPS))
    model = read_body_model(smplx) if smplx is not None else None
    skeleton, label = (None, "") if bundle is None else _of_bundle(bundle)
    if model is not None and bundle is not None:
        raise UsageFault("--smplx and --bundle", "one of them: each says where the bones are")
    if with_mesh and (model is None or ending == ".bvh"):
        raise UsageFault("--mesh", "a .glb or .fbx, and the body of --smplx")
    clip = read_clip(path, model, skeleton, options)
    said = [clip.motion.label or label, model.label if model else ""]
    label = "; ".join(part for part in said if part)
    motion = replace(clip.motion, label=label)
    wanted = ending == ".glb" if with_mesh is None else with_mesh
    mesh = None
    if model is not None and wanted and ending != ".bvh":
        mesh = make_mesh(model, motion.skeleton.betas)
    handed = Handed(label=label, notes=[clip.about, *clip.notes])
    frames = f"{len(motion)} frames at {motion.fps:g} a second"
    if ending == ".glb":
        save(out, clip_glb(motion, mesh, path.stem))
        about = f"{frames}, y up, metres"
    elif ending == ".fbx":
        writer = blender_of(blender, bpy_python)
        write_fbx(clip_arrays(motion, mesh, path.stem), out, writer)
        about = f"{frames}, z up, centimetres, by Blender {writer.version}"
        handed.notes += [writer.note] if writer.note else []
    else:
        _folder_of(out)
        about = describe(write_bvh(motion, out))
    what = "with the body" if mesh else "bones alone"
    handed.files.append((out, f"{size(out.stat().st_size)}, {about}, {what}"))
    handed.facts = {
        "frames": len(motion),
        "fps": motion.fps,
        "bones": len(motion.skeleton.names),
        "mesh": mesh is not None,
    }
    return handed


def _of_bundle(folder: Path) -> Tuple[Skeleton, str]:
    """The bundle's bones, and what must be said of its motion."""
    bundle = load_bundle(folder)
    count = len(bundle.skeleton.rest_joints_55) or len(bundle.skeleton.rest_joints)
    label = "" if bundle.kind == "dart" else f"{bundle.kind}: not DART's own weights"
    return from_bundle(bundle.skeleton, count), label


def blender_of(blender: Optional[Path], bpy_python: Optional[Path]) -> Blender:
    """The Blender in use. Raises UsageFault where there is none that fits."""
    table = Manifests().read("compat", "unreal", UnrealTable)
    return find_blender(table, blender, bpy_python)


def size(count: int) -> str:
    """``count`` bytes in words."""
    return f"{count / 1e6:.2f} MB" if count >= 10_000 else f"{count} bytes"


def save(path: Path, data: bytes) -> Path:
    """Write ``data``; its folder is made. Raises UsageFault where that cannot be done."""
    _folder_of(path)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise _unwritable(path, error) from None
    return path


def _folder_of(path: Path) -> None:
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> UsageFault:
    return UsageFault(
        f"cannot write {path}: {error.strerror or error}", "a folder that can be written"
    )
