"""The stack as pip's requirements files: one for each way in which packages have to be installed."""

from __future__ import annotations

from typing import Dict, List, Sequence

from dartenv.envfiles.stack import Stack, heading
from dartenv.manifests.locks import LockedPackage

PLAIN = "requirements.txt"
BUILT = "requirements-source.txt"
TORCH = "requirements-torch.txt"
DART = "requirements-dart.txt"
RUNTIME = "requirements-runtime.txt"


def requirements(stack: Stack, kind: str = "requirements") -> Dict[str, str]:
    """File name -> text. Hashes stand where the index gives them."""
    head = heading(stack, kind)
    how = ["# Install, in this order:", *(f"#   {line}" for line in commands(stack))]
    files = {PLAIN: _text([*head, *how, "", *_locked(stack.plain)])}
    if stack.built:
        files[BUILT] = _text([*head, "# Source archives.", "", *_locked(stack.built)])
    if stack.torch:
        index = [f"--index-url {stack.torch_index}"] if stack.torch_index else []
        lines = [f"{one.name}=={one.version}" for one in stack.torch]
        files[TORCH] = _text([*head, "# This index gives no hashes.", "", *index, *lines])
    if stack.clip or stack.pytorch3d:
        files[DART] = _text([*head, "", *built_against_torch(stack)])
    if stack.beside:
        why = "# What ONNX Runtime loads, and torch has in another version only."
        files[RUNTIME] = _text([*head, why, "", *stack.beside])
    return files


def commands(stack: Stack, pip: str = "pip", where: str = "") -> List[str]:
    """How the files are installed; ``where`` is put before their names."""
    install = f"{pip} install"
    lines = [f"{install} --no-deps --require-hashes -r {where}{PLAIN}"]
    if stack.built:
        source = "--no-deps --no-build-isolation --require-hashes"
        lines.append(f"{install} {source} -r {where}{BUILT}")
    if stack.torch:
        lines.append(f"{install} -r {where}{TORCH}")
    if stack.clip or stack.pytorch3d:
        last = f"{install} --no-deps --no-build-isolation -r {where}{DART}"
        if stack.pure_variable and stack.profile.system == "windows":
            last = f'cmd /c "set {stack.pure_variable}=1&& {last}"'
        elif stack.pure_variable:
            last = f"{stack.pure_variable}=1 {last}"
        lines.append(last)
    if stack.beside:
        lines.append(f"{install} -r {where}{RUNTIME}")
    return lines


def built_against_torch(stack: Stack) -> List[str]:
    """CLIP and pytorch3d as direct references (PEP 508)."""
    found = []
    if stack.clip:
        found.append(f"clip @ {stack.clip}")
    if stack.pytorch3d:
        found.append(f"pytorch3d @ {stack.pytorch3d}")
    return found


def _locked(packages: Sequence[LockedPackage]) -> List[str]:
    lines = []
    for one in packages:
        hashes = "".join(f" \\\n    --hash=sha256:{value}" for value in one.sha256)
        lines.append(f"{one.name}=={one.version}{hashes}")
    return lines


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
