"""The stack as conda's environment.yml: Python from conda, everything else by pip inside it."""

from __future__ import annotations

from typing import Dict, List

import yaml

from dartenv.envfiles.requirements import built_against_torch
from dartenv.envfiles.stack import Stack, heading

FILE = "environment.yml"


def conda(stack: Stack) -> Dict[str, str]:
    """File name -> text. A mirror of Python packages never becomes a channel here."""
    pip: List[str] = []
    if stack.torch_index:
        pip.append(f"--extra-index-url {stack.torch_index}")
    pip += [f"{one.name}=={one.version}" for one in (*stack.torch, *stack.plain, *stack.built)]
    pip += stack.beside
    apart = [one for one in built_against_torch(stack) if _needs_torch(stack, one)]
    pip += [one for one in built_against_torch(stack) if one not in apart]
    document = {
        "name": stack.name,
        "channels": ["conda-forge", "nodefaults"],
        "dependencies": [f"python={stack.python}", "pip", {"pip": pip}],
    }
    head = [*heading(stack, "conda"), f"# conda env create -f {FILE}"]
    if apart:
        head.append(
            "# then, because building it imports torch, which conda's one call of pip has not yet:"
        )
        install = "pip install --no-deps --no-build-isolation"
        variable = f"{stack.pure_variable}=1"
        head.append(f"# conda env config vars set -n {stack.name} {variable}")
        head += [f'# conda run -n {stack.name} {install} "{one}"' for one in apart]
    body = yaml.safe_dump(document, sort_keys=False, width=200, allow_unicode=True)
    return {FILE: "\n".join(head) + "\n" + body}


def _needs_torch(stack: Stack, reference: str) -> bool:
    return stack.pure_variable is not None and reference.startswith("pytorch3d ")
