"""What is installed beside a lock: libraries that only some stacks lack."""

from __future__ import annotations

from typing import Optional

from packaging.requirements import Requirement

from dartenv.checks.ort import cudnn_needed
from dartenv.facts.lookup import fits
from dartenv.manifests.compat import OnnxRuntimeTable, TorchTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.locks import Lock
from dartenv.manifests.schema import Profile


def cudnn_beside(profile: Profile, lock: Lock, manifests: Manifests) -> Optional[str]:
    """The cuDNN that the profile's ONNX Runtime loads ("nvidia-cudnn-cu11==8.9.5.29").

    ``None`` where the lock, or the torch in it, brings that major version.
    """
    runtime = manifests.read("compat", "onnxruntime", OnnxRuntimeTable)
    major, package = cudnn_needed(profile.onnxruntime or "", runtime)
    if major is None or package is None or lock.find(Requirement(package).name):
        return None
    found = lock.find("torch")
    torch = found.version.split("+")[0] if found is not None else ""
    for row in manifests.read("compat", "torch", TorchTable).cudnn:
        same = row.compute == profile.compute and fits(torch, row.torch)
        if same and row.version.split(".")[0] == major:
            return None
    return package
