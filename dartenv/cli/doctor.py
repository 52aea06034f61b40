"""``dartenv doctor``: what is true of this machine, what is wrong, and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.smoke.result import SmokeResult


def doctor(
    dart_root: Optional[str] = common.DART_ROOT,
    python: Optional[str] = common.PYTHON,
    profile: Optional[str] = common.PROFILE,
    select: Optional[List[str]] = common.SELECT,
    ignore: Optional[List[str]] = common.IGNORE,
    fail_level: Optional[str] = common.FAIL_LEVEL,
    format_name: str = common.REPORT_FORMAT,
    save: Optional[Path] = typer.Option(
        None,
        "--save",
        metavar="FACTS.json",
        help="Write the facts, without names and secrets, to this file.",
    ),
    from_facts: Optional[Path] = typer.Option(
        None, "--from", metavar="FACTS.json", help="Judge saved facts instead of this machine."
    ),
    smoke: bool = typer.Option(False, "--smoke", help="Go on to the smoke tests; one report."),
    stand_ins: bool = typer.Option(
        True, "--stand-ins/--no-stand-ins", help="With --smoke: replace what is missing, labelled."
    ),
    sandbox: bool = typer.Option(
        False, "--sandbox", help="Show everything on a sandbox in a temporary folder."
    ),
    shallow: bool = typer.Option(False, "--shallow", help="No deep imports: metadata only."),
    timing: bool = typer.Option(False, "--timing", help="Show the time each probe took."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="List what is fine, too."),
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Say what is true of this machine, what is wrong, and why. Changes nothing."""
    from dartenv.errors import UsageFault

    common.check_format(format_name, ("console", *common.REPORT_FORMATS))
    if sandbox:
        from dartenv.cli.tour import tour

        raise typer.Exit(tour(python, format_name, common.manifests_of(manifests)))
    if smoke and from_facts is not None:
        raise UsageFault("--smoke with --from", "a machine to run on", "dartenv doctor --smoke")
    read = common.manifests_of(manifests)
    target = common.target_of(read, dart_root, python, profile)
    whole = not (shallow or select or from_facts)
    begun = common.begin_imports(read, target) if whole else None
    request = common.request_of(read, target, select, ignore, fail_level, shallow, begun)
    if from_facts is not None:
        from dartenv.examine import examine
        from dartenv.facts.store import load_facts

        examined = examine(request, load_facts(from_facts))
    else:
        examined = common.examine_with_progress(request)
    if save is not None:
        from dartenv.facts.redact import redact
        from dartenv.facts.store import save_facts

        env = os.environ if from_facts is None else None
        save_facts(redact(examined.facts, env), save)
    report = examined.report
    smokes: Sequence[SmokeResult] = ()
    if smoke:
        from dartenv.cli.smoke import with_smoke

        report, smokes = with_smoke(request, examined, stand_ins=stand_ins)
    if format_name == "json":
        import msgspec

        from dartenv.history.keyfacts import key_facts

        report = msgspec.structs.replace(report, facts=key_facts(examined.facts))
    common.print_report(
        report,
        format_name,
        timing=timing,
        verbose=verbose,
        facts=examined.facts,
        smokes=smokes,
    )
    raise typer.Exit(report.exit_code)
