"""Facts of the machine: its drives, GPUs, CUDA toolkits and compilers."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from dartenv.facts.model_base import Struct


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
