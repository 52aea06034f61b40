"""The stack as a Dockerfile, with the requirements files that it copies."""

from __future__ import annotations

from typing import Dict, List

from dartenv.envfiles.requirements import commands, requirements
from dartenv.envfiles.stack import Stack, heading
from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests

FILE = "Dockerfile"
# hub.docker.com/_/python: CPython on Debian. torch's wheels bring CUDA with them, so the image needs
# none; the driver comes from the host by the NVIDIA Container Toolkit (docs.nvidia.com/datacenter/
# cloud-native/container-toolkit), which these variables ask for what torch and the viewer use.
IMAGE = "python:{python}-slim-bookworm"
DRIVER = ("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics")
# What pyrender's EGL and OSMesa contexts load, and git.
SYSTEM = ("git", "libegl1", "libgl1", "libglib2.0-0", "libosmesa6")


def dockerfile(stack: Stack, manifests: Manifests) -> Dict[str, str]:
    """File name -> text. Raises UsageFault for a profile of Windows, whose containers differ."""
    if stack.profile.system == "windows":
        raise UsageFault(
            f"profile {stack.profile.id} is for Windows",
            "a Linux profile: this writes Dockerfiles for Linux containers",
            "dartenv env export --format dockerfile --profile "
            + stack.profile.id.replace("windows", "linux"),
        )
    files = requirements(stack, "dockerfile")
    copied = " ".join(files)
    gpu = stack.profile.compute != "cpu"
    run = f"docker run --rm{' --gpus all' if gpu else ''} {stack.name}"
    lines: List[str] = [
        *heading(stack, "dockerfile"),
        f"# docker build -t {stack.name} . && {run}",
        "# It ends with dartenv's report. Checkpoints and body models are licensed and are not in the",
        "# image: mount them over /opt/DART/data, /opt/DART/mld_denoiser and /opt/DART/mvae.",
        f"FROM {IMAGE.format(python=stack.python)}",
    ]
    if gpu:
        lines.append("ENV " + " ".join(DRIVER))
    lines += [
        "ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 PYOPENGL_PLATFORM=egl",
        "RUN apt-get update \\",
        f" && apt-get install -y --no-install-recommends {' '.join(SYSTEM)} \\",
        " && rm -rf /var/lib/apt/lists/*",
        f"COPY {copied} /opt/requirements/",
    ]
    lines += [f"RUN {line}" for line in commands(stack, where="/opt/requirements/")]
    tree = _tree(stack, manifests)
    if tree:
        lines.append(f"RUN git clone --depth 1 {tree} /opt/DART")
    lines += [
        "# Where dartenv comes from: a wheel's path in the build context, or an address.",
        "ARG DARTENV=dartenv",
        'RUN python -m venv /opt/dartenv && /opt/dartenv/bin/pip install "${DARTENV}"',
        "ENV PATH=/opt/dartenv/bin:$PATH",
    ]
    chosen = f"--profile {stack.profile.id} --python /usr/local/bin/python"
    if tree:
        lines += [
            "WORKDIR /opt/DART",
            f"RUN dartenv fix source --yes --dart-root /opt/DART {chosen}",
            f'CMD ["sh", "-c", "dartenv doctor --dart-root /opt/DART {chosen}"]',
        ]
    else:
        lines.append(f'CMD ["sh", "-c", "dartenv doctor {chosen}"]')
    return {FILE: "\n".join(lines) + "\n", **files}


def _tree(stack: Stack, manifests: Manifests) -> str:
    if stack.profile.kind != "dart":
        return ""
    return next((one.repository for one in manifests.trees() if one.repository), "") or ""
