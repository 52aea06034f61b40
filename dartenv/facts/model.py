"""The facts value: frozen, versioned, serialisable.

``None`` anywhere means "could not tell" (or "was not asked"); the reason then stands in
:attr:`Facts.probe_failures`. Facts hold no advice and no verdict.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import msgspec

FACTS_SCHEMA = 1


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every fact: frozen, keyword-only."""


class ProbeFailure(Struct, frozen=True, kw_only=True):
    """A probe, or one part of it, that could not tell."""

    probe: str
    reason: str


class ProbeTiming(Struct, frozen=True, kw_only=True):
    """Wall time of one probe in seconds."""

    probe: str
    seconds: float


class Redaction(Struct, frozen=True, kw_only=True):
    """Something that was replaced before the facts were shared; never the thing itself."""

    kind: str  # "user", "host", "credentials", "token", "secret", "mail", "serial"
    placeholder: str
    count: int


class TargetFacts(Struct, frozen=True, kw_only=True):
    """What was examined. Paths are absolute, in the machine's own spelling."""

    dart_root: Optional[str] = None
    python: Optional[str] = None
    profile: Optional[str] = None
    found_by: Optional[str] = None  # "option", "conda", "venv", "dartenv.toml", "cwd"


class DriveFacts(Struct, frozen=True, kw_only=True):
    """Free and total bytes where ``path`` lives."""

    path: str
    role: str  # "dart_root", "environment", "cache", "temp"
    free: Optional[int] = None
    total: Optional[int] = None
    kind: Optional[str] = None  # "fixed", "network", "removable", "ram", "optical", "wsl-windows"
    mount: Optional[str] = None  # "C:\\" or "/home": paths with the same mount share the room


class HostFacts(Struct, frozen=True, kw_only=True):
    """The operating system and what it lets programs do."""

    system: str  # "windows", "linux", "darwin"
    release: str  # "10", "6.1.0-18-amd64"
    version: str  # "10.0.19045", kernel build
    machine: str  # "x86_64", "amd64", "aarch64"
    bits: int
    distro: Optional[str] = None
    build: Optional[int] = None  # Windows build number
    wsl: Optional[int] = None  # 1 or 2 under WSL, 0 elsewhere
    wine: Optional[str] = None  # Wine's version when the "Windows" is Wine
    server: Optional[bool] = None  # Windows Server
    libc: Optional[str] = None  # "glibc 2.36", "musl 1.2.4"
    memory_total: Optional[int] = None  # bytes
    swap_total: Optional[int] = None
    drives: Tuple[DriveFacts, ...] = ()
    long_paths: Optional[bool] = None
    code_page: Optional[int] = None  # Windows ANSI code page
    utf8_mode: Optional[bool] = None  # PYTHONUTF8=1 in the environment
    encoding: Optional[str] = None  # locale's preferred encoding
    now: Optional[float] = None  # seconds since the epoch
    newest_file: Optional[float] = None  # newest mtime among the target's files
    newest_file_path: Optional[str] = None
    user: Optional[str] = None
    home: Optional[str] = None
    hostname: Optional[str] = None
    temp: Optional[str] = None
    cache: Optional[str] = None


class GpuDevice(Struct, frozen=True, kw_only=True):
    """One NVIDIA GPU; memory in bytes."""

    name: str
    capability: Optional[str] = None  # "8.9"
    memory_total: Optional[int] = None
    memory_free: Optional[int] = None
    uuid: Optional[str] = None


class GpuFacts(Struct, frozen=True, kw_only=True):
    """What NVML, or nvidia-smi after it, says.

    ``state`` is one of ``devices``, ``no-devices`` (driver loaded, no GPU), ``no-driver``,
    ``unknown``: three different answers plus "could not tell". ``reason`` names what stood in
    the way: ``library-not-found``, ``not-loaded``, ``version-mismatch``, ``no-permission``,
    ``gpu-lost``, ``timeout``, ``crash``, ``other``.
    """

    state: str
    driver: Optional[str] = None
    driver_cuda: Optional[str] = None  # highest CUDA the driver supports
    devices: Tuple[GpuDevice, ...] = ()
    read_by: Optional[str] = None  # "nvml", "nvidia-smi"
    reason: Optional[str] = None
    tried: Tuple[str, ...] = ()  # what was asked, and its answer, in words


class ToolkitFacts(Struct, frozen=True, kw_only=True):
    """One CUDA toolkit folder."""

    path: str
    version: Optional[str] = None  # "11.8" or "11.8.89"
    # "version.json", "version.txt", "nvcc", "cuda.h", "folder name"
    version_from: Optional[str] = None
    found_by: Tuple[str, ...] = ()  # "CUDA_PATH", "registry", "Program Files", "/usr/local", "PATH"
    nvcc: Optional[bool] = None  # the compiler lies in it


