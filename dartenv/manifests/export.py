"""The type of manifests/export/bundle.toml: what export reads and what it holds files against."""

from __future__ import annotations

from typing import Dict, Tuple

from packaging.specifiers import SpecifierSet

from dartenv.errors import UsageFault
from dartenv.manifests.compat import OnnxRuntimeTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Manifest


class ParitySpec(Manifest, frozen=True, kw_only=True):
    """Largest differences of full precision from the reference; see the manifest for units.

    A closed loop may differ by ``loop`` metres.
    """

    primitive: float
    loop: float
    loop_primitives: int
    tensor: float
    source: str


class GateSpec(Manifest, frozen=True, kw_only=True):
    """Largest differences of a reduced precision from the full one."""

    primitives: int
    motion: float
    joint: float
    latent: float
    text: float
    rotation: float
    joint_speed: float
    bone_drift: float
    path_ratio: float
    prompts: Tuple[str, ...]
    source: str


class ExportSpec(Manifest, frozen=True, kw_only=True):
    """``motions``: the seed motion by data set; ``guidance``: the scale DART's demos use;
    ``double_onnxruntime``: the oldest ONNX Runtime that has fp64's operators in double."""

    id: str
    source: str
    guidance: float
    double_onnxruntime: str
    motions: Dict[str, str]
    parity: ParitySpec
    gate: GateSpec


def export_spec(manifests: Manifests) -> ExportSpec:
    """The manifest in force."""
    return manifests.read("export", "bundle", ExportSpec)


def oldest_onnxruntime(manifests: Manifests, opset: int, ir: int) -> str:
    """The oldest ONNX Runtime of the table that loads models of ``opset`` and ``ir``."""
    table = manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    for row in table.opsets:
        if row.opset >= opset and row.ir >= ir:
            lows = [s.version for s in SpecifierSet(row.versions) if s.operator == ">="]
            if lows:
                return lows[0]
    raise UsageFault(f"opset {opset} and IR {ir}", "a row of compat/onnxruntime.toml")
