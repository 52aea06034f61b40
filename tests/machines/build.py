"""Machines written down: each is a healthy one with the few facts changed that make its fault.

``python tests/machines/build.py`` writes them to tests/fixtures/machines, one JSON file each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict

REPOSITORY = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

import msgspec  # noqa: E402

from dartenv.facts.model import (  # noqa: E402
    BlenderFacts,
    BundleFacts,
    BundleModelFacts,
    CondaEnvironment,
    EditorFacts,
    EngineFacts,
    Facts,
    ImportResult,
    ImportsFacts,
    InterpreterFacts,
    ProbeFailure,
    UnrealFacts,
)
from tests.machines import linux, reference, target, tree, weights  # noqa: E402

FOLDER = REPOSITORY / "tests" / "fixtures" / "machines"
_change = msgspec.structs.replace


def healthy() -> Facts:
    """The reference machine, with nothing to repair."""
    return reference.windows()


def toolset_14_44() -> Facts:
    """Visual Studio kept itself up to date: only a toolset that CUDA 11.8 refuses is left."""
    facts = healthy()
    assert facts.msvc is not None
    newest = reference.visual_studio("17.14.36310.24", "14.44.35207")
    return _change(facts, msvc=_change(facts.msvc, instances=(newest,)))


def cuda_12_4_first() -> Facts:
    """CUDA 12.4 was installed last: it set CUDA_PATH and stands first on PATH."""
    facts = healthy()
    assert facts.cuda is not None
    latest = f"{reference.TOOLKITS}\\v12.4"
    cuda = _change(
        facts.cuda,
        toolkits=(
            reference.toolkit("12.4.131", "registry", "CUDA_PATH", "PATH"),
            reference.toolkit("11.8.89", "registry", "CUDA_HOME"),
        ),
        env={**facts.cuda.env, "CUDA_PATH": latest, "CUDA_PATH_V12_4": latest},
        nvcc_on_path=f"{latest}\\bin\\nvcc.exe",
    )
    return _change(facts, cuda=cuda)


def driver_451() -> Facts:
    """A driver of 2020, older than anything that runs CUDA 11.8."""
    facts = _card("NVIDIA GeForce RTX 2080 Ti", "7.5", 11264, "451.67", "11.0")
    assert facts.imports is not None
    return _change(
        facts,
        imports=target.changed(
            facts.imports,
            "imports.torch:kernel",
            available="False",
            device="cpu",
            kernel="ok",
            reason="The NVIDIA driver on your system is too old (found version 11000).",
        ),
    )


def rtx_5070() -> Facts:
    """A Blackwell card in the reference environment, whose torch has no kernels for it."""
    facts = _card("NVIDIA GeForce RTX 5070", "12.0", 12227, "576.52", "12.9")
    assert facts.imports is not None
    return _change(
        facts,
        imports=target.failing(
            facts.imports,
            "imports.torch:kernel",
            error="CUDA error: no kernel image is available for execution on the device",
            error_type="RuntimeError",
            details={
                "available": "True",
                "device": "cuda",
                "name": "NVIDIA GeForce RTX 5070",
                "capability": "12.0",
                "architectures": target.ARCHITECTURES["windows"],
            },
        ),
    )


def cpu_torch() -> Facts:
    """``pip install torch==2.4.1`` without the index: Windows gets a build for the processor."""
    facts = healthy()
    inside = _inside(facts)
    site = f"{inside.prefix}\\lib\\site-packages"
    family = target.torch_family("2.4.1", "0.19.1", "2.4.1", site)
    inside = _change(
        target.with_distributions(inside, *family),
        dlls=(),
        modules=target.modules(
            site,
            "\\",
            torch={"__version__": "2.4.1+cpu", "cuda": "None"},
            torchvision={"__version__": "0.19.1+cpu", "cuda": "None"},
            pytorch3d={"__version__": "0.7.8"},
        ),
    )
    assert facts.imports is not None
    found = target.changed(
        facts.imports,
        "imports.torch:kernel",
        available="False",
        device="cpu",
        kernel="ok",
        reason="this torch is built without CUDA",
    )
    found = target.changed(found, "imports.torch", version="2.4.1+cpu", cuda="None")
    found = _no_compiled_part(found)
    return _change(facts, interpreter=inside, imports=found)


def other_pytorch3d() -> Facts:
    """pytorch3d built for torch 2.3.1, left there when torch was updated."""
    facts = healthy()
    site = f"{_inside(facts).prefix}\\lib\\site-packages"
    other = target.pytorch3d(
        "0.7.8+pt2.3.1cu118", site, "cp38-win_amd64.pyd", tags=("cp38-cp38-win_amd64",)
    )
    assert facts.imports is not None
    return _change(
        facts,
        interpreter=target.with_distributions(_inside(facts), other),
        imports=_no_compiled_part(facts.imports),
    )


def onnxruntime_1_19() -> Facts:
    """``pip install onnxruntime-gpu`` on Python 3.8: the last release there is for CUDA 12."""
    facts = healthy()
    inside = _inside(facts)
    site = f"{inside.prefix}\\lib\\site-packages"
    added = target.distribution(
        "onnxruntime-gpu",
        "1.19.2",
        site,
        requires=("coloredlogs", "flatbuffers", "numpy>=1.21.6", "packaging", "protobuf", "sympy"),
        top_level=("onnxruntime",),
        tags=("cp38-cp38-win_amd64",),
    )
    others = tuple(
        target.distribution(name, version, site)
        for name, version in (
            ("coloredlogs", "15.0.1"),
            ("flatbuffers", "24.3.25"),
            ("humanfriendly", "10.0"),
            ("pyreadline3", "3.4.1"),
        )
    )
    inside = _change(
        target.with_distributions(inside, added, *others),
        modules=target.modules(
            site,
            "\\",
            **reference.TORCH_CONSTANTS,
            onnxruntime={
                "package_name": "onnxruntime-gpu",
                "__version__": "1.19.2",
                "cuda_version": "12.2",
            },
        ),
    )
    assert facts.imports is not None
    lost = ImportResult(
        name="ort.providers:CUDAExecutionProvider",
        ok=False,
        outcome="error",
        error_type="RuntimeError",
        error="the session runs on CPUExecutionProvider",
        details={"missing_dll": "cublasLt64_12.dll, cublas64_12.dll, cufft64_11.dll"},
    )
    loaded = ImportResult(name="ort.providers", ok=True, details={"version": "1.19.2"})
    results = (*facts.imports.results, loaded, lost)
    return _change(facts, interpreter=inside, imports=_change(facts.imports, results=results))


def conda_python_mirror() -> Facts:
    """``conda config --add channels`` was given a mirror of the Python index."""
    facts = healthy()
    assert facts.conda is not None
    (rc,) = facts.conda.condarcs
    mirror = "https://pypi.tuna.tsinghua.edu.cn/simple"
    wrong = _change(rc, channels=(mirror, *rc.channels))
    return _change(facts, conda=_change(facts.conda, condarcs=(wrong,)))


def chinese_user_pristine() -> Facts:
    """The first day: a Chinese user name, code page 936, DART just cloned, nothing set up."""
    facts = reference.windows(user="李明")
    assert facts.host is not None
    assert facts.target.dart_root is not None
    root = facts.target.dart_root
    host = _change(facts.host, code_page=936, encoding="cp936", long_paths=False)
    return _change(
        facts,
        host=host,
        interpreter=_change(_inside(facts), env={}),
        source=tree.pristine(root),
        assets=weights.whole(root, f"{host.home}\\.cache\\clip\\ViT-B-32.pt"),
        editor=EditorFacts(folder=root),
    )


def half_clip() -> Facts:
    """CLIP's download stopped at 40 %; the part stayed under the final name."""
    facts = healthy()
    assert facts.assets is not None
    assert facts.assets.clip_cache is not None
    had = 141_230_080
    part = weights.clip_file(
        facts.assets.clip_cache,
        had,
        None,
        kind="partial",
        problem=f"{had} of {weights.CLIP_SIZE} bytes: a download stopped",
    )
    files = tuple(part if one.role == "clip" else one for one in facts.assets.files)
    return _change(facts, assets=_change(facts.assets, files=files))


