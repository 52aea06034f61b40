"""Say what this interpreter is and where the tree's body models are, without importing torch.

Request: ``{"packages": [...], "module": "config_files.data_paths", "name": "body_model_dir"}``.
Answer: ``{"python", "versions", "value", "problem"}``. The working directory is the tree's root.
Python 3.6 syntax.
"""

import importlib
import platform
from typing import Any, Dict, Optional


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Versions by metadata, and the path that the tree's own module computes."""
    answer: Dict[str, Any] = {
        "python": platform.python_version(),
        "versions": {},
        "value": None,
        "problem": None,
    }
    for name in request["packages"]:
        version = _version(name)
        if version is not None:
            answer["versions"][name] = version
    if request.get("module"):
        try:
            module = importlib.import_module(request["module"])
            answer["value"] = str(getattr(module, request["name"]))
        except Exception as error:
            answer["problem"] = f"{type(error).__name__}: {error}"
    return answer


def _version(name: str) -> Optional[str]:
    """The installed version of a distribution, or None."""
    try:
        metadata = importlib.import_module("importlib.metadata")
    except ImportError:  # Python 3.7 and older
        try:
            return str(importlib.import_module("pkg_resources").get_distribution(name).version)
        except Exception:
            return None
    try:
        return str(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None
