"""``dartenv fix``: plan, show, ask, apply, look again; and take it back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.examine import Request
    from dartenv.fixes.plan import Plan
    from dartenv.fixes.report import ApplyReport
    from dartenv.fixes.steps import AnyStep

LAST = "last"


def fix(
    ids: Optional[List[str]] = typer.Argument(
        None, metavar="[ID]...", help="Fixes or groups, as source.posixpath; without any, all."
    ),
    dart_root: Optional[str] = common.DART_ROOT,
    python: Optional[str] = common.PYTHON,
    profile: Optional[str] = common.PROFILE,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the whole plan; change nothing."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do all safe steps without asking."),
    unsafe: Optional[List[str]] = typer.Option(
        None, "--unsafe", metavar="NAME", help="With --yes: also this unsafe step or fix."
    ),
    undo: bool = typer.Option(False, "--undo", help="Take a run back; its id may follow."),
    history: bool = typer.Option(False, "--history", help="List what was done, run by run."),
    plan_file: Optional[Path] = typer.Option(
        None, "--plan", metavar="FILE", help="Apply a plan saved by --dry-run --format json."
    ),
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Repair what doctor found, and take the repair back with --undo."""
    from dartenv.fixes.lock import state_folder

    common.check_format(format_name)
    state = state_folder()
    if history:
        _history(state, format_name)
        return
    if undo:
        _undo(state, ids, format_name)
        return
    read = common.manifests_of(manifests)
    target = common.target_of(read, dart_root, python, profile)
    request = common.request_of(read, target, None, None, None, shallow=True)
    if not dry_run:
        _recover(state)
    from dartenv.install.settings import use

    with use(target.config.install):
        open_ends = False
        if plan_file is not None:
            plan, skipped = _read_plan(plan_file, request)
        else:
            plan, skipped, open_ends = _make_plan(request, ids or [])
        if dry_run:
            _show(plan, skipped, format_name)
            return
        code = _apply(request, plan, skipped, state, yes, tuple(unsafe or ()), format_name)
        raise typer.Exit(code or int(open_ends))


def _make_plan(request: Request, ids: List[str]) -> Tuple[Plan, Dict[str, str], bool]:
    """The plan, what is left out and why, and whether something asked for stays as it is."""
    from dartenv.repair import plan_for, unsettled, wanted_fixes

    examined = common.examine_with_progress(request)
    asked = [part for one in ids for part in one.split(",")]
    fixes, skipped = wanted_fixes(examined, asked)
    plan = plan_for(request, examined, fixes)
    refused = any(refusal.fix in asked for refusal in plan.refusals)
    return plan, skipped, refused or bool(unsettled(examined, asked))


def _recover(state: Path) -> None:
    """Bring an interrupted run to its end first, so that the plan is made on a whole tree."""
    from dartenv.fixes.recover import recover
    from dartenv.report.terminal import say

    for one in recover(state):
        say(f"recovered {one.text}", sys.stderr)


def _read_plan(path: Path, request: Request) -> Tuple[Plan, Dict[str, str]]:
    import dataclasses

    from dartenv.errors import UsageFault
    from dartenv.examine import examine
    from dartenv.fixes.plan import from_json, versions_of
    from dartenv.fixes.preconditions import check_preconditions

    try:
        plan = from_json(path.read_bytes(), str(path))
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror}") from None
    here = examine(dataclasses.replace(request, select=("host.os", "python.version"))).facts
    broken = check_preconditions(plan, versions_of(here))
    if broken:
        raise UsageFault(
            f"{path} does not fit this machine: {broken[0].why}"
            + (f", and {len(broken) - 1} more" if len(broken) > 1 else ""),
            "the files and versions that the plan was made for",
            "dartenv fix --dry-run",
        )
    return plan, plan.skipped


def _show(plan: Plan, skipped: Dict[str, str], format_name: str) -> None:
    if format_name == "json":
        import msgspec

        from dartenv.fixes.plan import to_json

        whole = msgspec.structs.replace(plan, skipped=skipped)
        common.write_document(to_json(whole).decode("utf-8"))
        return
    from dartenv.report.plan import render_plan
    from dartenv.report.terminal import write

    write(render_plan(plan, skipped), sys.stdout)


