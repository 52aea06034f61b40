"""``dartenv live --bundle B``: motion without end, to a local page and to other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import typer

if TYPE_CHECKING:
    from dartenv.live.address import Target
    from dartenv.live.session import Session


def live(
    bundle: Path = typer.Option(..., "--bundle", metavar="DIR", help="What dartenv export wrote."),
    prompt: str = typer.Option("", "--prompt", metavar="TEXT", help="What to show first."),
    seed: int = typer.Option(0, "--seed", help="The same seed begins the same motion."),
    guidance: Optional[float] = typer.Option(
        None, "--guidance", help="0 ignores the text, 1 follows it plainly.  [bundle's: 5]"
    ),
    respacing: Optional[str] = typer.Option(
        None, "--respacing", metavar="NAME", help="Another sampler of the bundle, as ddim5."
    ),
    port: int = typer.Option(0, "--port", help="The page's port; 0 lets the system choose."),
    page: bool = typer.Option(True, "--page/--no-page", help="Serve the page, on loopback alone."),
    open_page: Optional[bool] = typer.Option(
        None, "--open/--no-open", help="Open the page in a browser.  [on a terminal: open]"
    ),
    udp: Optional[List[str]] = typer.Option(
        None, "--udp", metavar="HOST:PORT", help="JSON as Unreal's JSONLiveLink plugins read it."
    ),
    udp_form: str = typer.Option(
        "list", "--udp-form", help="list, or object for plugins that want the bones under Bone."
    ),
    vmc: Optional[List[str]] = typer.Option(
        None, "--vmc", metavar="HOST:PORT", help="VMC, bones of Unity's humanoid over OSC."
    ),
    bvh_tcp: Optional[int] = typer.Option(
        None, "--bvh-tcp", metavar="PORT", help="BVH frames to whoever connects on this machine."
    ),
    seconds: Optional[float] = typer.Option(
        None, "--for", metavar="SECONDS", help="End by itself after this long."
    ),
    stats: Optional[Path] = typer.Option(
        None, "--stats", metavar="FILE", help="Write the figures as JSON at the end."
    ),
    precision: str = typer.Option("fp32", "--precision", help="fp64, fp32, fp16 or int8."),
    provider: str = typer.Option(
        "cpu", "--provider", help="cpu, cuda, directml, tensorrt; there is no fallback."
    ),
    threads: int = typer.Option(0, "--threads", help="0 leaves it to ONNX Runtime."),
) -> None:
    """Show motion from a bundle as it is made, while the prompt changes under it."""
    from dartenv.cli.generate import need_numpy
    from dartenv.errors import UsageFault

    need_numpy()
    from dartenv.bundle.contract import PRECISIONS
    from dartenv.live.address import target
    from dartenv.live.session import Session, Wanted
    from dartenv.live.sinks.udp_json import FORMS
    from dartenv.runtime.host import load

    if precision not in PRECISIONS:
        raise UsageFault(f"--precision {precision}", "one of: " + ", ".join(PRECISIONS))
    if udp_form not in FORMS:
        raise UsageFault(f"--udp-form {udp_form}", "one of: " + ", ".join(FORMS))
    if seconds is not None and not 0 < seconds < 1e9:
        raise UsageFault(f"--for {seconds:g}", "seconds above zero")
    if stats is not None and not stats.absolute().parent.is_dir():
        raise UsageFault(f"--stats {stats}: no folder", "a folder that is there")
    targets = {"udp": _targets(udp, "--udp", target), "vmc": _targets(vmc, "--vmc", target)}
    host = load(bundle, precision=precision, provider=provider, threads=threads)  # type: ignore[arg-type]
    session = Session(
        host,
        Wanted(
            prompt=prompt,
            seed=seed,
            guidance=guidance,
            respacing=respacing,
            page=port if page else None,
            udp=targets["udp"],
            udp_form=udp_form,
            vmc=targets["vmc"],
            bvh=bvh_tcp,
        ),
    )
    _watch(session, seconds, _whether_to_open(open_page))
    numbers = session.statistics()
    if stats is not None:
        _write_statistics(stats, session, numbers)
    _summary(session, numbers)


def _targets(given: Optional[List[str]], option: str, read: Any) -> Tuple[Target, ...]:
    return tuple(read(text, option) for text in given or [])


def _whether_to_open(asked: Optional[bool]) -> bool:
    from dartenv.cli.common import is_terminal

    return is_terminal() if asked is None else asked


def _watch(session: Session, seconds: Optional[float], open_page: bool) -> None:
    """Run until it ends, is interrupted or its time is over; say where it goes."""
    import signal

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        session.run(seconds, lambda: _begin(session, seconds, open_page))
    except KeyboardInterrupt:
        pass  # its normal end
    finally:
        signal.signal(signal.SIGTERM, before)


def _begin(session: Session, seconds: Optional[float], open_page: bool) -> None:
    from dartenv.report.terminal import say

    for line in _where(session):
        say(line, sys.stderr)
    say("Ctrl-C ends it" if seconds is None else f"for {seconds:g} s", sys.stderr)
    if open_page and session.server is not None:
        import webbrowser

        webbrowser.open(session.server.gate.once_address())


def _where(session: Session) -> List[str]:
    """One line for each receiver."""
    host, wanted = session.host, session.wanted
    lines = [f"dartenv live  {host.folder}  {session.engine.fps:g} frames a second"]
    if host.label:
        lines.append(f"  {host.label}")
    if session.server is not None:
        lines.append(f"  page  {session.server.gate.address}")
    for kind, targets, about in (
        ("udp", wanted.udp, f"JSONLiveLink, subject {session.subject}"),
        ("vmc", wanted.vmc, "VMC over OSC"),
    ):
        for target in targets:
            leaves = "" if target.is_here else "; leaves this machine, as asked"
            lines.append(f"  {kind}   {target}  {about}{leaves}")
    if session.bvh is not None:
        lines.append(f"  bvh   127.0.0.1:{session.bvh.port}  a header, then a line a frame")
    return lines


def _write_statistics(path: Path, session: Session, numbers: Dict[str, Any]) -> None:
    import json

    from dartenv.errors import UsageFault

    document = {"kind": session.host.bundle.kind, "label": session.host.label, **numbers}
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageFault(
            f"--stats {path}: {error.strerror}", "a file that can be written"
        ) from None


def _summary(session: Session, numbers: Dict[str, Any]) -> None:
    from dartenv.report.terminal import write

    late, gap = numbers["lateness_ms"], numbers["interval_ms"]
    counts = (
        f"{numbers['late']} late by more than half a frame, {numbers['skipped']} ticks left out"
    )
    lines = [
        f"{numbers['frames']} frames in {numbers['seconds']:.1f} s; {counts}",
        f"  late      p50 {late['p50']:g} ms, p99 {late['p99']:g}, most {late['max']:g}",
        f"  interval  p50 {gap['p50']:g} ms, p99 {gap['p99']:g}, most {gap['max']:g}",
    ]
    prompt = numbers["prompt_ms"]
    if prompt["max"]:
        lines.append(
            f"  prompt    shown after p50 {prompt['p50']:g} ms, most {prompt['max']:g}, "
            f"{numbers['prompt_frames_most']} frames"
        )
    for kind, tally in numbers["receivers"].items():
        lines.append(
            f"  {kind:<8}  {tally['sent']} frames sent, {tally['dropped']} dropped"
            + (f", {tally['failed']} could not be sent" if tally["failed"] else "")
        )
    if numbers["refused"]:
        lines.append(f"  {numbers['refused']} requests turned away")
    if session.host.label:
        lines.append(f"  {session.host.label}")
    write([[(line, "")] for line in lines], sys.stdout)
