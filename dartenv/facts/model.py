"""The facts value: frozen, versioned, serialisable; its parts by topic stand in ``model_*``.

``None`` anywhere means "could not tell" (or "was not asked"); the reason then stands in
:attr:`Facts.probe_failures`. Facts hold no advice and no verdict.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from dartenv.facts.model_base import (
    ProbeFailure,
    ProbeTiming,
    Redaction,
    Struct,
    TargetFacts,
)
from dartenv.facts.model_machine import (
    CudaFacts,
    DriveFacts,
    GpuDevice,
    GpuFacts,
    HostFacts,
    MsvcFacts,
    ToolkitFacts,
    VsInstance,
)
from dartenv.facts.model_python import (
    DistributionFacts,
    DllFacts,
    ImportResult,
    ImportsFacts,
    InterpreterFacts,
    ModuleFacts,
)
from dartenv.facts.model_tools import (
    BlenderFacts,
    BundleFacts,
    BundleModelFacts,
    CondaEnvironment,
    CondaFacts,
    CondarcFacts,
    ConfigValue,
    EditorFacts,
    EngineFacts,
    GitFacts,
    LaunchFacts,
    PipFacts,
    ShellFacts,
    UnrealFacts,
)
from dartenv.facts.model_tree import (
    ArgsFacts,
    AssetsFacts,
    FileAsset,
    FileProblem,
    Location,
    SourceFacts,
    TensorFacts,
)

__all__ = [
    "FACTS_SCHEMA",
    "PROBES",
    "ArgsFacts",
    "AssetsFacts",
    "BlenderFacts",
    "BundleFacts",
    "BundleModelFacts",
    "CondaEnvironment",
    "CondaFacts",
    "CondarcFacts",
    "ConfigValue",
    "CudaFacts",
    "DistributionFacts",
    "DllFacts",
    "DriveFacts",
    "EditorFacts",
    "EngineFacts",
    "Facts",
    "FileAsset",
    "FileProblem",
    "GitFacts",
    "GpuDevice",
    "GpuFacts",
    "HostFacts",
    "ImportResult",
    "ImportsFacts",
    "InterpreterFacts",
    "LaunchFacts",
    "Location",
    "ModuleFacts",
    "MsvcFacts",
    "PipFacts",
    "ProbeFailure",
    "ProbeTiming",
    "Redaction",
    "ShellFacts",
    "SourceFacts",
    "Struct",
    "TargetFacts",
    "TensorFacts",
    "ToolkitFacts",
    "UnrealFacts",
    "VsInstance",
]

FACTS_SCHEMA = 1


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that was read of one machine at one time."""

    schema: int = FACTS_SCHEMA
    dartenv: str = ""
    taken_at: str = ""  # ISO 8601, UTC
    target: TargetFacts = TargetFacts()
    host: Optional[HostFacts] = None
    gpu: Optional[GpuFacts] = None
    cuda: Optional[CudaFacts] = None
    msvc: Optional[MsvcFacts] = None
    interpreter: Optional[InterpreterFacts] = None
    imports: Optional[ImportsFacts] = None
    source: Optional[SourceFacts] = None
    assets: Optional[AssetsFacts] = None
    conda: Optional[CondaFacts] = None
    pip: Optional[PipFacts] = None
    git: Optional[GitFacts] = None
    editor: Optional[EditorFacts] = None
    unreal: Optional[UnrealFacts] = None
    probe_failures: Tuple[ProbeFailure, ...] = ()
    timings: Tuple[ProbeTiming, ...] = ()
    redactions: Tuple[Redaction, ...] = ()
    extra: Dict[str, Any] = {}  # facts of extensions' probes, by probe: plain JSON data


PROBES: Tuple[str, ...] = (
    "host",
    "gpu",
    "cuda",
    "msvc",
    "interpreter",
    "imports",
    "source",
    "assets",
    "conda",
    "pip",
    "git",
    "editor",
    "unreal",
)
