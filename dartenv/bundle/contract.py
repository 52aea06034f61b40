"""bundle.json: everything a host needs to run the exported models, as typed values.

Units are metres, radians and seconds; the world is DART's: Z up, rotations are 3x3 matrices that
act on column vectors. ``batch`` and ``steps`` in a shape are dimensions the host chooses.
"""

from __future__ import annotations

from typing import Dict, List, Literal, Optional, Union

import msgspec

BUNDLE_SCHEMA = 1
BUNDLE_FILE = "bundle.json"

Kind = Literal["dart", "sandbox", "plumbing"]
Precision = Literal["fp64", "fp32", "fp16", "int8"]
PRECISIONS = ("fp64", "fp32", "fp16", "int8")
FULL = ("fp64", "fp32")  # those that nothing was reduced for
Joints = Literal["predicted", "body-model"]
ModelName = Literal[
    "primitive", "primitive_body", "denoiser", "vae_decoder", "vae_encoder", "clip_text"
]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """A part of bundle.json. Fields that a newer dartenv added are ignored when read."""


class Sizes(Struct, frozen=True, kw_only=True):
    """The sizes that the tensors' shapes are made of.

    ``history`` H and ``future`` N frames, ``features`` F numbers a frame, ``tokens`` T latent
    tokens of ``latent`` Z numbers, ``text`` numbers of a text embedding, ``joints`` body joints.
    """

    history: int
    future: int
    features: int
    tokens: int
    latent: int
    text: int
    joints: int


class Schedule(Struct, frozen=True, kw_only=True):
    """One way to sample: S steps, each ``x = x0 * a + x * b + noise * c``.

    ``timesteps`` are the values given to the denoiser, in the order of the steps (the noisiest
    first). ``coefficients`` holds ``[a, b, c]`` for each of them. ``respacing`` is DART's own name
    ("" is the full ancestral sampler). ``stochastic``: whether any ``c`` differs from zero.
    """

    name: str
    respacing: str
    timesteps: List[int]
    coefficients: List[List[float]]
    stochastic: bool


class Feature(Struct, frozen=True, kw_only=True):
    """``width`` numbers of a frame from ``start`` on."""

    name: str
    start: int
    width: int
    unit: str
    frame: str
    meaning: str


class Statistics(Struct, frozen=True, kw_only=True):
    """normalised = (value - mean) / std, each of F numbers."""

    mean: List[float]
    std: List[float]


class Skeleton(Struct, frozen=True, kw_only=True):
    """The body joints: names, parents (-1 for the root), rest positions in metres.

    ``rest_joints`` are those of the body model at ``betas``, with no translation.
    ``pelvis_offset`` is the rest position of the pelvis, which the models' input of that name
    wants. ``rest_joints_55`` and ``names_55`` add jaw, eyes and fingers where the body model
    has them.
    """

    body: Literal["smplx", "smplh"]
    gender: str
    betas: List[float]
    names: List[str]
    parents: List[int]
    rest_joints: List[List[float]]
    pelvis_offset: List[float]
    names_55: List[str] = []
    parents_55: List[int] = []
    rest_joints_55: List[List[float]] = []


class Start(Struct, frozen=True, kw_only=True):
    """Where a motion begins: DART's seed motion, canonicalised and normalised.

    ``history`` [H, F]; ``world_rotation`` [3, 3] and ``world_translation`` [3] in metres take the
    history's frame to the world.
    """

    source: str
    history: List[List[float]]
    world_rotation: List[List[float]]
    world_translation: List[float]


class Tokenizer(Struct, frozen=True, kw_only=True):
    """CLIP's byte-pair encoding: the vocabulary file, the token table, and the special tokens.

    ``table`` is a float16 npy file [vocabulary, width] of token embeddings. An empty prompt is
    the zero embedding, without a run of the text tower. ``synthetic`` marks a text tower or
    vocabulary that is a stand-in.
    """

    kind: Literal["clip-bpe", "hashed"]
    vocabulary: Optional[str]
    table: str
    size: int
    width: int
    context: int
    start_token: int
    end_token: int
    synthetic: bool = False


