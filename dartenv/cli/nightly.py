"""``dartenv nightly``: doctor, smoke, comparison with the past, reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.nightly import Night


def nightly(
    config: Optional[Path] = typer.Option(
        None, "--config", metavar="FILE", help="A dartenv.toml; default: the nearest one upwards."
    ),
    dart_root: Optional[str] = common.DART_ROOT,
    python: Optional[str] = common.PYTHON,
    profile: Optional[str] = common.PROFILE,
    out: Optional[Path] = typer.Option(
        None, "--out", metavar="DIR", help="Where reports go; default: the state folder."
    ),
    ignore: Optional[List[str]] = common.IGNORE,
    fail_level: Optional[str] = common.FAIL_LEVEL,
    format_name: str = common.REPORT_FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Run doctor and all smoke tests, compare with earlier nights, write reports."""
    from dartenv.fixes.lock import state_folder
    from dartenv.nightly import nightly as run
    from dartenv.report.files import write_reports
    from dartenv.report.terminal import say
    from dartenv.target import find_target

    common.check_format(format_name, ("console", *common.REPORT_FORMATS))
    read = common.manifests_of(manifests)
    if profile is not None:
        read.profile(profile)
    target = find_target(
        read, dart_root=dart_root, python=python, profile=profile, config_file=config
    )
    request = common.request_of(read, target, None, ignore, fail_level)
    state = state_folder()
    chosen = target.config.nightly
    night = run(request, chosen, state, lambda text: say(f"dartenv nightly: {text}", sys.stderr))
    base = Path(target.config_path).parent if target.config_path else Path.cwd()
    folder = out or (base / chosen.out if chosen.out else state / "reports")
    for path in write_reports(night.report, folder / night.run.id, _page(night, state)):
        say(f"dartenv nightly: wrote {path}", sys.stderr)
    common.print_report(night.report, format_name)
    raise typer.Exit(night.report.exit_code)


def _page(night: Night, state: Path) -> str:
    """The page with the night's motions, facts and trends; without trends where there is no history."""
    from dartenv.history.store import History, HistoryFault, default_path
    from dartenv.page.build import page_of, trends_of
    from dartenv.page.model import Trend
    from dartenv.page.render import render

    trends: List[Trend] = []
    try:
        with History(default_path(state)) as history:
            trends = trends_of(history, night.run.machine)
    except HistoryFault:
        pass  # the report's notes say so already
    return render(
        page_of(
            night.report,
            machine=night.run.machine,
            facts=night.facts,
            smokes=night.smokes,
            trends=trends,
        )
    )
