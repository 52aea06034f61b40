"""The types of the tables about the host, its GPU, CUDA and the host compiler.

A path template may hold ``%NAME%`` for an environment variable, ``*`` where a folder is searched,
and is written with ``/`` on every system. A CUDA version is "11.8", a toolset "14.36.32532".
"""

from __future__ import annotations

from typing import Optional, Tuple

from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Manifest
from dartenv.manifests.versions import numbers, within


class DriverMinimum(Manifest, frozen=True, kw_only=True):
    """The lowest driver on which programs of a CUDA major version run at all."""

    cuda: str  # major version, "11"
    linux: Optional[str] = None
    windows: Optional[str] = None
    source: str


class DriverRelease(Manifest, frozen=True, kw_only=True):
    """The driver that came with a CUDA release: needed for its PTX and new architectures."""

    cuda: str  # "11.8"
    linux: Optional[str] = None
    windows: Optional[str] = None
    source: str


class DriverTable(Manifest, frozen=True, kw_only=True):
    """compat/driver.toml."""

    id: str
    download: str  # where a driver comes from
    smi_windows: Tuple[str, ...]  # where nvidia-smi may lie, best first
    smi_linux: Tuple[str, ...]
    smi_fields: Tuple[str, ...]
    smi_old_fields: Tuple[str, ...]  # for a tool that does not know compute_cap
    library_folders_linux: Tuple[str, ...] = ()  # beside the loader's own
    limit: float = 8.0  # seconds for one call
    minimum: Tuple[DriverMinimum, ...] = ()
    release: Tuple[DriverRelease, ...] = ()


class ArchitectureRow(Manifest, frozen=True, kw_only=True):
    """What one family of torch wheels was compiled for."""

    torch: str  # version specifier, ">=2.1,<2.8"
    cuda: str  # local tag, "cu118"
    system: str  # "windows" or "linux"
    sm: Tuple[str, ...]  # "8.6": machine code
    ptx: Tuple[str, ...] = ()  # "9.0": intermediate code for the driver to compile
    source: str
    note: str = ""


class CardRow(Manifest, frozen=True, kw_only=True):
    """A capability by the card's name, for drivers that do not tell it."""

    pattern: str  # regular expression, searched in the name
    capability: str


class ArchitectureTable(Manifest, frozen=True, kw_only=True):
    """compat/architectures.toml."""

    id: str
    cards_source: str
    wheel: Tuple[ArchitectureRow, ...] = ()
    card: Tuple[CardRow, ...] = ()


class Consumer(Manifest, frozen=True, kw_only=True):
    """Who looks for a CUDA toolkit, and in which order.

    ``order`` holds ``env:NAME``, ``path`` (the folder of the first nvcc on PATH) and ``default``
    (the first of the default folders).
    """

    name: str
    order: Tuple[str, ...]
    source: str


class ToolkitRelease(Manifest, frozen=True, kw_only=True):
    """Where a toolkit comes from."""

    cuda: str
    download: str
    source: str


class LibraryPattern(Manifest, frozen=True, kw_only=True):
    """A CUDA or cuDNN library by its file name; the pattern's group is the major version."""

    family: str  # "CUDA" or "cuDNN"
    pattern: str
    source: str


class ToolkitTable(Manifest, frozen=True, kw_only=True):
    """compat/toolkits.toml."""

    id: str
    variables: Tuple[str, ...]
    variable_prefix: str  # CUDA_PATH_V: the installer's one variable a version
    version_variable: str  # "CUDA_PATH_V{major}_{minor}"
    registry: Tuple[str, ...]
    registry_value: str
    folders_windows: Tuple[str, ...]
    folders_linux: Tuple[str, ...]
    trusted_windows: Tuple[str, ...]  # nvcc is run only below these
    trusted_linux: Tuple[str, ...]
    limit: float = 8.0
    consumer: Tuple[Consumer, ...] = ()
    release: Tuple[ToolkitRelease, ...] = ()
    library: Tuple[LibraryPattern, ...] = ()


class HostCompilerGate(Manifest, frozen=True, kw_only=True):
    """Host compilers that one CUDA release accepts (crt/host_config.h)."""

    cuda: str
    msc_min: int
    msc_below: int
    gcc_max: int
    clang_below: int
    source: str


class ToolsetRow(Manifest, frozen=True, kw_only=True):
    """One MSVC toolset family and the Visual Studio release it came with."""

    toolset: str  # "14.36"
    visual_studio: str  # "17.6"
    component: Optional[str] = None  # id of the side-by-side component
    source: str


