"""Making a bundle: build every model, hold it against its reference, write it, describe it all."""

from __future__ import annotations

import gzip
import importlib
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

import dartenv
from dartenv.bundle.contract import (
    BUNDLE_SCHEMA,
    Bundle,
    DataFile,
    Kind,
    Model,
    ModelFile,
    Parity,
    Schedule,
    Sizes,
    Skeleton,
    Source,
    Speed,
    Start,
    Statistics,
    Tokenizer,
)
from dartenv.bundle.files import hash_file, save_bundle
from dartenv.bundle.skeleton import joint_names
from dartenv.errors import UsageFault
from dartenv.export import gate, measure
from dartenv.export.clip import text_sizes, token_table
from dartenv.export.describe import MEANINGS, features, tensors
from dartenv.export.files import write_bytes, write_ort
from dartenv.export.graph import IR_VERSION, OPSET, PRECISIONS
from dartenv.export.models import MODELS, build, default_sampler
from dartenv.manifests.export import export_spec, oldest_onnxruntime
from dartenv.manifests.loader import Manifests
from dartenv.model.diffusion import respacings, sampler
from dartenv.model.source import BETAS, JOINTS, DartSource

TABLE_FILE = "clip_tokens.npy"
VOCABULARY_FILE = "tokenizer/bpe_simple_vocab_16e6.txt.gz"
VARIANTS = ("desktop", "portable")
FORMATS = ("onnx", "ort")
Say = Callable[[str], None]


@dataclass(frozen=True)
class ExportOptions:
    """What to write. ``keep_below_gate`` writes what misses the accuracy gate, marked so.

    ``check`` measures parity, gate and speed; without it nothing is measured, and reduced
    precisions count as not judged. ``vocabulary`` is CLIP's byte-pair vocabulary (.txt.gz).
    """

    models: Sequence[str] = ()
    precisions: Sequence[str] = ("fp32", "int8")
    variants: Sequence[str] = VARIANTS
    formats: Sequence[str] = ("onnx",)
    respacing: str = ""
    keep_below_gate: bool = False
    check: bool = True
    vocabulary: Optional[Path] = None
    stand_ins: Sequence[str] = ()


@dataclass
class Refused:
    """A file that the gate kept from being written, and why."""

    path: str
    why: str


@dataclass
class Exported:
    """A written bundle and what was left out of it."""

    bundle: Bundle
    folder: Path
    refused: List[Refused] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)


def export_bundle(
    source: DartSource,
    out: Path,
    kind: Kind,
    options: ExportOptions,
    manifests: Manifests,
    say: Say = lambda text: None,
) -> Exported:
    """Write the bundle of ``source`` into ``out``, which is made.

    Raises UsageFault: a model or precision that there is not, a folder that holds other things,
    a full disk, weights that are not there.
    """
    _check(options, source)
    _prepare(out)
    writer = _Writer(source, out, options, manifests, say)
    models = [writer.model(name) for name in _wanted(options, source)]
    files, tokenizer = _text_files(source, out, options, bool(options.stand_ins))
    bundle = Bundle(
        schema=BUNDLE_SCHEMA,
        dartenv=dartenv.__version__,
        kind=kind,
        stand_ins=list(options.stand_ins),
        sizes=_sizes(source),
        fps=source.fps,
        schedule=default_sampler(source, options.respacing).name,
        schedules=_schedules(source),
        guidance=export_spec(manifests).guidance,
        latent_scale=float(np.asarray(source.latent_scale).reshape(-1)[0]),
        features=features(),
        statistics=Statistics(mean=source.mean.tolist(), std=source.std.tolist()),
        skeleton=_skeleton(source),
        start=_start(source),
        tokenizer=tokenizer,
        models=[model for model in models if model.files],
        files=files,
        sources=_sources(source),
        created_with=_versions(),
    )
    save_bundle(bundle, out)
    return Exported(bundle, out, writer.refused, writer.notes)


def _check(options: ExportOptions, source: DartSource) -> None:
    for given, known, what in (
        (options.models, MODELS, "model"),
        (options.precisions, PRECISIONS, "precision"),
        (options.variants, VARIANTS, "variant"),
        (options.formats, FORMATS, "format"),
    ):
        for name in given:
            if name not in known:
                raise UsageFault(f"{what} {name!r}", "one of: " + ", ".join(known))
    sampler(source.diffusion, options.respacing)


def _wanted(options: ExportOptions, source: DartSource) -> List[str]:
    names = options.models or [name for name in MODELS if name != "primitive_body"]
    if source.clip_state is None:
        if "clip_text" in options.models:
            raise UsageFault("clip_text: no CLIP weights", "ViT-B-32.pt", "dartenv fix assets.clip")
        names = [name for name in names if name != "clip_text"]
    return [name for name in MODELS if name in names]


