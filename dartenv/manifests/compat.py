"""The types of the compatibility tables about Python packages.

A compute platform is spelled as in torch's local version: ``cpu``, ``cu118``; a Python as its
minor version, ``3.8``; an operating system as ``windows`` or ``linux``.
"""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from dartenv.manifests.schema import Manifest


class SourceFile(Manifest, frozen=True, kw_only=True):
    """What to read, as text, from one file of a package. ``path`` is below the package."""

    path: str
    constants: Tuple[str, ...] = ()  # names assigned a literal at the start of a line
    words: Tuple[str, ...] = ()  # words whose presence matters
    required: bool = False


class WatchedModule(Manifest, frozen=True, kw_only=True):
    """A module that the probe looks at by its files."""

    name: str
    source: str
    files: Tuple[SourceFile, ...] = ()


class ModuleTable(Manifest, frozen=True, kw_only=True):
    """compat/modules.toml."""

    id: str
    modules: Tuple[WatchedModule, ...]


class TorchRelease(Manifest, frozen=True, kw_only=True):
    """One torch release: the Pythons and platforms it was built for, and its companions."""

    version: str  # public version, "2.4.1"
    python: Tuple[str, ...]
    compute: Tuple[str, ...]
    torchvision: str
    torchaudio: Optional[str] = None
    source: str


class TorchIndex(Manifest, frozen=True, kw_only=True):
    """Where the wheels of one compute platform are."""

    compute: str
    url: str
    source: str


class BundledCudnn(Manifest, frozen=True, kw_only=True):
    """The cuDNN inside torch's wheels."""

    torch: str  # version specifier
    compute: str
    version: str
    source: str


class TorchTable(Manifest, frozen=True, kw_only=True):
    """compat/torch.toml."""

    id: str
    plain_index: Dict[str, str]  # operating system -> what the plain index's wheel is
    plain_source: str
    releases: Tuple[TorchRelease, ...]
    indexes: Tuple[TorchIndex, ...]
    cudnn: Tuple[BundledCudnn, ...] = ()


class WheelRow(Manifest, frozen=True, kw_only=True):
    """pytorch3d wheels that one run of the builder made.

    ``version`` is what stands before the builder's local version; ``commit`` is part of the
    local version where the wheel was not made from a release. ``seen`` are file names that
    somebody was seen to use; the others follow from the builder's own job table.
    """

    version: str
    commit: str = ""
    torch: Tuple[str, ...]
    python: Tuple[str, ...]
    compute: Tuple[str, ...]
    systems: Tuple[str, ...]
    seen: Tuple[str, ...] = ()
    source: str


class CondaRow(Manifest, frozen=True, kw_only=True):
    """pytorch3d builds of its own conda channel."""

    version: str
    torch: Tuple[str, ...]
    python: Tuple[str, ...]
    compute: Tuple[str, ...]
    systems: Tuple[str, ...]
    source: str


class Pytorch3dTable(Manifest, frozen=True, kw_only=True):
    """compat/pytorch3d.toml.

    Templates take ``version``, ``local``, ``torch``, ``compute``, ``tag`` (cp38) and
    ``platform`` (win_amd64); ``local_pattern`` and ``build_pattern`` read them back.
    """

    id: str
    source: str
    index: str
    index_source: str
    local: str
    local_pattern: str
    file: str
    release_url: str
    platforms: Dict[str, str]  # operating system -> platform tag of its wheels
    conda_channel: str
    build: str
    build_pattern: str
    pure_command: str  # installs the pure-Python part
    pure_archive: str  # the same as one file, for a machine without git
    pure_variable: str  # set to 1 for it
    pure_source: str
    compiled_module: str  # "_C"
    needed_module: str  # "transforms"
    needed_source: str
    wheels: Tuple[WheelRow, ...]
    conda: Tuple[CondaRow, ...] = ()


class NumpyLast(Manifest, frozen=True, kw_only=True):
    """The numpy that an unpinned pip installs on one Python."""

    python: str
    version: str
    source: str


class NumpyConflict(Manifest, frozen=True, kw_only=True):
    """A package that breaks with some numpy."""

    package: str
    versions: str  # specifier of the package
    numpy: str  # specifier of the numpy that breaks it
    effect: str
    source: str