class CudaFacts(Struct, frozen=True, kw_only=True):
    """CUDA toolkits and the variables that choose between them."""

    toolkits: Tuple[ToolkitFacts, ...] = ()
    env: Dict[str, str] = {}  # CUDA_HOME, CUDA_PATH, CUDA_PATH_V11_8, ...
    nvcc_on_path: Optional[str] = None
    env_broken: Dict[str, str] = {}  # variable -> why its folder is no toolkit


class VsInstance(Struct, frozen=True, kw_only=True):
    """One Visual Studio or Build Tools installation and the C++ toolsets in it."""

    path: str
    name: Optional[str] = None  # "Visual Studio Build Tools 2022"
    version: Optional[str] = None  # "17.14.36310.24"
    product: Optional[str] = None  # "Microsoft.VisualStudio.Product.BuildTools"
    complete: Optional[bool] = None
    launchable: Optional[bool] = None
    reboot_required: Optional[bool] = None
    toolsets: Tuple[str, ...] = ()  # "14.36.32532": folders that hold a 64-bit cl.exe
    default_toolset: Optional[str] = None
    found_by: str = "vswhere"  # or "registry", "folder"


class MsvcFacts(Struct, frozen=True, kw_only=True):
    """Host compilers that nvcc would use: MSVC on Windows, gcc on Linux."""

    vswhere: Optional[str] = None
    instances: Tuple[VsInstance, ...] = ()
    cl_on_path: Optional[str] = None
    env: Dict[str, str] = {}  # VSCMD_VER, VCToolsVersion, DISTUTILS_USE_SDK, CUB_HOME, ...
    cub_header: Optional[bool] = None  # CUB_HOME holds CUB
    gcc: Optional[str] = None
    gcc_version: Optional[str] = None


class DistributionFacts(Struct, frozen=True, kw_only=True):
    """One installed distribution, by its metadata."""

    name: str  # normalised
    version: str
    location: Optional[str] = None
    requires: Tuple[str, ...] = ()
    top_level: Tuple[str, ...] = ()
    tags: Tuple[str, ...] = ()  # wheel tags
    direct_url: Optional[str] = None  # "git+https://...@commit"
    editable: bool = False
    build: Optional[str] = None  # conda's build string, "py38_cu118_pyt210"
    extensions: Tuple[str, ...] = ()  # compiled modules, "pytorch3d/_C.cp38-win_amd64.pyd"
    problem: Optional[str] = None  # broken metadata, said plainly


class ModuleFacts(Struct, frozen=True, kw_only=True):
    """A module found by its place, without importing it.

    Reported for the modules that ``compat/modules.toml`` names and for every importable name that
    belongs to no distribution (a folder on PYTHONPATH, say).
    """

    name: str
    path: str  # the package's folder or the module's file
    distribution: Optional[str] = None  # normalised name of the owner, if any
    extensions: Tuple[str, ...] = ()  # compiled modules, as in DistributionFacts
    constants: Dict[str, str] = {}  # literals read from its source: "cuda" -> "11.8" or "None"
    words: Tuple[str, ...] = ()  # words of interest that its source holds
    problem: Optional[str] = None


class DllFacts(Struct, frozen=True, kw_only=True):
    """A CUDA or cuDNN library seen by name."""

    name: str
    path: str
    owner: Optional[str] = None  # distribution or folder


class InterpreterFacts(Struct, frozen=True, kw_only=True):
    """The target interpreter, asked in a child process."""

    executable: str
    version: str  # "3.8.8"
    implementation: str = "cpython"
    bits: int = 64
    prefix: Optional[str] = None
    base_prefix: Optional[str] = None
    platform: Optional[str] = None  # "win-amd64", "linux-x86_64"
    abi: Optional[str] = None
    tags: Tuple[str, ...] = ()  # few first of packaging-style tags
    environment: Optional[str] = None  # "conda dart", "venv .venv", "base"
    conda_prefix: Optional[str] = None
    in_venv: Optional[bool] = None
    user_site_enabled: Optional[bool] = None
    user_site_packages: Tuple[str, ...] = ()  # distributions that come from the user site
    env: Dict[str, str] = {}  # PYTHONPATH, PYTHONHOME, PYTHONNOUSERSITE, PYTHONUTF8
    activation: Dict[str, str] = {}  # what dartenv's scripts set in new shells of the environment
    sitecustomize: Optional[str] = None
    markers: Dict[str, str] = {}  # PEP 508 marker environment
    distributions: Tuple[DistributionFacts, ...] = ()  # in the order of sys.path
    modules: Tuple[ModuleFacts, ...] = ()
    dlls: Tuple[DllFacts, ...] = ()


class ImportResult(Struct, frozen=True, kw_only=True):
    """One deep import in its own child process."""

    name: str
    ok: bool
    seconds: Optional[float] = None
    error: Optional[str] = None  # last line of the traceback
    error_type: Optional[str] = None
    module: Optional[str] = None  # the import that failed, hung or crashed
    outcome: str = "ok"  # "ok", "error", "crash", "timeout", "missing"
    details: Dict[str, str] = {}


class ImportsFacts(Struct, frozen=True, kw_only=True):
    """Deep imports, by check id."""

    results: Tuple[ImportResult, ...] = ()


