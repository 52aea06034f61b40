"""Building, judging and writing the files of each model."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np

from dartenv.bundle.contract import Model, ModelFile, Parity, Speed
from dartenv.bundle.files import hash_file
from dartenv.export import gate, measure
from dartenv.export.describe import MEANINGS, tensors
from dartenv.export.files import write_bytes, write_ort
from dartenv.export.graph import FULL, IR_VERSION, OPSET, PRECISIONS
from dartenv.export.models import build, default_sampler
from dartenv.manifests.export import export_spec, oldest_onnxruntime
from dartenv.manifests.loader import Manifests
from dartenv.model.source import DartSource

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


class ModelWriter:
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
        for variant, precisions in self._wanted():
            contrib = variant == "desktop"
            full = None
            for precision in precisions:
                self.say(f"building {name} {precision} {variant}")
                proto = build(name, self.source, precision, contrib, self.options.respacing)
                if described is None:
                    described = tensors(proto)
                data = proto.SerializeToString()
                session = measure.open_session(data) if self.can_run else None
                if precision not in FULL and self.can_run and full is None:
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

    def _wanted(self) -> List[Tuple[str, List[str]]]:
        """Each variant and its precisions. fp64 is there once, as portable: it is for comparing."""
        asked = sorted(self.options.precisions, key=PRECISIONS.index)
        found = [(v, [p for p in asked if p != "fp64"]) for v in self.options.variants]
        return found + ([("portable", ["fp64"])] if "fp64" in asked else [])

    def _judged(self, name: str, precision: str, session: Any, full: Any) -> List[Parity]:
        if session is None:
            return []
        body = name == "primitive_body"
        if precision in FULL:
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
        if precision not in FULL and not parity:
            below = "not judged: onnxruntime is not installed or checks were turned off"
        if below is not None and precision not in FULL and not self.options.keep_below_gate:
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
                    onnxruntime=self._oldest(precision, form),
                    parity=parity,
                    speed=speed,
                    below_gate=below if precision not in FULL else None,
                )
            )
        return found

    def _oldest(self, precision: str, form: str) -> str:
        if form != "onnx":
            return str(self.runtime.__version__)  # type: ignore[union-attr]
        return self.spec.double_onnxruntime if precision == "fp64" else self.oldest

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