class NumpyTable(Manifest, frozen=True, kw_only=True):
    """compat/numpy.toml."""

    id: str
    source: str
    last: Tuple[NumpyLast, ...]
    conflicts: Tuple[NumpyConflict, ...] = ()


class OnnxRuntimePackage(Manifest, frozen=True, kw_only=True):
    """One distribution that brings the import package onnxruntime."""

    name: str
    provider: str  # the execution provider it is installed for
    library: str = ""  # the provider's library, without prefix and ending
    source: str


class OnnxRuntimeRow(Manifest, frozen=True, kw_only=True):
    """What one range of releases of one distribution needs."""

    package: str
    versions: str  # specifier
    index: str  # "main" or the name of a feed
    cuda: Optional[str] = None  # major, or major.minor where only that one works
    cudnn: Optional[str] = None  # major
    python: Tuple[str, ...] = ()  # Pythons its wheels exist for; empty means not recorded
    source: str


class OnnxRuntimeFeed(Manifest, frozen=True, kw_only=True):
    """An index besides the main one."""

    name: str
    url: str
    source: str


class OnnxRuntimeLast(Manifest, frozen=True, kw_only=True):
    """The release that an unpinned pip installs on one Python."""

    package: str
    python: str
    version: str
    source: str


class OpsetRow(Manifest, frozen=True, kw_only=True):
    """The highest ai.onnx opset and IR version that releases load."""

    versions: str
    opset: int
    ir: int
    source: str


class OnnxRuntimeTable(Manifest, frozen=True, kw_only=True):
    """compat/onnxruntime.toml."""

    id: str
    source: str
    system_dll: str  # a copy that Windows brings and that is found first by name
    system_dll_source: str
    cudnn_package: Dict[str, str]  # "cuda-major/cudnn-major" -> what brings that cuDNN
    cudnn_package_source: str
    packages: Tuple[OnnxRuntimePackage, ...]
    rows: Tuple[OnnxRuntimeRow, ...]
    feeds: Tuple[OnnxRuntimeFeed, ...] = ()
    last: Tuple[OnnxRuntimeLast, ...] = ()
    opsets: Tuple[OpsetRow, ...] = ()


class ImportedModule(Manifest, frozen=True, kw_only=True):
    """One module that the entry points import, and who answers when it is missing.

    ``requirement`` is the profile's requirement that brings it: a profile without that requirement
    does not need the module (``clip`` belongs to every profile that runs DART itself).
    """

    name: str
    requirement: str
    # "torch": in torch's process, "ahead": there before torch is; "aside": in a fork of it;
    # "plain": without torch
    group: str
    check: str = "packages.requirements"


class ImportTable(Manifest, frozen=True, kw_only=True):
    """compat/imports.toml. Times in seconds."""

    id: str
    source: str
    idle: float
    gpu_idle: float
    cap: float
    reruns: int
    viewer: str  # the requirement without which there is no viewer to look at
    modules: Tuple[ImportedModule, ...]


class ClipCopy(Manifest, frozen=True, kw_only=True):
    """A distribution of other hands that brings CLIP's code under the same import name."""

    name: str
    source: str


class ClipTable(Manifest, frozen=True, kw_only=True):
    """compat/clip.toml."""

    id: str
    source: str
    distribution: str
    module: str
    words: Tuple[str, ...]
    unrelated: str
    requires: Tuple[str, ...]
    repository: str
    install: str
    archive: str
    install_source: str
    pkg_resources: str
    pkg_resources_gone: str  # setuptools without it
    pkg_resources_pin: str
    pkg_resources_source: str
    copies: Tuple[ClipCopy, ...] = ()


class ExclusiveModule(Manifest, frozen=True, kw_only=True):
    """Distributions of which only one may own an import name."""

    module: str
    distributions: Tuple[str, ...]
    why: str
    source: str


class SharedTable(Manifest, frozen=True, kw_only=True):
    """compat/shared.toml."""

    id: str
    source: str
    ignored: Tuple[str, ...]
    families: Tuple[str, ...]
    exclusive: Tuple[ExclusiveModule, ...]
