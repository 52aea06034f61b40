"""``dartenv quantize BUNDLE``: smaller precisions for a bundle that is there."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

import typer

from dartenv.cli import common
from dartenv.cli.export import ALL, FORMATS, KEEP_BELOW_GATE, VARIANT, need_extra, say, show


def quantize(
    bundle: Path = typer.Argument(..., metavar="BUNDLE", help="What dartenv export wrote."),
    models: Optional[List[str]] = typer.Option(
        None, "--model", metavar="NAMES", help="Only these models.  [all of the bundle]"
    ),
    precision: Optional[List[str]] = typer.Option(
        None, "--precision", metavar="NAMES", help="fp16 (stored), int8.  [int8]"
    ),
    variant: Optional[List[str]] = VARIANT,
    formats: Optional[List[str]] = FORMATS,
    keep_below_gate: bool = KEEP_BELOW_GATE,
    check: bool = typer.Option(True, "--check/--no-check", help="Judge them, and measure speed."),
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Add reduced models to a bundle, made from its own fp32 files and held against them."""
    common.check_format(format_name)
    need_extra()
    from dartenv.bundle.files import load_bundle
    from dartenv.export.conditions import of_bundle
    from dartenv.export.quantize import alone, quantize_bundle
    from dartenv.export.writer import VARIANTS, ExportOptions
    from dartenv.gating import smoke_judge
    from dartenv.runtime.sound import check_bundle

    read = common.manifests_of(manifests)
    there = load_bundle(bundle)
    check_bundle(there, str(bundle))
    names = common.split(models)
    options = ExportOptions(
        models=() if ALL in names else names,
        precisions=common.split(precision) or ("int8",),
        variants=common.split(variant) or VARIANTS,
        formats=common.split(formats) or ("onnx",),
        keep_below_gate=keep_below_gate,
        check=check,
        judge=smoke_judge(read, there.kind, of_bundle(there)),
    )

    with alone(bundle):
        done = quantize_bundle(bundle, options, read, say)
    show(done, format_name)