class StlGate(Manifest, frozen=True, kw_only=True):
    """The second gate, in the C++ library of newer toolsets."""

    toolset_from: str  # "14.41"
    cuda_min: str  # "12.4"
    message: str
    macro: str
    source: str


class MsvcTable(Manifest, frozen=True, kw_only=True):
    """compat/msvc.toml."""

    id: str
    reference: str  # the toolset of the reference machine, "14.36.32532"
    reference_source: str
    vswhere: Tuple[str, ...]
    vswhere_arguments: Tuple[str, ...]
    installer: str  # vs_installer.exe
    build_tools: str  # where the Build Tools come from
    workload: str
    registry: Tuple[str, ...]
    folders: Tuple[str, ...]  # where installations lie when vswhere is not there
    toolsets: str  # below an installation, "VC/Tools/MSVC"
    compiler: str  # below a toolset, "bin/Hostx64/x64/cl.exe"
    default_toolset: str  # below an installation
    variables: Tuple[str, ...]
    prompt_variable: str  # set in an active VC prompt
    sdk_variable: str  # DISTUTILS_USE_SDK
    cub_variable: str
    cub_header: str
    cub_below_cuda: str  # CUDA below this needs CUB of its own
    cub_source: str
    gcc: Tuple[str, ...]
    environment_source: str
    limit: float = 8.0
    gate: Tuple[HostCompilerGate, ...] = ()
    toolset: Tuple[ToolsetRow, ...] = ()
    stl: Tuple[StlGate, ...] = ()


class WindowsRelease(Manifest, frozen=True, kw_only=True):
    """A Windows by its first build number."""

    build: int
    name: str
    server: bool = False


class LibcRow(Manifest, frozen=True, kw_only=True):
    """The lowest glibc for which torch's Linux wheels are built."""

    torch: str  # version specifier
    glibc: str
    source: str


class RoomRow(Manifest, frozen=True, kw_only=True):
    """Bytes that one asset takes, on the drive of ``role``, while it is missing."""

    asset: str  # asset role, "clip"
    role: str  # "dart_root", "cache"
    size: int
    source: str


class HostTable(Manifest, frozen=True, kw_only=True):
    """compat/host.toml."""

    id: str
    source: str
    machines: Tuple[str, ...]  # as platform.machine() spells them, lower case
    windows_min_build: int
    windows_source: str
    windows: Tuple[WindowsRelease, ...] = ()
    libc: Tuple[LibcRow, ...] = ()
    long_paths_key: str
    long_paths_value: str
    long_paths_source: str
    path_limit: int  # characters a program without long paths can open
    path_warn: int  # existing paths longer than this are close to it
    output_length: int  # characters that DART's outputs add below its root
    output_source: str
    not_before: str  # ISO date: no clock can be right that shows an earlier day
    network_filesystems: Tuple[str, ...]
    wsl_filesystems: Tuple[str, ...]  # Windows drives as seen from WSL
    cloud_folders: Tuple[str, ...]  # names of folders that are synchronised away
    disk_reserve: int  # bytes that stay free
    room: Tuple[RoomRow, ...] = ()


def host_table(manifests: Manifests) -> HostTable:
    """compat/host.toml."""
    return manifests.read("compat", "host", HostTable)


def driver_table(manifests: Manifests) -> DriverTable:
    """compat/driver.toml."""
    return manifests.read("compat", "driver", DriverTable)


def architecture_table(manifests: Manifests) -> ArchitectureTable:
    """compat/architectures.toml."""
    return manifests.read("compat", "architectures", ArchitectureTable)


def toolkit_table(manifests: Manifests) -> ToolkitTable:
    """compat/toolkits.toml."""
    return manifests.read("compat", "toolkits", ToolkitTable)


def msvc_table(manifests: Manifests) -> MsvcTable:
    """compat/msvc.toml."""
    return manifests.read("compat", "msvc", MsvcTable)


def architectures(
    table: ArchitectureTable, version: str, tag: str, system: str
) -> Optional[ArchitectureRow]:
    """The row for one torch wheel; ``None`` where the table has none."""
    for row in table.wheel:
        if row.cuda == tag and row.system == system and within(version, row.torch):
            return row
    return None


def runs(row: ArchitectureRow, capability: str) -> bool:
    """Whether machine code in the wheel fits: same major version, minor not above the card's."""
    card = numbers(capability)
    return any(numbers(sm)[0] == card[0] and numbers(sm)[1] <= card[1] for sm in row.sm)
