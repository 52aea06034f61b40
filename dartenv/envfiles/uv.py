"""The stack as a uv project: torch is asked of its own index alone."""

from __future__ import annotations

import json
from typing import Dict, List

from dartenv.envfiles.stack import Stack, heading

FILE = "pyproject.toml"


def uv(stack: Stack) -> Dict[str, str]:
    """File name -> text; ``uv sync`` makes the environment from it."""
    lines: List[str] = [*heading(stack, "uv"), "# uv sync", ""]
    lines += ["[project]", f"name = {_quoted(stack.name)}", 'version = "0"']
    lines += [f"requires-python = {_quoted(f'=={stack.python}.*')}", "dependencies = ["]
    packages = (*stack.torch, *stack.plain, *stack.built)
    lines += [f"  {_quoted(f'{one.name}=={one.version}')}," for one in packages]
    lines += [f"  {_quoted(one)}," for one in stack.beside]
    addresses = {"clip": stack.clip, "pytorch3d": stack.pytorch3d}
    lines += [f"  {_quoted(name)}," for name, address in addresses.items() if address]
    lines += ["]", "", "[tool.uv]", "package = false"]
    system = {"linux": "linux", "windows": "win32"}.get(stack.profile.system)
    if system is not None:
        marker = f"sys_platform == '{system}'"
        lines.append(f"environments = [{_quoted(marker)}]")
    if stack.pytorch3d and stack.pure_variable:
        lines += ["# Its setup.py imports torch.", 'no-build-isolation-package = ["pytorch3d"]']
        lines += ["", "[tool.uv.extra-build-variables]"]
        lines.append(f'pytorch3d = {{ {stack.pure_variable} = "1" }}')
    lines += ["", "[tool.uv.sources]"]
    if stack.torch_index:
        lines += [f'{one.name} = {{ index = "torch" }}' for one in stack.torch]
    lines += [
        f"{name} = {{ url = {_quoted(address)} }}" for name, address in addresses.items() if address
    ]
    if stack.torch_index:
        lines += ["", "[[tool.uv.index]]", 'name = "torch"']
        lines += [f"url = {_quoted(stack.torch_index)}", "explicit = true"]
    return {FILE: "\n".join(lines) + "\n"}


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False)
