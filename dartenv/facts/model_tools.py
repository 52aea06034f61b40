"""Facts of the tools around it: conda, pip, git, the editor, Unreal and Blender."""

from __future__ import annotations

from typing import Optional, Tuple

from dartenv.facts.model_base import Struct
from dartenv.facts.model_tree import FileProblem


class CondaEnvironment(Struct, frozen=True, kw_only=True):
    """One environment that conda knows."""

    path: str
    name: Optional[str] = None
    is_base: bool = False
    python: Optional[str] = None  # the interpreter's path, where it exists
    has_history: Optional[bool] = None  # conda-meta/history: absent in a half-created one


class CondarcFacts(Struct, frozen=True, kw_only=True):
    """One file of conda's configuration."""

    path: str
    channels: Tuple[str, ...] = ()
    default_channels: Tuple[str, ...] = ()
    ssl_verify: Optional[str] = None
    problem: Optional[str] = None  # too large, not YAML, unreadable


class ShellFacts(Struct, frozen=True, kw_only=True):
    """Whether a shell can activate an environment (``conda init`` was run for it)."""

    shell: str  # "powershell", "cmd", "bash"
    initialised: Optional[bool] = None
    path: Optional[str] = None


class CondaFacts(Struct, frozen=True, kw_only=True):
    """conda, mamba, micromamba, or none of them (``kind`` is ``None``)."""

    kind: Optional[str] = None
    executable: Optional[str] = None
    version: Optional[str] = None
    root_prefix: Optional[str] = None
    active_prefix: Optional[str] = None
    environments: Tuple[CondaEnvironment, ...] = ()
    condarcs: Tuple[CondarcFacts, ...] = ()
    registered: Tuple[str, ...] = ()  # InstallPath entries of Anaconda in the registry
    shells: Tuple[ShellFacts, ...] = ()


class ConfigValue(Struct, frozen=True, kw_only=True):
    """One setting of pip or git, and the file or variable that holds it."""

    key: str
    value: str
    where: str


class PipFacts(Struct, frozen=True, kw_only=True):
    """pip's index settings from its files and PIP_* variables."""

    values: Tuple[ConfigValue, ...] = ()
    problems: Tuple[FileProblem, ...] = ()


class GitFacts(Struct, frozen=True, kw_only=True):
    """git's global TLS settings."""

    values: Tuple[ConfigValue, ...] = ()
    problems: Tuple[FileProblem, ...] = ()


class LaunchFacts(Struct, frozen=True, kw_only=True):
    """One configuration of VS Code's launch.json."""

    name: str
    module: Optional[str] = None
    program: Optional[str] = None
    args: Tuple[str, ...] = ()
    cwd: Optional[str] = None


class EditorFacts(Struct, frozen=True, kw_only=True):
    """VS Code's files in the DART root."""

    folder: str
    launch_exists: bool = False
    launch_problem: Optional[str] = None
    launch: Tuple[LaunchFacts, ...] = ()
    settings_exists: bool = False
    settings_problem: Optional[str] = None
    interpreter: Optional[str] = None
    interpreter_key: Optional[str] = None


class EngineFacts(Struct, frozen=True, kw_only=True):
    """One installed Unreal Engine."""

    path: str
    version: Optional[str] = None  # "5.5.4"


class BlenderFacts(Struct, frozen=True, kw_only=True):
    """One installed Blender."""

    path: str
    version: Optional[str] = None


class BundleModelFacts(Struct, frozen=True, kw_only=True):
    """One file of a bundle that is meant for engines' ONNX Runtimes."""

    path: str  # below the bundle
    opset: int
    ir: int
    contrib: bool = False
    problem: Optional[str] = None  # missing, or of another size than the bundle says


class BundleFacts(Struct, frozen=True, kw_only=True):
    """What a bundle.json says of itself; its models are neither hashed nor run."""

    path: str
    problem: Optional[str] = None  # no bundle that this dartenv reads
    kind: str = ""
    portable: Tuple[BundleModelFacts, ...] = ()
    compared: int = 0  # comparisons with the reference that the export recorded
    missed: Tuple[str, ...] = ()  # those beyond their limit


class UnrealFacts(Struct, frozen=True, kw_only=True):
    """Unreal Engine, Blender and SMPL-X add-on archives on this machine."""

    engines: Tuple[EngineFacts, ...] = ()
    blenders: Tuple[BlenderFacts, ...] = ()
    addons: Tuple[str, ...] = ()  # archives of the SMPL-X add-on with its models
    code_archives: Tuple[str, ...] = ()  # archives of its source only
    bundles: Tuple[str, ...] = ()  # bundle.json files below the DART root
    told: Tuple[BundleFacts, ...] = ()  # what each of them says
