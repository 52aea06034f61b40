"""``dartenv inspect BUNDLE|MODEL|CHECKPOINT``: which models there are, what goes in and comes out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.inspection.describe import Row, Section, Sheet

_SHOWN_TENSORS = 24


def inspect(
    path: Path = typer.Argument(
        ..., metavar="PATH", help="A bundle, an .onnx, an .ort, or a checkpoint (.pt)."
    ),
    svg: Optional[Path] = typer.Option(None, "--svg", metavar="FILE", help="Draw the graph."),
    netron: bool = typer.Option(False, "--netron", help="Open the graph in Netron (a browser)."),
    model: str = typer.Option(
        "primitive", "--model", metavar="NAME", help="Which of a bundle's models to draw or open."
    ),
    check: bool = typer.Option(
        False, "--check", help="Hold a bundle's files against their hashes."
    ),
    full: bool = typer.Option(False, "--full", help="Every tensor, and what each input means."),
    format_name: str = common.FORMAT,
) -> None:
    """Show models, inputs, outputs, shapes, units and parameters; nothing is loaded or run."""
    from dartenv.inspection.describe import describe

    common.check_format(format_name)
    sheet = describe(path, check)
    if format_name == "json":
        import json
        from dataclasses import asdict

        text = json.dumps(asdict(sheet), indent=2, ensure_ascii=False)
        common.write_document(text + "\n")
    else:
        from dartenv.report.terminal import write

        write([[(line, "")] for line in _lines(sheet, full)], sys.stdout)
    if svg is not None:
        _draw(_graph_of(path, model), svg)
    if netron:  # which reads ONNX Runtime's own format too
        _open(path if path.suffix.lower() == ".ort" else _graph_of(path, model))


def _lines(sheet: Sheet, full: bool) -> List[str]:
    lines = [f"{sheet.path}  {sheet.kind}"]
    width = max(len(name) for name in sheet.facts)
    lines += [f"  {name:<{width}}  {_value(value)}" for name, value in sheet.facts.items()]
    lines += [f"  ! {warning}" for warning in sheet.warnings]
    for section in sheet.sections:
        lines += ["", *_section(section, sheet.kind, full)]
    return lines


def _value(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _section(section: Section, kind: str, full: bool) -> List[str]:
    lines = [section.title]
    if section.about and full:
        lines.append(f"  {section.about}")
    rows = section.rows
    left_out = 0
    if kind == "checkpoint" and not full and len(rows) > _SHOWN_TENSORS:
        left_out, rows = len(rows) - _SHOWN_TENSORS, rows[:_SHOWN_TENSORS]
    lines += _table(rows, full)
    if left_out:
        lines.append(f"  and {left_out} more (--full)")
    lines += [_file_line(file) for file in section.files]
    return lines


def _table(rows: Tuple[Row, ...], full: bool) -> List[str]:
    cells = [(r.role, r.name, r.dtype, r.shape, r.unit) for r in rows]
    widths = [max((len(row[i]) for row in cells), default=0) for i in range(5)]
    lines = []
    for row, cell in zip(rows, cells):
        line = "  ".join(text.ljust(width) for text, width in zip(cell, widths))
        lines.append(("  " + line).rstrip())
        if full and (row.frame or row.meaning):
            said = "; ".join(part for part in (row.meaning, row.frame) if part)
            lines.append(f"      {said}")
    return lines


def _file_line(file: Dict[str, Any]) -> str:
    parts = [f"{file['size'] / 1e6:,.1f} MB"]
    if "opset" in file:
        parts.append(f"opset {file['opset']}, IR {file['ir']}, ONNX Runtime {file['onnxruntime']}+")
    if "parameters" in file:
        parts.append(f"{file['parameters'] / 1e6:,.1f} M parameters")
    parts += [f"{what} {file[what]}" for what in ("parity", "gate") if what in file]
    if "milliseconds" in file:
        parts.append(f"{file['milliseconds']:g} ms")
    if file.get("missing"):
        parts.append("MISSING")
    parts.append(f"sha256 {file['sha256'][:12]}")
    return f"  {file['path']}  " + ", ".join(parts)


def _graph_of(path: Path, name: str) -> Path:
    """The .onnx file to draw: ``path`` itself, or the bundle's model of that name."""
    from dartenv.bundle.contract import BUNDLE_FILE
    from dartenv.bundle.files import file_path, load_bundle
    from dartenv.errors import UsageFault

    if path.suffix.lower() == ".onnx":
        return path
    if not path.is_dir() and path.name != BUNDLE_FILE:
        raise UsageFault(
            f"{path}: holds no graph that can be drawn", "an .onnx file or a bundle", None
        )
    bundle = load_bundle(path)
    model = bundle.model(name)
    files = [f for f in model.files if f.format == "onnx"] if model else []
    if not files:
        known = ", ".join(m.name for m in bundle.models)
        raise UsageFault(f"--model {name}: no .onnx of it in {path}", f"one of: {known}")
    return file_path(path, files[0])


def _draw(path: Path, out: Path) -> None:
    from dartenv.inspection.onnx_file import read_onnx
    from dartenv.inspection.svg import render_svg
    from dartenv.whole import whole_file

    text = render_svg(read_onnx(path), path.name)
    with whole_file(out) as part:
        part.write_text(text, encoding="utf-8")
    print(f"dartenv: {path.name} drawn to {out}", file=sys.stderr)


def _open(path: Path) -> None:
    """Netron's server until Ctrl-C. UsageFault: it is not installed."""
    import importlib

    from dartenv.errors import UsageFault

    try:
        netron: Any = importlib.import_module("netron")
    except ImportError:
        raise UsageFault(
            "Netron is not installed", "the netron package, for --netron", "pip install netron"
        ) from None
    print(f"dartenv: {path.name} is open in Netron; Ctrl-C ends it", file=sys.stderr)
    netron.start(str(path))
    netron.wait()
