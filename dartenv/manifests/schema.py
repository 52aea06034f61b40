"""The types of every manifest. Data only: nothing here touches the machine.

A manifest is a TOML file in a folder named after what it describes; its ``id`` is its file name.
The compatibility tables have their types in :mod:`dartenv.manifests.compat`.
"""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import msgspec


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every manifest part: frozen, keyword-only, no unknown keys."""


class Requirement(Manifest, frozen=True, kw_only=True):
    """One distribution that the entry points of a profile import."""

    name: str
    module: str = ""  # what is imported, where it is not the name with "_" for "-"
    spec: str = ""  # PEP 440 specifier
    needed_by: Tuple[str, ...] = ()  # entry points; empty means all of them
    pin: Optional[str] = None  # the version the profile installs
    why: str = ""
    markers: str = ""  # PEP 508 marker
    optional: bool = False
    source: str = ""


class Profile(Manifest, frozen=True, kw_only=True):
    """One supported stack.

    ``compute`` is ``cpu``, ``cu118`` or ``cu128``; ``pytorch3d`` is ``wheel`` (a compiled wheel
    that matches torch, Python and CUDA), ``transforms`` (the pure-Python part suffices) or
    ``none``; ``toolkit`` and ``msvc`` are ``info`` where wheels are installed, ``fail`` where
    something is built from source.
    """

    id: str
    title: str
    source: str
    system: str  # "windows", "linux", "any"
    kind: str = "dart"  # or "sandbox": which kind of tree it runs
    python: Tuple[str, ...] = ()  # accepted minor versions, best first
    python_reference: Optional[str] = None  # the exact version it was recorded on
    compute: str = "cpu"
    cuda: Optional[str] = None  # "11.8"
    torch: Optional[str] = None  # reference version with local tag, "2.4.1+cu118"
    torch_min: Optional[str] = None
    torchvision: Optional[str] = None
    torchaudio: Optional[str] = None
    torch_index: Optional[str] = None
    pytorch3d: str = "wheel"
    pytorch3d_version: Optional[str] = None
    numpy: str = ""  # specifier
    toolkit: str = "info"
    msvc: str = "info"
    gpu: str = "fail"  # severity of a missing GPU
    backend: str = "any"  # "conda" where the profile insists on it
    onnxruntime: Optional[str] = None  # distribution and pin, "onnxruntime-gpu==1.18.1"
    memory_min: int = 0  # bytes of RAM plus page file
    gpu_memory_min: int = 0  # bytes
    disk_min: int = 0  # bytes still to install and download at most
    assets: Tuple[str, ...] = ()  # asset roles this profile needs
    entry_points: Tuple[str, ...] = ()
    requirements: Tuple[Requirement, ...] = ()
    torch_cpu_index: Optional[str] = None
    torch_by_python: Dict[str, str] = {}  # minor version, or "other", to a torch release
    falls_back_to: Tuple[str, ...] = ()  # profiles to propose when this one cannot work


class NumpyAlias(Manifest, frozen=True, kw_only=True):
    """A name that numpy removed: ``np.float`` went with 1.24, ``np.infty`` with 2.0."""

    name: str
    removed_in: str
    replacement: str  # "float", "np.inf"; "np." stands for the module's local name
    returned_in: Optional[str] = None  # np.bool is valid again in 2.0


class Tree(Manifest, frozen=True, kw_only=True):
    """How to know a DART tree, or the sandbox, and where things are in it."""

    id: str
    title: str
    source: str
    kind: str  # "dart" or "sandbox"
    markers: Tuple[str, ...]  # relative paths that make it such a tree
    marker_file: Optional[str] = None  # a file whose presence alone tells the kind
    entry_points: Tuple[str, ...] = ()
    data_paths: str = "config_files/data_paths.py"
    body_model_name: str = "body_model_dir"
    skip_dirs: Tuple[str, ...] = ()
    repository: Optional[str] = None  # where git clones it from
    archive: Optional[str] = None  # the same as a zip, for a machine without git


class Patch(Manifest, frozen=True, kw_only=True):
    """A source patch: the fault it repairs and since when that is one.

    ``python`` and ``torch`` are the first versions that refuse what the patch repairs.
    """

    id: str
    title: str
    source: str
    python: Optional[str] = None
    torch: Optional[str] = None
    aliases: Tuple[NumpyAlias, ...] = ()
    args_file: str = ""
