"""The type of manifests/assets/*.toml: which asset files a kind of tree reads, and what is in them.

Paths are relative to the root of the tree, with ``/``; ``~`` stands for the user's home. Numbers
and addresses carry their source there.
"""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import msgspec

from dartenv.assets.layouts import ANY, BodyNumbers, ClipTextNumbers, Shape, body_arrays
from dartenv.manifests.schema import Manifest


class FolderSpec(Manifest, frozen=True, kw_only=True):
    """Where runs with an args.yaml lie: ``path/*/args.yaml``, down to ``depth`` folders."""

    path: str
    depth: int = 1
    checkpoints: Tuple[str, ...] = ("checkpoint_*.pt",)


class CheckpointSpec(Manifest, frozen=True, kw_only=True):
    """One published checkpoint. ``vae`` is the id of the VAE that its args.yaml should name."""

    id: str
    role: str  # "denoiser", "vae", "policy"
    path: str
    source: str
    set: str = "babel"  # assets that are used together; see FileSpec
    vae: Optional[str] = None
    needed_by: Tuple[str, ...] = ()
    optional: bool = False
    megabytes: float = 0.0  # about, where no exact size is published


class StatisticsSpec(Manifest, frozen=True, kw_only=True):
    """Mean and standard deviation of the motion features.

    ``features`` are the parts of one frame's feature vector and how many numbers each has;
    ``legacy_cfg_path`` is the configuration for which DART reads the old file. ``fallback`` gives,
    for a VAE's id, where the file is when no args.yaml can say so.
    """

    source: str
    features: Dict[str, int]
    legacy_cfg_path: str = ""
    fallback: Dict[str, str] = msgspec.field(default_factory=dict)


class FileSpec(Manifest, frozen=True, kw_only=True):
    """One other file.

    ``form`` is ``motion``, ``pickle`` (a dictionary with ``keys``) or ``any``. An ``optional``
    file counts as missing only when something else of its ``set`` is there.
    """

    id: str
    role: str
    path: str
    source: str
    form: str = "any"
    keys: Tuple[str, ...] = ()
    min_frames: int = 1
    set: str = "babel"
    needed_by: Tuple[str, ...] = ()
    optional: bool = False
    megabytes: float = 0.0  # about, where no exact size is published


class MotionSpec(Manifest, frozen=True, kw_only=True):
    """What every motion pickle holds: see :func:`dartenv.assets.layouts.motion_layout`."""

    source: str
    body_joints: int
    betas: int
    required: Tuple[str, ...] = ("transl", "global_orient", "body_pose")


class BodySpec(Manifest, frozen=True, kw_only=True):
    """One body model below ``body_model_dir``: its ``folder``, its files by id, its sizes.

    ``arrays`` names arrays and shapes outright, for a model that is not of the SMPL family.
    """

    id: str
    role: str  # "smplx", "smplh", "body"
    folder: str
    files: Dict[str, str]  # asset id -> file name
    source: str
    form: str = "npz"  # or "pickle"
    vertices: int = 0
    faces: int = 0
    joints: int = 0
    shape_components: int = ANY
    hand_components: int = 45
    landmarks: int = 0
    arrays: Dict[str, Tuple[int, ...]] = msgspec.field(default_factory=dict)
    set: str = "babel"
    needed_by: Tuple[str, ...] = ()
    optional: bool = False

    def wanted(self) -> Dict[str, Shape]:
        """Required arrays and their shapes."""
        if self.arrays:
            return dict(self.arrays)
        return body_arrays(
            BodyNumbers(
                vertices=self.vertices,
                faces=self.faces,
                joints=self.joints,
                shape_components=self.shape_components,
                hand_components=self.hand_components,
                landmarks=self.landmarks,
            )
        )


class ClipSpec(Manifest, frozen=True, kw_only=True):
    """CLIP's weights in the user's cache, and the sizes of its text encoder."""

    id: str
    source: str
    path: str
    size: int
    sha256: str
    url: str
    context: int
    vocabulary: int
    width: int
    embedding: int
    layers: int
    time_limit: float = 30.0  # seconds for hashing
    needed_by: Tuple[str, ...] = ()

    def numbers(self) -> ClipTextNumbers:
        """The sizes of its text encoder."""
        return ClipTextNumbers(
            context=self.context,
            vocabulary=self.vocabulary,
            width=self.width,
            embedding=self.embedding,
            layers=self.layers,
        )


