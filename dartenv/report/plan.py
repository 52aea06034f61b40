"""A plan, and what became of it, for a person."""

from __future__ import annotations

import time
from typing import Dict, List, Mapping, Optional, Sequence

from dartenv.fixes.diff import unified_diff
from dartenv.fixes.history import RunInfo
from dartenv.fixes.plan import Plan
from dartenv.fixes.report import ApplyReport, Outcome
from dartenv.fixes.steps import STAGED, AnyStep, DisplayOnly, EditFile, Safety, WriteFile, what
from dartenv.fixes.undo import Conflict, UndoReport
from dartenv.report.terminal import Line

WIDTH = 80
# Up to here a version of a file is shown whole; of a longer one, what changed.
WHOLE_LINES = 20
_SAFETY_STYLE = {
    Safety.SAFE: "green",
    Safety.UNSAFE: "yellow",
    Safety.DISPLAY_ONLY: "cyan",
}
_OUTCOME_STYLE = {
    Outcome.REPAIRED: "green",
    Outcome.APPLIED: "cyan",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "bold red",
}


def render_plan(plan: Plan, skipped: Mapping[str, str], *, diffs: bool = True) -> List[Line]:
    """Every step with its reason, safety and diff."""
    files = {step.path for step in plan.steps if isinstance(step, (EditFile, WriteFile, *STAGED))}
    steps = len(plan.steps)
    size = plan.download_bytes
    download = f"{size / 1e6:.1f} MB to download" if size else "nothing to download"
    lines: List[Line] = [
        [
            (f"Plan  {_counted(steps, 'step')}, {_counted(len(files), 'file')} changed, ", "bold"),
            (download, "bold"),
            (f"    run {plan.run}", "dim"),
        ]
    ]
    root = plan.target.dart_root
    if root is not None and any(_inside(step, root) for step in plan.steps):
        lines.append([(f"      in {root}", "dim")])
    for number, step in enumerate(plan.steps, 1):
        lines.append([])
        lines.extend(_step(number, step, root, diffs))
    for refusal in plan.refusals:
        where = f" {refusal.path}" if refusal.path else ""
        lines.append([])
        lines.append(
            [(f"will not touch{where}  ", "yellow"), (f"{refusal.fix}: ", ""), (refusal.reason, "")]
        )
    if skipped:
        lines.append([])
        for fix, why in skipped.items():
            lines.append([(f"skipped   {fix}  ", "dim"), (why, "")])
    return lines


def _inside(step: AnyStep, root: Optional[str]) -> Optional[str]:
    """The path of an edited file below the tree, with ``/``; ``None`` for all other steps."""
    if root is None or not isinstance(step, EditFile):
        return None
    path, folder = step.path.replace("\\", "/"), root.replace("\\", "/").rstrip("/") + "/"
    return path[len(folder) :] if path.startswith(folder) else None


def _step(number: int, step: AnyStep, root: Optional[str], diffs: bool) -> List[Line]:
    style = _SAFETY_STYLE[step.safety]
    name = _inside(step, root) or what(step)
    lines: List[Line] = [
        [
            (f"{number:<3}{name}".ljust(WIDTH - len(step.safety.value) - 2) + "  ", "bold"),
            (step.safety.value, style),
        ],
        [(f"   {step.reason}", "")],
    ]
    if len(step.fixes) > 1 or not step.id.startswith(step.fixes[0]):
        lines.append([("   for " + ", ".join(step.fixes), "dim")])
    if not step.undoable:
        lines.append([("   cannot be undone", "yellow")])
    if step.needs:
        lines.append([("   needs " + ", ".join(need.value for need in step.needs), "yellow")])
    if isinstance(step, DisplayOnly):
        lines.extend([(f"   {command}", "green")] for command in step.commands)
    if diffs and isinstance(step, (EditFile, WriteFile)) and step.diff:
        for text in step.diff.splitlines()[2:]:
            lines.append([("   " + text, _diff_style(text))])
    return lines