class Tensor(Struct, frozen=True, kw_only=True):
    """One input or output of a model. A dimension with a name is chosen by the host.

    ``optional``: the file carries a default and the host need not give it.
    """

    name: str
    dtype: Literal["float32", "float16", "int64", "int8", "uint8"]
    shape: List[Union[int, str]]
    unit: str
    frame: str
    meaning: str
    optional: bool = False


class Parity(Struct, frozen=True, kw_only=True):
    """How far an output was from the reference: ``error`` against ``limit``, both in ``unit``.

    ``gate``: missing the limit keeps a reduced file from being written unless it is asked for.
    """

    reference: str
    what: str
    error: float
    limit: Optional[float]
    unit: str
    passed: bool
    gate: bool = False


class Speed(Struct, frozen=True, kw_only=True):
    """One measurement at export: median and least milliseconds of one run."""

    provider: str
    threads: int
    batch: int
    runs: int
    median_ms: float
    min_ms: float
    onnxruntime: str
    note: str = ""


class ModelFile(Struct, frozen=True, kw_only=True):
    """One file of a model. ``path`` is relative to bundle.json, with forward slashes.

    ``onnxruntime`` is the oldest ONNX Runtime whose documented opset and IR cover the file.
    ``below_gate`` says in words what an accuracy gate found where the file missed one.
    """

    path: str
    format: Literal["onnx", "ort"]
    precision: Precision
    portable: bool
    sha256: str
    size: int
    opset: int
    ir: int
    contrib: bool
    onnxruntime: str
    parity: List[Parity] = []
    speed: List[Speed] = []
    below_gate: Optional[str] = None


class Refused(Struct, frozen=True, kw_only=True):
    """A reduced model that missed the accuracy gate and was therefore not written.

    ``path`` is what its files would be called, less the ending.
    """

    model: ModelName
    precision: Precision
    portable: bool
    path: str
    why: str
    parity: List[Parity] = []


class Model(Struct, frozen=True, kw_only=True):
    """A model with its inputs, outputs and the files that hold it."""

    name: ModelName
    meaning: str
    inputs: List[Tensor]
    outputs: List[Tensor]
    files: List[ModelFile]
    joints: Optional[Joints] = None


class DataFile(Struct, frozen=True, kw_only=True):
    """A file of the bundle that is no model: token table, vocabulary, this page."""

    path: str
    sha256: str
    size: int
    meaning: str


class Source(Struct, frozen=True, kw_only=True):
    """What the bundle was made from. ``path`` is relative to the DART root where it lies in it."""

    role: str
    path: str
    sha256: str
    size: int
    stand_in: bool = False


class Bundle(Struct, frozen=True, kw_only=True):
    """bundle.json.

    ``kind``: "dart" was made from DART's own weights, "sandbox" from the sandbox's small ones,
    "plumbing" with the ``stand_ins`` named: its motion means nothing. ``fps`` frames a second.
    ``schedule`` names the sampler that the files use unless given another of ``schedules``.
    ``latent_scale`` is what the denoiser's latent is multiplied with before the VAE decodes it;
    the fused graphs and the VAE's files expect and contain what their tensors say. ``refused`` are
    reduced models that missed the gate and are not here.
    """

    schema: int
    dartenv: str
    kind: Kind
    stand_ins: List[str]
    sizes: Sizes
    fps: int
    schedule: str
    schedules: List[Schedule]
    guidance: float
    latent_scale: float
    features: List[Feature]
    statistics: Statistics
    skeleton: Skeleton
    start: Start
    tokenizer: Tokenizer
    models: List[Model]
    files: List[DataFile]
    sources: List[Source]
    created_with: Dict[str, str] = {}
    refused: List[Refused] = []

    def model(self, name: str) -> Optional[Model]:
        """The model of that name, or None."""
        return next((model for model in self.models if model.name == name), None)

    def sampler(self, name: Optional[str] = None) -> Optional[Schedule]:
        """The schedule of that name or respacing (the default one for None), or None."""
        wanted = self.schedule if name is None else name
        return next((s for s in self.schedules if wanted in (s.name, s.respacing)), None)