class SearchSpec(Manifest, frozen=True, kw_only=True):
    """How far a missing file is looked for below the root."""

    depth: int = 7
    entries: int = 30_000
    seconds: float = 3.0
    skip: Tuple[str, ...] = (".git", "__pycache__", "node_modules", ".venv", "wandb", "runs")


class OtherSpec(Manifest, frozen=True, kw_only=True):
    """An asset that no check reads: for training, for evaluation, or on the way to another one.

    ``path`` is empty where it has no place of its own in the tree.
    """

    id: str
    title: str
    source: str
    path: str = ""
    size: Optional[int] = None
    sha256: Optional[str] = None
    md5: Optional[str] = None
    megabytes: float = 0.0
    needed_by: Tuple[str, ...] = ()
    optional: bool = True


class SortSpec(Manifest, frozen=True, kw_only=True):
    """Where a member of an archive belongs: the one whose path ends in ``ending``.

    ``to`` is relative to the tree; ``{bodies}`` stands for its body model folder.
    """

    ending: str
    to: str


class MergeSpec(Manifest, frozen=True, kw_only=True):
    """A body model that is made of two downloads: SMPL-H's body and MANO's hands.

    ``bodies`` gives for each file to make the ending of the member with its body; ``hands`` are
    the endings of MANO's left and right, ``arrays`` the arrays taken from each.
    """

    bodies: Dict[str, str]  # destination, as in SortSpec -> ending
    hands: Tuple[str, str]
    arrays: Tuple[str, ...]
    hands_from: str  # the other download's id
    source: str


class DownloadSpec(Manifest, frozen=True, kw_only=True):
    """Where assets come from. ``kind`` is ``drive-folder``, ``http`` or ``login``.

    ``login`` needs the user's own registration and licence (``login`` names the service); it is
    never fetched without. ``page`` is where a person gets it, ``file`` what it is called there,
    ``files`` patterns of the names it may have on a disk. ``sort`` and ``tree`` (folders that go
    into the DART tree as they are) say where its members belong; with ``keep`` the archive itself
    is the asset. A size or hash that is not ``sure`` stands in one public listing only.
    """

    id: str
    kind: str
    url: str
    gives: Tuple[str, ...]
    source: str
    title: str = ""
    licence: str = ""
    size: Optional[int] = None
    sha256: Optional[str] = None
    md5: Optional[str] = None
    megabytes: float = 0.0
    sure: bool = True
    unpack_to: Optional[str] = None
    page: str = ""
    login: str = ""
    file: str = ""
    files: Tuple[str, ...] = ()
    file_url: str = ""  # of one file of a folder, with {id}
    sort: Tuple[SortSpec, ...] = ()
    tree: Tuple[str, ...] = ()
    keep: str = ""  # ending of a member that such an archive must hold
    merge: Optional[MergeSpec] = None
    manual: bool = False  # only on request: not part of a machine that moves


class AssetsSpec(Manifest, frozen=True, kw_only=True):
    """Every asset of one kind of tree.

    ``body_model_dir`` is where the body models are when the tree's data_paths.py does not say.
    ``networks`` is ``dart`` where checkpoints are of the networks that
    :mod:`dartenv.assets.shapes` knows, ``other`` where shapes cannot be compared. A file beside
    the asset whose name has ``stand_in_suffix`` at its end marks the asset as synthetic.
    """

    id: str
    title: str
    source: str
    folders: Tuple[FolderSpec, ...] = ()
    checkpoints: Tuple[CheckpointSpec, ...] = ()
    statistics: Optional[StatisticsSpec] = None
    motion: Optional[MotionSpec] = None
    files: Tuple[FileSpec, ...] = ()
    bodies: Tuple[BodySpec, ...] = ()
    clip: Optional[ClipSpec] = None
    search: SearchSpec = SearchSpec()
    downloads: Tuple[DownloadSpec, ...] = ()
    others: Tuple[OtherSpec, ...] = ()
    body_model_dir: str = ""
    networks: str = "dart"
    stand_in_suffix: str = ".stand-in"
    max_runs: int = 64  # args.yaml files read at most
    max_checkpoints: int = 8  # of one folder, the highest step counts first
