"""``dartenv history``: what earlier nights found on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.history.store import History
    from dartenv.report.terminal import Line

app = typer.Typer(
    help="What earlier nightly runs found, and how their metrics went.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

LAST_RUNS = 20


def opened() -> History:
    """The history of the state folder; UsageFault where there is none yet."""
    from dartenv.errors import UsageFault
    from dartenv.fixes.lock import state_folder
    from dartenv.history.store import History, default_path

    path = default_path(state_folder())
    if not path.is_file():
        raise UsageFault(f"{path}: no history yet", "at least one nightly run", "dartenv nightly")
    return History(path)


@app.callback(invoke_without_command=True)
def history(
    context: typer.Context,
    metric: Optional[str] = typer.Option(
        None, "--metric", metavar="NAME", help="Only metrics of this name, or beginning with it."
    ),
) -> None:
    """Show the last runs, and each metric as a line of bars."""
    if context.invoked_subcommand is not None:
        return
    from dartenv.report.terminal import write

    with opened() as kept:
        lines = [*_runs(kept), [], *_metrics(kept, metric)]
    write(lines, sys.stdout)


@app.command("export")
def export(
    format_name: str = typer.Option("csv", "--format", help="csv, json or parquet."),
    out: Optional[Path] = typer.Option(
        None, "-o", "--out", metavar="FILE", help="Default: stdout."
    ),
) -> None:
    """Every value of every run, one row each, for other tools."""
    from dartenv.history.export import FORMATS, as_text, to_parquet

    common.check_format(format_name, FORMATS)
    with opened() as kept:
        if format_name == "parquet":
            to_parquet(kept, out)
            return
        text = as_text(kept, format_name)
    if out is None:
        common.write_document(text)
    else:
        out.write_bytes(text.encode("utf-8"))


def _runs(kept: History) -> List[Line]:
    runs = kept.runs()
    lines: List[Line] = [[(f"{len(runs)} runs", "bold")]]
    for run in runs[-LAST_RUNS:]:
        code = "-" if run.exit_code is None else str(run.exit_code)
        style = {"killed": "red", "failed": "red"}.get(run.state, "")
        lines.append(
            [
                (f"   {run.started_at[:16]}  ", "dim"),
                (f"{run.state:<8}", style),
                (f"exit {code:<4}{run.machine}  {run.profile}", ""),
            ]
        )
    return lines


def _metrics(kept: History, wanted: Optional[str]) -> List[Line]:
    from dartenv.history.spark import bars_for, sparkline

    bars = bars_for(getattr(sys.stdout, "encoding", None) or "utf-8")
    lines: List[Line] = []
    for name, context, machine, profile in kept.metric_names():
        if wanted is not None and not name.startswith(wanted):
            continue
        values = [point.value for point in kept.series(name, context, machine, profile)]
        lines.append([(name, "bold"), (f"  {context}  {machine}  {profile}", "dim")])
        last = f"{values[-1]:.4g}"
        lines.append([(f"   {sparkline(values, bars=bars)}", "cyan"), (f"  {last}", "")])
    return lines or [[("no metric has a value yet", "dim")]]