def unreal_workstation() -> Facts:
    """Where DART goes on: two engines, an older Blender, the add-on's source, and a bundle that one
    engine alone loads."""
    facts = healthy()
    root = "D:\\DART-main"
    bundle = f"{root}\\bundle\\bundle.json"
    older, newer = (
        BundleModelFacts(path=f"{name}.fp32.portable.onnx", opset=opset, ir=8)
        for name, opset in (("clip_text", 17), ("primitive", 19))
    )
    told = BundleFacts(path=bundle, kind="dart", portable=(newer, older), compared=6)
    unreal = UnrealFacts(
        engines=(
            EngineFacts(path="C:\\Program Files\\Epic Games\\UE_5.4", version="5.4.4"),
            EngineFacts(path="D:\\UE_5.6", version="5.6.1"),
        ),
        blenders=(
            BlenderFacts(
                path="C:\\Program Files\\Blender Foundation\\Blender 4.2\\blender.exe",
                version="4.2.9",
            ),
        ),
        code_archives=("C:\\Users\\motion\\Downloads\\SMPLX_blender_addon-main.zip",),
        bundles=(bundle,),
        told=(told,),
    )
    return _change(facts, unreal=unreal)


def no_python() -> Facts:
    """``conda create`` was interrupted: the environment's folder holds no Python."""
    facts = healthy()
    assert facts.conda is not None
    assert facts.target.python is not None
    prefix = facts.target.python.rpartition("\\")[0]
    environments = (
        facts.conda.environments[0],
        CondaEnvironment(path=prefix, name="dart", has_history=False),
    )
    reason = f"no such file: {facts.target.python}"
    return _change(
        facts,
        interpreter=None,
        imports=None,
        conda=_change(facts.conda, active_prefix=None, environments=environments),
        probe_failures=(ProbeFailure(probe="interpreter", reason=reason),),
    )


