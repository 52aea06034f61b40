"""Runs in the target after inside_run.py: torch, its GPU, and pytorch3d."""

MYPY = False
if MYPY:
    from typing import Any, Dict

    from dartenv.facts.inside_aside import begin_aside
    from dartenv.facts.inside_run import state, step


def task_torch(asked: "Dict[str, Any]") -> "None":
    """torch imports; then, on the GPU or without one, a tiny kernel runs."""
    if not step("imports.torch", import_torch):
        state["stop"] = True  # every other task of this process loads torch
        return
    begin_aside(asked)
    step("imports.torch:kernel", lambda d: run_kernel(d, asked["compute"]), asked["gpu_idle"])
    if asked.get("pytorch3d"):
        parts = asked["pytorch3d"]
        if step("imports.pytorch3d", lambda d: import_name(d, parts["needed"])):
            step("imports.pytorch3d:compiled", lambda d: import_name(d, parts["compiled"]))


def import_name(details: "Dict[str, str]", name: "str") -> "None":
    """Import a dotted name and note its version and place."""
    import importlib

    module = importlib.import_module(name)
    version = getattr(module, "__version__", None)
    if version is not None:
        details["version"] = str(version)
    details["file"] = str(getattr(module, "__file__", "") or "")


def import_torch(details: "Dict[str, str]") -> "None":
    import torch

    details["version"] = str(torch.__version__)
    details["cuda"] = str(torch.version.cuda)
    details["file"] = str(torch.__file__)


def run_kernel(details: "Dict[str, str]", compute: "str") -> "None":
    """Whether CUDA is there, what it is, and whether arithmetic on it is right."""
    import torch

    cuda = torch.cuda
    device = "cpu"
    details["available"] = str(bool(cuda.is_available()))
    if details["available"] == "True":
        device = "cuda"
        details["devices"] = str(cuda.device_count())
        details["name"] = str(cuda.get_device_name(0))
        details["capability"] = "%d.%d" % tuple(cuda.get_device_capability(0))
        details["architectures"] = " ".join(cuda.get_arch_list())
        details["cudnn"] = str(torch.backends.cudnn.version())
    elif compute != "cpu" or torch.version.cuda is not None:
        details["reason"] = why_no_cuda(torch)
    details["device"] = device
    row = torch.arange(4, dtype=torch.float32, device=device)
    square = row.unsqueeze(0) * row.unsqueeze(1)
    total = float((square @ square).sum().item())
    details["kernel"] = "ok" if total == 504.0 else "sum %r instead of 504.0" % total


def why_no_cuda(torch: "Any") -> "str":
    """What torch itself says when CUDA is made to start."""
    if torch.version.cuda is None:
        return "this torch is built without CUDA"
    try:
        torch.cuda.init()
    except Exception as error:
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return "torch does not say"
