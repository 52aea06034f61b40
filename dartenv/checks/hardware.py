"""What the checks of host, GPU, CUDA and host compiler share: words, versions, commands."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Dict, Mapping, Optional, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import finding
from dartenv.facts.model import HostFacts, InterpreterFacts
from dartenv.manifests.versions import minor, numbers, within

GB = 1_000_000_000
MB = 1_000_000


def severity(word: str) -> Status:
    """A profile's word for how grave something is, as a status; ``fail`` for an unknown one."""
    try:
        return Status(word)
    except ValueError:
        return Status.FAIL


def not_needed(summary: str) -> Finding:
    """A check that does not apply here."""
    return finding(Status.SKIP, summary)


def could_not_tell(what: str) -> Finding:
    """A fact that is missing."""
    return finding(Status.SKIP, f"could not tell: {what}")


def size(count: int) -> str:
    """Bytes in words: "2.7 GB", "141.2 MB"."""
    if count >= GB:
        return f"{count / GB:.1f} GB"
    return f"{count / MB:.1f} MB"


def memory(count: int) -> str:
    """Memory in words, as its makers count it: "24.0 GiB"."""
    return f"{count / 1024**3:.1f} GiB"


def counted(count: int, one: str, several: str = "") -> str:
    """ "1 toolkit", "2 toolkits"."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def pure(path: str, host: Optional[HostFacts]) -> PurePath:
    """``path`` in the spelling of the machine that was examined, not of this one."""
    return PureWindowsPath(path) if is_windows(host) else PurePosixPath(path)


def is_windows(host: Optional[HostFacts]) -> bool:
    """Whether the machine runs Windows, or Wine in its place."""
    return host is not None and host.system == "windows"


def driver_system(host: HostFacts) -> str:
    """Whose driver numbers count: WSL shows the driver of the Windows around it."""
    return "windows" if host.system == "windows" or host.wsl else host.system


def set_variables(
    variables: Mapping[str, str],
    interpreter: Optional[InterpreterFacts],
    host: Optional[HostFacts],
) -> Tuple[str, ...]:
    """Commands that set variables: for the conda environment where there is one."""
    if interpreter is not None and interpreter.conda_prefix:
        pairs = " ".join(f'{name}="{value}"' for name, value in variables.items())
        prefix = interpreter.conda_prefix
        return (f'conda env config vars set {pairs} --prefix "{prefix}"',)
    if is_windows(host):
        return tuple(f'setx {name} "{value}"' for name, value in variables.items())
    return tuple(f'export {name}="{value}"' for name, value in variables.items())


def by_installed(interpreter: Optional[InterpreterFacts]) -> Dict[str, str]:
    """Installed distributions: normalised name to version."""
    if interpreter is None:
        return {}
    return {dist.name: dist.version for dist in interpreter.distributions}


__all__ = [
    "by_installed",
    "could_not_tell",
    "counted",
    "driver_system",
    "is_windows",
    "memory",
    "minor",
    "not_needed",
    "numbers",
    "pure",
    "set_variables",
    "severity",
    "size",
    "within",
]
