"""``dartenv assets``: what DART needs besides code, listed, verified, fetched and sorted in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.assets.spec import AssetsSpec
    from dartenv.bring import Wanted
    from dartenv.fetch.login import Login
    from dartenv.fixes.plan import Plan
    from dartenv.fixes.report import ApplyReport
    from dartenv.manifests.loader import Manifests

app = typer.Typer(
    help="List, verify, fetch and import the files that DART needs besides its code.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
DRY_RUN = typer.Option(False, "--dry-run", help="Show what would be done; change nothing.")


@app.command("list")
def list_(
    dart_root: Optional[str] = common.DART_ROOT,
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Every asset: where it belongs, whether it is there, its licence, who needs it."""
    from dartenv.assets.hashing import FirstSeenStore
    from dartenv.stock import listed

    common.check_format(format_name)
    _, root, spec = _tree(dart_root, manifests)
    items = listed(spec, root, FirstSeenStore(_state() / "first-seen.json"))
    if format_name == "json":
        _document({"schema": 1, "root": root, "assets": items, "downloads": spec.downloads})
        return
    from dartenv.report.stock import render_list
    from dartenv.report.terminal import write

    write(render_list(items, spec, root), sys.stdout)


@app.command("verify")
def verify(
    dart_root: Optional[str] = common.DART_ROOT,
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Hold every asset against its published hash, else against the one first seen here."""
    import time

    from dartenv.assets.hashing import FirstSeenStore, HashCache
    from dartenv.stock import verified

    common.check_format(format_name)
    _, root, spec = _tree(dart_root, manifests)
    started = time.monotonic()
    state = _state()
    first = FirstSeenStore(state / "first-seen.json")
    items = verified(spec, root, HashCache(state / "hashes.json"), first)
    bad = [item for item in items if item.bad]
    if format_name == "json":
        _document({"schema": 1, "root": root, "assets": items, "bad": len(bad)})
    else:
        from dartenv.report.stock import render_verified
        from dartenv.report.terminal import write

        write(render_verified(items, spec, root, time.monotonic() - started), sys.stdout)
    raise typer.Exit(1 if bad else 0)


@app.command("fetch")
def fetch(
    ids: Optional[List[str]] = typer.Argument(
        None, metavar="[ID]...", help="Assets or downloads; without any, what is missing."
    ),
    dart_root: Optional[str] = common.DART_ROOT,
    all_: bool = typer.Option(False, "--all", help="Also what only some entry points need."),
    dry_run: bool = DRY_RUN,
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Download what is missing, going on where an earlier download stopped."""
    import msgspec

    from dartenv.bring import fetch_plan, wanted_assets
    from dartenv.errors import EXIT_FIX_FAILED
    from dartenv.fixes.lock import hold
    from dartenv.fixes.steps import runnable
    from dartenv.report.terminal import say

    common.check_format(format_name)
    read, root, spec = _tree(dart_root, manifests)
    wanted = wanted_assets(spec, root, [i for one in ids or [] for i in one.split(",")], all_)
    logins = {} if dry_run else _logins(wanted, spec)
    known = [service for service, login in logins.items() if login is not None]
    plan = fetch_plan(wanted, spec, read, root, known)
    if dry_run or not any(runnable(step) for step in plan.steps):
        if not plan.steps and not wanted.skipped:
            say("nothing is missing that could be fetched", sys.stderr)
        _show(plan, wanted.skipped, format_name)
        raise typer.Exit(0 if dry_run or not plan.steps else EXIT_FIX_FAILED)
    with hold(_state(), "dartenv assets fetch"):
        report, notes = _fetch(plan, spec, root, logins)
    _print_report(report, wanted.skipped, notes, format_name)
    by_hand = [step for step in plan.steps if not runnable(step)]
    if by_hand and format_name != "json":
        _show(msgspec.structs.replace(plan, steps=tuple(by_hand), refusals=()), {}, format_name)
    raise typer.Exit(EXIT_FIX_FAILED if by_hand else report.exit_code)


@app.command("import")
def import_(
    files: List[str] = typer.Argument(..., metavar="FILE...", help="Archives or folders."),
    dart_root: Optional[str] = common.DART_ROOT,
    replace: bool = typer.Option(
        False, "--replace", help="Also over files that are there, whole and different."
    ),
    dry_run: bool = DRY_RUN,
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Sort downloaded archives into the tree, once all of them were seen to be safe."""
    from dartenv.bring import broken_files, look_again
    from dartenv.errors import UsageFault
    from dartenv.facts.model import TargetFacts
    from dartenv.fixes.apply import apply
    from dartenv.fixes.imports import FIX, plan_import
    from dartenv.fixes.plan import new_plan
    from dartenv.report.terminal import say

    common.check_format(format_name)
    _, root, spec = _tree(dart_root, manifests)
    if root is None:
        raise UsageFault("no DART tree to import into", "a tree", "--dart-root DIR")
    paths = [str(Path(one).expanduser().absolute()) for one in files]
    broken = broken_files(spec, root)
    planned = plan_import(
        paths,
        spec,
        root,
        lambda path: broken.get(path, False),
        replace,
        lambda path: say(f"looking through {path}", sys.stderr),
    )
    for note in planned.notes:
        say(note, sys.stderr)
    skipped: Dict[str, str] = {}
    if planned.same:
        count = len(planned.same)
        skipped[FIX] = f"{count} file{'s' if count != 1 else ''} there already, to the byte"
    plan = new_plan(TargetFacts(dart_root=root), planned.steps, planned.refusals)
    if dry_run or not plan.steps:
        _show(plan, skipped, format_name)
        raise typer.Exit(4 if plan.refusals and not dry_run else 0)
    report = apply(
        plan,
        [step.id for step in plan.steps],
        state=_state(),
        verify=lambda fixes: look_again(spec, root, plan),
        command="dartenv assets import",
    )
    notes = [f"left as it is: {one.path}: {one.reason}" for one in plan.refusals]
    _print_report(report, {}, notes, format_name)
    raise typer.Exit(report.exit_code)


def _state() -> Path:
    from dartenv.fixes.lock import state_folder

    return state_folder()


def _tree(
    dart_root: Optional[str], folders: Optional[List[Path]]
) -> Tuple[Manifests, Optional[str], AssetsSpec]:
    from dartenv.errors import UsageFault
    from dartenv.facts.assets_here import assets_of

    read = common.manifests_of(folders)
    root = common.target_of(read, dart_root, None, None).dart_root
    if root is not None and not Path(root).is_dir():
        raise UsageFault(f"{root}: not a folder", "a DART tree", "--dart-root DIR")
    return read, root, assets_of(root, read)


def _logins(wanted: Wanted, spec: AssetsSpec) -> Dict[str, Optional[Login]]:
    """Logins that are known, or given on the terminal now; asked before anything is fetched."""
    from dartenv.fetch.login import asked_login, stored_login

    found: Dict[str, Optional[Login]] = {}
    for service in wanted.services(spec):
        login = stored_login(service)
        if login is None and _is_terminal():
            login = asked_login(service, _ask)
        found[service] = login
    return found


def _ask(question: str, hidden: bool) -> Optional[str]:
    answer = typer.prompt(question, default="", hide_input=hidden, show_default=False, err=True)
    return str(answer)


def _is_terminal() -> bool:
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except ValueError:
        return False


def _fetch(
    plan: Plan, spec: AssetsSpec, root: Optional[str], logins: Dict[str, Optional[Login]]
) -> Tuple[ApplyReport, List[str]]:
    from dartenv.assets.hashing import FirstSeenStore
    from dartenv.bring import look_again, settle, with_fetcher
    from dartenv.cli.downloads import fetched
    from dartenv.fetch.login import stored_login
    from dartenv.fixes.apply import apply
    from dartenv.fixes.steps import runnable

    state = _state()
    steps = [step for step in plan.steps if runnable(step)]
    fetcher = fetched(steps, state, lambda service: logins.get(service) or stored_login(service))
    report = apply(
        plan,
        [step.id for step in steps],
        state=state,
        verify=lambda fixes: look_again(spec, root, plan),
        hands=with_fetcher(fetcher),
        command="dartenv assets fetch",
    )
    first = FirstSeenStore(state / "first-seen.json")
    return report, settle(plan, report, fetcher, spec, root, first)


def _show(plan: Plan, skipped: Dict[str, str], format_name: str) -> None:
    if format_name == "json":
        from dartenv.fixes.plan import to_json

        common.write_document(to_json(plan).decode("utf-8"))
        return
    from dartenv.report.plan import render_plan
    from dartenv.report.terminal import write

    write(render_plan(plan, skipped), sys.stdout)


def _print_report(
    report: ApplyReport, skipped: Dict[str, str], notes: List[str], format_name: str
) -> None:
    from dartenv.report.terminal import say

    if format_name == "json":
        _document({"schema": 1, "applied": report, "skipped": skipped, "notes": notes})
        return
    from dartenv.report.plan import render_applied
    from dartenv.report.terminal import write

    write(render_applied(report, skipped), sys.stdout)
    for note in notes:
        say(note, sys.stdout)


def _document(value: Any) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8")
    common.write_document(text + "\n")
