"""Building, judging and writing the files of each model."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence

import numpy as np

from dartenv.bundle.contract import FULL, PRECISIONS, Model, ModelFile, Parity, Refused, Speed
from dartenv.bundle.files import hash_file
from dartenv.errors import UsageFault
from dartenv.export import gate, measure
from dartenv.export.conditions import Conditions
from dartenv.export.describe import MEANINGS, tensors
from dartenv.export.files import write_bytes, write_ort
from dartenv.export.gate import JudgeMotion
from dartenv.export.graph import IR_VERSION, OPSET
from dartenv.export.judging import Gate, Judging
from dartenv.export.models import build, default_sampler
from dartenv.export.prompts import ClipTexts, texts_of_weights
from dartenv.export.reduce import reduced
from dartenv.manifests.export import export_spec, oldest_onnxruntime
from dartenv.manifests.loader import Manifests
from dartenv.model.diffusion import Sampler
from dartenv.model.source import DartSource

VARIANTS = ("desktop", "portable")
FORMATS = ("onnx", "ort")
Say = Callable[[str], None]


@dataclass(frozen=True)
class ExportOptions:
    """What to write. ``keep_below_gate`` writes what misses the accuracy gate, marked so.

    ``check`` measures parity, gate and speed; without it nothing is measured, and reduced
    precisions count as not judged. ``vocabulary`` is CLIP's byte-pair vocabulary (.txt.gz).
    ``judge`` holds reduced models' motion against the smoke tests' judges.
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
    judge: Optional[JudgeMotion] = None


def check_names(given: Sequence[str], known: Sequence[str], what: str) -> None:
    """Raises UsageFault for one of ``given`` that is not known."""
    for name in given:
        if name not in known:
            raise UsageFault(f"{what} {name!r}", "one of: " + ", ".join(known))


class FileWriter:
    """Judges, measures and writes the files of models, whatever they were made from.

    ``sampler`` is the one that the files use. ``new`` are the files that were written.
    """

    def __init__(
        self,
        conditions: Conditions,
        out: Path,
        options: ExportOptions,
        manifests: Manifests,
        say: Say,
        sampler: Sampler,
    ) -> None:
        self.conditions, self.out, self.options, self.say = conditions, out, options, say
        self.spec = export_spec(manifests)
        self.oldest = oldest_onnxruntime(manifests, OPSET, IR_VERSION)
        self.sampler = sampler
        self.refused: List[Refused] = []
        self.new: List[Path] = []
        self.notes: List[str] = []
        self.runtime = measure.runtime()
        self.can_run = options.check and self.runtime is not None
        if options.check and self.runtime is None:
            self.notes.append("onnxruntime is not installed: neither parity nor speed was measured")
        self.judging = Judging(
            conditions, self.spec, sampler, options.judge, self.clip, self.full_primitive
        )

    def note(self, text: str) -> None:
        """Say ``text`` once, at the end."""
        if text not in self.notes:
            self.notes.append(text)

    def clip(self) -> Optional[ClipTexts]:
        """CLIP's way from prompts to embeddings, where there is one."""
        return None

    def full_primitive(self) -> Optional[Any]:
        """The full primitive's model, whose loops the separate models are judged in."""
        return None

    def reduced(
        self, name: str, full: Any, precisions: Sequence[str], contrib: bool
    ) -> List[ModelFile]:
        """The files of the model ``full`` in each of ``precisions``, those that may be written."""
        held: Optional[Gate] = None
        files: List[ModelFile] = []
        for precision in precisions:
            self.say(f"reducing {name} to {precision}, {'desktop' if contrib else 'portable'}")
            model = reduced(full, precision, contrib)
            parity: List[Parity] = []
            session: Any = None
            data = model.SerializeToString()
            if self.can_run:
                held = held or self.judging.against(name, full)
                parity = held(model)
                session = measure.open_session(data)
            files += self.written(name, precision, contrib, data, parity, session)
        return files

    def written(
        self,
        name: str,
        precision: str,
        contrib: bool,
        data: bytes,
        parity: List[Parity],
        session: Any,
    ) -> List[ModelFile]:
        """Write the model's formats; none where it is below the gate and was not asked for so."""
        variant = "" if contrib else ".portable"
        stem = f"{name}.{precision}{variant}"
        below = gate.missed(parity) if precision not in FULL else None
        if precision not in FULL and not parity:
            below = "not judged: onnxruntime is not installed or checks were turned off"
        if below is not None and not self.options.keep_below_gate:
            self.refused.append(
                Refused(
                    model=name,  # type: ignore[arg-type]
                    precision=precision,  # type: ignore[arg-type]
                    portable=not contrib,
                    path=stem,
                    why=below,
                    parity=parity,
                )
            )
            return []
        speed = self._speed(name, session)
        found = []
        for form in self.options.formats:
            path = self.out / f"{stem}.{form}"
            if form == "onnx":
                write_bytes(data, path)
            else:
                write_ort(data, path, contrib)
                if precision == "fp16":
                    self.note(
                        "fp16 as .ort is as large as fp32: ONNX Runtime widens it as it writes"
                    )
            self.new.append(path)
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
                    below_gate=below,
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
        c = self.conditions
        if name.startswith("primitive"):
            feed = measure.start_feed(c, 1, 5.0, name == "primitive_body")
            feed["noise"] = measure.noises(c, 1, self.sampler.steps, 1, seed=0)[0]
            feed["text"] = np.zeros((1, c.text_width), dtype=np.float32)
        else:
            feed = measure.random_feed(session, c, 1, seed=0)
        return [measure.measure_speed(session, feed, threads=1)]