def _diff_style(text: str) -> str:
    return {"+": "green", "-": "red", "@": "cyan"}.get(text[:1], "dim")


def render_applied(report: ApplyReport, skipped: Mapping[str, str]) -> List[Line]:
    """One line a fix: repaired, skipped (why), failed (why, what was restored)."""
    lines: List[Line] = []
    for one in report.recovered:
        lines.append([("recovered ", "cyan"), (one.text, "")])
    width = max([len(r.fix) for r in report.results] + [len(f) for f in skipped] + [20])
    for result in report.results:
        why = result.why
        if result.outcome is Outcome.REPAIRED:
            why = "check passes now"
        lines.append(
            [
                (f"{result.outcome.value:<10}", _OUTCOME_STYLE[result.outcome]),
                (f"{result.fix:<{width}}  ", "bold"),
                (why, ""),
            ]
        )
        if result.restored:
            files = _counted(len(result.restored), "file")
            lines.append([(f"{'':<10}", ""), (f"put back as it was: {files}", "dim")])
        lines.extend([(f"{'':<10}left: {left}", "yellow")] for left in result.left)
    done = {result.fix for result in report.results}
    for fix, why in skipped.items():
        if fix not in done:
            lines.append([(f"{'skipped':<10}", "dim"), (f"{fix:<{width}}  ", ""), (why, "")])
    if report.run is not None and any(r.changed for r in report.results):
        lines.append([(f"Undo with: dartenv fix --undo {report.run}", "bold")])
    return lines


def render_undo(report: UndoReport) -> List[Line]:
    """What was put back."""
    lines: List[Line] = [
        [
            (f"undone    run {report.run}: ", "green"),
            (f"{_counted(len(report.restored), 'file')} as they were before", ""),
        ]
    ]
    lines.extend([(f"          {path}", "dim")] for path in report.restored)
    lines.extend([(f"left      {left}", "yellow")] for left in report.left)
    return lines


def render_conflicts(conflicts: Sequence[Conflict]) -> List[Line]:
    """The three versions of each file that undo would have overwritten.

    Short ones whole; of longer ones what dartenv changed, and what was changed since.
    """
    lines: List[Line] = []
    for conflict in conflicts:
        versions: Dict[str, Optional[bytes]] = {
            "before dartenv": conflict.before,
            "dartenv wrote": conflict.wrote,
            "now": conflict.now,
        }
        lines.append([(conflict.path, "bold")])
        if all((content or b"").count(b"\n") <= WHOLE_LINES for content in versions.values()):
            for name, content in versions.items():
                lines.append([(f"--- {name}", "cyan")])
                lines.extend(_whole(content))
            continue
        names = list(versions)
        for old, new in zip(names, names[1:]):
            sizes = f"--- {old} ({_size(versions[old])})  +++ {new} ({_size(versions[new])})"
            lines.append([(sizes, "cyan")])
            diff = unified_diff(conflict.path, versions[old] or b"", versions[new] or b"")
            for text in diff.splitlines()[2:]:
                lines.append([("    " + text, _diff_style(text))])
    return lines


def _whole(content: Optional[bytes]) -> List[Line]:
    if content is None:
        return [[("(not there)", "dim")]]
    text = content.decode("utf-8", errors="backslashreplace")
    return [[(f"    {line}", "")] for line in text.splitlines()]


def _size(content: Optional[bytes]) -> str:
    return "not there" if content is None else _counted(len(content.splitlines()), "line")


def render_history(runs: Sequence[RunInfo]) -> List[Line]:
    """One line a run, oldest first."""
    if not runs:
        return [[("no run yet: nothing was ever repaired from this account", "")]]
    lines: List[Line] = []
    for run in runs:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
        lines.append(
            [
                (f"{run.run}  {when}  {run.state:<12}", "bold"),
                (_counted(len(run.changed), "change") if run.changed else "", ""),
            ]
        )
        if run.root:
            lines.append([(f"          {run.root}", "dim")])
        for fix, state in run.fixes.items():
            lines.append([(f"          {state:<8}{fix}", "")])
    return lines


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
