"""``dartenv export``: a bundle of ONNX models from a DART tree."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Optional

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.export.bundle import Exported

ALL = "all"
VARIANT = typer.Option(None, "--variant", metavar="NAMES", help="desktop, portable.  [both]")
FORMATS = typer.Option(None, "--as", metavar="NAMES", help="onnx, ort.  [onnx]")
KEEP_BELOW_GATE = typer.Option(
    False, "--keep-below-gate", help="Write reduced models that miss the accuracy gate too."
)


def export(
    out: Path = typer.Option(..., "--out", metavar="BUNDLE", help="The folder to write."),
    dart_root: Optional[str] = common.DART_ROOT,
    denoiser: Optional[str] = typer.Option(
        None, "--denoiser", metavar="CKPT", help="Another denoiser, relative to the root."
    ),
    models: Optional[List[str]] = typer.Option(
        None, "--model", metavar="NAMES", help="Only these models; or all, with primitive_body."
    ),
    precision: Optional[List[str]] = typer.Option(
        None, "--precision", metavar="NAMES", help="fp64, fp32, fp16 (stored), int8.  [fp32,int8]"
    ),
    variant: Optional[List[str]] = VARIANT,
    formats: Optional[List[str]] = FORMATS,
    respacing: str = typer.Option("", "--respacing", help='The sampler: "" or ddimN.'),
    stand_ins: bool = typer.Option(
        False, "--stand-ins", help="Replace what is missing; the bundle is labelled plumbing."
    ),
    keep_below_gate: bool = KEEP_BELOW_GATE,
    check: bool = typer.Option(True, "--check/--no-check", help="Measure parity and speed."),
    clip: Optional[Path] = typer.Option(None, "--clip", metavar="FILE", help="ViT-B-32.pt."),
    vocabulary: Optional[Path] = typer.Option(
        None, "--vocabulary", metavar="FILE", help="CLIP's bpe_simple_vocab_16e6.txt.gz."
    ),
    python: Optional[str] = common.PYTHON,
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Write DART's models as ONNX, with the contract that a host needs to run them."""
    from dartenv.errors import UsageFault

    common.check_format(format_name)
    need_extra()
    from dartenv import exporting
    from dartenv.cache import cache_folder
    from dartenv.export.bundle import export_bundle
    from dartenv.export.models import MODELS
    from dartenv.export.writer import VARIANTS, ExportOptions
    from dartenv.gating import smoke_judge
    from dartenv.model.source import read_source

    read = common.manifests_of(manifests)
    target = common.target_of(read, dart_root, python, None)
    if target.dart_root is None:
        raise UsageFault(
            "no DART tree was given or found at or above the current folder",
            "the folder that holds mld/ and model/",
            "dartenv export --dart-root DIR --out BUNDLE",
        )
    root = Path(target.dart_root)
    own = exporting.own_python()
    pythons = [p for p in (target.python, own) if p]

    def made(ground: Any) -> Exported:
        source = read_source(ground.root, ground.places)
        names = common.split(models)
        words = vocabulary
        if words is None and source.clip_state is not None:
            words = exporting.find_vocabulary(pythons)
        options = ExportOptions(
            models=_names(names, source.clip_state is not None, MODELS),
            precisions=common.split(precision) or ("fp32", "int8"),
            variants=common.split(variant) or VARIANTS,
            formats=common.split(formats) or ("onnx",),
            respacing=respacing,
            keep_below_gate=keep_below_gate,
            check=check,
            vocabulary=words,
            stand_ins=ground.stand_ins,
            judge=smoke_judge(read, ground.kind, source),
        )
        return export_bundle(source, out, ground.kind, options, read, say)

    if stand_ins:
        with exporting.with_stand_ins(
            read, root, pythons[0], denoiser, clip, cache_folder(), say
        ) as ground:
            done = made(ground)
    else:
        done = made(exporting.ground(read, root, denoiser, clip))
    show(done, format_name)


def _names(asked: Any, has_clip: bool, known: Any) -> Any:
    """The models asked for; "all" is every one that the tree has weights for."""
    if ALL not in asked:
        return asked
    return tuple(name for name in known if has_clip or name != "clip_text")


def say(text: str) -> None:
    """What is being done, for whoever waits."""
    print(text, file=sys.stderr)


def need_extra() -> None:
    """UsageFault where numpy or onnx are not there."""
    import importlib.util

    from dartenv.errors import UsageFault

    missing = [name for name in ("numpy", "onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageFault(
            f"{' and '.join(missing)} not installed for {sys.executable}",
            "dartenv's export extra",
            'pip install "dartenv[export,ort]"',
        )


def show(done: Exported, format_name: str) -> None:
    """bundle.json, or what was written in a few lines."""
    import msgspec

    if format_name == "json":
        common.write_document(msgspec.json.encode(done.bundle).decode("utf-8") + "\n")
        return
    bundle = done.bundle
    lines = [f"{done.folder}  {bundle.kind}"]
    if bundle.stand_ins:
        lines.append("  plumbing: stand-ins for " + ", ".join(bundle.stand_ins))
    if bundle.kind == "sandbox":
        lines.append("  sandbox: weights of dartenv's own small project, not DART's")
    lines.append("")
    for model in bundle.models:
        shown = [f for f in model.files if done.added is None or f.path in done.added]
        lines += [_file_line(file) for file in shown]
    for refused in done.refused:
        lines.append(f"  {refused.path}  not written: {refused.why}")
    if done.refused:
        lines.append("  write these too: --keep-below-gate")
    lines += [f"  {note}" for note in done.notes]
    from dartenv.report.terminal import write

    write([[(line, "")] for line in lines], sys.stdout)


def _file_line(file: Any) -> str:
    from dartenv.export.gate import JUDGES

    judged = [p for p in file.parity if p.limit]
    verdict = "not checked"
    if judged:
        # What the motion is like by itself says little of how near two models are.
        near = [p for p in judged if p.reference != JUDGES] or judged
        worst = max(near, key=lambda p: p.error / p.limit)
        state = "gate" if worst.gate else "parity"
        state = state if all(p.passed for p in judged) else "MISSED"
        verdict = f"{state} {worst.error:.1e} of {worst.limit:.1e} {worst.unit}"
    speed = f"  {file.speed[0].median_ms:.1f} ms" if file.speed else ""
    below = "  below the gate" if file.below_gate else ""
    return f"  {file.path:<34} {file.size / 1e6:7.1f} MB  {verdict}{speed}{below}"
