"""The target interpreter with a full DART environment, and what its deep imports answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Tuple

import msgspec

from dartenv.facts.model import (
    DistributionFacts,
    DllFacts,
    ImportResult,
    ImportsFacts,
    InterpreterFacts,
    ModuleFacts,
)

LIST = Path(__file__).with_name("distributions.txt")
CLIP_URL = "git+https://github.com/openai/CLIP.git@d05afc436d78f1c48dc0dbf8e5980a9d471f35f6"
ARCHITECTURES = {
    "windows": "sm_37 sm_50 sm_60 sm_61 sm_70 sm_75 sm_80 sm_86 sm_90 compute_37",
    "linux": "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_37 sm_90",
}
PLAIN = [
    "numpy",
    "yaml",
    "tqdm",
    "tyro",
    "omegaconf",
    "scipy.ndimage.filters",
    "ftfy",
    "regex",
    "tornado.gen",
    "trimesh",
    "matplotlib.pyplot",
]
WITH_TORCH = ["torch.utils.tensorboard", "torch_dct", "loralib", "smplx", "clip", "spacy"]


def distribution(name: str, version: str, site: str, **more: Any) -> DistributionFacts:
    """One distribution in ``site``, owning the import of its own name."""
    module = name.replace("-", "_")
    return DistributionFacts(
        name=name, version=version, location=site, **{"top_level": (module,), **more}
    )


def listed(site: str) -> Tuple[DistributionFacts, ...]:
    """Everything but torch, its companions and pytorch3d."""
    return tuple(_listed(site))


def _listed(site: str) -> Iterator[DistributionFacts]:
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        head, needs, owned = (*(part.strip() for part in line.split("|")), "", "")[:3]
        name, version = head.split()
        more: Dict[str, Any] = {"requires": tuple(_requirements(needs))}
        if owned:
            more["top_level"] = () if owned == "-" else tuple(owned.split())
        if name == "clip":
            more["direct_url"] = CLIP_URL
        yield distribution(name, version, site, **more)


def _requirements(text: str) -> List[str]:
    found: List[str] = []
    for part in (one.strip() for one in text.split(";")):
        if part.startswith("python_version"):
            found[-1] += f"; {part}"
        elif part:
            found.append(part)
    return found


def torch_family(
    torch: str, vision: str, audio: str, site: str, **more: Any
) -> Tuple[DistributionFacts, ...]:
    """torch with torchvision and torchaudio, as their wheels require each other."""
    public = torch.partition("+")[0]
    needs = ("filelock", "typing-extensions>=4.8.0", "sympy", "networkx", "jinja2", "fsspec")
    return (
        distribution(
            "torch", torch, site, requires=needs, top_level=("functorch", "torch"), **more
        ),
        distribution(
            "torchvision", vision, site, requires=("numpy", f"torch=={public}", "pillow>=5.3.0")
        ),
        distribution("torchaudio", audio, site, requires=(f"torch=={public}",)),
    )


def pytorch3d(version: str, site: str, extension: str, **more: Any) -> DistributionFacts:
    """A compiled pytorch3d; ``extension`` is the ending of its compiled module."""
    return distribution(
        "pytorch3d",
        version,
        site,
        requires=("iopath",),
        extensions=(f"pytorch3d/_C.{extension}",),
        **more,
    )


def modules(site: str, joint: str, **constants: Dict[str, str]) -> Tuple[ModuleFacts, ...]:
    """The modules that are looked into, with the constants given for each."""
    words = {"clip": ("SimpleTokenizer", "available_models"), "pyrender": ("infty",)}
    told: Dict[str, Dict[str, str]] = {"clip": {}, "pyrender": {"__version__": "0.1.45"}}
    told.update(constants)
    return tuple(
        ModuleFacts(
            name=name,
            path=joint.join((site, name)),
            distribution="onnxruntime-gpu" if name == "onnxruntime" else name,
            constants=values,
            words=words.get(name, ()),
        )
        for name, values in told.items()
    )


def dlls(names: Iterable[str], folder: str, joint: str, owner: str) -> Tuple[DllFacts, ...]:
    """Libraries of one owner in one folder."""
    return tuple(DllFacts(name=n, path=f"{folder}{joint}{n}", owner=owner) for n in names)


def with_distributions(
    target: InterpreterFacts, *changed: DistributionFacts, drop: Iterable[str] = ()
) -> InterpreterFacts:
    """``target`` with these in place of those of the same name, or beside what is there."""
    gone = {*drop, *(one.name for one in changed)}
    kept = [one for one in target.distributions if one.name not in gone]
    everything = sorted((*kept, *changed), key=lambda one: one.name)
    return msgspec.structs.replace(target, distributions=tuple(everything))


def markers(version: str, windows: bool, release: str) -> Dict[str, str]:
    """The PEP 508 environment."""
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "nt" if windows else "posix",
        "platform_machine": "AMD64" if windows else "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": release,
        "platform_system": "Windows" if windows else "Linux",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "win32" if windows else "linux",
    }


def imports(
    torch: str,
    gpu: str,
    capability: str,
    *,
    cuda: str = "11.8",
    cudnn: str = "90100",
    system: str = "windows",
    files: int = 77,
) -> ImportsFacts:
    """Deep imports of a target in which everything loads."""
    kernel = {
        "available": "True",
        "devices": "1",
        "name": gpu,
        "capability": capability,
        "architectures": ARCHITECTURES[system],
        "cudnn": cudnn,
        "device": "cuda",
        "kernel": "ok",
    }
    window = {"platform": "pyglet", "renderer": f"{gpu}/PCIe/SSE2", "version": "4.6.0 NVIDIA"}
    return ImportsFacts(
        results=(
            _result("imports.torch", 3.41, version=torch, cuda=cuda),
            _result("imports.torch:kernel", 0.82, **kernel),
            _result("imports.pytorch3d", 0.19, version="0.7.8"),
            _result("imports.pytorch3d:compiled", 0.07),
            *(_result(f"imports.dart:{name}", 0.3) for name in (*WITH_TORCH, *PLAIN)),
            _result("imports.dart:tree", 0.4, files=str(files)),
            _result("imports.viewer", 0.33, version="0.1.45"),
            _result("imports.viewer:mesh", 0.02, numpy="1.24.4"),
            _result("imports.viewer:context", 0.21, **window),
        )
    )


def _result(check: str, seconds: float, **details: str) -> ImportResult:
    return ImportResult(name=check, ok=True, seconds=seconds, details=details)


def failing(facts: ImportsFacts, name: str, **fields: Any) -> ImportsFacts:
    """``facts`` with one result failing as ``fields`` say."""
    bad = ImportResult(name=name, ok=False, **{"outcome": "error", "seconds": 0.5, **fields})
    return ImportsFacts(results=tuple(bad if r.name == name else r for r in facts.results))


def changed(facts: ImportsFacts, check: str, **details: str) -> ImportsFacts:
    """``facts`` with one result that ended, but says something else."""
    return ImportsFacts(
        results=tuple(
            msgspec.structs.replace(r, details=details) if r.name == check else r
            for r in facts.results
        )
    )
