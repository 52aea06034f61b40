"""What is told of a bundle, a model or a checkpoint: one value, for console and JSON alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from dartenv.bundle.contract import BUNDLE_FILE, Bundle, Model, ModelFile, Tensor
from dartenv.bundle.files import bundle_json, file_path, hash_file, load_bundle, verify
from dartenv.errors import UsageFault
from dartenv.inspection.onnx_file import OnnxFile, Value, read_onnx


@dataclass(frozen=True)
class Row:
    """An input, an output, or a tensor of a checkpoint."""

    role: str
    name: str
    dtype: str
    shape: str
    unit: str = ""
    frame: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Section:
    """One model with its rows, and its files as (path, facts) lines."""

    title: str
    about: str = ""
    rows: Tuple[Row, ...] = ()
    files: Tuple[Dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The whole table. ``kind`` is bundle, onnx, ort or checkpoint; ``facts`` in order."""

    kind: str
    path: str
    facts: Dict[str, Any] = field(default_factory=dict)
    sections: Tuple[Section, ...] = ()
    warnings: Tuple[str, ...] = ()


def describe(path: Path, check: bool = False) -> Sheet:
    """What ``path`` is: a bundle's folder or bundle.json, an .onnx or .ort file, a checkpoint.

    ``check`` holds a bundle's files against their hashes. Raises UsageFault where it is none.
    """
    if path.is_dir() or path.name == BUNDLE_FILE:
        return _bundle(path, check)
    if not path.is_file():
        raise UsageFault(f"{path}: not there", "a bundle, a model or a checkpoint")
    ending = path.suffix.lower()
    if ending == ".onnx":
        return _onnx(path)
    if ending == ".ort":
        return _ort(path)
    return _checkpoint(path)


def _shape(dims: Sequence[Any]) -> str:
    return "[" + ", ".join(str(d) for d in dims) + "]"


def _tensor_rows(model: Model) -> Tuple[Row, ...]:
    def row(role: str, tensor: Tensor) -> Row:
        said = "input, optional" if tensor.optional else role
        return Row(
            said,
            tensor.name,
            tensor.dtype,
            _shape(tensor.shape),
            tensor.unit,
            tensor.frame,
            tensor.meaning,
        )

    return (
        *(row("input", tensor) for tensor in model.inputs),
        *(row("output", tensor) for tensor in model.outputs),
    )


def _bundle(folder: Path, check: bool) -> Sheet:
    bundle = load_bundle(folder)
    sections = tuple(
        Section(
            model.name,
            model.meaning,
            _tensor_rows(model),
            tuple(_bundle_file(folder, file) for file in model.files),
        )
        for model in bundle.models
    )
    others = tuple(
        {"path": file.path, "size": file.size, "sha256": file.sha256, "about": file.meaning}
        for file in bundle.files
    )
    if others:
        sections += (Section("other files", files=others),)
    warnings = [
        f"{file.path} is below its accuracy gate: {file.below_gate}"
        for model in bundle.models
        for file in model.files
        if file.below_gate
    ]
    warnings += [f"{one.path} was not written: {one.why}" for one in bundle.refused]
    if check:
        verify(folder, [*(f for m in bundle.models for f in m.files), *bundle.files])
    path = str(bundle_json(folder))
    return Sheet("bundle", path, _bundle_facts(bundle, check), sections, tuple(warnings))


def _bundle_facts(bundle: Bundle, check: bool) -> Dict[str, Any]:
    sizes = bundle.sizes
    stand_ins = ", ".join(bundle.stand_ins)
    return {
        "kind": bundle.kind + (f" (stand-ins for {stand_ins})" if stand_ins else ""),
        "written by": f"dartenv {bundle.dartenv}, schema {bundle.schema}",
        "sizes": f"H={sizes.history} N={sizes.future} F={sizes.features} T={sizes.tokens} "
        f"Z={sizes.latent} C={sizes.text} J={sizes.joints}",
        "rate": f"{bundle.fps} frames a second",
        "sampler": f"{bundle.schedule} (also {_others(bundle)})",
        "body": f"{bundle.skeleton.body} {bundle.skeleton.gender}, {len(bundle.skeleton.names)} joints"
        + (f", {len(bundle.skeleton.names_55)} with hands" if bundle.skeleton.names_55 else ""),
        "texts": f"{bundle.tokenizer.kind}, {bundle.tokenizer.size} tokens",
        "files": "every hash as exported" if check else "hashes not read (--check reads them)",
    }


def _others(bundle: Bundle) -> str:
    names = [s.name for s in bundle.schedules if s.name != bundle.schedule]
    return ", ".join(names) or "none"


def _bundle_file(folder: Path, file: ModelFile) -> Dict[str, Any]:
    facts: Dict[str, Any] = {
        "path": file.path,
        "size": file.size,
        "sha256": file.sha256,
        "precision": file.precision,
        "portable": file.portable,
        "opset": file.opset,
        "ir": file.ir,
        "onnxruntime": file.onnxruntime,
    }
    path = file_path(folder, file)
    if file.format == "onnx" and path.is_file():
        facts["parameters"] = read_onnx(path).parameters
    if not path.is_file():
        facts["missing"] = True
    judged = [p for p in file.parity if p.limit is not None]
    if judged:
        what = "gate" if any(p.gate for p in judged) else "parity"
        facts[what] = "passed" if all(p.passed for p in judged) else "missed"
    if file.speed:
        facts["milliseconds"] = file.speed[0].median_ms
    return facts


