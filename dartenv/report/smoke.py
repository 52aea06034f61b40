"""Smoke results for a person: what ran, what was judged, what that does and does not prove."""

from __future__ import annotations

from typing import List, Sequence

from dartenv.report.console import folded
from dartenv.report.terminal import Line
from dartenv.smoke.judges import Judged
from dartenv.smoke.result import SmokeResult, judge_sentence, to_findings

_LEAD = 11


def render_smoke(results: Sequence[SmokeResult]) -> List[Line]:
    """A block a scenario, the verdict last."""
    lines: List[Line] = []
    for result in results:
        lines.extend(_block(result))
        lines.append([])
    lines.extend(_verdict(results))
    return lines


def _block(result: SmokeResult) -> List[Line]:
    (finding,) = to_findings(result)
    if result.skipped is not None:
        head: Line = [(f"{result.scenario:<{_LEAD}}", "bold"), ("SKIPPED", "dim")]
        return [head, *_hang("", result.skipped, "dim")]
    style = "green" if result.passed else "bold red"
    lines: List[Line] = [
        [
            (f"{result.scenario:<{_LEAD}}", "bold"),
            (result.verdict, style),
            (f"  {_pace(result)}", ""),
        ]
    ]
    if not result.passed:
        lines.extend(_hang("", finding.summary, "red"))
    if result.stand_ins:
        names = ", ".join(dict.fromkeys(s.id for s in result.stand_ins))
        lines.extend(_hang("", f"plumbing: stand-ins for {names}", "yellow"))
    for run in result.runs:
        held = [_short(j) for j in run.judged if j.passed and _telling(j)]
        shown = [_short(j) for j in run.judged if j.passed is None]
        lead = f"{run.variant}: " if run.variant else ""
        if held:
            lines.extend(_hang("", lead + ", ".join(held), ""))
        if shown:
            lines.extend(_hang("", "not judged: " + ", ".join(shown), "dim"))
        for judged in run.judged:
            if judged.passed is False:
                lines.extend(_hang("", judge_sentence(judged), "red"))
        for path in run.pictures[:1]:
            lines.append([(" " * _LEAD, ""), ("look    ", "dim"), (path, "green")])
    failure = result.failure
    if failure is not None:
        for text in (failure.error, f"at {failure.where}" if failure.where else ""):
            if text:
                lines.extend(_hang("", text, ""))
        if finding.remedy is not None:
            lines.extend(_hang("", finding.remedy.text, ""))
            lines.extend([(" " * _LEAD, ""), (c, "green")] for c in finding.remedy.commands)
    for change in result.tree_changes:
        lines.extend(_hang("", f"changed in the tree: {change}", "red"))
    if result.extra_python_path:
        lines.extend(_hang("", "extra PYTHONPATH: " + ", ".join(result.extra_python_path), "dim"))
    if result.workspace is not None:
        lines.append([(" " * _LEAD, ""), (f"kept    {result.workspace}", "dim")])
    lines.append([(" " * _LEAD, ""), (f"record  {result.folder}", "dim")])
    return lines


def _telling(judged: Judged) -> bool:
    """Whether the number says more than that nothing was wrong."""
    return judged.unit != "wrong" and judged.name not in ("files", "exports", "finite")


def _short(judged: Judged) -> str:
    """``bones 15 mm``: lengths below a metre in millimetres."""
    value, unit = judged.value, judged.unit
    if value is None:
        return f"{judged.name} no number"
    if unit == "m" and abs(value) < 1.0:
        value, unit = value * 1000.0, "mm"
    if judged.name == "frames":
        return f"frames {value:.0f} of {judged.threshold}"
    number = f"{value:.3g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{judged.name} {number}" + (f" {unit}" if unit else "")


def _pace(result: SmokeResult) -> str:
    metrics = result.metrics
    parts: List[str] = []
    if "fps" in metrics:
        parts.append(f"{metrics['fps']:.1f} frames a second")
    if "peak_memory" in metrics:
        parts.append(f"{metrics['peak_memory'] / 1e9:.2f} GB at most")
    if "gpu_memory" in metrics:
        parts.append(f"{metrics['gpu_memory'] / 1e9:.2f} GB of GPU memory")
    seconds = sum(run.outcome.seconds for run in result.runs)
    if seconds:
        parts.append(f"{seconds:.1f} s")
    if result.ran_on:
        parts.append(f"on {result.ran_on}")
    return ", ".join(parts)


def _verdict(results: Sequence[SmokeResult]) -> List[Line]:
    failed = [r for r in results if not r.passed and r.skipped is None]
    if failed:
        return [[(f"FAIL: {', '.join(r.scenario for r in failed)}", "bold red")]]
    if all(r.skipped is not None for r in results):
        return [[("SKIPPED: nothing was run", "bold yellow")]]
    if any(r.tree_kind == "sandbox" for r in results):
        text = "SANDBOX PASS: our own small project moves; DART itself was not run"
        return [[(text, "bold yellow")]]
    if any(r.stand_ins for r in results):
        text = "PLUMBING PASS: the code and environment work; motion quality was not tested"
        return [[(text, "bold yellow")]]
    return [[("PASS: DART moves on this machine", "bold green")]]


def _hang(lead: str, text: str, style: str) -> List[Line]:
    return [
        [(f"{lead if number == 0 else '':<{_LEAD}}", "dim"), (piece, style)]
        for number, piece in enumerate(folded(text, _LEAD))
    ]
