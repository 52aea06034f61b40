"""The types of ``compat/editor.toml`` and ``compat/unreal.toml``."""

from __future__ import annotations

from typing import Tuple

from dartenv.manifests.schema import Manifest


class LaunchRow(Manifest, frozen=True, kw_only=True):
    """One launch configuration; ``{root}`` and ``{checkpoint}`` are filled with absolute paths,

    ``{device}`` with "cuda" or "cpu".
    """

    name: str
    module: str
    args: Tuple[str, ...]
    source: str


class EditorTable(Manifest, frozen=True, kw_only=True):
    """What VS Code is told; paths are relative to the DART root."""

    id: str
    source: str
    launch_path: str
    settings_path: str
    launch_version: str
    launch_type: str
    checkpoint_option: str
    interpreter_key: str
    old_interpreter_key: str
    checkpoint: str
    max_bytes: int
    launch: Tuple[LaunchRow, ...]


class EngineRow(Manifest, frozen=True, kw_only=True):
    """One engine version and the ONNX Runtime it bundles; ``sure`` is false where unconfirmed."""

    engine: str
    onnxruntime: str
    opset: int
    ir: int
    source: str
    sure: bool = True


class UnrealTable(Manifest, frozen=True, kw_only=True):
    """Unreal Engine, Blender and the SMPL-X add-on: where they are and what fits."""

    id: str
    source: str
    safe_opset: int
    safe_ir: int
    safe_source: str
    blender_min: str
    blender_source: str
    fbx_blender_min: str
    fbx_blender_tried: Tuple[str, ...]
    fbx_source: str
    addon_patterns: Tuple[str, ...]
    code_archives: Tuple[str, ...]
    blender_windows: Tuple[str, ...]
    blender_posix: Tuple[str, ...]
    downloads: Tuple[str, ...]
    engine_windows: Tuple[str, ...]
    engine_posix: Tuple[str, ...]
    engine_key: str
    engine_value: str
    build_version: str
    engines: Tuple[EngineRow, ...]


class BoneRow(Manifest, frozen=True, kw_only=True):
    """One bone of SMPL-X and the mannequin's that it moves; ``sure`` is false where it is a choice."""

    smplx: str
    unreal: str
    sure: bool = True
    why: str = ""


class ChainRow(Manifest, frozen=True, kw_only=True):
    """The first and last bone of one retargeting chain, on both skeletons."""

    name: str
    smplx: Tuple[str, str]
    unreal: Tuple[str, str]


class ArmsRow(Manifest, frozen=True, kw_only=True):
    """From T-pose to A-pose, in degrees: the upper arm ``down``, the lower arm bent ``forward``."""

    down: float
    forward: float
    source: str
    sure: bool = True


class MannequinTable(Manifest, frozen=True, kw_only=True):
    """Unreal Engine 5's mannequin: its bones, its rest pose, and how SMPL-X meets them."""

    id: str
    source: str
    names_source: str
    facing: str
    facing_source: str
    unmapped: Tuple[str, ...]
    arms: ArmsRow
    bones: Tuple[BoneRow, ...]
    chains: Tuple[ChainRow, ...]
