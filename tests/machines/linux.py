"""Linux machines: a server as upstream's environment.yml makes it, and Ubuntu in WSL2."""

from __future__ import annotations

import msgspec

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
    MsvcFacts,
    PipFacts,
    ShellFacts,
    TargetFacts,
    UnrealFacts,
)
from tests.machines import target, tree, weights
from tests.machines.reference import GIB, NOW, TAKEN_AT

LIBRARIES = ["libcublas.so.11", "libcublasLt.so.11", "libcudart.so.11.0", "libcudnn.so.{cudnn}"]


def server() -> Facts:
    """An RTX A6000 without a monitor; torch 2.1.0 and pytorch3d 0.7.5 from conda's channels."""
    home, root = "/home/mzhao", "/data/mzhao/DART"
    prefix = f"{home}/miniconda3/envs/DART"
    site = f"{prefix}/lib/python3.8/site-packages"
    torch = target.torch_family(
        "2.1.0", "0.16.0", "2.1.0", site, build="py3.8_cuda11.8_cudnn8.7.0_0"
    )
    compiled = target.pytorch3d(
        "0.7.5", site, "cpython-38-x86_64-linux-gnu.so", build="py38_cu118_pyt210"
    )
    inside = _target(prefix, "conda env DART", "8", site)
    inside = msgspec.structs.replace(
        inside,
        modules=target.modules(
            site,
            "/",
            torch={"__version__": "2.1.0", "cuda": "11.8"},
            torchvision={"__version__": "0.16.0", "cuda": "11.8"},
            pytorch3d={"__version__": "0.7.5"},
        ),
    )
    host = HostFacts(
        system="linux",
        release="5.15.0-105-generic",
        version="#115-Ubuntu SMP Mon Apr 15 09:52:04 UTC 2024",
        machine="x86_64",
        bits=64,
        distro="Ubuntu 22.04.4 LTS",
        wsl=0,
        libc="glibc 2.35",
        memory_total=251 * GIB,
        swap_total=8 * GIB,
        drives=(
            _drive(root, "dart_root", "/data", 3_120),
            _drive(prefix, "environment", "/", 214),
            _drive(f"{home}/.cache", "cache", "/", 214),
            _drive("/tmp", "temp", "/", 214),
        ),
        utf8_mode=False,
        encoding="UTF-8",
        now=NOW,
        newest_file=NOW - 7200,
        newest_file_path=f"{root}/mld",
        user="mzhao",
        home=home,
        hostname="gpu-node-07",
        temp="/tmp",
        cache=f"{home}/.cache",
    )
    gpu = _gpu("NVIDIA RTX A6000", "8.6", 49140, "535.183.01", "12.2", "nvml")
    found = target.imports("2.1.0", "NVIDIA RTX A6000", "8.6", cudnn="8700", system="linux")
    return Facts(
        dartenv="0.1.0",
        taken_at=TAKEN_AT,
        target=_chosen(root, prefix),
        host=host,
        gpu=gpu,
        cuda=CudaFacts(),
        msvc=MsvcFacts(gcc="/usr/bin/gcc", gcc_version="11.4.0"),
        interpreter=target.with_distributions(inside, *torch, compiled),
        imports=target.failing(
            found,
            "imports.viewer:context",
            error='Cannot connect to "None"',
            error_type="NoSuchDisplayException",
        ),
        source=tree.patched(root, "/"),
        assets=weights.whole(root, f"{home}/.cache/clip/ViT-B-32.pt"),
        conda=_conda(f"{home}/miniconda3", prefix, "DART"),
        pip=PipFacts(),
        git=GitFacts(),
        editor=EditorFacts(folder=root),
        unreal=UnrealFacts(),
    )


