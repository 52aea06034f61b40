"""What dartenv's activation scripts set counts as set: the next shell will have it."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

import msgspec

from dartenv.facts.model import CudaFacts, InterpreterFacts, ToolkitFacts


def activated(interpreter: Optional[InterpreterFacts], name: str) -> Optional[str]:
    """The value that activating the target gives to ``name``."""
    return interpreter.activation.get(name) if interpreter is not None else None


def in_new_shells(interpreter: Optional[InterpreterFacts], names: Sequence[str]) -> str:
    """ " in new shells of this environment" where activation sets one of ``names``; else ""."""
    if any(activated(interpreter, name) for name in names):
        return " in new shells of this environment"
    return ""


def activated_interpreter(interpreter: InterpreterFacts) -> InterpreterFacts:
    """``interpreter`` as a new shell of the target would start it."""
    if not activated(interpreter, "PYTHONNOUSERSITE"):
        return interpreter
    return msgspec.structs.replace(interpreter, user_site_enabled=False, user_site_packages=())


def activated_cuda(
    cuda: CudaFacts, interpreter: Optional[InterpreterFacts], names: Sequence[str]
) -> CudaFacts:
    """``cuda`` as a new shell of the target would find it."""
    values = {name: value for name in names for value in [activated(interpreter, name)] if value}
    if not values:
        return cuda
    broken: Dict[str, str] = {k: why for k, why in cuda.env_broken.items() if k not in values}
    led_to = {name: _spelled(value) for name, value in values.items()}
    there = {_spelled(toolkit.path) for toolkit in cuda.toolkits}
    for name, folder in led_to.items():
        if folder not in there:
            broken[name] = "names a folder without a CUDA toolkit"
    return msgspec.structs.replace(
        cuda,
        env={**cuda.env, **values},
        env_broken=broken,
        toolkits=tuple(_found_by(toolkit, led_to) for toolkit in cuda.toolkits),
    )


def _found_by(toolkit: ToolkitFacts, led_to: Dict[str, str]) -> ToolkitFacts:
    by: List[str] = [name for name in toolkit.found_by if name not in led_to]
    by += [name for name, folder in led_to.items() if folder == _spelled(toolkit.path)]
    return msgspec.structs.replace(toolkit, found_by=tuple(by))


def _spelled(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").lower()
