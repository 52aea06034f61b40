"""``dartenv generate PROMPT --bundle B -o FILE``: motion from a bundle, without torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Optional

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.runtime.host import Host
    from dartenv.runtime.writing import Written


def generate(
    prompt: str = typer.Argument(
        ..., metavar="PROMPT", help='Actions with primitives: "walk forward*6, turn left*2".'
    ),
    bundle: Path = typer.Option(..., "--bundle", metavar="DIR", help="What dartenv export wrote."),
    out: Path = typer.Option(
        ..., "-o", "--out", metavar="FILE", help="A .bvh, .npz, .gif or .webp."
    ),
    seed: int = typer.Option(0, "--seed", help="The same seed gives the same motion."),
    guidance: Optional[float] = typer.Option(
        None, "--guidance", help="0 ignores the text, 1 follows it plainly.  [bundle's: 5]"
    ),
    respacing: Optional[str] = typer.Option(
        None, "--respacing", metavar="NAME", help="Another sampler of the bundle, as ddim5."
    ),
    batch: int = typer.Option(1, "--batch", help="So many motions, in numbered files."),
    fps: Optional[float] = typer.Option(None, "--fps", help="Another rate.  [bundle's: 30 or 20]"),
    up: Optional[str] = typer.Option(None, "--up", help="y or z.  [bvh: y, npz: z]"),
    unit: Optional[str] = typer.Option(None, "--unit", help="m or cm, for BVH.  [cm]"),
    joints: int = typer.Option(22, "--joints", help="22, or 55 with hands and face at rest."),
    body_joints: bool = typer.Option(
        False,
        "--body-model-joints",
        help="Work out histories' joints from the body model (--use_predicted_joints 0).",
    ),
    precision: str = typer.Option("fp32", "--precision", help="fp64, fp32, fp16 or int8."),
    provider: str = typer.Option(
        "cpu", "--provider", help="cpu, cuda, directml, tensorrt; there is no fallback."
    ),
    threads: int = typer.Option(0, "--threads", help="0 leaves it to ONNX Runtime."),
    spin: bool = typer.Option(
        False, "--spin", help="Waiting threads keep their cores: quicker on an idle machine."
    ),
    format_name: str = common.FORMAT,
) -> None:
    """Make motion from a prompt with an exported bundle: numpy and ONNX Runtime, no torch."""
    import time

    common.check_format(format_name)
    began = time.perf_counter()
    need_numpy()
    from dartenv.bundle.contract import PRECISIONS
    from dartenv.errors import UsageFault
    from dartenv.runtime.host import load
    from dartenv.runtime.writing import Wanted, check_wanted, write_motions

    if precision not in PRECISIONS:
        raise UsageFault(f"--precision {precision}", "one of: " + ", ".join(PRECISIONS))
    host = load(
        bundle,
        precision=precision,  # type: ignore[arg-type]
        provider=provider,
        threads=threads,
        spin=spin,
        joints="body-model" if body_joints else "predicted",
    )
    wanted = Wanted(fps, up, joints, unit)
    check_wanted(out, wanted, host.bundle)
    motions = host.generate(prompt, seed=seed, guidance=guidance, respacing=respacing, batch=batch)
    written = write_motions(motions, out, wanted, host.bundle)
    seconds = time.perf_counter() - began
    for note in host.notes:
        print(f"dartenv: {note}", file=sys.stderr)
    _show(host, written, seconds, format_name, seed)


def need_numpy() -> None:
    """Raises UsageFault where numpy is not installed."""
    import importlib.util

    from dartenv.errors import UsageFault

    if importlib.util.find_spec("numpy") is None:
        raise UsageFault(
            f"numpy is not installed for {sys.executable}",
            "dartenv's ort extra",
            'pip install "dartenv[ort]"',
        )


def _show(host: Host, written: List[Written], seconds: float, format_name: str, seed: int) -> None:
    """The files, or the same as JSON."""
    frames = sum(len(file.motion) for file in written)
    if format_name == "json":
        import json

        document: Any = {
            "kind": host.bundle.kind,
            "label": host.label,
            "seed": seed,
            "provider": host.provider,
            "seconds": round(seconds, 3),
            "notes": host.notes,
            "files": [
                {
                    "path": str(file.path),
                    "frames": len(file.motion),
                    "fps": file.motion.fps,
                    "about": file.about,
                }
                for file in written
            ],
        }
        common.write_document(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    from dartenv.report.terminal import write

    lines = []
    for file in written:
        lines.append(f"{file.path}  {len(file.motion)} frames, {file.motion.seconds:.1f} s")
        lines.append(f"  {file.about}")
    if host.label:
        lines.append(f"  {host.label}")
    lines.append(f"{frames} frames in {seconds:.2f} s, from start to file")
    write([[(line, "")] for line in lines], sys.stdout)
