"""FBX through Blender, which runs as a process of its own; dartenv neither brings nor installs it.

What goes in is an npz of plain arrays, so that Blender's own importers have no part in it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import numpy as np
from packaging.version import InvalidVersion, Version

from dartenv.errors import UsageFault
from dartenv.facts import places
from dartenv.facts.runner import Completed, Runner, SubprocessRunner, clean_env
from dartenv.manifests.compat_editor import UnrealTable
from dartenv.motion.motion import Motion
from dartenv.motion.skeleton import Skeleton
from dartenv.unreal.body import Mesh
from dartenv.unreal.scene import mesh_name, y_up

_VERSION = re.compile(r"(?:Blender|bpy)\s+(\d+(?:\.\d+)+)")
_ASK_SECONDS = 30.0
_WRITE_SECONDS = 600.0
_DONE = "DARTENV-FBX "
_ASK_BPY = "import bpy, numpy; print('bpy', bpy.app.version_string)"
_SCRIPT = Path(__file__).with_name("blender_script.py")


@dataclass(frozen=True)
class Blender:
    """A Blender, or a Python with bpy (``module``), its version, and what to say of that."""

    path: str
    version: str
    module: bool = False
    note: str = ""

    def argv(self, *args: str) -> List[str]:
        """The command that runs the script with ``args``."""
        if self.module:
            return [self.path, str(_SCRIPT), "--", *args]
        options = ["-b", "--factory-startup", "-noaudio", "--python-exit-code", "9", "--python"]
        return [self.path, *options, str(_SCRIPT), "--", *args]


def find_blender(
    table: UnrealTable,
    blender: Optional[Path] = None,
    bpy_python: Optional[Path] = None,
    env: Optional[Mapping[str, str]] = None,
    runner: Optional[Runner] = None,
) -> Blender:
    """The Blender that is named, else on PATH, else where its installers put it.

    Raises UsageFault: none there, no answer, or one older than the manifest allows.
    """
    env = os.environ if env is None else env
    runner = runner or SubprocessRunner()
    if blender is not None and bpy_python is not None:
        raise UsageFault("--blender and --bpy-python", "one of them")
    if bpy_python is not None:
        path = _named(bpy_python, "--bpy-python")
        done = runner.run([path, "-c", _ASK_BPY], _ASK_SECONDS * 4, env=clean_env())
        return _fitting(path, done, table, module=True)
    if blender is not None:
        found = [_named(blender, "--blender")]
    else:
        name = "blender.exe" if os.name == "nt" else "blender"
        known = table.blender_windows if os.name == "nt" else table.blender_posix
        first = places.first_on_path(name, env)
        found = [*([first] if first else []), *reversed(places.matching(known, env))]
    if not found:
        raise UsageFault(
            "FBX is written by Blender, and there is none on PATH nor where its installers put it",
            f"Blender {table.fbx_blender_min} or newer (blender.org), or a Python with bpy",
            "--blender EXE or --bpy-python EXE; --format glb needs neither",
        )
    faults: List[UsageFault] = []
    for path in dict.fromkeys(found):
        done = runner.run([path, "--version"], _ASK_SECONDS, env=clean_env())
        try:
            return _fitting(path, done, table, module=False)
        except UsageFault as fault:
            faults.append(fault)
    raise faults[0]


def _named(path: Path, option: str) -> str:
    """The full path of a program that the user names. Raises UsageFault: not there."""
    if not path.is_file():
        raise UsageFault(f"{option} {path}: not there", "the program itself, not its folder")
    return str(path.absolute())


def _fitting(path: str, done: Completed, table: UnrealTable, module: bool) -> Blender:
    found = _VERSION.search(done.text()) if done.ok else None
    if found is None:
        said = done.error_text().strip().splitlines()
        why = said[-1][:200] if said else done.why(_ASK_SECONDS, " and no version")
        what = "a Python that imports bpy and numpy" if module else "a Blender"
        raise UsageFault(f"{path}: {why}", what)
    version, oldest = found.group(1), table.fbx_blender_min
    try:
        old = Version(version) < Version(oldest)
    except InvalidVersion:
        old = False
    if old:
        raise UsageFault(f"{path}: Blender {version}", f"{oldest} or newer: {table.fbx_source}")
    tried = ".".join(version.split(".")[:2]) in table.fbx_blender_tried
    note = "" if tried else f"Blender {version} was not tried; " + _tried(table)
    return Blender(path, version, module, note)


def _tried(table: UnrealTable) -> str:
    return "tried: " + ", ".join(table.fbx_blender_tried)


def body_arrays(mesh: Mesh) -> Dict[str, Any]:
    """What the script is given of a body: the model's own points, the texture's places by corner."""
    first = np.unique(mesh.source, return_index=True)[1]
    arrays: Dict[str, Any] = {
        **_bones(mesh.skeleton),
        "mesh_name": np.array(mesh_name(mesh)),
        "points": mesh.points[first],
        "faces": mesh.source[mesh.faces].astype(np.int32),
        "joints": mesh.joints[first].astype(np.int32),
        "weights": mesh.weights[first],
    }
    if mesh.uv is not None:
        corners = mesh.uv[mesh.faces]
        arrays["uv"] = np.stack([corners[..., 0], 1 - corners[..., 1]], axis=-1)
    if mesh.morphs:
        arrays["morph_names"] = np.array([name for name, _ in mesh.morphs])
        moves = [moves[first].astype(np.float32) for _, moves in mesh.morphs]
        arrays["morphs"] = np.stack(moves)
    return arrays


def clip_arrays(motion: Motion, mesh: Optional[Mesh], name: str) -> Dict[str, Any]:
    """What the script is given of a motion, and of the body where it is to be in the file."""
    quaternions, where = y_up(motion)
    return {
        **(body_arrays(mesh) if mesh is not None else _bones(motion.skeleton)),
        "quaternions": quaternions,
        "places": where,
        "fps": np.array(float(motion.fps)),
        "action": np.array(name),
    }


def _bones(skeleton: Skeleton) -> Dict[str, Any]:
    return {
        "names": np.array(skeleton.names),
        "parents": np.array(skeleton.parents, np.int32),
        "rest": np.asarray(skeleton.rest, np.float64),
    }


def write_fbx(
    arrays: Mapping[str, Any], out: Path, blender: Blender, runner: Optional[Runner] = None
) -> Path:
    """Let ``blender`` write ``out``. Raises UsageFault where it does not, with its last words."""
    runner = runner or SubprocessRunner()
    with tempfile.TemporaryDirectory(prefix="dartenv-fbx-") as folder:
        given, made = Path(folder) / "in.npz", Path(folder) / "out.fbx"
        np.savez(str(given), **arrays)
        argv = blender.argv(str(given), str(made))
        done = runner.run(argv, _WRITE_SECONDS, env=clean_env(), cwd=folder)
        if not (done.ok and _DONE in done.text() and made.is_file()):
            raise UsageFault(
                f"{blender.path} wrote no FBX: {_last_words(done)}",
                "an FBX",
                "--format glb, which needs no Blender",
            )
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(made), str(out))
        except OSError as error:
            raise UsageFault(
                f"cannot write {out}: {error.strerror or error}", "a folder that can be written"
            ) from None
    return out


def _last_words(done: Completed) -> str:
    said = (done.error_text() + "\n" + done.text()).splitlines()
    wrong = [line.strip() for line in said if "Error" in line or "error" in line]
    return (wrong[-1] if wrong else done.why(_WRITE_SECONDS))[:300]