def _card(name: str, capability: str, memory: int, driver: str, cuda: str) -> Facts:
    gpu = reference.windows_gpu(name, capability, memory * 1024**2, driver, cuda)
    return _change(healthy(), gpu=gpu, imports=target.imports("2.4.1+cu118", name, capability))


def _inside(facts: Facts) -> InterpreterFacts:
    assert facts.interpreter is not None
    return facts.interpreter


def _no_compiled_part(found: ImportsFacts) -> ImportsFacts:
    return target.failing(
        found,
        "imports.pytorch3d:compiled",
        error="DLL load failed while importing _C: The specified procedure could not be found.",
        error_type="ImportError",
        module="pytorch3d._C",
    )


MACHINES: Dict[str, Callable[[], Facts]] = {
    "windows-reference-healthy": healthy,
    "windows-toolset-14.44-only": toolset_14_44,
    "windows-cuda-12.4-first": cuda_12_4_first,
    "windows-driver-451": driver_451,
    "windows-rtx-5070": rtx_5070,
    "windows-cpu-torch": cpu_torch,
    "windows-pytorch3d-other-torch": other_pytorch3d,
    "windows-onnxruntime-1.19.2": onnxruntime_1_19,
    "windows-conda-python-mirror": conda_python_mirror,
    "windows-chinese-user-pristine": chinese_user_pristine,
    "wsl2": linux.wsl,
    "linux-server-no-display": linux.server,
    "windows-half-clip": half_clip,
    "windows-no-python": no_python,
    "windows-unreal-workstation": unreal_workstation,
}


def written(facts: Facts) -> bytes:
    """The JSON of ``facts`` without what is at its default; each entry of a list is one line."""
    return (_laid_out(_told(facts), 0) + "\n").encode("utf-8")


def _laid_out(value: Any, depth: int) -> str:
    compact = json.dumps(value, ensure_ascii=False)
    if depth > 2 or len(compact) < 80 or not isinstance(value, (dict, list)):
        return compact
    inner = " " * (depth + 1)
    if isinstance(value, list):
        parts = [inner + _laid_out(one, 3) for one in value]
        ends = "[]"
    else:
        parts = [
            f"{inner}{json.dumps(key)}: {_laid_out(one, depth + 1)}" for key, one in value.items()
        ]
        ends = "{}"
    return ends[0] + "\n" + ",\n".join(parts) + "\n" + " " * depth + ends[1]


def _told(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(type(value))
        told = {one.name: getattr(value, one.name) for one in fields}
        defaults = {one.name: one.default for one in fields}
        keep = {"schema"}
        return {
            name: _told(one)
            for name, one in told.items()
            if name in keep or not _same(one, defaults[name])
        }
    if isinstance(value, dict):
        return {key: _told(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_told(one) for one in value]
    return value


def _same(value: Any, default: Any) -> bool:
    if default is msgspec.NODEFAULT:
        return bool(value == {})  # an empty mapping comes from a factory
    return type(value) is type(default) and bool(value == default)


def main() -> None:
    """Write every machine."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in MACHINES.items():
        (FOLDER / f"{name}.json").write_bytes(written(make()))


if __name__ == "__main__":
    main()