def _prepare(out: Path) -> None:
    """Make ``out``; refuse one that holds something other than a bundle."""
    if out.exists() and not out.is_dir():
        raise UsageFault(f"{out}: a file", "a folder to write the bundle into")
    if out.is_dir() and any(out.iterdir()) and not (out / "bundle.json").is_file():
        raise UsageFault(f"{out}: holds other things", "an empty folder or a bundle")
    try:
        # A bundle that is written over must not pass for whole while it is not.
        (out / "bundle.json").unlink()
    except FileNotFoundError:
        pass
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageFault(f"{out}: {error.strerror}", "a folder that can be written") from None


class _Writer:
    """Builds, measures and writes models one after the other."""

    def __init__(
        self, source: DartSource, out: Path, options: ExportOptions, manifests: Manifests, say: Say
    ) -> None:
        self.source, self.out, self.options, self.say = source, out, options, say
        self.spec = export_spec(manifests)
        self.oldest = oldest_onnxruntime(manifests, OPSET, IR_VERSION)
        self.refused: List[Refused] = []
        self.notes: List[str] = []
        self.runtime = measure.runtime()
        self.can_run = options.check and self.runtime is not None
        if options.check and self.runtime is None:
            self.notes.append("onnxruntime is not installed: neither parity nor speed was measured")

    def model(self, name: str) -> Model:
        """All files of the model ``name``."""
        full: Any = None
        files: List[ModelFile] = []
        described: Any = None
        for variant in self.options.variants:
            contrib = variant == "desktop"
            full = None
            for precision in sorted(self.options.precisions, key=PRECISIONS.index):
                self.say(f"building {name} {precision} {variant}")
                proto = build(name, self.source, precision, contrib, self.options.respacing)
                if described is None:
                    described = tensors(proto)
                data = proto.SerializeToString()
                session = measure.open_session(data) if self.can_run else None
                if precision != "fp32" and self.can_run and full is None:
                    reference = build(name, self.source, "fp32", contrib, self.options.respacing)
                    full = measure.open_session(reference.SerializeToString())
                parity = self._judged(name, precision, session, full)
                files += self._written(name, precision, contrib, data, parity, session)
                if precision == "fp32":
                    full = session
        joints = {"primitive": "predicted", "primitive_body": "body-model"}.get(name)
        return Model(
            name=name,  # type: ignore[arg-type]
            meaning=MEANINGS[name],
            inputs=described[0],
            outputs=described[1],
            files=files,
            joints=joints,  # type: ignore[arg-type]
        )

    def _judged(self, name: str, precision: str, session: Any, full: Any) -> List[Parity]:
        if session is None:
            return []
        body = name == "primitive_body"
        if precision == "fp32":
            return self._parity(name, session, body)
        if not name.startswith("primitive"):
            return gate.judge_tensors(session, full, name, self.source, self.spec.gate)
        steps = default_sampler(self.source, self.options.respacing).steps
        return gate.judge_primitive(
            session,
            full,
            self.source,
            body,
            self._texts(),
            self.spec.gate,
            self.spec.guidance,
            steps,
        )

    def _parity(self, name: str, session: Any, body: bool) -> List[Parity]:
        try:
            parity: Any = importlib.import_module("dartenv.export.parity")
        except ImportError:
            note = "torch is not installed: fp32 was not held against the reference"
            if note not in self.notes:
                self.notes.append(note)
            return []
        if name.startswith("primitive"):
            return list(
                parity.primitive_parity(
                    session, self.source, body, self.spec.parity, self.options.respacing
                )
            )
        return list(parity.tensor_parity(session, name, self.source, self.spec.parity))

    def _texts(self) -> List[Any]:
        """Embeddings [1, C] for the gate."""
        return [
            measure.text_like(self.source, seed, prompt)
            for seed, prompt in enumerate(self.spec.gate.prompts)
        ]

    def _written(
        self,
        name: str,
        precision: str,
        contrib: bool,
        data: bytes,
        parity: List[Parity],
        session: Any,
    ) -> List[ModelFile]:
        variant = "" if contrib else ".portable"
        stem = f"{name}.{precision}{variant}"
        below = gate.missed(parity)
        if precision != "fp32" and not parity:
            below = "not judged: onnxruntime is not installed or checks were turned off"
        if below is not None and precision != "fp32" and not self.options.keep_below_gate:
            self.refused.append(Refused(stem, below))
            return []
        speed = self._speed(name, session)
        found = []
        for form in self.options.formats:
            path = self.out / f"{stem}.{form}"
            if form == "onnx":
                write_bytes(data, path)
            else:
                write_ort(data, path, contrib)
            digest, size = hash_file(path)
            found.append(
                ModelFile(
                    path=path.name,
                    format=form,  # type: ignore[arg-type]
                    precision=precision,  # type: ignore[arg-type]
                    portable=not contrib,
                    sha256=digest,
                    size=size,
                    opset=OPSET,
                    ir=IR_VERSION,
                    contrib=contrib and b"com.microsoft" in data,
                    onnxruntime=self.oldest if form == "onnx" else str(self.runtime.__version__),  # type: ignore[union-attr]
                    parity=parity,
                    speed=speed,
                    below_gate=below if precision != "fp32" else None,
                )
            )
        return found

    def _speed(self, name: str, session: Any) -> List[Speed]:
        if session is None:
            return []
        if name.startswith("primitive"):
            feed = measure.start_feed(self.source, 1, 5.0, name == "primitive_body")
            steps = default_sampler(self.source, self.options.respacing).steps
            feed["noise"] = measure.noises(self.source, 1, steps, 1, seed=0)[0]
            feed["text"] = np.zeros((1, self.source.denoiser.text), dtype=np.float32)
        else:
            feed = measure.random_feed(session, self.source, 1, seed=0)
        return [measure.measure_speed(session, feed, threads=1)]