class ModelWriter(FileWriter):
    """Builds, measures and writes the models of ``source`` one after the other."""

    def __init__(
        self, source: DartSource, out: Path, options: ExportOptions, manifests: Manifests, say: Say
    ) -> None:
        super().__init__(
            source, out, options, manifests, say, default_sampler(source, options.respacing)
        )
        self.source = source
        self._clip: Optional[ClipTexts] = None

    def clip(self) -> Optional[ClipTexts]:
        state, vocabulary = self.source.clip_state, self.options.vocabulary
        if self._clip is None and state is not None and vocabulary is not None:
            self._clip = texts_of_weights(state, vocabulary)
        return self._clip

    def full_primitive(self) -> Optional[Any]:
        return build("primitive", self.source, "fp32", True, self.options.respacing)

    def model(self, name: str) -> Model:
        """All files of the model ``name``."""
        files: List[ModelFile] = []
        described: Any = None
        asked = self.options.precisions
        smaller = [p for p in PRECISIONS if p in asked and p not in FULL]
        for variant in self.options.variants:
            contrib = variant == "desktop"
            self.say(f"building {name}, {variant}")
            full = build(name, self.source, "fp32", contrib, self.options.respacing)
            if described is None:
                described = tensors(full)
            if "fp32" in asked:
                files += self._full(name, "fp32", contrib, full)
            files += self.reduced(name, full, smaller, contrib)
        if "fp64" in asked:  # once, as portable: it is for comparing
            self.say(f"building {name} in double")
            double = build(name, self.source, "fp64", False, self.options.respacing)
            files += self._full(name, "fp64", False, double)
        joints = {"primitive": "predicted", "primitive_body": "body-model"}.get(name)
        return Model(
            name=name,  # type: ignore[arg-type]
            meaning=MEANINGS[name],
            inputs=described[0],
            outputs=described[1],
            files=files,
            joints=joints,  # type: ignore[arg-type]
        )

    def _full(self, name: str, precision: str, contrib: bool, model: Any) -> List[ModelFile]:
        """The files of a model in full precision."""
        data = model.SerializeToString()
        session = measure.open_session(data) if self.can_run else None
        parity = [] if session is None else self._parity(name, session)
        return self.written(name, precision, contrib, data, parity, session)

    def _parity(self, name: str, session: Any) -> List[Parity]:
        try:
            parity: Any = importlib.import_module("dartenv.export.parity")
        except ImportError:
            self.note("torch is not installed: fp32 was not held against the reference")
            return []
        if name.startswith("primitive"):
            body, spec = name == "primitive_body", self.spec.parity
            return list(
                parity.primitive_parity(session, self.source, body, spec, self.options.respacing)
            )
        return list(parity.tensor_parity(session, name, self.source, self.spec.parity))