def _apply(
    request: Request,
    plan: Plan,
    skipped: Dict[str, str],
    state: Path,
    yes: bool,
    unsafe: Tuple[str, ...],
    format_name: str,
) -> int:
    """Ask, apply, print; the exit code."""
    from dartenv.bring import drop_used
    from dartenv.cli.downloads import fetched
    from dartenv.fixes.acts import Hands
    from dartenv.fixes.apply import apply
    from dartenv.fixes.consent import decide
    from dartenv.fixes.lock import hold
    from dartenv.fixes.steps import runnable
    from dartenv.repair import replan, verify
    from dartenv.report.plan import render_plan
    from dartenv.report.terminal import say, write

    if not any(runnable(step) for step in plan.steps):
        if format_name == "json":
            _print_applied(None, skipped, format_name)
        elif plan.steps or plan.refusals or skipped:
            write(render_plan(plan, skipped), sys.stdout)
        say("nothing to repair that dartenv can repair", sys.stderr)
        return 0
    talk = sys.stderr if format_name == "json" else sys.stdout
    write(render_plan(plan, skipped), talk)
    consent = decide(
        plan.steps, yes=yes, unsafe_ids=unsafe, is_terminal=common.is_terminal(), ask=_ask
    )
    chosen = [step for step in plan.steps if step.id in consent.chosen]
    with hold(state, "dartenv fix"):
        fetcher = fetched(chosen, state)
        report = apply(
            plan,
            consent.chosen,
            state=state,
            hands=Hands(fetcher=lambda state: fetcher),
            skipped=consent.skipped,
            verify=lambda fixes: verify(request, fixes),
            replan=lambda fixes: replan(request, fixes),
        )
        drop_used(plan, report, fetcher)
    say("", talk)
    _print_applied(report, skipped, format_name)
    return report.exit_code


def _print_applied(
    report: Optional[ApplyReport], skipped: Dict[str, str], format_name: str
) -> None:
    if format_name == "json":
        import msgspec

        document = {"schema": 1, "applied": report, "skipped": skipped}
        common.write_document(
            msgspec.json.format(msgspec.json.encode(document), indent=2).decode("utf-8") + "\n"
        )
        return
    from dartenv.report.plan import render_applied
    from dartenv.report.terminal import write

    if report is not None:
        write(render_applied(report, skipped), sys.stdout)


def _undo(state: Path, ids: Optional[List[str]], format_name: str) -> None:
    from dartenv.errors import UsageFault
    from dartenv.fixes.undo import UndoRefused, undo
    from dartenv.report.plan import render_conflicts, render_undo
    from dartenv.report.terminal import write

    wanted = ids or []
    if len(wanted) > 1:
        raise UsageFault("--undo takes one run", "its id", "dartenv fix --history")
    try:
        report = undo(state, wanted[0] if wanted and wanted[0] != LAST else None)
    except UndoRefused as refused:
        write(render_conflicts(refused.conflicts), sys.stdout)
        raise
    if format_name == "json":
        import msgspec

        common.write_document(
            msgspec.json.format(msgspec.json.encode(report), indent=2).decode("utf-8") + "\n"
        )
        return
    write(render_undo(report), sys.stdout)


def _history(state: Path, format_name: str) -> None:
    from dartenv.fixes.history import history
    from dartenv.report.plan import render_history
    from dartenv.report.terminal import write

    runs = history(state)
    if format_name == "json":
        import msgspec

        common.write_document(
            msgspec.json.format(msgspec.json.encode(runs), indent=2).decode("utf-8") + "\n"
        )
        return
    write(render_history(runs), sys.stdout)


def _ask(steps: Tuple[AnyStep, ...]) -> bool:
    from dartenv.fixes.steps import Safety, what

    if steps[0].safety is Safety.SAFE:
        count = len(steps)
        question = f"Apply {count} safe step{'s' if count != 1 else ''}?"
    else:
        question = f"Unsafe: {what(steps[0])} ({steps[0].reason}). Apply it?"
    return typer.confirm(question, default=False)
