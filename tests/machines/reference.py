"""The two healthy machines that every other one is made from: Windows and a Linux server."""

from __future__ import annotations

from typing import Any, Dict

from dartenv.facts.model import (
    CondaEnvironment,
    CondaFacts,
    CondarcFacts,
    CudaFacts,
    DriveFacts,
    EditorFacts,
    Facts,
    GitFacts,
    GpuDevice,
    GpuFacts,
    HostFacts,
    InterpreterFacts,
    LaunchFacts,
    MsvcFacts,
    PipFacts,
    ShellFacts,
    TargetFacts,
    ToolkitFacts,
    UnrealFacts,
    VsInstance,
)
from tests.machines import target, tree, weights

GIB = 1024**3
TAKEN_AT = "2026-11-24T09:30:00Z"
NOW = 1_795_512_600.0  # the same moment
TOOLKITS = "C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA"
TORCH_DLLS = [
    "cublas64_11.dll",
    "cublasLt64_11.dll",
    "cudart64_110.dll",
    "cudnn64_9.dll",
    "cudnn_adv64_9.dll",
    "cudnn_cnn64_9.dll",
    "cudnn_ops64_9.dll",
    "cufft64_10.dll",
    "curand64_10.dll",
    "cusparse64_11.dll",
]
TORCH_CONSTANTS: Dict[str, Dict[str, str]] = {
    "torch": {"__version__": "2.4.1+cu118", "cuda": "11.8"},
    "torchvision": {"__version__": "0.19.1+cu118", "cuda": "11.8"},
    "pytorch3d": {"__version__": "0.7.8"},
}


def windows(user: str = "motion", root: str = "D:\\DART-main") -> Facts:
    """The reference: Windows 11, RTX 4090, CUDA 11.8, conda environment dart, all of it whole."""
    home = f"C:\\Users\\{user}"
    prefix = f"{home}\\anaconda3\\envs\\dart"
    return Facts(
        dartenv="0.1.0",
        taken_at=TAKEN_AT,
        target=TargetFacts(
            dart_root=root,
            python=f"{prefix}\\python.exe",
            profile="windows-cu118",
            found_by="conda",
        ),
        host=windows_host(user, root, prefix),
        gpu=windows_gpu("NVIDIA GeForce RTX 4090", "8.9", 24564 * 1024**2, "551.61", "12.4"),
        cuda=CudaFacts(
            toolkits=(toolkit("11.8.89", "registry", "CUDA_HOME", "CUDA_PATH", "PATH"),),
            env={
                "CUDA_HOME": f"{TOOLKITS}\\v11.8",
                "CUDA_PATH": f"{TOOLKITS}\\v11.8",
                "CUDA_PATH_V11_8": f"{TOOLKITS}\\v11.8",
            },
            nvcc_on_path=f"{TOOLKITS}\\v11.8\\bin\\nvcc.exe",
        ),
        msvc=MsvcFacts(
            vswhere="C:\\Program Files (x86)\\Microsoft Visual Studio\\Installer\\vswhere.exe",
            instances=(visual_studio("17.6.33723.286", "14.36.32532"),),
        ),
        interpreter=windows_target(prefix),
        imports=target.imports("2.4.1+cu118", "NVIDIA GeForce RTX 4090", "8.9"),
        source=tree.patched(root),
        assets=weights.whole(root, f"{home}\\.cache\\clip\\ViT-B-32.pt", hml=True),
        conda=conda(home, prefix),
        pip=PipFacts(),
        git=GitFacts(),
        editor=editor(root, f"{prefix}\\python.exe"),
        unreal=UnrealFacts(),
    )


def windows_host(user: str, root: str, prefix: str) -> HostFacts:
    """Windows 11 24H2 with two drives, long paths on, a Western code page."""
    home = f"C:\\Users\\{user}"
    roomy: Dict[str, Any] = {"free": 812 * GIB, "total": 1863 * GIB, "kind": "fixed"}
    system: Dict[str, Any] = {"free": 233 * GIB, "total": 930 * GIB, "kind": "fixed"}
    return HostFacts(
        system="windows",
        release="11",
        version="10.0.26100",
        machine="amd64",
        bits=64,
        build=26100,
        wsl=0,
        server=False,
        memory_total=64 * GIB,
        swap_total=9 * GIB,
        drives=(
            DriveFacts(path=root, role="dart_root", mount="D:\\", **roomy),
            DriveFacts(path=prefix, role="environment", mount="C:\\", **system),
            DriveFacts(path=f"{home}\\.cache", role="cache", mount="C:\\", **system),
            DriveFacts(path=f"{home}\\AppData\\Local\\Temp", role="temp", mount="C:\\", **system),
        ),
        long_paths=True,
        code_page=1252,
        utf8_mode=False,
        encoding="cp1252",
        now=NOW,
        newest_file=NOW - 3600,
        newest_file_path=f"{root}\\mld\\rollout_mld.py",
        user=user,
        home=home,
        hostname="DESKTOP-7QK2M4A",
        temp=f"{home}\\AppData\\Local\\Temp",
        cache=f"{home}\\.cache",
    )


