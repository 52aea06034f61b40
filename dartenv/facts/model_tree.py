"""Facts of the DART tree: its source and its assets."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from dartenv.facts.model_base import Struct


class Location(Struct, frozen=True, kw_only=True):
    """A place in a source file; ``path`` is relative to the DART root, with ``/``."""

    path: str
    line: int
    text: str = ""  # the source line, stripped
    symbol: str = ""  # "np.float", "MLDArgs.train_args", ...
    live: bool = True  # on the import path of an entry point and executed at import or call
    state: str = "needed"  # "needed", "repaired", "conflict", "unsure"
    note: str = ""
    at_import: bool = False  # executed as an entry point is imported, not only when it is called
    via: Tuple[str, ...] = ()  # modules that lead to it, from an entry point on


class FileProblem(Struct, frozen=True, kw_only=True):
    """A file that could not be read or parsed."""

    path: str
    reason: str


class SourceFacts(Struct, frozen=True, kw_only=True):
    """The DART tree."""

    root: str
    exists: bool
    is_dir: bool
    markers_found: Tuple[str, ...] = ()
    markers_missing: Tuple[str, ...] = ()
    kind: Optional[str] = None  # "dart", "sandbox", None
    python_files: int = 0
    writable: Optional[bool] = None
    git_revision: Optional[str] = None
    git_remote: Optional[str] = None
    git_dirty: Optional[Tuple[str, ...]] = None
    newline: Optional[str] = None
    longest_path: Optional[int] = None  # characters of the longest absolute path
    closure: Dict[str, int] = {}  # entry point module -> number of files it imports
    numpy_aliases: Tuple[Location, ...] = ()
    posixpath: Tuple[Location, ...] = ()
    prompt_filenames: Tuple[Location, ...] = ()
    dataclass_defaults: Tuple[Location, ...] = ()
    torch_load: Tuple[Location, ...] = ()
    body_model_dir: Optional[str] = None  # as data_paths.py computes it, relative to the root
    body_model_location: Optional[Location] = None
    problems: Tuple[FileProblem, ...] = ()


class ArgsFacts(Struct, frozen=True, kw_only=True):
    """One args.yaml, read by a loader that executes nothing."""

    path: str  # relative to the root, with "/"
    kind: Optional[str] = None  # "denoiser", "vae", "policy"
    values: Dict[str, str] = {}  # dotted key -> value as text, only the keys checks read
    posixpath: bool = False
    foreign_tags: Tuple[str, ...] = ()
    error: Optional[str] = None  # cut off, not YAML, not a tyro file
    mismatches: Tuple[str, ...] = ()  # where it contradicts itself or the files it names
    named_by: str = ""  # the args.yaml whose checkpoint path leads here


class TensorFacts(Struct, frozen=True, kw_only=True):
    """Shape and dtype of one stored array."""

    name: str
    shape: Tuple[int, ...]
    dtype: str


class FileAsset(Struct, frozen=True, kw_only=True):
    """One asset file as it lies there."""

    id: str  # manifest id or a derived one, "checkpoint:<path>"
    path: str  # as looked for, absolute
    role: str = ""  # "denoiser", "vae", "statistics", "smplx", "clip", "motion"
    exists: bool = False
    size: Optional[int] = None
    kind: Optional[str] = None  # "torch-zip", "torch-legacy", "npz", "pickle", "html", "empty"
    sha256: Optional[str] = None
    problem: Optional[str] = None  # what is wrong with it, in words
    mismatches: Tuple[str, ...] = ()  # keys or shapes that do not fit, each in words
    foreign_globals: Tuple[str, ...] = ()  # pickled globals that would run code
    elsewhere: Tuple[str, ...] = ()  # where the same file was found instead
    stand_in: bool = False
    optional: bool = False  # only one of the asset sets needs it
    needed_by: Tuple[str, ...] = ()  # entry points
    named_by: str = ""  # the args.yaml that names it, relative to the root
    arrays: Tuple[TensorFacts, ...] = ()  # of statistics, motions and body models
    locations: Tuple[str, ...] = ()  # devices its tensors were saved from, but for the CPU
    modules: Tuple[str, ...] = ()  # modules that its pickle imports: numpy._core needs numpy 2
    steps: Optional[int] = None  # training steps of a checkpoint
    notes: Tuple[str, ...] = ()  # what is worth knowing and not wrong


class AssetsFacts(Struct, frozen=True, kw_only=True):
    """args.yaml files and the assets they and the manifests name."""

    args: Tuple[ArgsFacts, ...] = ()
    files: Tuple[FileAsset, ...] = ()
    clip_cache: Optional[str] = None