def _entry(path: Path) -> Optional[Model]:
    """What the bundle beside ``path`` says of it, where there is one that names it."""
    if not (path.parent / BUNDLE_FILE).is_file():
        return None
    try:
        bundle = load_bundle(path.parent)
    except UsageFault:
        return None
    for model in bundle.models:
        if any(file.path == path.name for file in model.files):
            return model
    return None


def _value_rows(
    required: Sequence[Value], optional: Sequence[Value], outputs: Sequence[Value], path: Path
) -> Tuple[Row, ...]:
    entry = _entry(path)
    known = {t.name: t for t in [*entry.inputs, *entry.outputs]} if entry else {}

    def row(role: str, value: Value) -> Row:
        tensor = known.get(value.name)
        words = (tensor.unit, tensor.frame, tensor.meaning) if tensor else ("", "", "")
        return Row(role, value.name, value.dtype, _shape(value.shape), *words)

    return (
        *(row("input", value) for value in required),
        *(row("input, optional", value) for value in optional),
        *(row("output", value) for value in outputs),
    )


def _file_facts(path: Path) -> Dict[str, Any]:
    try:
        digest, size = hash_file(path)
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None
    return {"bytes": size, "sha256": digest}


def _onnx(path: Path) -> Sheet:
    model = read_onnx(path)
    optional = [v for v in model.graph.inputs if v.name in model.graph.constants]
    rows = _value_rows(model.required, optional, model.graph.outputs, path)
    return Sheet("onnx", str(path), {**_model_facts(model), **_file_facts(path)}, (
        Section(model.graph.name or path.stem, rows=rows),
    ))  # fmt: skip


def _model_facts(model: OnnxFile) -> Dict[str, Any]:
    opsets = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in model.opsets.items())
    dtypes: Dict[str, int] = {}
    for constant in model.graph.every_constant():
        dtypes[constant.dtype] = dtypes.get(constant.dtype, 0) + constant.count
    common = ", ".join(f"{kind} {count}" for kind, count in model.operators[:6])
    return {
        "opset": opsets,
        "ir": model.ir,
        "producer": model.producer or "not stated",
        "operators": f"{sum(n for _, n in model.operators)} ({common})",
        "parameters": model.parameters,
        "numbers kept": ", ".join(f"{v} {k}" for k, v in sorted(dtypes.items())),
    }


def _ort(path: Path) -> Sheet:
    """An .ort file is laid out by ONNX Runtime alone, so it is asked."""
    from dartenv.runtime.sessions import onnxruntime

    ort = onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes have no common base of theirs
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageFault(f"{path}: {line[:200]}", "a model this ONNX Runtime loads") from None

    def values(found: Any) -> List[Value]:
        return [
            Value(v.name, _ort_type(v.type), tuple("?" if d is None else d for d in v.shape))
            for v in found
        ]

    optional = values(session.get_overridable_initializers())
    rows = _value_rows(values(session.get_inputs()), optional, values(session.get_outputs()), path)
    facts = {"loaded by": f"ONNX Runtime {ort.__version__}", **_file_facts(path)}
    return Sheet("ort", str(path), facts, (Section(path.stem, rows=rows),))


def _ort_type(text: str) -> str:
    """ONNX Runtime's "tensor(float)" as everyone else says it."""
    name = text[len("tensor(") : -1] if text.startswith("tensor(") else text
    return {"float": "float32", "double": "float64"}.get(name, name)


def _checkpoint(path: Path) -> Sheet:
    from dartenv.assets.torch_file import inspect_torch

    found = inspect_torch(str(path))
    if not found.readable:
        raise UsageFault(
            f"{path}: {found.problem or found.kind}", "a bundle, an .onnx, an .ort or a checkpoint"
        )
    rows = tuple(
        Row("tensor", name, str(v.dtype or "?"), _shape(v.shape or ()))
        for name, v in found.tensors.items()
    )
    total = 0
    for value in found.tensors.values():
        count = 1
        for size in value.shape or ():
            count *= size
        total += count
    facts: Dict[str, Any] = {
        "form": found.kind,
        "whole": {True: "yes", False: "no", None: "could not tell"}[found.complete],
        "state dict": found.state_under or "the top level",
        "entries": ", ".join(list(found.entries)[:8]),
        "parameters": total,
    }
    if found.steps is not None:
        facts["training steps"] = found.steps
    warnings = [found.problem] if found.problem else []
    if found.foreign_globals:
        names = ", ".join(found.foreign_globals[:4])
        warnings.append(f"loading it would run {names}; it was read without loading")
    facts.update(_file_facts(path))
    return Sheet("checkpoint", str(path), facts, (Section("tensors", rows=rows),), tuple(warnings))
