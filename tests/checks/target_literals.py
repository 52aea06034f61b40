"""Literal facts of targets, for the tests of the checks of Python and its packages."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    DistributionFacts,
    Facts,
    HostFacts,
    InterpreterFacts,
    Location,
    ModuleFacts,
    SourceFacts,
    TargetFacts,
)
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()

WINDOWS_SITE = "D:\\envs\\dart 环境\\Lib\\site-packages"
LINUX_SITE = "/opt/envs/dart/lib/python3.8/site-packages"


def dist(name: str, version: str, **more: Any) -> DistributionFacts:
    return DistributionFacts(name=name, version=version, **{"location": WINDOWS_SITE, **more})


def torch_module(version: str, cuda: str) -> ModuleFacts:
    return ModuleFacts(
        name="torch",
        path=WINDOWS_SITE + "\\torch",
        distribution="torch",
        constants={"__version__": version, "cuda": cuda},
    )


def markers(version: str, windows: bool) -> Dict[str, str]:
    return {
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "sys_platform": "win32" if windows else "linux",
        "os_name": "nt" if windows else "posix",
        "platform_system": "Windows" if windows else "Linux",
        "platform_machine": "AMD64" if windows else "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }


def windows(
    *distributions: DistributionFacts, version: str = "3.8.8", **more: Any
) -> InterpreterFacts:
    """A Windows conda environment in a folder with a space and Chinese characters."""
    digits = "".join(version.split(".")[:2])
    values: Dict[str, Any] = {
        "executable": "D:\\envs\\dart 环境\\python.exe",
        "version": version,
        "prefix": "D:\\envs\\dart 环境",
        "conda_prefix": "D:\\envs\\dart 环境",
        "base_prefix": "D:\\envs\\dart 环境",
        "environment": "conda dart 环境",
        "platform": "win-amd64",
        "tags": (f"cp{digits}-cp{digits}-win_amd64",),
        "markers": markers(version, True),
        "distributions": tuple(distributions),
    }
    return InterpreterFacts(**{**values, **more})


def linux(
    *distributions: DistributionFacts, version: str = "3.8.18", **more: Any
) -> InterpreterFacts:
    values: Dict[str, Any] = {
        "executable": "/opt/envs/dart/bin/python",
        "version": version,
        "prefix": "/opt/envs/dart",
        "base_prefix": "/usr",
        "environment": "venv dart",
        "platform": "linux-x86_64",
        "markers": markers(version, False),
        "distributions": tuple(distributions),
    }
    return InterpreterFacts(**{**values, **more})


def reference(*more: DistributionFacts, **fields: Any) -> InterpreterFacts:
    """The reference Windows machine's environment, with torch from the cu118 index."""
    names = {d.name for d in more}
    core = (
        dist("torch", "2.4.1+cu118", top_level=("torch",)),
        dist("torchvision", "0.19.1+cu118"),
        dist("torchaudio", "2.4.1+cu118"),
        dist("numpy", "1.24.4", top_level=("numpy",)),
    )
    kept = [d for d in core if d.name not in names]
    return windows(*kept, *more, **fields)


def source(**fields: Any) -> SourceFacts:
    return SourceFacts(root="D:\\DART-main", exists=True, is_dir=True, kind="dart", **fields)


def place(symbol: str, path: str = "a/b.py", line: int = 13, **fields: Any) -> Location:
    return Location(path=path, line=line, symbol=symbol, **fields)


def host(system: str = "windows") -> HostFacts:
    return HostFacts(system=system, release="10", version="10.0.19045", machine="amd64", bits=64)


def judge(checks: Sequence[str], profile: str = "windows-cu118", **facts: Any) -> List[Finding]:
    """The findings of these checks on these facts."""
    all_checks()
    facts.setdefault("target", TargetFacts(python="D:\\envs\\dart 环境\\python.exe"))
    context = Context(Facts(**facts), MANIFESTS.profile(profile), MANIFESTS)
    return run_checks(context, REGISTRY.select(list(checks)))


def one(check: str, profile: str = "windows-cu118", **facts: Any) -> Finding:
    (found,) = judge([check], profile, **facts)
    return found


def by_check(findings: Sequence[Finding]) -> Dict[str, Tuple[Finding, ...]]:
    grouped: Dict[str, Tuple[Finding, ...]] = {}
    for item in findings:
        grouped[item.check] = (*grouped.get(item.check, ()), item)
    return grouped