def wsl() -> Facts:
    """Ubuntu 22.04 in WSL2, the tree left on Windows' drive D, wheels from torch's own index."""
    home, root = "/home/ming", "/mnt/d/DART-main"
    prefix = f"{home}/miniconda3/envs/dart"
    site = f"{prefix}/lib/python3.8/site-packages"
    family = target.torch_family("2.4.1+cu118", "0.19.1+cu118", "2.4.1+cu118", site)
    compiled = target.pytorch3d(
        "0.7.8+pt2.4.1cu118",
        site,
        "cpython-38-x86_64-linux-gnu.so",
        tags=("cp38-cp38-linux_x86_64",),
    )
    inside = _target(prefix, "conda env dart", "9", site)
    inside = msgspec.structs.replace(
        inside,
        modules=target.modules(
            site,
            "/",
            torch={"__version__": "2.4.1+cu118", "cuda": "11.8"},
            torchvision={"__version__": "0.19.1+cu118", "cuda": "11.8"},
            pytorch3d={"__version__": "0.7.8"},
        ),
    )
    tree_drive = _drive(root, "dart_root", "/mnt/d", 812)
    host = HostFacts(
        system="linux",
        release="5.15.153.1-microsoft-standard-WSL2",
        version="#1 SMP Fri Mar 29 23:14:13 UTC 2024",
        machine="x86_64",
        bits=64,
        distro="Ubuntu 22.04.4 LTS",
        wsl=2,
        libc="glibc 2.35",
        memory_total=31 * GIB,
        swap_total=8 * GIB,
        drives=(
            msgspec.structs.replace(tree_drive, kind="wsl-windows"),
            _drive(prefix, "environment", "/", 907),
            _drive(f"{home}/.cache", "cache", "/", 907),
            _drive("/tmp", "temp", "/", 907),
        ),
        utf8_mode=False,
        encoding="UTF-8",
        now=NOW,
        newest_file=NOW - 7200,
        newest_file_path=f"{root}/mld",
        user="ming",
        home=home,
        hostname="DESKTOP-7QK2M4A",
        temp="/tmp",
        cache=f"{home}/.cache",
    )
    card = "NVIDIA GeForce RTX 4090"
    return Facts(
        dartenv="0.1.0",
        taken_at=TAKEN_AT,
        target=_chosen(root, prefix),
        host=host,
        gpu=_gpu(card, "8.9", 24564, "551.61", "12.4", "nvml"),
        cuda=CudaFacts(),
        msvc=MsvcFacts(gcc="/usr/bin/gcc", gcc_version="11.4.0"),
        interpreter=target.with_distributions(inside, *family, compiled),
        imports=target.imports("2.4.1+cu118", card, "8.9", system="linux"),
        source=tree.patched(root, "/"),
        assets=weights.whole(root, f"{home}/.cache/clip/ViT-B-32.pt"),
        conda=_conda(f"{home}/miniconda3", prefix, "dart"),
        pip=PipFacts(),
        git=GitFacts(),
        editor=EditorFacts(folder=root),
        unreal=UnrealFacts(),
    )


def _chosen(root: str, prefix: str) -> TargetFacts:
    return TargetFacts(
        dart_root=root, python=f"{prefix}/bin/python", profile="linux-cu118", found_by="conda"
    )


def _drive(path: str, role: str, mount: str, free: int) -> DriveFacts:
    return DriveFacts(
        path=path, role=role, free=free * GIB, total=3_600 * GIB, kind="fixed", mount=mount
    )


def _gpu(name: str, capability: str, memory: int, driver: str, cuda: str, read_by: str) -> GpuFacts:
    device = GpuDevice(
        name=name,
        capability=capability,
        memory_total=memory * 1024**2,
        memory_free=(memory - 600) * 1024**2,
        uuid="GPU-0b7c1f42-83de-4a5b-b1c6-90d2e4f7a815",
    )
    return GpuFacts(
        state="devices", driver=driver, driver_cuda=cuda, devices=(device,), read_by=read_by
    )


def _target(prefix: str, environment: str, cudnn: str, site: str) -> InterpreterFacts:
    names = [name.format(cudnn=cudnn) for name in LIBRARIES]
    return InterpreterFacts(
        executable=f"{prefix}/bin/python",
        version="3.8.18",
        prefix=prefix,
        base_prefix=prefix,
        platform="linux-x86_64",
        tags=("cp38-cp38-manylinux_2_35_x86_64", "cp38-cp38-linux_x86_64"),
        environment=environment,
        conda_prefix=prefix,
        in_venv=False,
        user_site_enabled=True,
        markers=target.markers("3.8.18", False, "5.15.0"),
        distributions=target.listed(site),
        dlls=target.dlls(names, f"{site}/torch/lib", "/", "torch"),
    )


def _conda(base: str, prefix: str, name: str) -> CondaFacts:
    return CondaFacts(
        kind="conda",
        executable=f"{base}/bin/conda",
        version="24.5.0",
        root_prefix=base,
        active_prefix=prefix,
        environments=(
            CondaEnvironment(
                path=base, name="base", is_base=True, python=f"{base}/bin/python", has_history=True
            ),
            CondaEnvironment(
                path=prefix, name=name, python=f"{prefix}/bin/python", has_history=True
            ),
        ),
        condarcs=(
            CondarcFacts(
                path=f"{base}/.condarc", channels=("pytorch3d", "pytorch", "nvidia", "conda-forge")
            ),
        ),
        shells=(
            ShellFacts(shell="bash", initialised=True, path=f"{base.rsplit('/', 1)[0]}/.bashrc"),
        ),
    )