class Location(Struct, frozen=True, kw_only=True):
    """A place in a source file; ``path`` is relative to the DART root, with ``/``."""

    path: str
    line: int
    text: str = ""  # the source line, stripped
    symbol: str = ""  # "np.float", "MLDArgs.train_args", ...
    live: bool = True  # on the import path of an entry point and executed at import or call
    state: str = "needed"  # "needed", "repaired", "conflict", "unsure"
    note: str = ""
    at_import: bool = False  # executed as an entry point is imported, not only when it is called
    via: Tuple[str, ...] = ()  # modules that lead to it, from an entry point on


class FileProblem(Struct, frozen=True, kw_only=True):
    """A file that could not be read or parsed."""

    path: str
    reason: str


class SourceFacts(Struct, frozen=True, kw_only=True):
    """The DART tree."""

    root: str
    exists: bool
    is_dir: bool
    markers_found: Tuple[str, ...] = ()
    markers_missing: Tuple[str, ...] = ()
    kind: Optional[str] = None  # "dart", "sandbox", None
    python_files: int = 0
    writable: Optional[bool] = None
    git_revision: Optional[str] = None
    git_remote: Optional[str] = None
    git_dirty: Optional[Tuple[str, ...]] = None
    newline: Optional[str] = None
    longest_path: Optional[int] = None  # characters of the longest absolute path
    closure: Dict[str, int] = {}  # entry point module -> number of files it imports
    numpy_aliases: Tuple[Location, ...] = ()
    posixpath: Tuple[Location, ...] = ()
    prompt_filenames: Tuple[Location, ...] = ()
    dataclass_defaults: Tuple[Location, ...] = ()
    torch_load: Tuple[Location, ...] = ()
    body_model_dir: Optional[str] = None  # as data_paths.py computes it, relative to the root
    body_model_location: Optional[Location] = None
    problems: Tuple[FileProblem, ...] = ()


class ArgsFacts(Struct, frozen=True, kw_only=True):
    """One args.yaml, read by a loader that executes nothing."""

    path: str  # relative to the root, with "/"
    kind: Optional[str] = None  # "denoiser", "vae", "policy"
    values: Dict[str, str] = {}  # dotted key -> value as text, only the keys checks read
    posixpath: bool = False
    foreign_tags: Tuple[str, ...] = ()
    error: Optional[str] = None  # cut off, not YAML, not a tyro file
    mismatches: Tuple[str, ...] = ()  # where it contradicts itself or the files it names
    named_by: str = ""  # the args.yaml whose checkpoint path leads here


class TensorFacts(Struct, frozen=True, kw_only=True):
    """Shape and dtype of one stored array."""

    name: str
    shape: Tuple[int, ...]
    dtype: str


class FileAsset(Struct, frozen=True, kw_only=True):
    """One asset file as it lies there."""

    id: str  # manifest id or a derived one, "checkpoint:<path>"
    path: str  # as looked for, absolute
    role: str = ""  # "denoiser", "vae", "statistics", "smplx", "clip", "motion"
    exists: bool = False
    size: Optional[int] = None
    kind: Optional[str] = None  # "torch-zip", "torch-legacy", "npz", "pickle", "html", "empty"
    sha256: Optional[str] = None
    problem: Optional[str] = None  # what is wrong with it, in words
    mismatches: Tuple[str, ...] = ()  # keys or shapes that do not fit, each in words
    foreign_globals: Tuple[str, ...] = ()  # pickled globals that would run code
    elsewhere: Tuple[str, ...] = ()  # where the same file was found instead
    stand_in: bool = False
    optional: bool = False  # only one of the asset sets needs it
    needed_by: Tuple[str, ...] = ()  # entry points
    named_by: str = ""  # the args.yaml that names it, relative to the root
    arrays: Tuple[TensorFacts, ...] = ()  # of statistics, motions and body models
    locations: Tuple[str, ...] = ()  # devices its tensors were saved from, but for the CPU
    modules: Tuple[str, ...] = ()  # modules that its pickle imports: numpy._core needs numpy 2
    steps: Optional[int] = None  # training steps of a checkpoint
    notes: Tuple[str, ...] = ()  # what is worth knowing and not wrong


class AssetsFacts(Struct, frozen=True, kw_only=True):
    """args.yaml files and the assets they and the manifests name."""

    args: Tuple[ArgsFacts, ...] = ()
    files: Tuple[FileAsset, ...] = ()
    clip_cache: Optional[str] = None


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


class UnrealFacts(Struct, frozen=True, kw_only=True):
    """Unreal Engine, Blender and SMPL-X add-on archives on this machine."""

    engines: Tuple[EngineFacts, ...] = ()
    blenders: Tuple[BlenderFacts, ...] = ()
    addons: Tuple[str, ...] = ()  # archives of the SMPL-X add-on with its models
    code_archives: Tuple[str, ...] = ()  # archives of its source only
    bundles: Tuple[str, ...] = ()  # bundle.json files below the DART root


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