def _text_files(
    source: DartSource, out: Path, options: ExportOptions, stand_in: bool
) -> Tuple[List[DataFile], Tokenizer]:
    """The token table and vocabulary, and what they are."""
    if source.clip_state is None:
        width = source.denoiser.text
        tokenizer = Tokenizer(
            kind="hashed",
            vocabulary=None,
            table="",
            size=0,
            width=width,
            context=0,
            start_token=0,
            end_token=0,
            synthetic=True,
        )
        return [], tokenizer
    sizes = text_sizes(source.clip_state)
    half, error = token_table(source.clip_state)
    with (out / TABLE_FILE).open("wb") as stream:
        np.save(stream, half)
    files = [
        _data_file(
            out, TABLE_FILE, f"token embeddings, float16; halving moved none by over {error:.1e}"
        )
    ]
    vocabulary = None
    if options.vocabulary is not None:
        target = out / VOCABULARY_FILE
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_vocabulary(options.vocabulary)
        shutil.copyfile(str(options.vocabulary), str(target))
        files.append(
            _data_file(out, VOCABULARY_FILE, "CLIP's byte-pair merges, as openai/CLIP has them")
        )
        vocabulary = VOCABULARY_FILE
    tokenizer = Tokenizer(
        kind="clip-bpe",
        vocabulary=vocabulary,
        table=TABLE_FILE,
        size=sizes["vocabulary"],
        width=sizes["width"],
        context=sizes["context"],
        start_token=sizes["vocabulary"] - 2,
        end_token=sizes["vocabulary"] - 1,
        synthetic=stand_in
        and any("clip" in s.lower() or "vit" in s.lower() for s in options.stand_ins),
    )
    return files, tokenizer


def _check_vocabulary(path: Path) -> None:
    try:
        with gzip.open(str(path), "rb") as stream:
            head = stream.read(64)
    except (OSError, EOFError) as error:
        raise UsageFault(f"{path}: {error}", "CLIP's bpe_simple_vocab_16e6.txt.gz") from None
    if b"bpe_simple_vocab" not in head:
        raise UsageFault(
            f"{path}: begins with {head[:20]!r}", "CLIP's bpe_simple_vocab_16e6.txt.gz"
        )


def _data_file(out: Path, name: str, meaning: str) -> DataFile:
    digest, size = hash_file(out / name)
    return DataFile(path=name, sha256=digest, size=size, meaning=meaning)


def _sizes(source: DartSource) -> Sizes:
    tokens, latent = source.denoiser.noise
    return Sizes(
        history=source.history_frames,
        future=source.future_frames,
        features=source.vae.features,
        tokens=tokens,
        latent=latent,
        text=source.denoiser.text,
        joints=JOINTS,
    )


def _schedules(source: DartSource) -> List[Schedule]:
    found = []
    for respacing in ("", *respacings(source.diffusion.steps)):
        made = sampler(source.diffusion, respacing)
        found.append(
            Schedule(
                name=made.name,
                respacing=respacing,
                timesteps=list(made.timesteps),
                coefficients=made.coefficients.tolist(),
                stochastic=made.stochastic,
            )
        )
    return found


def _skeleton(source: DartSource) -> Skeleton:
    rest = source.rest_joints.tolist()
    names, parents = joint_names(len(rest)), list(source.parents)
    whole: Dict[str, Any] = {}
    if len(rest) > JOINTS:
        whole = {"names_55": names, "parents_55": parents, "rest_joints_55": rest}
    return Skeleton(
        body=source.body,  # type: ignore[arg-type]
        gender=source.gender,
        betas=[0.0] * BETAS,
        names=names[:JOINTS],
        parents=parents[:JOINTS],
        rest_joints=rest[:JOINTS],
        pelvis_offset=rest[0],
        **whole,
    )


def _start(source: DartSource) -> Start:
    return Start(
        source=source.motion,
        history=source.history.tolist(),
        world_rotation=np.eye(3).tolist(),
        world_translation=[0.0, 0.0, 0.0],
    )


def _sources(source: DartSource) -> List[Source]:
    found = []
    for file in source.files:
        try:
            shown = file.path.resolve().relative_to(source.root.resolve()).as_posix()
        except ValueError:
            shown = file.path.name
        found.append(Source(role=file.role, path=shown, sha256=file.sha256, size=file.size))
    return found


def _versions() -> Dict[str, str]:
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in ("numpy", "onnx", "onnxruntime", "torch"):
        module = sys.modules.get(name)
        if module is not None:
            found[name] = str(module.__version__)
    return found