def windows_gpu(name: str, capability: str, memory: int, driver: str, cuda: str) -> GpuFacts:
    """One card, most of its memory free."""
    return GpuFacts(
        state="devices",
        driver=driver,
        driver_cuda=cuda,
        devices=(
            GpuDevice(
                name=name,
                capability=capability,
                memory_total=memory,
                memory_free=memory - 1_400 * 1024**2,
                uuid="GPU-5d0c9a1e-6f2b-4a57-9c11-2f6b8e3d7a40",
            ),
        ),
        read_by="nvml",
    )


def toolkit(version: str, *found_by: str) -> ToolkitFacts:
    """A CUDA toolkit in its usual folder on Windows."""
    short = ".".join(version.split(".")[:2])
    return ToolkitFacts(
        path=f"{TOOLKITS}\\v{short}",
        version=version,
        version_from="version.json",
        found_by=(*found_by, "Program Files"),
        nvcc=True,
    )


def visual_studio(version: str, *toolsets: str) -> VsInstance:
    """Build Tools 2022; the last toolset is the one a build takes."""
    return VsInstance(
        path="C:\\Program Files (x86)\\Microsoft Visual Studio\\2022\\BuildTools",
        name="Visual Studio Build Tools 2022",
        version=version,
        product="Microsoft.VisualStudio.Product.BuildTools",
        complete=True,
        launchable=True,
        reboot_required=False,
        toolsets=toolsets,
        default_toolset=toolsets[-1],
    )


def windows_target(prefix: str) -> InterpreterFacts:
    """Python 3.8.8 of conda with everything that DART imports."""
    site = f"{prefix}\\lib\\site-packages"
    family = target.torch_family("2.4.1+cu118", "0.19.1+cu118", "2.4.1+cu118", site)
    compiled = target.pytorch3d(
        "0.7.8+pt2.4.1cu118", site, "cp38-win_amd64.pyd", tags=("cp38-cp38-win_amd64",)
    )
    bare = InterpreterFacts(
        executable=f"{prefix}\\python.exe",
        version="3.8.8",
        prefix=prefix,
        base_prefix=prefix,
        platform="win-amd64",
        tags=("cp38-cp38-win_amd64", "cp38-abi3-win_amd64", "cp38-none-win_amd64"),
        environment="conda env dart",
        conda_prefix=prefix,
        in_venv=False,
        user_site_enabled=True,
        env={"PYTHONUTF8": "1"},
        markers=target.markers("3.8.8", True, "10"),
        modules=target.modules(site, "\\", **TORCH_CONSTANTS),
        dlls=target.dlls(TORCH_DLLS, f"{site}\\torch\\lib", "\\", "torch"),
        distributions=target.listed(site),
    )
    return target.with_distributions(bare, *family, compiled)


def conda(home: str, prefix: str) -> CondaFacts:
    """Anaconda with the environment dart; PowerShell and cmd can activate it."""
    base = f"{home}\\anaconda3"
    return CondaFacts(
        kind="conda",
        executable=f"{base}\\Scripts\\conda.exe",
        version="24.5.0",
        root_prefix=base,
        active_prefix=prefix,
        environments=(
            CondaEnvironment(
                path=base, name="base", is_base=True, python=f"{base}\\python.exe", has_history=True
            ),
            CondaEnvironment(
                path=prefix, name="dart", python=f"{prefix}\\python.exe", has_history=True
            ),
        ),
        condarcs=(CondarcFacts(path=f"{home}\\.condarc", channels=("defaults",)),),
        registered=(base,),
        shells=(
            ShellFacts(
                shell="powershell",
                initialised=True,
                path=f"{home}\\Documents\\WindowsPowerShell\\profile.ps1",
            ),
            ShellFacts(
                shell="cmd",
                initialised=True,
                path="HKCU\\Software\\Microsoft\\Command Processor",
            ),
        ),
    )


def editor(root: str, python: str) -> EditorFacts:
    """VS Code's files as ``dartenv fix editor`` writes them."""
    checkpoint = f"{root}\\mld_denoiser\\mld_fps_clip_repeat_euler\\checkpoint_300000.pt"
    return EditorFacts(
        folder=root,
        launch_exists=True,
        launch=tuple(
            LaunchFacts(
                name=name, module=module, args=("--denoiser_checkpoint", checkpoint), cwd=root
            )
            for name, module in (
                ("DART: rollout demo", "mld.rollout_demo"),
                ("DART: in-between demo", "mld.optim_mld"),
            )
        ),
        settings_exists=True,
        interpreter=python,
        interpreter_key="python.defaultInterpreterPath",
    )
